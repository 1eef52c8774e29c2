"""`monitor check` says what is wrong, and what is right and yet leads to nobody or to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import cli

PLAIN = """
[[feed]]
url = "https://kurier.example/rss"
[[topic]]
name = "chechnya"
query = "chechnya AND gay"
[[channel]]
name = "desk"
url = "print://"
[[alert]]
topics = ["chechnya"]
channels = ["desk"]
"""
NO_EFFECT = "note: no effect in this release: "


def check(tmp_path: Path, text: str) -> list[str]:
    """Give what `check` prints of a good file, without its first line."""
    path = tmp_path / "feeds.toml"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["--config", str(path), "check"])
    assert result.exit_code == 0, result.output
    first, *notes = result.stdout.splitlines()
    assert first.startswith(f"{path}: no problems: 1 feed, ")
    return notes


def test_a_file_that_does_what_it_says_has_no_notes(tmp_path: Path) -> None:
    assert check(tmp_path, PLAIN) == []


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"[[alert]]": "[[x]]"}, "note: there is no [[alert]]: nobody is told anything."),
        ({"[[channel]]": '[[topic]]\nname = "other"\nquery = "x"\n[[channel]]'}, "note: topic 'other' is in no [[alert]]: nobody is told of it."),
        ({"[[alert]]": '[[channel]]\nname = "press"\nurl = "print://"\n[[alert]]'}, "note: channel 'press' is in no [[alert]]: nothing is sent to it."),
        ({"chechnya AND gay": "chechnya and gay"}, "note: 'and' in the query of topic 'chechnya' is a word to be found; the operator is AND."),
        ({'"print://"': '"print://"\nquiet = "22:00-07:00"'}, f"{NO_EFFECT}quiet: alerts are sent at any hour."),
        ({'"print://"': '"print://"\nburst = 9'}, f"{NO_EFFECT}burst: each alert is a message."),
        ({'"print://"': '"print://"\nlang = "fr"'}, f"{NO_EFFECT}a channel's lang: the fixed words of messages are English."),
        ({'["desk"]': '["desk"]\ndigest = "daily 08:00"'}, f"{NO_EFFECT}digest: each alert is sent by itself, at once."),
        ({'["desk"]': '["desk"]\nurgent = true'}, f"{NO_EFFECT}urgent: all alerts are sent at once."),
        ({'["desk"]': '["desk"]\non = ["new", "growth"]'}, f'{NO_EFFECT}"growth" and "revised" in on: only new and corroborated are told.'),
        ({"[[alert]]": '[[heartbeat]]\nchannels = ["desk"]\nat = "daily 09:00"\n[[alert]]'}, f"{NO_EFFECT}[[heartbeat]]: no proof of life is sent."),
        ({"[[feed]]": '[monitor]\noperators = ["desk"]\n[[feed]]'}, f"{NO_EFFECT}operators: the daemon's troubles are in its log and in monitor feeds."),
        ({"[[feed]]": '[web]\nlisten = "127.0.0.1:9000"\n[[feed]]'}, f"{NO_EFFECT}[web]: no pages are served."),
    ],
    ids=["no alert", "an untold topic", "an unused channel", "a small operator", "quiet", "burst", "lang", "digest", "urgent", "growth", "heartbeat", "operators", "web"],
)  # fmt: skip
def test_what_leads_to_nothing_is_named(tmp_path: Path, changes: dict[str, str], note: str) -> None:
    text = PLAIN if "[[x]]" not in changes.values() else PLAIN.partition("[[alert]]")[0]
    for old, new in changes.items():
        text = text.replace(old, new)
    assert check(tmp_path, text) == [note]


def test_words_in_quotes_are_no_operators(tmp_path: Path) -> None:
    assert check(tmp_path, PLAIN.replace('"chechnya AND gay"', "'chechnya AND \"gay and lesbian\"'")) == []


def test_pages_that_are_turned_off_are_no_wish_for_them(tmp_path: Path) -> None:
    assert check(tmp_path, PLAIN + '[web]\nlisten = ""\n') == []
