"""`monitor cluster` gathers the items of a file into stories, one pass, any size."""

from __future__ import annotations

import json
import random
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitor.cli import cli
from tests.makers import ONE_EVENT_IN_PARTS

DETAINED = {
    "id": "a",
    "title": "Police in Chechnya detain thirty gay men in Argun",
    "summary": "The men were taken from their homes at night and are held in a former barracks, relatives say.",
    "published": "2017-04-01T08:00:00Z",
    "source": "kurier",
    "lang": "en",
    "url": "https://kurier.example/1",
    "cluster": "detained",
}
REPRINTED = {
    **DETAINED,
    "id": "b",
    "source": "vestnik",
    "url": "https://vestnik.example/9",
    "published": "2017-04-01T10:00:00",
}
HOTLINE = {"id": 3, "title": "Activists in Saint Petersburg open a telephone line for refugees", "cluster": "hotline"}


def run(*arguments: str, lines: list[Any] | str) -> Result:
    """Run the command over these lines on standard input."""
    text = lines if isinstance(lines, str) else "".join(json.dumps(line) + "\n" for line in lines)
    return CliRunner().invoke(cli, ["cluster", "-", *arguments], input=text)


def stories(result: Result) -> list[tuple[Any, int]]:
    """Read what was printed."""
    assert result.exit_code == 0, result.output
    return [(line["id"], line["story"]) for line in map(json.loads, result.stdout.splitlines())]


def test_items_come_out_in_their_order_each_with_its_story() -> None:
    assert stories(run(lines=[DETAINED, HOTLINE, REPRINTED])) == [("a", 1), (3, 2), ("b", 1)]


def test_stories_that_a_later_item_shows_to_be_one_come_out_as_one() -> None:
    lines = [{"id": at, "title": title, "summary": text} for at, (title, text) in enumerate(ONE_EVENT_IN_PARTS)]
    assert [story for _, story in stories(run(lines=lines))] == [1, 1, *[3] * 9, 1]


def test_a_file_is_read_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps(HOTLINE) + "\n\n", encoding="utf-8")
    assert stories(CliRunner().invoke(cli, ["cluster", str(path)])) == [(3, 1)]


def test_items_need_not_be_in_order_of_time() -> None:
    later = {**HOTLINE, "published": "2019-01-01T00:00:00Z"}
    assert stories(run(lines=[later, DETAINED, REPRINTED])) == [(3, 1), ("a", 2), ("b", 2)]


def test_a_story_closes_with_the_window() -> None:
    late = {**REPRINTED, "published": "2017-04-05T08:00:00Z"}
    assert stories(run(lines=[DETAINED, late])) == [("a", 1), ("b", 1)]
    assert stories(run("--window", "2", lines=[DETAINED, late])) == [("a", 1), ("b", 2)]


def test_an_empty_file_has_no_stories() -> None:
    assert stories(run(lines="")) == []


def test_labels_are_scored() -> None:
    result = run("--labels", lines=[DETAINED, REPRINTED, HOTLINE, {**HOTLINE, "id": 4, "cluster": "other"}])
    assert result.exit_code == 0
    first, head, b_cubed, pairwise = result.stdout.splitlines()
    assert first == "4 items, 3 events, 2 stories"
    assert head.split() == ["precision", "recall", "F1"]
    assert b_cubed.split() == ["B-cubed", "0.750", "1.000", "0.857"]
    assert pairwise.split() == ["pairwise", "0.500", "1.000", "0.667"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "-:2: this is no JSON"),
        ("[]", '-:2: each line needs at least {"id"'),
        ('{"title": "x"}', '-:2: each line needs at least {"id"'),
        ('{"id": 1, "title": null}', '-:2: each line needs at least {"id"'),
        ('{"id": 1, "title": "x", "summary": 7}', '-:2: "summary" is no text'),
        (
            '{"id": 1, "title": "x", "published": "yesterday"}',
            "-:2: \"published\" is no time as in ISO 8601: 'yesterday'",
        ),
        ('{"id": 1, "title": "x", "published": 7}', '-:2: "published" is no time'),
        ('{"id": 1, "title": "x", "published": "0001-01-01T00:00:00+14:00"}', '-:2: "published" is before 1900'),
        ('{"id": 1, "title": "x", "published": "0001-01-01"}', '-:2: "published" is before 1900'),
        ('{"id": 1, "title": "x", "published": "9999-12-31T23:00:00-05:00"}', "or after 9998: '9999-12-31"),
    ],
    ids=[
        "half a line",
        "a list",
        "no id",
        "no title",
        "a number for text",
        "no time",
        "a number for time",
        "zone before year 1",
        "year 1",
        "zone after year 9999",
    ],
)
def test_a_bad_line_is_named(line: str, words: str) -> None:
    result = run(lines=f"{json.dumps(HOTLINE)}\n{line}\n")
    assert result.exit_code == 1
    assert words in result.stderr


def test_a_line_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(json.dumps(HOTLINE).encode() + b'\n{"id": 1, "title": "\xe9t\xe9"}\n')
    result = CliRunner().invoke(cli, ["cluster", str(path)])
    assert result.exit_code == 1
    assert f"{path}:2: this is no JSON in UTF-8: " in result.stderr


def test_a_window_beyond_a_century_is_refused() -> None:
    result = run("--window", "1e12", lines=[HOTLINE])
    assert result.exit_code == 2
    assert "'--window'" in result.stderr


def test_scoring_without_labels_is_refused() -> None:
    result = run("--labels", lines=[{"id": 1, "title": "x"}])
    assert result.exit_code == 1
    assert 'item 1 has no "cluster" to score against' in result.stderr


def test_a_missing_file_is_named() -> None:
    result = CliRunner().invoke(cli, ["cluster", "/nowhere/items.jsonl"])
    assert result.exit_code == 1
    assert "/nowhere/items.jsonl: No such file" in result.stderr


def test_what_the_window_left_behind_is_dropped_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of any size fits: the index holds a window, not the file."""
    command = import_module("monitor.cli.cluster")
    sizes: list[int] = []
    monkeypatch.setattr(command, "_MANY", 50)
    monkeypatch.setattr(command, "load_encoder", lambda: None)  # a thousand texts take it half a minute
    monkeypatch.setattr(command.StoryIndex, "forget", _counting(command.StoryIndex.forget, sizes))
    words = random.Random(1)
    lines = [
        {
            "id": day,
            "title": " ".join(words.choices(ROOTS, k=8)),
            "published": f"20{10 + day // 360}-{1 + day // 30 % 12:02}-{1 + day % 28:02}",
        }
        for day in range(1000)
    ]
    assert len(stories(run(lines=lines))) == 1000
    assert max(sizes) < 200


ROOTS = [
    f"{first}{second}" for first in ("ka", "lo", "mi", "nu", "pe", "ra") for second in ("dar", "fel", "gon", "hut")
]


def _counting(forget: Any, sizes: list[int]) -> Any:
    def counted(index: Any, before: Any) -> None:
        forget(index, before)
        sizes.append(len(index))

    return counted
