"""`monitor why`: what every stage made of an item is told, and of a link that did not come, who may have missed it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitor.cli import cli
from monitor.corrections import merge_stories, mute_story, split_story
from monitor.decide import explain_holds
from monitor.model import Event, Parcel, Placement, Rule, Secret, Told, Validators
from monitor.store import PollRecord, Store, Transaction, open_store
from tests.makers import (
    claim_messages,
    make_alert,
    make_channel,
    make_feed,
    make_item,
    make_match,
    make_member,
    make_story,
)

NOW = datetime.now(UTC).replace(microsecond=0)
SETTINGS = """
[[feed]]
url = "https://kurier.example/rss"
name = "Kurier"
[[feed]]
url = "https://feeds.vestnik.example/all"
name = "Vestnik"
[[topic]]
name = "chechnya"
query = "argun AND (abducted OR detain*)"
[[topic]]
name = "russian"
query = "argun"
languages = ["ru"]
feeds = ["Vestnik"]
[[channel]]
name = "desk"
url = "json://127.0.0.1:9/"
[[alert]]
topics = ["chechnya"]
channels = ["desk"]
min_sources = 2
"""
JOINED: dict[str, Any] = {
    "score": 0.46,
    "threshold": 0.37,
    "open": 12,
    "candidates": 3,
    "compared": 4,
    "story": 1,
    "nearest": [{"item": 1, "score": 0.46, "words": 0.4, "same page": True, "other edition": False}],
    "runner_up": {"story": 7, "score": 0.2},
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The store that the command reads, with two feeds."""
    (tmp_path / "feeds.toml").write_text(SETTINGS, encoding="utf-8")
    opened = open_store(Secret(f"sqlite:///{tmp_path}/monitor.db"))
    with opened.write() as tx:
        feeds = [
            make_feed(name="Kurier"),
            make_feed("feeds.vestnik.example", url="https://feeds.vestnik.example/all", name="Vestnik"),
        ]
        tx.sync_feeds(feeds, now=NOW - timedelta(days=3))
        for feed in tx.planned_polls():
            tx.save_poll(feed, a_poll(validators=Validators()))
    yield opened
    opened.close()


def a_poll(**changes: Any) -> PollRecord:
    good = PollRecord(now=NOW, next_poll=NOW, rhythm="", reason="")
    return replace(replace(good, parsed=True, brought_items=True), **changes)


def add_item(tx: Transaction, title: str = "Men abducted in Argun", *, feed: int = 1, **changes: Any) -> int:
    item = replace(make_item(title, seen=NOW), key=f"g:{title}{feed}", url=f"https://kurier.example/{feed}", **changes)
    (number,) = tx.add_items(feed, [item], matched=True)
    return number


def place(
    tx: Transaction, item: int, story: int, reason: dict[str, Any], *, topic: str = "chechnya", backfill: bool = False
) -> None:
    member = replace(make_member(item), backfill=backfill)
    placement = Placement(story, float(reason.get("score", 0)), reason)
    tx.add_member(story, member, match=make_match(topic), placement=placement, now=NOW)


def ask(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(tmp_path / "feeds.toml"), "why", *arguments])


def why(tmp_path: Path, *arguments: str) -> str:
    """Give what the command prints, on one line."""
    result = ask(tmp_path, *arguments)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return " ".join(result.stdout.split())


def story_of_two(tx: Transaction, reason: dict[str, Any] | None = None, *, backfill: bool = False) -> tuple[int, int]:
    """Add a story of two items, the second of which was placed for a reason."""
    first, second = add_item(tx), add_item(tx, feed=2)
    story = tx.add_story("chechnya", first_seen=NOW)
    place(tx, first, story, {"score": 0.0, "threshold": 0.31, "open": 0, "candidates": 0})
    place(tx, second, story, reason or JOINED, backfill=backfill)
    return first, second


# --- what was stored --------------------------------------------------------------------------------------------------


def test_an_item_is_told_with_its_feed_and_what_it_matched(store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        story_of_two(tx)
    told = why(tmp_path, "1")
    assert "Men abducted in Argun item 1: Kurier, en, without a date, seen 20" in told
    assert "https://kurier.example/1" in told
    assert "matched: abducted met “abducted” in the title in story 1, “Men abducted in Argun”: 2 items" in told
    assert "opened a story: among 0 open items of the topic there was nothing to compare it with" in told


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        pytest.param(JOINED, "joined it: scored 0.46, 0.37 was needed compared with 4 of 12 open items; the most alike in that story: item 1 (Kurier, “Men abducted in Argun”) 0.46: words 0.40, same page runner-up: story 7 scored 0.20, less than needed", id="joined"),
        pytest.param({**JOINED, "runner_up": {"story": 7, "score": 0.4}}, "runner-up: story 7 scored 0.40, less than that", id="a near runner-up"),
        pytest.param({**JOINED, "runner_up": None}, "0.40, same page nobody was told", id="no runner-up"),
        pytest.param({**JOINED, "score": 0.3, "story": 7}, "opened a story: the most alike, story 7, scored 0.30 and 0.37 was needed", id="refused"),
        pytest.param({**JOINED, "story": 7}, "joined story 7 at first: scored 0.46", id="moved since"),
        pytest.param({**JOINED, "nearest": [{"item": 99, "score": 0.46}]}, "item 99 0.46", id="the nearest was dropped"),
        pytest.param({"judged": "same", "story": 1}, "put there by your word", id="judged"),
    ],
)  # fmt: skip
def test_a_placement_is_told_with_its_numbers(reason: dict[str, Any], words: str, store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        story_of_two(tx, reason)
    assert words in why(tmp_path, "2")


def test_corrections_and_mergers_are_told(store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        _, second = story_of_two(tx)
        tx.add_alert(make_alert(1), [make_channel()], now=NOW)
        split_story(tx, 1, [second], now=NOW)
    apart = why(tmp_path, "2")
    assert "your word: items 1 and 2 tell two stories" in apart
    assert "desk heard “new” of these items while they were in another story" in apart
    with store.write() as tx:
        merge_stories(tx, 1, 2, now=NOW)
    together = why(tmp_path, "2")
    assert "story 2 went up in it: by your word your word: items 1 and 2 tell one story" in together
    with store.write() as tx:
        tx.add_story("chechnya", first_seen=NOW)
        third = add_item(tx, "More")
        place(tx, third, 3, JOINED)
        tx.merge_stories(1, 3, now=NOW, reason={"item": 2, "score": 0.5, "threshold": 0.4, "pairs": 2, "open": 3})
    assert (
        "story 3 went up in it: item 2 was like both, and so are their items: 0.50 over 2 pairs, 0.40 was needed"
        in why(tmp_path, "2")
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("pending", "desk, URL 1, new: waits to be sent, from 20"),
        ("sending", "desk, URL 1, new: on its way"),
        ("sent", ", 1 try new: because new"),
        ("failed", "desk, URL 1, new: refused, 1 try, again at 20"),
        ("dead", "given up, 1 try: no route; monitor alerts retry revives it"),
    ],
)
def test_what_became_of_each_alert_is_told(status: str, words: str, store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        story_of_two(tx)
        tx.add_alert(make_alert(1), [make_channel()], now=NOW)
        claim = partial(claim_messages, tx, lease=timedelta(minutes=1), limit=9, settled_before=NOW)
        for parcel in [] if status == "pending" else claim(now=NOW):
            mark: dict[str, Callable[[Parcel], object]] = {
                "sending": lambda _: None,
                "sent": lambda parcel: tx.mark_sent(parcel, now=NOW),
                "failed": lambda parcel: tx.mark_failed(parcel.ids, error="no route", next_attempt=NOW),
                "dead": lambda parcel: tx.mark_dead(parcel.ids, error="no route"),
            }
            mark[status](parcel)
    told = why(tmp_path, "1")
    assert words in told
    assert "new: because new" in told
    (alert,) = why_json(tmp_path, "1")["items"][0]["topics"][0]["story"]["alerts"]
    assert alert["status"] == status
    assert (alert["next_attempt"] is None) is (status in {"sent", "dead"})


def test_what_held_an_alert_back_is_told(store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        story_of_two(tx, backfill=True)
    told = why(tmp_path, "2")
    assert "was old already when its feed was first polled: it counts, and causes no alert nobody was told" in told
    assert "held back: desk: new waits for 2 independent sources; the story has 0" in told
    with store.write() as tx:
        mute_story(tx, 1, since=NOW)
    assert "held back: the operator has muted this story" in why(tmp_path, "1")


def a_rule(**changes: Any) -> Rule:
    """A rule that tells the desk of Chechnya."""
    return replace(Rule(("chechnya",), ("desk",)), **changes)


TOLD = frozenset({Told("desk", Event.NEW)})


@pytest.mark.parametrize(
    ("rules", "told", "muted", "held"),
    [
        pytest.param([], frozenset(), False, ["no alert rule tells of chechnya"], id="no rule"),
        pytest.param([Rule(("sport",), ("desk",))], frozenset(), False, ["no alert rule tells of chechnya"], id="a rule of another topic"),
        pytest.param([a_rule(min_sources=3)], frozenset(), False, ["desk: new waits for 3 independent sources; the story has 1", "desk: corroborated waits for 3 independent sources; the story has 1"], id="too few sources"),
        pytest.param([a_rule(min_sources=3), a_rule()], frozenset(), False, ["desk: new is told when the next fresh item joins the story", "desk: corroborated waits for 2 independent sources; the story has 1"], id="the least of two rules"),
        pytest.param([a_rule(on=frozenset({Event.CORROBORATED}))], frozenset(), False, ['desk: no rule has "new" in its "on"', "desk: corroborated waits for 2 independent sources; the story has 1"], id="not asked for"),
        pytest.param([a_rule()], TOLD, False, ["desk: corroborated waits for 2 independent sources; the story has 1"], id="told in part"),
        pytest.param([a_rule(min_sources=3)], TOLD, False, ["desk: corroborated waits for 2 independent sources; the story has 1"], id="told before min_sources was raised"),
        pytest.param([a_rule(on=frozenset({Event.NEW}))], TOLD, False, ['desk: no rule has "corroborated" in its "on"'], id="told, and no more asked for"),
        pytest.param([a_rule()], TOLD | {Told("desk", Event.CORROBORATED)}, False, [], id="told"),
        pytest.param([a_rule()], frozenset(), True, ["the operator has muted this story", "desk: corroborated waits for 2 independent sources; the story has 1"], id="muted"),
    ],
)  # fmt: skip
def test_what_holds_an_alert_back(rules: list[Rule], told: frozenset[Told], muted: bool, held: list[str]) -> None:  # noqa: FBT001 - a column of the table
    assert explain_holds(replace(make_story(make_member()), muted=muted), rules, told=told) == held


# --- recomputed -------------------------------------------------------------------------------------------------------


def test_what_matched_nothing_is_explained_by_todays_query(store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        add_item(tx, "Fair in Argun")
    told = why(tmp_path, "1")
    assert "chechnya no match: argun met “Argun” in the title; lacks any of abducted, detain*" in told
    assert (
        "russian no match: it takes items in ru alone, and this one is in en; it reads Vestnik alone, and this one is from Kurier"
        in told
    )


@pytest.mark.parametrize(
    ("query", "words"),
    [
        pytest.param("argun", "in no story, though today's query matches: argun met “Argun” in the title", id="matches"),
        pytest.param("argun -fair", "no match: argun met “Argun” in the title; NOT fair rules it out: fair met “Fair” in the title", id="ruled out"),
        pytest.param("zeppelin", "no match: lacks zeppelin", id="a word"),
        pytest.param(" OR ".join(f"w{number}" for number in range(11)), "lacks any of w0, w1, w2, w3, w4, w5, w6, w7 and 3 more", id="many"),
    ],
)  # fmt: skip
def test_a_miss_is_told_in_words(query: str, words: str, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text(SETTINGS.replace("argun AND (abducted OR detain*)", query), encoding="utf-8")
    with store.write() as tx:
        add_item(tx, "Fair in Argun")
    assert words in why(tmp_path, "1")


def test_a_topic_that_changed_or_left_is_told_with_what_was_decided(store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        story_of_two(tx)
        place(tx, 1, tx.add_story("gone", first_seen=NOW), JOINED, topic="gone")
    path = tmp_path / "feeds.toml"
    path.write_text(SETTINGS.replace("argun AND", "grozny AND"), encoding="utf-8")
    told = why(tmp_path, "1")
    assert "the topic was another then; today it would refuse the item: abducted met" in told
    assert "lacks grozny" in told
    assert "gone matched: abducted met “abducted” in the title the topic is no longer in feeds.toml" in told


# --- by link ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    ["https://kurier.example/1", "http://KURIER.example:80/1?utm_source=rss#top", " https://kurier.example/./1"],
)
def test_a_link_is_found_however_it_is_written(link: str, store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        add_item(tx)
        tx.add_items(2, [replace(make_item("Copy", key="copy"), url="https://kurier.example/1")], matched=False)
    assert [item["title"] for item in why_json(tmp_path, link)["items"]] == ["Men abducted in Argun", "Copy"]


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        pytest.param({}, "ok", "the page was not in its document at any poll since 20", id="ok"),
        pytest.param({"error": "503 from kurier.example", "error_kind": "http"}, "failing", "503 from kurier.example; last worked ", id="failing"),
        pytest.param({"gap": (NOW - timedelta(hours=3), NOW - timedelta(hours=2))}, "rolling", "it is polled more often now it may have missed the page", id="rolling over"),
        pytest.param({"gap": (NOW - timedelta(days=3), NOW - timedelta(days=2))}, "ok", "may be missing: everything was new at a poll it may have missed the page", id="a gap two days ago"),
        pytest.param({"gap": (NOW - timedelta(days=90), NOW - timedelta(days=89))}, "ok", "not in its document", id="a gap that is forgotten"),
    ],
)  # fmt: skip
def test_of_an_unknown_link_the_feeds_of_its_site_are_asked(
    changes: dict[str, Any], status: str, words: str, store: Store, tmp_path: Path
) -> None:
    with store.write() as tx:
        good = {} if "error" in changes else {"validators": Validators()}
        tx.save_poll(1, a_poll(**good, **changes))
    told = why(tmp_path, "https://www.kurier.example/unknown")
    assert f"Kurier {status}" in told
    assert words in told
    assert "Vestnik" not in told
    (feed,) = why_json(tmp_path, "https://www.kurier.example/unknown")["feeds"]
    assert feed["missed"] is ("it may have missed the page; the last poll was at 20" in told)
    assert feed["missed"] is ("not in its document" not in told)


def test_a_feed_elsewhere_that_brought_items_of_the_site_counts(store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        item = replace(make_item("x"), url="https://news.outlet.example/1")
        tx.add_items(2, [item], matched=False)
        tx.add_items(1, [replace(item, url="https://kurier.example/?of=outlet.example")], matched=False)
    assert [feed["name"] for feed in why_json(tmp_path, "https://outlet.example/2")["feeds"]] == ["Vestnik"]
    assert "No feed of that site is in feeds.toml" in why(tmp_path, "https://nowhere.example/1")


def test_before_the_first_poll_a_feed_has_missed_everything(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text(SETTINGS, encoding="utf-8")
    told = why(tmp_path, "https://kurier.example/1")
    assert "Kurier new not polled yet it may have missed the page; never polled" in told
    assert not (tmp_path / "monitor.db").exists()


@pytest.mark.parametrize(
    ("target", "status", "words"),
    [
        pytest.param("99", 1, "there is no item 99, or it was dropped", id="no such item"),
        pytest.param("9" * 30, 1, "there is no item 999", id="beyond all numbers"),
        pytest.param("argun", 2, "'argun' is neither the number of an item nor a link", id="a word"),
        pytest.param("mailto:x@y.example", 2, "is neither the number of an item nor a link", id="no web address"),
        pytest.param("https://[::1/", 2, "is neither the number of an item nor a link", id="a broken address"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    target: str, status: int, words: str, store: Store, tmp_path: Path
) -> None:
    del store
    result = ask(tmp_path, target)
    assert (result.exit_code, result.stdout) == (status, "")
    assert words in result.stderr


def why_json(tmp_path: Path, target: str) -> dict[str, Any]:
    result = ask(tmp_path, target, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    value: dict[str, Any] = json.loads(result.stdout)
    return value
