"""`monitor feeds` shows what feeds.toml asks for, and counts what it asked for once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click import unstyle
from click.testing import CliRunner, Result

from monitor.cli import cli
from monitor.config import load_config
from monitor.model import Secret, Trust, Validators
from monitor.store import PollRecord, open_store
from tests.makers import NOW, make_feed


def feeds(tmp_path: Path, *arguments: str) -> Result:
    """Run the command with one feed in feeds.toml."""
    path = tmp_path / "feeds.toml"
    path.write_text(
        '[[feed]]\nurl = "https://kurier.example/rss"\n[[topic]]\nname = "t"\nquery = "x"\n', encoding="utf-8"
    )
    result = CliRunner().invoke(cli, ["--config", str(path), "feeds", *arguments])
    assert result.exit_code == 0, result.output
    return result


def test_a_feed_that_was_never_polled_is_new_and_no_database_is_made(tmp_path: Path) -> None:
    assert [feed["status"] for feed in json.loads(feeds(tmp_path, "--json").stdout)] == ["new"]
    assert not (tmp_path / "monitor.db").exists()


def test_feeds_that_left_feeds_toml_are_counted_and_not_listed(tmp_path: Path) -> None:
    store = open_store(Secret(f"sqlite:///{tmp_path}/monitor.db"))
    with store.write() as tx:
        tx.sync_feeds([make_feed(), make_feed("vestnik.example", name="Vestnik")], now=NOW)
        tx.sync_feeds([make_feed()], now=NOW)
    store.close()
    printed = feeds(tmp_path).stdout
    assert "Vestnik" not in printed
    assert "1 feed no longer in feeds.toml" in printed
    assert [feed["status"] for feed in json.loads(feeds(tmp_path, "--json").stdout)] == ["new", "disabled"]


# --- one feed, and narrow terminals -----------------------------------------------------------------------------------

LONG = "The Very Long Name of an Outlet in the Far East of the Country"
FEEDS = f"""
[monitor]
timezone = "Europe/Paris"
[[feed]]
url = "https://kurier.example/rss"
name = "Kurier"
[[feed]]
url = "https://vestnik.example/a/path/that/is/long/enough/to/be/folded/somewhere/rss.xml"
name = "{LONG}"
[[topic]]
name = "t"
query = "x"
"""


@pytest.fixture
def polled(tmp_path: Path) -> Path:
    """Kurier was polled once and failed at once; the other feed waits for its first poll."""
    path = tmp_path / "feeds.toml"
    path.write_text(FEEDS, encoding="utf-8")
    store = open_store(Secret(f"sqlite:///{tmp_path}/monitor.db"))
    with store.write() as tx:
        tx.sync_feeds(load_config(path, environ={}).feeds, now=NOW)
        (kurier, _) = tx.planned_polls()
        good = PollRecord(
            now=NOW,
            next_poll=NOW + timedelta(minutes=10),
            rhythm="",
            reason="about 14 items a day: in 10 min",
            validators=Validators(),
            trust=Trust(believed=True, until=NOW + timedelta(days=1)),
            brought_items=True,
        )
        tx.save_poll(kurier, good)
        bad = replace(good, now=NOW + timedelta(minutes=10), error="no answer", error_kind="timeout", validators=None)
        tx.save_poll(kurier, replace(bad, brought_items=False, trust=None))
    store.close()
    return path


def run(path: Path, *arguments: str, width: int = 0) -> Result:
    terminal = {"TTY_COMPATIBLE": "1", "COLUMNS": str(width)} if width else {}
    return CliRunner(env=terminal).invoke(cli, ["--config", str(path), "feeds", *arguments])


@pytest.mark.parametrize("name", ["Kurier", "kurier", "https://kurier.example/rss"])
def test_one_feed_is_shown_in_full(polled: Path, name: str) -> None:
    printed = " ".join(run(polled, name).stdout.split())
    assert printed.startswith(
        "Kurier URL https://kurier.example/rss Status failing: no answer; last worked 2017-04-01 11:00;"
    )
    assert "Last polled 2017-04-01 11:10 Last success 2017-04-01 11:00 Last new item 2017-04-01 11:00" in printed
    assert "Why then about 14 items a day: in 10 min" in printed
    assert "“Not modified” believed; put to the test from 2017-04-02 11:00" in printed
    assert LONG not in printed


def test_one_feed_as_json_says_more_than_the_list(polled: Path) -> None:
    (listed, _) = json.loads(run(polled, "--json").stdout)
    shown = json.loads(run(polled, "Kurier", "--json").stdout)
    assert {key: shown[key] for key in listed} == listed
    assert shown["schedule_reason"] == "about 14 items a day: in 10 min"
    assert (shown["last_polled"], shown["not_modified_until"]) == ("2017-04-01T09:10:00Z", "2017-04-02T09:00:00Z")


def test_a_feed_that_was_never_polled_has_little_to_tell(polled: Path) -> None:
    printed = " ".join(run(polled, LONG).stdout.split())
    assert "Status new: not polled yet" in printed
    assert "Why then – “Not modified” –" in printed


@pytest.mark.parametrize(
    ("name", "hint"), [("Kuryer", "did you mean 'Kurier'?"), ("quite another", "monitor feeds lists all")]
)
def test_a_feed_that_is_unknown_is_called_so(polled: Path, name: str, hint: str) -> None:
    result = run(polled, name)
    assert result.exit_code == 2
    assert f"there is no feed '{name}'" in result.stderr
    assert hint in result.stderr


@pytest.mark.parametrize("width", [40, 60, 79, 80, 100])
@pytest.mark.parametrize("arguments", [[], ["Kurier"]], ids=["all", "one"])
def test_nothing_is_cut_on_a_narrow_terminal(polled: Path, width: int, arguments: list[str]) -> None:
    printed = unstyle(run(polled, *arguments, width=width).stdout)
    assert max(map(len, printed.splitlines())) <= width
    assert "…" not in printed
    assert "2017-04-01 11:00" in printed
    if not arguments:
        assert ("Last success" in printed.splitlines()[0]) == (width >= 80)
        assert all(word in printed for word in LONG.split())


def stories(tmp_path: Path, text: str, *arguments: str) -> Result:
    path = tmp_path / "feeds.toml"
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(cli, ["--config", str(path), *arguments])


GOOD = '[[feed]]\nurl = "https://kurier.example/rss"\n[[topic]]\nname = "t"\nquery = "x"\n'


def test_a_topic_that_is_unknown_is_called_so(tmp_path: Path) -> None:
    assert stories(tmp_path, GOOD, "stories", "--topic", "t").stdout == "No stories yet.\n"
    result = stories(tmp_path, GOOD, "stories", "--topic", "u")
    assert result.exit_code == 2
    assert f"there is no topic 'u' in {tmp_path}/feeds.toml; there are: t" in result.stderr


@pytest.mark.parametrize("command", ["stories", "alerts"])
def test_what_the_database_has_is_shown_while_the_file_is_bad(tmp_path: Path, command: str) -> None:
    bad = '[monitor]\ntimezone = "Europe/Paris"\n' + GOOD.replace("query", "kwery")
    result = stories(tmp_path, bad, command, "--json")
    assert (result.exit_code, result.stdout) == (0, "[]\n")
    assert "feeds.toml has 2 problems (monitor check lists all)" in result.stderr
    worse = stories(tmp_path, bad.replace("Europe/Paris", "Mars"), command)
    assert worse.exit_code == 2
    assert 'timezone: "Mars" is no time zone' in worse.stderr


def test_a_password_in_the_name_that_is_asked_for_is_not_repeated(polled: Path) -> None:
    result = run(polled, "https://me:PWLEAK@nobody.example/rss")
    assert result.exit_code == 2
    assert "there is no feed 'https://***@nobody.example/rss'" in result.stderr
    assert "PWLEAK" not in result.stderr
