"""`monitor feeds` shows what feeds.toml asks for, and counts what it asked for once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli import cli
from monitor.model import Secret
from monitor.store import open_store
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
