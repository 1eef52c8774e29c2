"""`monitor check` says what is wrong, and what is right and yet leads to nobody or to nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from monitor.cli import cli
from tests.servers import FeedServer

FEED = b"""<rss version="2.0"><channel><title>Kurier</title>
<item><guid>1</guid><title>Police in Chechnya arrest gay men at night</title>
<pubDate>Mon, 03 Apr 2017 09:00:00 GMT</pubDate></item>
<item><guid>2</guid><title>Relatives have heard nothing of them since Tuesday</title>
<pubDate>Sat, 01 Apr 2017 09:00:00 GMT</pubDate></item></channel></rss>"""

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
    first, *notes = result.stdout.replace(f"{path}:", "").splitlines()
    assert first.startswith(" no problems: ")
    return notes


def test_a_file_that_does_what_it_says_has_no_notes(tmp_path: Path) -> None:
    assert check(tmp_path, PLAIN) == []


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"[[alert]]": "[[x]]"}, "note: there is no [[alert]]: nobody is told anything."),
        ({"[[channel]]": '[[topic]]\nname = "other"\nquery = "x"\n[[channel]]'}, "8: note: topic 'other' is in no [[alert]]: nobody is told of it."),
        ({"[[alert]]": '[[channel]]\nname = "press"\nurl = "print://"\n[[alert]]'}, "11: note: channel 'press' is in no [[alert]]: nothing is sent to it."),
        ({"chechnya AND gay": "chechnya and gay"}, "6: note: 'and' in the query of topic 'chechnya' is a word to be found; the operator is AND."),
        ({"chechnya AND gay": "chechnya AND NOT chech*"}, "6: note: topic 'chechnya': its query can never match: it asks for chechnya and for NOT chech*."),
        ({"chechnya AND gay": "chechnya AND lang:ru", "[[topic]]": 'lang = "en"\n[[topic]]'}, "7: note: topic 'chechnya': its query can never match, for no feed that it reads has lang:ru."),
        ({"[[topic]]": "enabled = false\n[[topic]]"}, "7: note: topic 'chechnya': it reads no feed that is enabled."),
        ({"[[topic]]": '[[feed]]\nurl = "http://www.kurier.example/rss/?utm_source=x"\n[[topic]]'}, "5: note: http://www.kurier.example/rss/?utm_source=x looks like the feed of line 3."),
        ({'channels = ["desk"]': 'channels = ["desk"]\non = ["corroborated"]\nmin_sources = 2'}, '14: note: min_sources is set, but "new" is not in on: it has no effect.'),
        ({'"print://"': '"print://"\nlang = "pt-BR"'}, "10: note: messages to channel 'desk' are in English: there is ar, en, es, fr, ru, no pt-BR."),
        ({'["desk"]': '["desk"]\non = ["new", "revised"]'}, f'{NO_EFFECT}"revised" and "withdrawn" in on: nothing is told of reports that are changed or taken back.'),
    ],
    ids=["no alert", "an untold topic", "an unused channel", "a small operator", "a contradiction", "a language of no feed", "no enabled feed", "a feed twice", "an idle key", "a language without words", "revised"],
)  # fmt: skip
def test_what_leads_to_nothing_is_named(tmp_path: Path, changes: dict[str, str], note: str) -> None:
    text = PLAIN if "[[x]]" not in changes.values() else PLAIN.partition("[[alert]]")[0]
    for old, new in changes.items():
        text = text.replace(old, new)
    assert check(tmp_path, text) == [note]


def test_words_in_quotes_are_no_operators(tmp_path: Path) -> None:
    assert check(tmp_path, PLAIN.replace('"chechnya AND gay"', "'chechnya AND \"gay and lesbian\"'")) == []


def test_problems_and_notes_are_there_for_programs(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text(PLAIN.replace("AND", "and"))
    result = CliRunner().invoke(cli, ["--config", str(path), "check", "--json"])
    assert result.exit_code == 0
    (note,) = json.loads(result.stdout)["notes"]
    assert note["line"] == 6
    path.write_text(PLAIN.replace("query", "kwery"))
    result = CliRunner().invoke(cli, ["--config", str(path), "check", "--json"])
    assert result.exit_code == 2
    assert [problem["line"] for problem in json.loads(result.stdout)["problems"]] == [4, 6]


def test_online_every_feed_is_fetched_once_and_what_fails_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    with FeedServer.threaded() as server:
        good, gone = server.serve("/rss", FEED), server.serve("/gone", status=404)
        page = server.serve("/page", b'<html><link rel="alternate" type="application/rss+xml" href="/rss"></html>')
        off = server.serve("/off", FEED)
        path.write_text(
            '[fetch]\nallow_private = ["127.0.0.1"]\n'
            + "".join(f'[[feed]]\nurl = "{url}"\nname = "{url[-4:]}"\n' for url in (good, gone, page))
            + f'[[feed]]\nurl = "{off}"\nenabled = false\n[[topic]]\nname = "t"\nquery = "chechnya"\n'
        )
        result = CliRunner().invoke(cli, ["--config", str(path), "check", "--online"])
        structured = CliRunner().invoke(cli, ["--config", str(path), "check", "--online", "--json"])
    structlog.reset_defaults()
    assert (result.exit_code, structured.exit_code) == (1, 1)
    assert "3 feeds fetched: 1 ok, 2 failed." in result.stdout
    assert "404 Not Found from 127.0.0.1" in result.stdout
    assert "the page links to the feed /rss" in result.stdout
    feeds = json.loads(structured.stdout)["feeds"]
    assert [(feed["ok"], feed["status"], feed["kind"], feed["items"], feed["offered"]) for feed in feeds] == [
        (True, 200, "rss", 2, []),
        (False, 404, None, 0, []),
        (False, 200, None, 0, [good]),
    ]
    assert feeds[0]["newest"] == "2017-04-03T09:00:00Z"
    assert sum(request.path == "/rss" for request in server.requests) == 2
    assert not [request for request in server.requests if request.path == "/off"]


def test_online_a_feed_that_has_moved_is_told_its_new_address(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    with FeedServer.threaded() as server:
        new = server.serve("/rss", FEED)
        path.write_text(
            PLAIN.replace("https://kurier.example/rss", server.redirect("/old", new, status=301))
            + '[fetch]\nallow_private = ["127.0.0.1"]\n'
        )
        result = CliRunner().invoke(cli, ["--config", str(path), "check", "--online"])
    structlog.reset_defaults()
    assert result.exit_code == 0
    assert f"has moved to {new}" in result.stdout.replace("\n", " ")
    assert result.stdout.endswith("1 feed fetched: 1 ok, 0 failed.\n")


def test_a_template_of_a_discreet_channel_is_no_use(tmp_path: Path) -> None:
    (tmp_path / "desk.j2").write_text("{{ title }}")
    text = PLAIN.replace('"print://"', '"print://"\ndetail = "discreet"\ntemplate = "desk.j2"')
    assert check(tmp_path, text) == ["11: note: channel 'desk' is discreet: its template has no effect."]
