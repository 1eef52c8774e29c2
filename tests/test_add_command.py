"""`monitor add`, `import` and `export`: feeds get into feeds.toml and out of it, and nothing else in it changes."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from monitor.cli import cli
from monitor.config import load_config
from monitor.normalise import fold_feed_address
from tests.servers import FeedServer

FEED = """<rss version="2.0"><channel><title>{}</title><link>https://kurier.example</link>
<item><guid>1</guid><title>Police in Chechnya arrest gay men at night</title>
<pubDate>Mon, 03 Apr 2017 09:00:00 GMT</pubDate></item>
<item><guid>2</guid><title>Relatives have heard nothing of them since Tuesday</title>
<pubDate>Sun, 02 Apr 2017 21:00:00 GMT</pubDate></item></channel></rss>"""
REST = """
# --- Topics ---
[[topic]]
name = "chechnya"    # and what follows
query = "chechnya"
"""
BEFORE = """# What we read.
[fetch]
allow_private = ["127.0.0.1"]

[[feed]]
url = "https://herald.example/rss"   # the morning paper
name = "Herald"
#interval = "5m"
"""


@pytest.fixture
def site() -> Iterator[FeedServer]:
    with FeedServer.threaded() as server:
        yield server
    structlog.reset_defaults()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "feeds.toml"
    path.write_text(BEFORE + REST, encoding="utf-8")
    return path


def monitor(config: Path, *arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["--config", str(config), *arguments], input=stdin)


def feed(title: str) -> bytes:
    return FEED.format(title).encode()


def page(*addresses: str) -> bytes:
    links = "".join(f'<link rel="alternate" type="application/rss+xml" href="{address}">' for address in addresses)
    return f"<html><head>{links}</head></html>".encode()


# --- add --------------------------------------------------------------------------------------------------------------


def test_a_feed_is_shown_and_added_and_all_else_stays(config: Path, site: FeedServer) -> None:
    url = site.serve("/rss", feed("Kurier"))
    result = monitor(config, "add", url, "--tag", "press", "--tag", "de")
    assert result.exit_code == 0, result.output
    for words in ("Kurier", "rss, 2 items, about 2.0 a day, language: en", "2017-04-03 09:00  Police in Chechnya"):
        assert words in result.stdout
    assert result.stdout.endswith(f"{config}: 1 feed added, 2 in all.\n")
    added = f'\n[[feed]]\nurl = "{url}"\nname = "Kurier"\ntags = ["press", "de"]\n'
    assert config.read_text(encoding="utf-8") == BEFORE + added + REST


@pytest.mark.parametrize("path", ["/", "/feed", "/sitemap-news.xml", "/rss.xml"])
def test_a_page_leads_to_its_feed(config: Path, site: FeedServer, path: str) -> None:
    """By its link, or else by the usual path on its site."""
    offered = "/deep/feed.rss" if path == "/" else path
    found = site.serve(offered, feed("Kurier"))
    start = site.serve("/home", page(*(["deep/feed.rss"] if path == "/" else [])))
    assert monitor(config, "add", start).exit_code == 0
    assert load_config(config, environ={}).feeds[-1].url == found


def test_of_several_feeds_one_is_chosen(config: Path, site: FeedServer) -> None:
    urls = [site.serve(path, feed(path[1:])) for path in ("/news", "/comments")]
    home = site.serve("/home", page("/news", "/broken", "/comments"))
    before = config.read_text()
    listed = monitor(config, "add", home)
    assert listed.exit_code == 2
    assert all(words in listed.stdout for words in ("1  news", "2  comments", *urls))
    assert "--pick N" in listed.stderr
    assert monitor(config, "add", home, "--pick", "3").exit_code == 2
    assert config.read_text() == before
    assert monitor(config, "add", home, "--pick", "2").exit_code == 0
    assert monitor(config, "add", home, "--yes").exit_code == 0
    assert [feed.url for feed in load_config(config, environ={}).feeds[1:]] == urls[::-1]


def test_on_a_terminal_it_asks_which_feed(config: Path, site: FeedServer) -> None:
    site.serve("/news", feed("news"))
    wanted = site.serve("/comments", feed("comments"))
    home = site.serve("/home", page("/news", "/comments"))
    ours, theirs = pty.openpty()
    os.write(ours, b"2\n")
    command = [sys.executable, "-m", "monitor", "--config", str(config), "add", home]
    done = subprocess.run(command, stdin=theirs, capture_output=True, encoding="utf-8", timeout=40, check=True)
    os.close(ours)
    os.close(theirs)
    assert "Which one" in done.stdout + done.stderr
    assert load_config(config, environ={}).feeds[-1].url == wanted


def test_a_feed_that_is_there_is_refused(config: Path, site: FeedServer) -> None:
    url = site.serve("/rss", feed("Kurier"))
    assert monitor(config, "add", url).exit_code == 0
    text = config.read_text()
    asked = len(site.requests)
    for address in (url, f"{url}/", f"{url}?utm_source=x", url.replace("//", "//me:secret@")):
        result = monitor(config, "add", address)
        assert (result.exit_code, result.stderr) == (1, f"Error: {config} has this feed already: Kurier\n")
    assert len(site.requests) == asked
    moved = site.redirect("/old", url, status=301)
    assert "has this feed already" in monitor(config, "add", moved).stderr
    assert "has this feed already" in monitor(config, "add", site.serve("/home", page("/rss"))).stderr
    other = monitor(config, "add", site.serve("/rss2", feed("Kurier")))
    assert other.stderr == f"Error: {config} has a feed named 'Kurier' already: give this one another with --name\n"
    assert config.read_text() == text


def test_a_feed_that_has_moved_is_added_where_it_is(config: Path, site: FeedServer) -> None:
    url = site.serve("/new", feed("Kurier"))
    result = monitor(config, "add", site.redirect("/old", url, status=308), "--name", "Courier")
    assert f"has moved to {url}" in result.stdout
    (added,) = load_config(config, environ={}).feeds[1:]
    assert (added.url, added.name) == (url, "Courier")


def test_a_secret_in_an_address_stays_a_name(config: Path, site: FeedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEED_PASSWORD", "hunter2")
    url = site.serve("/rss", feed("Kurier")).replace("//", "//reader:${FEED_PASSWORD}@")
    result = monitor(config, "add", url)
    assert result.exit_code == 0, result.output
    assert f'url = "{url}"' in config.read_text()
    assert "hunter2" not in config.read_text() + result.output
    unset = monitor(config, "add", url.replace("FEED", "OTHER"))
    assert unset.exit_code == 2
    assert "OTHER_PASSWORD} has no value" in unset.stderr


def test_what_is_no_feed_is_explained(config: Path, site: FeedServer) -> None:
    before = config.read_text()
    for address, words in {
        site.serve("/page", b"<html><title>Welcome</title></html>"): "an HTML page titled 'Welcome' instead of a feed",
        site.url("/none"): "404 Not Found from 127.0.0.1",
        "127.0.0.1:1": "no connection to 127.0.0.1: connection refused\n",
    }.items():
        result = monitor(config, "add", address)
        assert result.exit_code == 1
        assert ("usually keep" in result.stderr) is not address.endswith(":1")
        assert words in result.stderr
    assert monitor(config, "add", "ftp://herald.example").exit_code == 2
    assert config.read_text() == before


def test_a_dry_run_writes_nothing(config: Path, site: FeedServer) -> None:
    url = site.serve("/rss", feed("Kurier"))
    result = monitor(config, "add", url, "--dry-run")
    assert f'[[feed]]\nurl = "{url}"\nname = "Kurier"\n' in result.stdout
    assert config.read_text(encoding="utf-8") == BEFORE + REST


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_keeps_its_rights_its_place_and_its_line_ends(config: Path, site: FeedServer, tmp_path: Path) -> None:
    link = tmp_path / "etc" / "feeds.toml"
    link.parent.mkdir()
    link.symlink_to(config)
    config.write_bytes(b"\xef\xbb\xbf" + (BEFORE + REST).replace("\n", "\r\n").encode())
    config.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(config, 12345, 12345)
    owner = (config.stat().st_uid, config.stat().st_gid)
    assert monitor(link, "add", site.serve("/rss", feed("Kurier"))).exit_code == 0
    body = config.read_bytes()
    assert link.is_symlink()
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert (config.stat().st_uid, config.stat().st_gid) == owner
    assert body.startswith(b"\xef\xbb\xbf# What we read.\r\n")
    assert body.count(b"\n") == body.count(b"\r\n")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["etc", "feeds.toml"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('feed = [{url = "https://herald.example"}]\n' + REST, "list them as [[feed]] tables"),
        (BEFORE + REST.replace("query", "kwery"), 'unknown key "kwery" in [[topic]]'),
    ],
    ids=["an inline list", "a file that is bad already"],
)
def test_a_file_that_cannot_take_a_feed_stays_as_it_is(config: Path, site: FeedServer, text: str, words: str) -> None:
    config.write_text(text)
    with_access = (
        text.replace("[[topic]]", '[fetch]\nallow_private = ["127.0.0.1"]\n[[topic]]') if "feed =" in text else text
    )
    config.write_text(with_access)
    result = monitor(config, "add", site.serve("/rss", feed("Kurier")))
    assert result.exit_code == 2
    assert words in result.stderr
    assert config.read_text() == with_access


def test_feeds_and_topics_may_alternate(config: Path, site: FeedServer) -> None:
    """tomlkit alone would put the topic in between somewhere else."""
    text = (
        BEFORE + REST + '[[feed]]\nurl = "https://bote.example/rss"\n[feed.headers]\nAccept = "text/xml"\n# --- end ---'
    )
    config.write_text(text)
    url = site.serve("/rss", feed("Kurier"))
    assert monitor(config, "add", url).exit_code == 0
    assert config.read_text() == f'{text}\n\n[[feed]]\nurl = "{url}"\nname = "Kurier"\n'


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://www.kurier.example/rss/", "http://kurier.example/rss", True),
        ("https://kurier.example/rss?utm_source=x&id=1", "https://me:pw@KURIER.example:443/rss?id=1#top", True),
        ("https://kurier.example/rss?feedName=a", "https://kurier.example/rss?feedName=b", False),
        ("https://kurier.example/de/rss", "https://kurier.example/en/rss", False),
        ("https://kurier.example:8443/rss", "https://kurier.example/rss", False),
        ("ftp://kurier.example", "ftp://kurier.example", True),
    ],
)
def test_addresses_of_one_feed_are_known(one: str, other: str, same: bool) -> None:  # noqa: FBT001 - a case
    assert (fold_feed_address(one) == fold_feed_address(other)) is same


# --- import and export ------------------------------------------------------------------------------------------------

OPML = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Mine</title></head><body>
<outline text="Press">
  <outline text="Kurier &amp; Bote" type="rss" xmlUrl="https://kurier.example/rss?a=1&amp;b=2" language="de"/>
  <outline text="East">
    <outline title="Газета" type="rss" xmlUrl="https://gazeta.example/rss" category="/ngo,daily"/>
    <outline text="Herald" type="rss" xmlUrl="http://www.herald.example/rss/"/>
  </outline>
</outline>
<outline text="A script" xmlUrl="feed:kurier"/>
<outline text="Herald" type="rss" xmlUrl="https://herald.example/world"/>
<outline text="Again" type="rss" xmlUrl="https://GAZETA.example/rss"/>
<outline text="Asleep" type="rss" xmlUrl="https://asleep.example/rss" isComment="true"/>
</body></opml>
"""


def write_list(tmp_path: Path, text: str, encoding: str = "utf-8") -> str:
    path = tmp_path / "list.opml"
    path.write_bytes(text.encode(encoding))
    return str(path)


def test_a_list_is_taken_in_with_its_folders_as_tags(config: Path, tmp_path: Path) -> None:
    file = write_list(tmp_path, OPML)
    result = monitor(config, "import", file)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        f"{file}:7: left out: http://www.herald.example/rss/ is there already",
        f"{file}:10: left out: the address is no web address: it must begin with https:// or http://",
        f"{file}:12: left out: https://GAZETA.example/rss is there already",
        f"{config}: 4 feeds added, 5 in all.",
    ]
    feeds = load_config(config, environ={}).feeds[1:]
    assert [(feed.url, feed.name, feed.lang, feed.tags, feed.enabled) for feed in feeds] == [
        ("https://kurier.example/rss?a=1&b=2", "Kurier & Bote", "de", ("Press",), True),
        ("https://gazeta.example/rss", "Газета", "", ("ngo", "daily", "Press", "East"), True),
        ("https://herald.example/world", "", "", (), True),
        ("https://asleep.example/rss", "Asleep", "", (), False),
    ]
    again = monitor(config, "import", file)
    assert again.stdout.endswith(f"{file}: no feed to add.\n")


def test_a_dry_import_and_one_from_a_pipe(config: Path) -> None:
    result = monitor(config, "import", "-", "--dry-run", stdin=OPML)
    assert 'tags = ["ngo", "daily", "Press", "East"]' in result.stdout
    assert config.read_text() == BEFORE + REST


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1251", "iso-8859-5"])
def test_a_list_in_another_encoding_is_read(config: Path, tmp_path: Path, encoding: str) -> None:
    file = write_list(tmp_path, OPML.replace("UTF-8", encoding.removesuffix("-sig")), encoding)
    assert monitor(config, "import", file).exit_code == 0
    assert "Газета" in {feed.name for feed in load_config(config, environ={}).feeds}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            OPML.replace("a=1&amp;", "a=1&"),
            4,
            "this is not XML: not well-formed (invalid token); most often this is a &",
        ),
        (OPML[:300], 6, "this is not XML: unclosed token"),
        (OPML.replace("UTF-8", "x-none"), 1, "it cannot be read: unknown encoding: x-none"),
        ("", 1, "this is not XML: no element found; the file is empty, or its end is missing"),
        ("<rss/>", 1, "this is an XML document <rss>, not a list of feeds (OPML)"),
    ],
    ids=["an ampersand", "a torso", "an unknown encoding", "nothing", "another document"],
)
def test_a_broken_list_is_told_with_its_line(config: Path, tmp_path: Path, text: str, line: int, words: str) -> None:
    file = write_list(tmp_path, text)
    result = monitor(config, "import", file)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {file}:{line}: {words}")


def test_a_list_that_is_not_there(config: Path, tmp_path: Path) -> None:
    result = monitor(config, "import", str(tmp_path / "none.opml"))
    assert (result.exit_code, result.stderr) == (1, f"Error: {tmp_path}/none.opml: No such file or directory\n")


def test_what_is_exported_is_imported_whole(config: Path, tmp_path: Path) -> None:
    monitor(config, "import", write_list(tmp_path, OPML))
    file = tmp_path / "export.opml"
    assert monitor(config, "export", str(file)).exit_code == 0
    other = tmp_path / "other.toml"
    other.write_text('[[feed]]\nurl = "https://else.example"\n' + REST)
    assert monitor(other, "import", str(file)).exit_code == 0
    feeds = load_config(config, environ={}).feeds
    # A feed without a name goes by its address, which names nothing.
    assert sorted(map(repr, load_config(other, environ={}).feeds[1:])) == sorted(map(repr, feeds))


def test_no_password_is_exported(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "hunter2")
    urls = ["https://me:hunter3@kurier.example/rss", "https://bote.example/rss?key=${KEY}"]
    config.write_text("".join(f'[[feed]]\nurl = "{url}"\n' for url in urls) + REST)
    result = monitor(config, "export")
    assert "hunter" not in result.output
    assert "https://***@kurier.example/rss" in result.stdout
    assert "https://bote.example/rss?key=${KEY}" in result.stdout
    assert result.stderr == "1 address with a password: *** stands in its place.\n"
    config.write_text(BEFORE + REST)
    back = monitor(config, "import", "-", stdin=result.stdout)
    assert "https://***@kurier.example/rss has lost its password when it was exported: add it by hand" in back.stdout
    assert "1 feed added" in back.stdout


def test_an_export_that_cannot_be_written(config: Path, tmp_path: Path) -> None:
    result = monitor(config, "export", str(tmp_path))
    assert (result.exit_code, result.stderr) == (1, f"Error: {tmp_path} is there already: name another file\n")


def test_a_dry_run_shows_no_password(config: Path, tmp_path: Path) -> None:
    """Screens are seen by others; the file itself would hold it as the list does."""
    (tmp_path / "list.opml").write_text(
        '<opml version="2.0"><body><outline type="rss" text="P" xmlUrl="https://me:PWLEAK@p.example/f"/></body></opml>',
        encoding="utf-8",
    )
    result = monitor(config, "import", str(tmp_path / "list.opml"), "--dry-run")
    assert "p.example/f" in result.stdout
    assert "PWLEAK" not in result.stdout + result.stderr
