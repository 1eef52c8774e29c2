"""Every command: its help, its exit status, what it prints where, and that no secret is ever seen."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.cli import cli
from tests.acceptance.program import ARREST, ARREST_AGAIN, REPOSITORY, Installation, rss, wait_until
from tests.servers import FeedServer
from tests.sinks import HANG, HttpSink

COMMANDS = [[], *([name] for name in cli.commands), ["alerts", "retry"]]
# What takes long to import; none of it is needed to show help.
HEAVY = {"sqlalchemy", "aiohttp", "apprise", "feedparser", "pydantic", "luqum", "rich", "asyncio"}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_is_instant(command: list[str]) -> None:
    """It says what the command does, and loads nothing heavy."""
    asked = [sys.executable, "-X", "importtime", "-m", "monitor", *command, "--help"]
    done = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0
    assert done.stdout.startswith(" ".join(["Usage: monitor", *command]))
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "click" in imported
    assert imported & HEAVY == set()


# --- commands over an installation that has told one story ------------------------------------------------------------


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two outlets have told one story, a third is down, and the desk knows."""
    installation = Installation(tmp_path_factory.mktemp("told"))
    with FeedServer.threaded() as outlets, HttpSink() as desk:
        feeds = {
            "Kurier": outlets.serve("/kurier", rss(ARREST)),
            "Gazeta": outlets.serve("/gazeta", rss(ARREST_AGAIN)),
            "Bote": outlets.serve("/bote", status=404),
        }
        desk.answers["/closed"] = 401
        channels = {"desk": desk.url("json", "/desk"), "both": [desk.url("json", "/desk"), desk.url("json", "/closed")]}
        installation.configure(feeds, channels)
        installation.once()
        yield installation


def is_time(value: Any) -> bool:
    """Tell whether this is a time in ISO 8601, UTC, to the second."""
    return isinstance(value, str) and len(value) == len("2017-04-01T09:00:00Z") and value.endswith("Z")


def test_feeds_tells_how_each_feed_fares(told: Installation) -> None:
    done = told.run("feeds", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    kurier, gazeta, bote = json.loads(done.stdout)
    assert list(kurier) == ["name", "url", "status", "last_success", "last_error", "next_poll", "items_per_day"]
    assert [feed["name"] for feed in (kurier, gazeta, bote)] == ["Kurier", "Gazeta", "Bote"]
    assert [feed["status"] for feed in (kurier, gazeta, bote)] == ["ok", "ok", "failing"]
    assert is_time(kurier["last_success"])
    assert is_time(kurier["next_poll"])
    assert kurier["last_error"] is None
    assert kurier["items_per_day"] == 1.0
    assert bote["last_success"] is None
    assert "404" in bote["last_error"]


def test_stories_lists_what_was_found(told: Installation) -> None:
    done = told.run("stories", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (story,) = json.loads(done.stdout)
    members = story.pop("members")
    assert is_time(story.pop("first_seen"))
    assert is_time(story.pop("last_seen"))
    assert story == {
        "id": 1,
        "topic": "persecution",
        "title": members[0]["title"],
        "items": 2,
        "sources": 2,
        "independent_sources": 2,
        "languages": ["en"],
        "muted": None,
    }
    assert {member["title"] for member in members} == {ARREST.title, ARREST_AGAIN.title}
    assert list(members[0]) == ["id", "feed", "title", "url", "published", "lang"]
    assert json.loads(told.run("story", "1", "--json").stdout)["members"] == members


def test_alerts_tells_what_was_sent_and_what_was_not(told: Installation) -> None:
    done = told.run("alerts", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    alerts = json.loads(done.stdout)
    documented = {"id", "story", "topic", "event", "channel", "status", "attempts", "created", "sent", "last_error"}
    assert documented <= alerts[0].keys()
    assert sorted((alert["channel"], alert["status"]) for alert in alerts) == [
        ("both", "failed"),
        ("both", "sent"),
        ("desk", "sent"),
    ]
    assert {alert["event"] for alert in alerts} == {"new"}
    assert all(is_time(alert["created"]) for alert in alerts)
    assert [is_time(alert["sent"]) for alert in alerts] == [alert["status"] == "sent" for alert in alerts]
    assert [is_time(alert["next_attempt"]) for alert in alerts] == [alert["status"] == "failed" for alert in alerts]


@pytest.mark.parametrize(
    ("arguments", "status", "printed", "complained"),
    [
        pytest.param(["check"], 0, "no problems: 3 feeds, 2 topics, 2 channels, 1 alert rule.", "", id="check"),
        pytest.param(["feeds"], 0, "2 ok, 1 failing", "", id="feeds"),
        pytest.param(["story", "1"], 0, "story 1 on persecution; 2 items from 2 outlets", "", id="story"),
        pytest.param(["story", "99"], 1, "", "there is no story 99; monitor stories lists them", id="unknown story"),
        pytest.param(["story", "9" * 20], 1, "", f"there is no story {'9' * 20}; ", id="an id beyond all numbers"),
        pytest.param(["stories", "--limit", "9" * 20], 2, "", "is not in the range", id="a limit beyond all numbers"),
        pytest.param(["story", "x"], 2, "", "'x' is not a valid integer", id="no number"),
        pytest.param(["why", "1"], 0, "matched: chechnya met “Chechnya” in the title", "", id="why"),
        pytest.param(
            ["why", "https://kurier.example/0"], 0, "both, URL 2, new+corroborated: refused, ", "", id="why a link"
        ),
        pytest.param(
            ["why", "https://kurier.example/9"], 0, "the page was not in its document", "", id="why an unknown link"
        ),
        pytest.param(["why", "99"], 1, "", "there is no item 99", id="why no item"),
        pytest.param(["why", "argun"], 2, "", "'argun' is neither the number of an item nor a link", id="why a word"),
        pytest.param(["alerts"], 0, "answered 401 Unauthorized", "", id="alerts"),
        pytest.param(["alerts"], 0, "; next try 20", "", id="when what failed is tried again"),
        pytest.param(["feeds", "bote"], 0, "http-4xx, 1 failure: again in", "", id="why a feed is polled when it is"),
        pytest.param(["test", "desk"], 0, "desk, URL 1: accepted", "", id="test"),
        pytest.param(["test", "both"], 1, "both, URL 2: JSON answered 401 Unauthorized", "", id="refused"),
        pytest.param(["test", "dsk"], 2, "", "did you mean 'desk'?", id="unknown channel"),
        pytest.param(["tset"], 2, "", "No such command 'tset'", id="unknown command"),
    ],
)
def test_exit_status_and_streams(
    arguments: list[str], status: int, printed: str, complained: str, told: Installation
) -> None:
    """0: done; 1: something failed; 2: wrong usage. Results are on standard output, complaints on the other."""
    done = told.run(*arguments)
    assert done.returncode == status
    assert printed in done.stdout
    assert bool(printed) == bool(done.stdout)
    assert complained in done.stderr
    assert bool(complained) == bool(done.stderr)


def test_retry_makes_what_failed_due_at_once(told: Installation, tmp_path: Path) -> None:
    shutil.copytree(told.folder, tmp_path, dirs_exist_ok=True)
    copy = Installation(tmp_path)
    done = copy.run("alerts", "retry")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Due again: 1." in done.stdout
    assert sorted(copy.deliveries()) == ["pending", "sent", "sent"]


# --- before the first poll --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        pytest.param(["feeds"], 0, "1 new, 1 disabled", id="feeds"),
        pytest.param(["stories"], 0, "No stories yet.", id="stories"),
        pytest.param(["stories", "--json"], 0, "[]", id="stories as JSON"),
        pytest.param(["alerts"], 0, "No alerts yet.", id="alerts"),
        pytest.param(["alerts", "--json"], 0, "[]", id="alerts as JSON"),
        pytest.param(["story", "1"], 1, "there is no story 1", id="story"),
        pytest.param(["why", "1"], 1, "there is no item 1", id="why"),
        pytest.param(["why", "https://kurier.example/0"], 0, "Kurier new", id="why a link"),
    ],
)
def test_a_listing_makes_no_database(arguments: list[str], status: int, words: str, monitor: Installation) -> None:
    configure_two(monitor)
    done = monitor.run(*arguments)
    assert done.returncode == status
    assert words in done.stdout + done.stderr
    assert [path.name for path in monitor.folder.iterdir()] == ["feeds.toml"]


def test_feeds_that_were_never_polled_are_listed(monitor: Installation, outlets: FeedServer) -> None:
    """Before there is a database, and when the feeds are added to one."""
    monitor.configure({"Bote": outlets.serve("/bote", rss(ARREST))}, {"desk": "print://"})
    monitor.once()
    configure_two(monitor)
    bote, *never = json.loads(monitor.run("feeds", "--json").stdout)
    assert (bote["name"], bote["status"]) == ("Bote", "ok")
    monitor.database.unlink()
    assert json.loads(monitor.run("feeds", "--json").stdout) == never
    assert never == [
        {
            "name": name,
            "url": f"https://{name.lower()}.example/rss",
            "status": status,
            "last_success": None,
            "last_error": None,
            "next_poll": None,
            "items_per_day": 0.0,
        }
        for name, status in (("Kurier", "new"), ("Gazeta", "disabled"))
    ]


def configure_two(monitor: Installation) -> None:
    """Write a feeds.toml with a feed that is polled and one that is not."""
    disabled = '[[feed]]\nname = "Gazeta"\nurl = "https://gazeta.example/rss"\nenabled = false'
    monitor.configure({"Kurier": "https://kurier.example/rss"}, {"desk": "print://"}, more=disabled)


def test_a_database_that_cannot_be_looked_for_is_no_empty_one(monitor: Installation) -> None:
    """Silence is explained: "no stories yet" is never said of a database that may be there."""
    (monitor.folder / "data").write_text("no folder", encoding="utf-8")
    database = '[monitor]\ndatabase = "sqlite:///data/monitor.db"'
    monitor.configure({"Kurier": "https://kurier.example/rss"}, {"desk": "print://"}, more=database)
    done = monitor.run("stories")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"monitor: {monitor.folder / 'data' / 'monitor.db'}: ")


# --- what makes every command fail ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["check", "run", "test"])
def test_a_bad_configuration_is_refused_with_every_problem_and_its_line(command: str, monitor: Installation) -> None:
    """`check` was asked for the problems and prints them; to any other command they are an error."""
    monitor.configure({"Kurier": "https://kurier.example/rss"}, {"desk": "prnt://"}, more="[fetsh]\ntimeout = 5")
    done = monitor.run(command, *(["desk"] if command == "test" else []))
    assert done.returncode == 2
    problems, nothing = (done.stdout, done.stderr) if command == "check" else (done.stderr, done.stdout)
    assert nothing == ""
    text = monitor.config.read_text(encoding="utf-8").splitlines()
    lines = [next(number for number, line in enumerate(text, start=1) if word in line) for word in ("prnt", "fetsh")]
    assert [problem.split(": ")[0] for problem in problems.splitlines()] == [f"{monitor.config}:{n}" for n in lines]
    assert not monitor.database.exists()


@pytest.mark.parametrize("command", ["check", "once"])
def test_a_missing_configuration_is_refused(command: str, monitor: Installation) -> None:
    done = monitor.run(command)
    assert done.returncode == 2
    assert f"{monitor.config}: " in (done.stdout if command == "check" else done.stderr)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["run", "alerts"])
def test_a_damaged_database_is_refused(command: str, monitor: Installation) -> None:
    monitor.configure({"Kurier": "https://kurier.example/rss"}, {"desk": "print://"})
    monitor.database.write_bytes(b"This was a database. " * 1000)
    done = monitor.run(command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"monitor: {monitor.database}: this file is not a whole database")
    assert monitor.database.read_bytes().startswith(b"This was a database.")


# --- secrets ----------------------------------------------------------------------------------------------------------


def everything(folder: Path) -> bytes:
    """Read all files of a folder: the database and its -wal, what was printed, feeds.toml."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_no_secret_is_ever_seen(monitor: Installation, outlets: FeedServer, desk: HttpSink) -> None:
    """Not when a message is taken, refused, unanswered, or sent to a dead host; not of a feed; not of a bad URL."""
    secrets = {name: f"s3cr3t-{name}-t0ken".lower() for name in ("TAKEN", "REFUSED", "SLOW", "DEAD", "FEED", "BAD")}
    monitor.environ.update(secrets)
    desk.answers |= {f"/{secrets['REFUSED']}": 401, f"/{secrets['SLOW']}": HANG}
    channels = {name: desk.url("json", f"/${{{name}}}") for name in ("TAKEN", "REFUSED", "SLOW")}
    channels["DEAD"] = "jsons://${DEAD}:${DEAD}@127.0.0.1:9/${DEAD}"
    outlets.serve(f"/{secrets['FEED']}/kurier", rss(ARREST).replace(b"https://kurier.example/0", b"news/0"))
    page = b"<html><link rel=alternate type=application/rss+xml href=rss.xml></html>"
    outlets.serve(f"/{secrets['FEED']}/page", page)
    feeds = {
        "Kurier": f"http://reader:${{FEED}}@127.0.0.1:{outlets.port}/${{FEED}}/kurier",
        "Page": outlets.url("/${FEED}/page"),
        "Gone": outlets.url("/gone?key=${FEED}"),
    }
    monitor.configure(feeds, channels)
    with monitor.start("once") as once:
        wait_until(lambda: desk.received[f"/{secrets['SLOW']}"], "the slow channel is sent to")
        wait_until(lambda: monitor.deliveries().count("sent") == 1, "the first channel has answered")
        assert monitor.database.with_name("monitor.db-wal").exists()
        seen = everything(monitor.folder)
        assert once.process.wait(40) == 0
    for command in (["alerts"], ["feeds", "--json"], ["story", "1", "--json"], ["test", "REFUSED"], ["test", "DEAD"]):
        done = monitor.run(*command)
        assert done.returncode == int(command[0] == "test")
        seen += (done.stdout + done.stderr).encode()
    monitor.configure(feeds | {"Bad": "ftp://${BAD}.example/"}, channels | {"bad": "nosuch://${BAD}@host/"})
    bad = monitor.run("check")
    assert (bad.returncode, len(bad.stdout.splitlines())) == (2, 2)
    seen += bad.stdout.encode() + everything(monitor.folder)
    assert outlets.url("/news/0").encode() in seen
    assert b"the page links to the feed rss.xml" in seen
    assert b"401 Unauthorized" in seen
    assert [name for name, value in secrets.items() if value.encode() in seen.lower()] == []
    assert {path for path in desk.received if desk.received[path]} == {
        f"/{secrets[name]}" for name in ("TAKEN", "REFUSED", "SLOW")
    }
