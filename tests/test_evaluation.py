"""What was decided, held against the operator's judgements."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from monitor.cli import cli
from monitor.evaluation import Agreement, Link, measure, read_links
from monitor.model import Judgement, Placement, Secret
from monitor.store import open_store
from tests.makers import make_feed, make_item, make_match, make_member

# Items 1 and 2 were put together by far, 3 joined them narrowly, 4 and 5 were nearly put together.
LINKS = [Link(2, 1, 0.2), Link(3, 1, 0.01), Link(5, 4, -0.03)]


def same(one: int, other: int) -> Judgement:
    return Judgement(one, other, same=True)


def different(one: int, other: int) -> Judgement:
    return Judgement(one, other, same=False)


@pytest.mark.parametrize(
    ("judgements", "strictness", "expected"),
    [
        pytest.param([same(1, 2)], 0.0, Agreement(joined_same=1), id="rightly joined"),
        pytest.param([same(4, 5)], 0.0, Agreement(parted_same=1), id="wrongly parted"),
        pytest.param([different(1, 3)], 0.0, Agreement(joined_different=1), id="wrongly joined"),
        pytest.param([different(1, 4)], 0.0, Agreement(parted_different=1), id="rightly parted"),
        pytest.param([different(1, 3)], 0.02, Agreement(parted_different=1), id="a stricter topic parts them"),
        pytest.param([same(4, 5)], -0.05, Agreement(joined_same=1), id="a laxer topic joins them"),
        pytest.param(
            [same(2, 1), same(1, 3)], 0.0, Agreement(joined_same=3), id="two judgements say it of three pairs"
        ),
        pytest.param(
            [same(1, 2), different(2, 3)],
            0.0,
            Agreement(joined_same=1, joined_different=2),
            id="unlike the whole group",
        ),
        pytest.param([same(2, 3)], 0.0, Agreement(joined_same=1), id="joined through a third"),
        pytest.param([same(8, 9)], 0.0, Agreement(parted_same=1), id="never held against each other"),
        pytest.param([], 0.0, Agreement(), id="nothing was judged"),
    ],
)
def test_judged_pairs_are_counted(judgements: list[Judgement], strictness: float, expected: Agreement) -> None:
    assert measure(judgements, LINKS, strictness=strictness) == expected


def test_precision_and_recall_are_shares_of_what_was_judged() -> None:
    agreement = Agreement(joined_same=3, parted_same=1, joined_different=2, parted_different=9)
    assert (agreement.precision, agreement.recall) == (0.6, 0.75)
    assert (Agreement().precision, Agreement().recall) == (None, None)


def test_links_are_read_from_the_reasons_that_are_stored() -> None:
    placements: dict[int, dict[str, Any]] = {
        2: {"score": 0.5, "threshold": 0.25, "nearest": [{"item": 1, "score": 0.6}]},
        1: {"score": 0.0, "threshold": 0.25},
        3: {"judged": "same", "story": 1},
    }
    mergers = [{"score": 0.5, "threshold": 0.25, "items": [1, 7]}]
    assert read_links(placements, mergers) == [Link(2, 1, 0.25), Link(1, 7, 0.25)]


def test_the_command_measures_each_topic_that_was_judged(tmp_path: Path, now: datetime) -> None:
    (tmp_path / "feeds.toml").write_text(
        '[[feed]]\nurl = "https://kurier.example/rss"\n[[topic]]\nname = "chechnya"\nquery = "chechnya"\n'
        'strictness = 0.02\n[[channel]]\nname = "desk"\nurl = "json://127.0.0.1:9/"\n'
        '[[alert]]\ntopics = ["chechnya"]\nchannels = ["desk"]\n',
        encoding="utf-8",
    )
    command = ["--config", str(tmp_path / "feeds.toml"), "evaluate"]
    assert "Nothing was judged yet" in CliRunner().invoke(cli, command).output
    store = open_store(Secret(f"sqlite:///{tmp_path}/monitor.db"))
    with store.write() as tx:
        tx.sync_feeds([make_feed()], now=now)
        (feed,) = tx.planned_polls()
        one, other = tx.add_items(feed, [make_item(key="g:1"), make_item(key="g:2")], matched=True)
        story = tx.add_story("chechnya", first_seen=now)
        nearest = {"score": 0.3, "threshold": 0.25, "nearest": [{"item": one, "score": 0.3}]}
        reasons: list[tuple[int, dict[str, Any]]] = [(one, {"score": 0.0, "threshold": 0.25}), (other, nearest)]
        for item, reason in reasons:
            placement = Placement(story=story, score=reason["score"], reason=reason)
            tx.add_member(story, make_member(item), match=make_match(), placement=placement, now=now)
        tx.judge("chechnya", [(one, other)], same=False, now=now)
    store.close()
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    assert "chechnya: 1 judgement on 1 pair of items, 0 of one story and 1 of two" in done.output
    rows = {line.split()[0]: line.split() for line in done.output.splitlines() if line.startswith(("+", "-"))}
    assert rows["+0.02"] == ["+0.02", "(as", "it", "is)", "0.00", "–", "1", "0"]
    assert rows["+0.10"] == ["+0.10", "–", "–", "0", "0"]
    (topic,) = json.loads(CliRunner().invoke(cli, [*command, "--json"]).output)
    assert topic["decided"] == {"precision": 0.0, "recall": None, "wrongly_joined": 1, "wrongly_parted": 0}
    assert len(topic["estimates"]) == 11
