"""The operator's word on stories: items go where it says, it is kept, and nobody is told anything twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli import cli
from monitor.corrections import join_item, merge_stories, mute_story, part_item, split_story
from monitor.errors import CorrectionError
from monitor.model import Config, Event, Judgement, Rule, Secret, Told
from monitor.store import Store, Transaction, open_store
from tests.makers import add_stories, make_alert, make_channel

NOW_TOLD = [Told("desk", Event.NEW)]
SETTINGS = """
[[feed]]
url = "https://kurier.example/rss"
[[topic]]
name = "chechnya"
query = "chechnya"
[[channel]]
name = "desk"
url = "json://127.0.0.1:9/"
[[alert]]
topics = ["chechnya"]
channels = ["desk"]
"""


def story_sizes(tx: Transaction) -> dict[int, int]:
    """How many items each story has."""
    return {record.story.id: len(record.story.members) for record in tx.stories()}


def make_config(tmp_path: Path) -> Config:
    """One rule that tells all stories."""
    rule = Rule(topics=("chechnya",), channels=("desk",))
    return Config(tmp_path / "feeds.toml", Secret(""), (), (), (make_channel(),), (rule,))


def test_an_item_is_moved_to_the_story_that_it_tells(store: Store, now: datetime) -> None:
    with store.write() as tx:
        (first, second) = add_stories(tx, now, 2, 1)
        assert join_item(tx, first[1], 2, now=now).id == 1
        assert story_sizes(tx) == {1: 1, 2: 2}
        assert tx.judgements("chechnya") == [Judgement(first[1], second[0], same=True)]
        assert {item for source in tx.story(1).sources for item in source.members} == {first[0]}
        assert {item for source in tx.story(2).sources for item in source.members} == {first[1], second[0]}


def test_an_item_that_is_where_it_belongs_stays_and_the_word_is_kept(store: Store, now: datetime) -> None:
    with store.write() as tx:
        (items,) = add_stories(tx, now, 2)
        assert join_item(tx, items[0], 1, now=now).id == 1
        assert tx.judgements("chechnya") == [Judgement(items[0], items[1], same=True)]
        assert story_sizes(tx) == {1: 2}


def test_the_last_item_of_a_story_takes_along_what_was_told_of_it(store: Store, now: datetime) -> None:
    with store.write() as tx:
        (first, _) = add_stories(tx, now, 1, 1)
        tx.add_alert(make_alert(1), [make_channel()], now=now)
        join_item(tx, first[0], 2, now=now)
        assert tx.told(2) == set(NOW_TOLD)
        assert story_sizes(tx) == {2: 2}


def test_an_item_that_does_not_belong_becomes_a_story_of_its_own(store: Store, now: datetime) -> None:
    with store.write() as tx:
        (items,) = add_stories(tx, now, 3)
        tx.add_alert(make_alert(1), [make_channel()], now=now)
        assert part_item(tx, items[0], 1, now=now) == 2
        assert story_sizes(tx) == {1: 2, 2: 1}
        assert tx.judgements("chechnya") == [Judgement(items[0], items[1], same=False)]
        assert tx.told(2) == set(NOW_TOLD)


def test_an_item_that_is_elsewhere_can_be_told_apart(store: Store, now: datetime) -> None:
    with store.write() as tx:
        (first, second) = add_stories(tx, now, 1, 1)
        assert part_item(tx, first[0], 2, now=now) is None
        assert tx.judgements("chechnya") == [Judgement(first[0], second[0], same=False)]
        assert story_sizes(tx) == {1: 1, 2: 1}


def test_the_last_word_counts(store: Store, now: datetime) -> None:
    """Split off, merged again, split off again: each time what contradicts is forgotten."""
    with store.write() as tx:
        (items,) = add_stories(tx, now, 3)
        new = split_story(tx, 1, items[1:], now=now)
        apart = [Judgement(items[0], item, same=False) for item in items[1:]]
        together = Judgement(items[1], items[2], same=True)
        assert tx.judgements("chechnya") == [together, *apart]
        merge_stories(tx, 1, new, now=now)
        assert tx.judgements("chechnya") == [together, Judgement(items[0], items[1], same=True)]
        split_story(tx, 1, items[1:], now=now)
        assert tx.judgements("chechnya") == [together, *apart]


def test_a_story_that_is_split_off_is_told_only_if_the_operator_asks(
    store: Store, now: datetime, tmp_path: Path
) -> None:
    config = make_config(tmp_path)
    with store.write() as tx:
        (items,) = add_stories(tx, now, 3)
        tx.add_alert(make_alert(1), [make_channel()], now=now)
        silent = split_story(tx, 1, items[:1], now=now)
        told = split_story(tx, 1, items[1:2], now=now, tell=config)
        assert [(record.story, record.events) for record in tx.delivery_records()] == [
            (told, (Event.NEW,)),
            (1, (Event.NEW,)),
        ]
        assert tx.told(silent) == set(NOW_TOLD)


def test_what_was_split_off_is_not_told_again_when_it_grows_or_goes_back(store: Store, now: datetime) -> None:
    with store.write() as tx:
        (items,) = add_stories(tx, now, 2)
        tx.add_alert(make_alert(1), [make_channel()], now=now)
        split_story(tx, 1, items[:1], now=now)
        merge_stories(tx, 2, 1, now=now)
        assert tx.told(2) == set(NOW_TOLD)


@pytest.mark.parametrize(
    ("correct", "words"),
    [
        (lambda tx, now: join_item(tx, 1, 9, now=now), "there is no story 9"),
        (lambda tx, now: join_item(tx, 1, 2**70, now=now), "there is no story"),
        (lambda tx, now: join_item(tx, 99, 1, now=now), "item 99 is in no story on chechnya; monitor story"),
        (lambda tx, now: join_item(tx, 2**70, 1, now=now), "is in no story on chechnya"),
        (lambda tx, now: join_item(tx, 3, 2, now=now), "item 3 is all that is in story 2"),
        (lambda tx, now: part_item(tx, 3, 2, now=now), "nothing would be left of story 2"),
        (lambda tx, now: split_story(tx, 1, [1, 2], now=now), "nothing would be left of story 1"),
        (lambda tx, now: split_story(tx, 1, [1, 3, 99], now=now), "not in story 1: item 3, 99"),
        (lambda tx, now: merge_stories(tx, 1, 1, now=now), "cannot be merged with itself"),
        (lambda tx, now: merge_stories(tx, 1, tx.add_story("sport", first_seen=now), now=now), "only stories of one topic"),
        (lambda tx, now: mute_story(tx, 9, since=now), "there is no story 9"),
    ],
    ids=[
        "no story", "no number of a story", "an item of no story", "no number of an item", "an only item joined", "an only item parted", "all split off",
        "items of others", "merged with itself", "two topics", "muting nothing",
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_explained(
    correct: Callable[[Transaction, datetime], object], words: str, store: Store, now: datetime
) -> None:
    with store.write() as tx:
        add_stories(tx, now, 2, 1)
        with pytest.raises(CorrectionError) as refused:
            correct(tx, now)
    assert words in str(refused.value)


@pytest.fixture
def folder(tmp_path: Path, now: datetime) -> Path:
    """A configuration, and a database with two stories: of three items, and of one."""
    (tmp_path / "feeds.toml").write_text(SETTINGS, encoding="utf-8")
    opened = open_store(Secret(f"sqlite:///{tmp_path}/monitor.db"))
    with opened.write() as tx:
        add_stories(tx, now, 3, 1)
        tx.add_alert(replace(make_alert(1), topic="chechnya"), [make_channel()], now=now - timedelta(hours=1))
    opened.close()
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    """Run a command there."""
    return CliRunner().invoke(cli, ["--config", str(folder / "feeds.toml"), *arguments])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("label 1 --same 2", "Item 1 belongs to story 2, and was moved there from story 1."),
        ("label 1 --same 1", "Item 1 belongs to story 1, and was there already."),
        ("label 1 --different 1", "Item 1 does not belong to story 1, and is story 3 now."),
        ("label 1 --different 2", "Item 1 does not belong to story 2, and was not in it."),
        ("merge 1 2", "Story 1 has 4 items now; story 2 is part of it."),
        ("split 1 1 2", "2 items of story 1 became story 3. Whoever was told of 1 counts as told of it;"),
        ("split 1 1 --tell", "1 item of story 1 became story 3. It is told now."),
        ("mute 1", "Story 1, “Men abducted in Argun”, is told no more (monitor mute 1 --undo takes it back)."),
        ("mute 1 --undo", "Story 1, “Men abducted in Argun”, is told again when it grows."),
    ],
)
def test_the_commands_say_what_was_done(arguments: str, words: str, folder: Path) -> None:
    done = run(folder, *arguments.split())
    assert (done.exit_code, done.stderr) == (0, "")
    assert words in done.stdout


def test_a_split_off_story_that_no_rule_tells_is_said_to_be_untold(folder: Path) -> None:
    settings = SETTINGS.partition("[[alert]]")[0]
    (folder / "feeds.toml").write_text(settings, encoding="utf-8")
    assert "No alert rule has anything to tell of it yet." in run(folder, "split", "1", "1", "--tell").stdout


def test_a_muted_story_says_so_wherever_it_is_shown(folder: Path) -> None:
    run(folder, "mute", "1")
    assert "muted on 20" in run(folder, "story", "1").stdout
    assert "(muted)" in run(folder, "stories").stdout
    run(folder, "mute", "1", "--undo")
    assert "muted" not in run(folder, "story", "1").stdout


def test_the_number_of_a_story_that_was_merged_leads_to_the_one_that_it_is_part_of(folder: Path) -> None:
    run(folder, "merge", "1", "2")
    for form in ([], ["--json"]):
        survivor, merged = run(folder, "story", "1", *form), run(folder, "story", "2", *form)
        assert (survivor.exit_code, survivor.stderr) == (0, "")
        assert (merged.exit_code, merged.stderr) == (0, "story 2 was merged into story 1\n")
        assert survivor.stdout == merged.stdout
    assert "story 2 is part of it: merged by hand\n" in run(folder, "story", "1").stdout
    refused = run(folder, "mute", "2")
    assert (refused.exit_code, refused.stderr) == (1, "monitor: story 2 was merged into story 1\n")


def test_why_the_program_merged_stories_is_shown(folder: Path, now: datetime) -> None:
    opened = open_store(Secret(f"sqlite:///{folder}/monitor.db"))
    with opened.write() as tx:
        reason = {"item": 4, "score": 0.431, "threshold": 0.4, "pairs": 3, "open": 4}
        tx.merge_stories(1, 2, now=now, reason=reason)
    opened.close()
    words = "story 2 is part of it: item 4; score 0.43; threshold 0.40; pairs 3; open 4\n"
    assert words in run(folder, "story", "1").stdout


@pytest.mark.parametrize("arguments", ["label 1", "label 1 --same 1 --different 1"])
def test_label_wants_one_judgement(arguments: str, folder: Path) -> None:
    done = run(folder, *arguments.split())
    assert done.exit_code == 2
    assert "either --same STORY or --different STORY" in done.stderr


def test_without_a_database_there_is_nothing_to_correct_and_none_is_made(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text(SETTINGS, encoding="utf-8")
    done = run(tmp_path, "mute", "1")
    assert (done.exit_code, list(tmp_path.iterdir())) == (1, [tmp_path / "feeds.toml"])
    assert "monitor once polls the feeds" in done.stderr
