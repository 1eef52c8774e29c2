"""`monitor once` from cron: what it sends, what it prints, and what it keeps when the database or the network fails."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.program import ARREST, STADIUM, Installation, News, Program, rss
from tests.servers import FeedServer
from tests.sinks import HttpSink

NO_WORK = {
    "feeds": {"polled": 0, "changed": 0, "unchanged": 0, "failed": 0},
    "items": {"new": 0, "matched": 0},
    "stories": {"new": 0, "updated": 0},
    "deliveries": {"sent": 0, "pending": 0, "failed": 0},
}


@dataclass(frozen=True, slots=True)
class Lockout:
    """A `once` that finds its database locked by somebody else, who never lets go."""

    monitor: Installation
    lock: sqlite3.Connection
    once: Program
    desk: HttpSink


@pytest.fixture(scope="module", autouse=True)
def lockout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lockout]:
    """It waits for half a minute before it gives up, so it is started before all tests and asked after the others."""
    monitor = Installation(tmp_path_factory.mktemp("lockout"))
    with FeedServer.threaded() as outlets, HttpSink() as desk:
        monitor.configure({"Kurier": outlets.serve("/kurier", rss(ARREST))}, {"desk": desk.url("json", "/desk")})
        assert monitor.run("alerts", "retry").returncode == 0
        with closing(sqlite3.connect(monitor.database, isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            with monitor.start("once") as once:
                yield Lockout(monitor, lock, once, desk)


def test_once_tells_every_story_once(monitor: Installation, outlets: FeedServer, desk: HttpSink) -> None:
    """The summary has the documented shape and standard output holds nothing else, even if a channel prints there."""
    feeds = {
        "Kurier": outlets.serve("/kurier", rss(ARREST, News("Football"))),
        "Gazeta": outlets.serve("/gazeta", rss(STADIUM)),
    }
    monitor.configure(feeds, {"desk": desk.url("json", "/desk"), "screen": "print://"})
    first = monitor.run("once", "--json")
    assert first.returncode == 0
    assert json.loads(first.stdout) == {
        "feeds": {"polled": 2, "changed": 2, "unchanged": 0, "failed": 0},
        "items": {"new": 3, "matched": 2},
        "stories": {"new": 2, "updated": 0},
        "deliveries": {"sent": 4, "pending": 0, "failed": 0},
    }
    assert first.stderr.count(ARREST.title) == first.stderr.count(STADIUM.title) > 0
    assert monitor.once() == NO_WORK
    assert monitor.once("--all")["feeds"] == {"polled": 2, "changed": 0, "unchanged": 2, "failed": 0}
    assert sorted(ARREST.title in text for text in desk.texts("/desk")) == [False, True]
    asked = [request.headers.keys() & {"if-none-match", "if-modified-since"} for request in outlets.requests]
    assert [len(conditions) for conditions in asked] == [0, 0, 2, 2]


def test_once_prints_a_summary_for_people_and_names_what_failed(
    monitor: Installation, outlets: FeedServer, desk: HttpSink
) -> None:
    """A feed that fails is no failure of the command as long as another answers."""
    feeds = {"Kurier": outlets.serve("/kurier", rss(ARREST)), "Gazeta": outlets.serve("/gazeta", status=404)}
    monitor.configure(feeds, {"desk": desk.url("json", "/desk")})
    done = monitor.run("once")
    assert done.returncode == 0
    assert [line.split() for line in done.stdout.splitlines()[:4]] == [
        ["Feeds:", "2", "polled,", "1", "changed,", "0", "unchanged,", "1", "failed"],
        ["Items:", "1", "new,", "1", "matched"],
        ["Stories:", "1", "new,", "0", "updated"],
        ["Alerts:", "1", "sent,", "0", "pending,", "0", "failed"],
    ]
    assert "failed: Gazeta: 404" in done.stdout
    assert done.stderr == ""


def test_once_fails_if_no_feed_can_be_fetched(monitor: Installation, outlets: FeedServer) -> None:
    monitor.configure({"Kurier": outlets.serve("/kurier", status=503)}, {"desk": "print://"})
    done = monitor.run("once", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["feeds"]["failed"] == 1
    assert "nothing could be fetched (1 feed tried)" in done.stderr


def test_once_fails_if_no_alert_can_be_delivered(monitor: Installation, outlets: FeedServer, desk: HttpSink) -> None:
    """As long as one channel takes it, the others are retried and it is no failure."""
    desk.answers["/closed"] = 503
    feeds = {"Kurier": outlets.serve("/kurier", rss(ARREST))}
    monitor.configure(feeds, {"closed": desk.url("json", "/closed")})
    done = monitor.run("once", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["deliveries"] == {"sent": 0, "pending": 0, "failed": 1}
    assert "nothing could be delivered (1 attempt): monitor alerts shows" in done.stderr
    assert monitor.once() == NO_WORK | {"deliveries": {"sent": 0, "pending": 0, "failed": 1}}, "not due: not tried"


def test_two_at_the_same_time_share_the_work(monitor: Installation, outlets: FeedServer, desk: HttpSink) -> None:
    """Neither fails, though both find no database and make one; every story is told once."""
    stories = [f"Gay {name} detained in Chechnya near {place}" for name, place in zip("ABCDEF", "UVWXYZ", strict=True)]
    feeds = {f"Outlet {number}": outlets.serve(f"/{number}", rss(News(story))) for number, story in enumerate(stories)}
    monitor.configure(feeds, {"desk": desk.url("json", "/desk")})
    with monitor.start("once", "--json") as one, monitor.start("once", "--json") as other:
        assert [one.process.wait(60), other.process.wait(60)] == [0, 0], one.log + other.log
        summaries = [json.loads(one.printed), json.loads(other.printed)]
    assert sum(summary["feeds"]["changed"] for summary in summaries) == len(feeds)
    assert sum(summary["deliveries"]["sent"] for summary in summaries) == len(monitor.deliveries())
    assert len(desk.texts("/desk")) == len(set(desk.texts("/desk"))) == len(monitor.deliveries()) > 0
    assert sorted(request.path for request in outlets.requests) == sorted(f"/{number}" for number in range(6))


# --- a database that cannot be used -----------------------------------------------------------------------------------


def make_newer(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.commit()


def damage(database: Path) -> None:
    database.write_bytes(b"This was a database. " * 1000)


def take_folder_away(database: Path) -> None:
    database.parent.rmdir()


def forbid_writing(database: Path) -> None:
    database.parent.chmod(0o500)


def put_back(database: Path) -> None:
    """What an operator does: a folder that can be written, and no file or a backup in it."""
    database.parent.mkdir(exist_ok=True)
    database.parent.chmod(0o700)
    database.unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(make_newer, "a newer version of monitor wrote this database", id="newer"),
        pytest.param(damage, "this file is not a whole database; put a backup in its place", id="damaged"),
        pytest.param(take_folder_away, "its folder must exist", id="no folder"),
        pytest.param(forbid_writing, "the file and the folder belong to the user", id="read-only"),
    ],
)
def test_a_database_that_cannot_be_used_is_explained_and_the_alert_comes_after_the_repair(
    spoil: Callable[[Path], None], words: str, monitor: Installation, outlets: FeedServer, desk: HttpSink
) -> None:
    database = monitor.folder / "data" / "monitor.db"
    database.parent.mkdir()
    monitor.configure(
        {"Kurier": outlets.serve("/kurier", rss(ARREST))},
        {"desk": desk.url("json", "/desk")},
        more='[monitor]\ndatabase = "sqlite:///data/monitor.db"',
    )
    spoil(database)
    done = monitor.run("once", wrapper=without_the_privilege_of_root())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"monitor: {database}: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert outlets.requests == []
    put_back(database)
    assert monitor.once()["deliveries"] == {"sent": 1, "pending": 0, "failed": 0}


def test_a_locked_database_is_explained_and_the_alert_comes_when_it_is_free(lockout: Lockout) -> None:
    assert lockout.once.process.wait(60) == 1
    assert lockout.once.printed == ""
    assert "another process has held the database for 4 s" in lockout.once.log
    assert "Traceback" not in lockout.once.log
    lockout.lock.execute("ROLLBACK")
    assert lockout.monitor.once()["deliveries"] == {"sent": 1, "pending": 0, "failed": 0}
    assert len(lockout.desk.texts("/desk")) == 1


def without_the_privilege_of_root() -> list[str]:
    """For root, who may write everywhere: a wrapper that takes this privilege away."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root may write everywhere, and there is no setpriv (util-linux) to prevent it")
    return [setpriv, "--bounding-set=-dac_override"]
