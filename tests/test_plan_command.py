"""`monitor plan` tells what an edited feeds.toml would have told otherwise, and touches nothing."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from monitor import replay
from monitor.cli import cli
from monitor.model import Event
from monitor.replay import compare_tellings
from monitor.store import Telling
from tests.makers import NOW
from tests.servers import FeedServer

ARGUN = (
    "Police in Chechnya detain gay men in Argun",
    "More than thirty men were taken from their homes at night, relatives told the paper, and are held in barracks.",
)
CONFIRMED = (
    "Gay men detained by police in Argun, Chechnya",
    "Lawyers who have spoken to two survivors say that police in Argun detain gay men since the end of February.",
)
HOTLINE = ("Activists open a hotline for gay men fleeing Chechnya", "A network in Saint Petersburg pays for tickets.")
FOOTBALL = ("Grozny lose at home", "Two late goals decided the match.")
OLD_FOOTBALL = ("Grozny win away", "A penalty in the first half was enough for three points.")

TOPIC = '[[topic]]\nname = "chechnya"\nquery = "chechnya AND gay"\n'
CHANNELS = '[[channel]]\nname = "desk"\nurl = "print://"\n[[channel]]\nname = "radio"\nurl = "print://"\n'
RULES = '[[alert]]\ntopics = ["chechnya"]\nchannels = ["desk", "radio"]\n'
REST = TOPIC + CHANNELS + RULES


@dataclass(frozen=True)
class Installation:
    """A folder with feeds.toml and a database, that the command is run in."""

    folder: Path
    feeds: str

    @property
    def database(self) -> Path:
        return self.folder / "monitor.db"

    def run(self, *arguments: str, rest: str = REST, feeds: str = "") -> str:
        """Run a command with this behind the feeds in feeds.toml, and give what it prints."""
        path = self.folder / "feeds.toml"
        path.write_text(f'[fetch]\nallow_private = ["127.0.0.1"]\n{feeds or self.feeds}{rest}', encoding="utf-8")
        result = CliRunner().invoke(cli, ["--config", str(path), *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    def plan(self, rest: str = REST, *, feeds: str = "") -> list[str]:
        """The lines of `monitor plan`, without what it counts at the end."""
        *lines, counts = self.run("plan", rest=rest, feeds=feeds).splitlines()
        assert "would appear" in counts
        return lines


def write_feed(name: str, *texts: tuple[str, str], age: timedelta = timedelta(0)) -> bytes:
    """A feed that holds these titles and summaries, the last of them so old."""
    items = ""
    for place, (title, summary) in enumerate(texts, start=1):
        date = format_datetime(datetime.now(UTC) - (age if place == len(texts) else timedelta(0)))
        link = f"https://{name}.example/{title.replace(' ', '-')}"
        items += f"<item><link>{link}</link><title>{title}</title><description>{summary}</description><pubDate>{date}</pubDate></item>"
    return f"<rss version='2.0'><channel><title>{name.title()}</title>{items}</channel></rss>".encode()


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Three polls: one outlet has a story, a second confirms it, and there is another story; football matches nothing."""
    with FeedServer.threaded() as server:
        urls = {name: server.url(f"/{name}") for name in ("kurier", "vestnik")}
        feeds = "".join(f'[[feed]]\nurl = "{url}"\nname = "{name}"\nowner = "{name}"\n' for name, url in urls.items())
        installed = Installation(tmp_path_factory.mktemp("plan"), feeds)
        server.serve("/kurier", write_feed("kurier", ARGUN, OLD_FOOTBALL, age=timedelta(days=10)))
        server.serve("/vestnik", write_feed("vestnik", OLD_FOOTBALL, age=timedelta(days=10)))
        installed.run("once", "--all")
        server.serve("/vestnik", write_feed("vestnik", CONFIRMED, FOOTBALL))
        installed.run("once", "--all")
        server.serve("/kurier", write_feed("kurier", HOTLINE, FOOTBALL))
        installed.run("once", "--all")
    yield installed
    structlog.reset_defaults()  # the commands have set logging up for a standard error that is gone


@pytest.fixture
def installed(polled: Installation, tmp_path: Path) -> Installation:
    """A copy of what was polled, for one test."""
    shutil.copy(polled.database, tmp_path)
    return replace(polled, folder=tmp_path)


def test_an_unchanged_configuration_changes_nothing(installed: Installation) -> None:
    assert installed.run("plan") == (
        "0 alerts would appear, 0 disappear, 6 stay (30 days; 7 items replayed, 3 match).\n"
    )


def test_the_database_stays_as_it_is_byte_by_byte(installed: Installation) -> None:
    before = installed.database.read_bytes()
    assert installed.plan(REST.replace("gay", "gay OR grozny"))
    assert installed.database.read_bytes() == before
    assert sorted(path.name for path in installed.folder.iterdir()) == ["feeds.toml", "monitor.db"]


NEW_ARGUN = f"chechnya  new  “{ARGUN[0]}”  2 outlets"
CORROBORATED = f"chechnya  corroborated  “{ARGUN[0]}”  2 outlets"
NEW_HOTLINE = f"chechnya  new  “{HOTLINE[0]}”  1 outlet"
ALL = (NEW_ARGUN, CORROBORATED, NEW_HOTLINE)


def lines(sign: str, channels: tuple[str, ...], *alerts: str) -> list[str]:
    """What is printed of these alerts to each of some channels."""
    return [f"{sign} {channel}  {alert}" for channel in channels for alert in alerts]


BOTH = ("desk", "radio")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("AND gay", "AND gay AND police", lines("-", BOTH, NEW_HOTLINE)),
        (', "radio"]', "]", lines("-", ("radio",), *ALL)),
        ("radio", "tower", lines("-", ("radio",), *ALL) + lines("+", ("tower",), *ALL)),
        (RULES, RULES + "min_sources = 2\n", lines("-", BOTH, NEW_HOTLINE)),
        (RULES, RULES + 'on = ["new"]\n', lines("-", BOTH, CORROBORATED)),
        (
            '"chechnya"',
            '"caucasus"',
            lines("+", BOTH, *(alert.replace("chechnya", "caucasus", 1) for alert in ALL)) + lines("-", BOTH, *ALL),
        ),
    ],
    ids=["narrower query", "a channel less", "renamed channel", "two sources", "only what is new", "renamed topic"],
)
def test_an_edit_is_told_by_what_would_appear_and_disappear(
    old: str, new: str, expected: list[str], installed: Installation
) -> None:
    assert old in REST
    assert installed.plan(REST.replace(old, new)) == expected


def test_items_that_matched_nothing_may_match_now_but_what_was_old_stays_silent(installed: Installation) -> None:
    found = f"chechnya  new  “{FOOTBALL[0]}”  2 outlets"
    assert installed.plan(REST.replace("chechnya AND gay", "(chechnya AND gay) OR grozny")) == lines("+", BOTH, found)


def test_a_feed_that_is_no_longer_read_takes_its_alerts_along(installed: Installation) -> None:
    kurier, vestnik = (f"[[feed]]{feed}" for feed in installed.feeds.split("[[feed]]")[1:])
    # What both had told is still told as new, by the one that is left.
    gone = lines("-", BOTH, CORROBORATED, NEW_HOTLINE)
    assert installed.plan(feeds=vestnik) == gone
    assert installed.plan(feeds=f"{kurier}enabled = false\n{vestnik}") == gone


def test_one_owner_for_both_outlets_corroborates_nothing(installed: Installation) -> None:
    feeds = installed.feeds.replace('owner = "vestnik"', 'owner = "kurier"')
    assert installed.plan(feeds=feeds) == lines("-", BOTH, CORROBORATED)


@pytest.mark.parametrize("correction", [("merge", "1", "2"), ("mute", "1")], ids=lambda words: words[0])
def test_a_story_that_was_merged_or_muted_is_no_difference(
    correction: tuple[str, ...], installed: Installation
) -> None:
    """What was told before the operator said so was told; of what was told of both stories, once is enough."""
    installed.run(*correction)
    assert installed.plan() == []


@pytest.mark.parametrize("correction", ["split 1 {item}", "label {item} --different 1"])
def test_a_judgement_counts_from_the_start(correction: str, installed: Installation) -> None:
    """Had the operator's word been known, the second report would have confirmed nothing; who was told stays told."""
    with closing(sqlite3.connect(installed.database)) as database:
        _, (second,), _ = database.execute("SELECT item_id FROM member ORDER BY id").fetchall()
    installed.run(*correction.format(item=second).split())
    assert installed.plan() == lines("-", BOTH, CORROBORATED.replace("2 outlets", "1 outlet"))


def test_an_edit_is_held_against_the_stories_as_they_were_corrected(installed: Installation) -> None:
    narrower = REST.replace("AND gay", "AND gay AND police")
    assert installed.plan(narrower) == lines("-", BOTH, NEW_HOTLINE)
    installed.run("merge", "1", "2")
    assert installed.plan(narrower) == [], "the hotline is a part of the other story, which is still told"


def test_a_muted_story_tells_nothing_after_it_was_muted(installed: Installation) -> None:
    """It was muted after the first report: what came later was not told, and would not be told with another rule."""
    with closing(sqlite3.connect(installed.database)) as database, database:
        (first,) = database.execute("SELECT joined FROM member ORDER BY id").fetchone()
        database.execute("UPDATE story SET muted = ? WHERE id = 1", (first,))
    assert installed.plan() == lines("-", BOTH, CORROBORATED)


def test_polls_are_read_in_batches_and_stay_whole(installed: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "BATCH", 1)
    assert installed.run("plan").startswith("0 alerts would appear, 0 disappear, 6 stay (30 days; 7 items replayed")


def test_programs_get_all_of_it_as_json(installed: Installation) -> None:
    printed: dict[str, Any] = json.loads(installed.run("plan", "--json", rest=REST.replace("gay", "police")))
    assert printed["days"] == 30
    assert printed["items"] == {"replayed": 7, "matched": 2}
    assert (printed["appear"], printed["stay"]) == ([], 4)
    assert [(alert["channel"], alert["story"], alert["title"]) for alert in printed["disappear"]] == [
        ("desk", 2, HOTLINE[0]),
        ("radio", 2, HOTLINE[0]),
    ]


def test_what_came_before_the_days_is_replayed_for_its_stories_and_not_counted(installed: Installation) -> None:
    """The first report is three days old: a plan of two days knows its story, and counts the second source only."""
    with closing(sqlite3.connect(installed.database)) as database, database:
        ago = (datetime.now(UTC) - timedelta(days=3)).strftime("%Y-%m-%d %H:%M:%S.000000")
        (item,) = database.execute("SELECT item_id FROM member ORDER BY id").fetchone()
        seen = database.execute("SELECT seen FROM item WHERE id = ?", (item,)).fetchone()
        database.execute("UPDATE item SET seen = ?, published = ? WHERE seen = ?", (ago, ago, *seen))
        database.execute("UPDATE alert SET created = ? WHERE id = (SELECT min(id) FROM alert)", (ago,))
    assert installed.run("plan", "--days", "2").startswith(
        "0 alerts would appear, 0 disappear, 4 stay (2 days; 7 items"
    )
    *renamed, _ = installed.run("plan", "--days", "2", rest=REST.replace("radio", "tower")).splitlines()
    assert renamed == lines("-", ("radio",), *ALL[1:]) + lines("+", ("tower",), *ALL[1:])
    assert installed.run("plan", "--days", "5").startswith("0 alerts would appear, 0 disappear, 6 stay")


def test_without_items_there_is_nothing_to_replay_and_no_database_is_made(tmp_path: Path) -> None:
    empty = Installation(tmp_path, '[[feed]]\nurl = "https://kurier.example/rss"\n')
    words = "There is nothing to replay: no item of the last 1 day is stored. monitor once polls the feeds.\n"
    assert empty.run("plan", "--days", "1") == words
    assert not empty.database.exists()
    assert json.loads(empty.run("plan", "--json")) == {
        "days": 30,
        "items": {"replayed": 0, "matched": 0},
        "appear": [],
        "disappear": [],
        "stay": 0,
    }


def test_the_page_shows_what_is_really_printed(installed: Installation) -> None:
    page = (Path(__file__).parents[1] / "docs/how-to/try-an-edit.md").read_text(encoding="utf-8")
    printed = installed.run("plan", rest=REST.replace("chechnya AND gay", "(chechnya AND police) OR grozny"))
    assert f"<!-- plan -->\n```text\n{printed}```\n<!-- end of plan -->" in page


def make_telling(story: int, *items: int, decided: datetime | None = NOW, event: Event = Event.NEW) -> Telling:
    """An alert of a story of these items."""
    return Telling("chechnya", "desk", event, decided, story, f"Story {story}", 1, frozenset(items))


BEFORE = NOW - timedelta(days=31)


@pytest.mark.parametrize(
    ("told", "planned", "appear", "disappear", "stay"),
    [
        ([make_telling(1, 1, 2)], [make_telling(7, 2, 3)], [], [], 1),
        ([make_telling(1, 1, 2)], [make_telling(1, 3)], [1], [1], 0),
        ([make_telling(1, 1, 2, 3)], [make_telling(7, 1), make_telling(8, 2, 3)], [7], [], 1),
        ([make_telling(1, 1), make_telling(2, 2, 3)], [make_telling(7, 1, 2, 3)], [], [1], 1),
        ([make_telling(1, 1)], [make_telling(7, 1, event=Event.GROWTH)], [7], [1], 0),
        ([make_telling(1, 1, decided=BEFORE)], [make_telling(7, 1)], [], [], 0),
        ([make_telling(1, 1, decided=BEFORE)], [make_telling(7, 2, decided=BEFORE)], [], [], 0),
        ([make_telling(1, 1, decided=None)], [make_telling(7, 1)], [], [], 0),
        ([make_telling(1, 1, decided=None)], [], [], [], 0),
        ([make_telling(1, 1, event=Event.REVISED)], [], [], [], 0),
    ],
    ids=[
        "one item in common",
        "none",
        "one story becomes two",
        "two become one",
        "another event",
        "told before the time",
        "both before the time",
        "inherited, and told again",
        "inherited",
        "a revision is not replayed",
    ],
)
def test_alerts_are_matched_by_the_items_that_they_tell_of(
    told: list[Telling], planned: list[Telling], appear: list[int], disappear: list[int], stay: int
) -> None:
    new, gone, same = compare_tellings(told, planned, since=NOW - timedelta(days=30))
    assert ([telling.story for telling in new], [telling.story for telling in gone], same) == (appear, disappear, stay)
