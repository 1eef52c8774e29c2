"""feeds.toml -> Config: what a good file means, and every problem of a bad one, with its line and no secret."""

from __future__ import annotations

import re
import tomllib
import traceback
from collections.abc import Mapping
from datetime import time, timedelta
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import monitor.config
from monitor.config import find_config, load_config
from monitor.config.explain import SECRET_KEYS
from monitor.config.schema import REPEATED, TABLES
from monitor.deliver import check_channel_url
from monitor.errors import ConfigError
from monitor.model import (
    Channel,
    Config,
    Detail,
    Event,
    Feed,
    FetchSettings,
    Heartbeat,
    Quiet,
    Rule,
    Schedule,
    Secret,
    Template,
    Topic,
    Web,
)

FEED = '[[feed]]\nurl = "https://www.kurier.example/rss"\n'
TOPIC = '[[topic]]\nname = "chechnya"\nquery = "chechn*"\n'
CHANNEL = '[[channel]]\nname = "desk"\nurl = "print://"\n'
ALERT = '[[alert]]\ntopics = ["chechnya"]\nchannels = ["desk"]\n'
REST = FEED + TOPIC + CHANNEL + ALERT
SECRET = "hunter2"
ENVIRON = {"PASSWORD": SECRET, "BROKEN": f"{SECRET} {SECRET}\n", "EMPTY": ""}
REFERENCE = Path(__file__).parents[1] / "docs" / "reference" / "feeds-toml.md"


def load(folder: Path, text: str | bytes, environ: Mapping[str, str] = ENVIRON) -> Config:
    """Write a feeds.toml, and a template beside it, and load it."""
    (folder / "desk.j2").write_text("{{ title }}", encoding="utf-8")
    path = folder / "feeds.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_config(path, environ=environ)


def problems(folder: Path, text: str | bytes, environ: Mapping[str, str] = ENVIRON) -> list[str]:
    """Give the problems of a bad file as `LINE: message`, having looked that no secret is in sight."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, environ)
    error = caught.value
    assert SECRET not in "".join(traceback.format_exception(error)) + repr(error) + repr(error.problems)
    prefix = f"{folder}/feeds.toml:"
    assert all(line.startswith(prefix) for line in error.lines())
    return [line.removeprefix(prefix).strip() for line in error.lines()]


# --- What a good file means ------------------------------------------------------------------------------------------

EVERYTHING = """
[monitor]
database = "postgresql://monitor:${PASSWORD}@localhost/monitor"
contact = "desk@example.org"
timezone = "Europe/Paris"
retention = "730d"
unmatched_retention = "7d"
operators = ["ops"]

[fetch]
min_interval = "90s"
max_interval = "12h"
timeout = "1m"
max_bytes = "512KiB"
concurrency = 8
per_host = 1
per_domain = 3
spacing = "0s"
proxy = "socks5h://127.0.0.1:9050"
stream_isolation = true
allow_private = ["127.0.0.0/8", "::1"]
backfill = "0s"

[[feed]]
url = "https://reader:${PASSWORD}@www.kurier.example/rss"
name = "Kurier"
lang = "pt-BR"
tags = ["press", "wire"]
owner = "verlag"
interval = "10m"
proxy = "http://me:${PASSWORD}@127.0.0.1:8080"
timeout = "90s"
max_bytes = "32MiB"
headers = { Cookie = "id=${PASSWORD}" }
enabled = false

[[topic]]
name = "chechnya"
query = 'chechn* AND tag:wire'
window = "14d"
strictness = 0.04
languages = ["en", "ru"]
feeds = ["press", "Kurier"]

[[channel]]
name = "desk"
url = "json://desk:${PASSWORD}@localhost"
urls = ["json://second", "json://desk:${PASSWORD}@localhost"]
detail = "discreet"
lang = "fr"
burst = 10
quiet = "22:00-07:30"
template = "desk.j2"

[[channel]]
name = "ops"
urls = ["print://"]

[[alert]]
topics = ["chechnya"]
channels = ["desk", "ops"]
on = ["new", "growth", "revised"]
min_sources = 2
growth = [10, 50]
digest = "weekly sun 08:00"
urgent = true

[[heartbeat]]
channels = ["desk"]
at = "daily 09:15"

[web]
listen = "[::]:443"
token = "${PASSWORD}"
"""


def test_the_full_example_sets_every_key() -> None:
    tables = tomllib.loads(EVERYTHING)

    assert {name: set(tables[name][0] if name in REPEATED else tables[name]) for name in tables} == {
        name: set(table.model_fields) for name, table in TABLES.items()
    }


def test_every_key_arrives_in_the_model(tmp_path: Path) -> None:
    assert load(tmp_path, EVERYTHING) == Config(
        path=tmp_path / "feeds.toml",
        database=Secret(f"postgresql://monitor:{SECRET}@localhost/monitor"),
        contact="desk@example.org",
        timezone=ZoneInfo("Europe/Paris"),
        retention=timedelta(days=730),
        unmatched_retention=timedelta(days=7),
        operators=("ops",),
        fetch=FetchSettings(
            min_interval=timedelta(seconds=90),
            max_interval=timedelta(hours=12),
            timeout=timedelta(minutes=1),
            max_bytes=512 * 1024,
            concurrency=8,
            per_host=1,
            per_domain=3,
            spacing=timedelta(0),
            proxy=Secret("socks5h://127.0.0.1:9050"),
            stream_isolation=True,
            allow_private=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
            backfill=timedelta(0),
        ),
        feeds=(
            Feed(
                url="https://***@www.kurier.example/rss",
                address=Secret(f"https://reader:{SECRET}@www.kurier.example/rss"),
                owner="verlag",
                name="Kurier",
                lang="pt-BR",
                tags=("press", "wire"),
                interval=timedelta(minutes=10),
                proxy=Secret(f"http://me:{SECRET}@127.0.0.1:8080"),
                timeout=timedelta(seconds=90),
                max_bytes=32 * 1024 * 1024,
                headers={"Cookie": Secret(f"id={SECRET}")},
                enabled=False,
            ),
        ),
        topics=(
            Topic(
                name="chechnya",
                query="chechn* AND tag:wire",
                window=timedelta(days=14),
                strictness=0.04,
                languages=("en", "ru"),
                feeds=("press", "Kurier"),
            ),
        ),
        channels=(
            Channel(
                name="desk",
                urls=(Secret(f"json://desk:{SECRET}@localhost"), Secret("json://second")),
                detail=Detail.DISCREET,
                lang="fr",
                burst=10,
                quiet=Quiet(start=time(22, 0), end=time(7, 30)),
                template=Template("desk.j2", "{{ title }}"),
            ),
            Channel(name="ops", urls=(Secret("print://"),)),
        ),
        rules=(
            Rule(
                topics=("chechnya",),
                channels=("desk", "ops"),
                on=frozenset({Event.NEW, Event.GROWTH, Event.REVISED}),
                min_sources=2,
                growth=(10, 50),
                digest=Schedule(every="weekly", at=time(8, 0), weekday=6),
                urgent=True,
            ),
        ),
        heartbeats=(Heartbeat(channels=("desk",), at=Schedule(every="daily", at=time(9, 15))),),
        web=Web(host="::", port=443, token=Secret(SECRET)),
    )


def test_no_secret_is_in_sight_of_a_loaded_configuration(tmp_path: Path) -> None:
    assert SECRET not in repr(load(tmp_path, EVERYTHING))


def test_what_is_not_given_has_the_defaults_of_the_model(tmp_path: Path) -> None:
    config = load(tmp_path, FEED + TOPIC)

    assert config == Config(
        path=tmp_path / "feeds.toml",
        database=Secret(f"sqlite:///{tmp_path}/monitor.db"),
        feeds=(
            Feed(
                url="https://www.kurier.example/rss",
                address=Secret("https://www.kurier.example/rss"),
                owner="kurier.example",
            ),
        ),
        topics=(Topic(name="chechnya", query="chechn*"),),
        channels=(),
        rules=(),
    )


def test_empty_texts_turn_things_off(tmp_path: Path) -> None:
    off = (
        '[web]\nlisten = ""\n[fetch]\nproxy = ""\n'
        + REST.replace(FEED, FEED + 'proxy = ""\n').replace('url = "print://"', 'url = "print://"\nquiet = ""')
        + 'digest = ""\n'
    )

    config = load(tmp_path, off)

    assert not config.web.host
    assert not config.fetch.proxy
    assert config.feeds[0].proxy == Secret("")
    assert config.channels[0].quiet is None
    assert config.rules[0].digest is None


def test_a_file_from_windows_loads(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbf" + REST.replace("\n", "\r\n").encode()) == load(tmp_path, REST)


def test_a_file_from_windows_has_lines(tmp_path: Path) -> None:
    bad = "[fetch]\ntimeout = 'x'\n[[topic]]\nname = 't'\nquery = '''\na\nAND'''\n" + FEED

    found = problems(tmp_path, bad.replace("\n", "\r\n"))

    assert [problem.split(":")[:2] for problem in found] == [["2", " timeout"], ["7", " query"]]


def test_ten_thousand_feeds_load(tmp_path: Path) -> None:
    feeds = "".join(
        f'[[feed]]\nurl = "https://www.host{number}.co.uk/feed"\nname = "Feed {number}"\ntags = ["press"]\n'
        for number in range(10_000)
    )

    config = load(tmp_path, REST + feeds)

    assert len(config.feeds) == 10_001
    assert config.feeds[-1].owner == "host9999.co.uk"


@pytest.mark.parametrize(
    ("database", "environ", "expected"),
    [
        pytest.param("sqlite:///monitor.db", {}, "sqlite:///{folder}/monitor.db", id="beside the file"),
        pytest.param(
            "sqlite:///monitor.db",
            {"STATE_DIRECTORY": "/var/lib/monitor"},
            "sqlite:////var/lib/monitor/monitor.db",
            id="in systemd's state directory",
        ),
        pytest.param(
            "sqlite+pysqlite:///m.db?timeout=5",
            {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"},
            "sqlite+pysqlite:////var/lib/a/m.db?timeout=5",
            id="in the first of several",
        ),
        pytest.param("sqlite:////srv/m.db", {"STATE_DIRECTORY": "/x"}, "sqlite:////srv/m.db", id="absolute"),
        pytest.param("postgresql+psycopg://db/m", {"STATE_DIRECTORY": "/x"}, "postgresql+psycopg://db/m", id="server"),
    ],
)
def test_the_database_is_absolute(tmp_path: Path, database: str, environ: dict[str, str], expected: str) -> None:
    config = load(tmp_path, f'[monitor]\ndatabase = "{database}"\n{REST}', environ)

    assert config.database.reveal() == expected.format(folder=tmp_path)


def test_the_database_of_a_file_in_the_current_folder_is_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("feeds.toml").write_text(REST, encoding="utf-8")

    config = load_config(Path("feeds.toml"), environ={})

    assert config.database.reveal() == f"sqlite:///{tmp_path}/monitor.db"


@pytest.mark.parametrize(
    ("url", "shown", "owner"),
    [
        pytest.param("https://www.bbc.co.uk/rss", "https://www.bbc.co.uk/rss", "bbc.co.uk", id="public suffix"),
        pytest.param("https://a.blogspot.com/f", "https://a.blogspot.com/f", "a.blogspot.com", id="blog on a platform"),
        pytest.param("https://WWW.Kurier.example:8443/f", "https://WWW.Kurier.example:8443/f", "kurier.example", id="port"),
        pytest.param("http://127.0.0.1:8000/f", "http://127.0.0.1:8000/f", "127.0.0.1", id="IPv4"),
        pytest.param("http://[::1]:8000/f", "http://[::1]:8000/f", "::1", id="IPv6"),
        pytest.param("http://localhost/f", "http://localhost/f", "localhost", id="no domain"),
        pytest.param("https://новости.рф/f", "https://новости.рф/f", "новости.рф", id="other script"),
        pytest.param("https://me:hunter3@x.example/f", "https://***@x.example/f", "x.example", id="password"),
        pytest.param("https://me:a@b@x.example/f", "https://***@x.example/f", "x.example", id="password with an at sign"),
        pytest.param("https://me:${PASSWORD}@x.example/f", "https://***@x.example/f", "x.example", id="password filled in"),
        pytest.param(
            "https://${PASSWORD}:${PASSWORD}@x.example/f",
            "https://${PASSWORD}:${PASSWORD}@x.example/f",
            "x.example",
            id="user filled in",
        ),
        pytest.param("https://x.example/f?key=${PASSWORD}", "https://x.example/f?key=${PASSWORD}", "x.example", id="query"),
        pytest.param("https://${PASSWORD}.example/f", "https://${PASSWORD}.example/f", "https://${PASSWORD}.example/f", id="host filled in"),
        pytest.param("${URL}", "${URL}", "${URL}", id="all filled in"),
    ],
)  # fmt: skip
def test_a_feed_shows_its_address_and_owner_without_secrets(tmp_path: Path, url: str, shown: str, owner: str) -> None:
    environ = {**ENVIRON, "URL": f"https://{SECRET}.example/f"}

    feed = load(tmp_path, f'[[feed]]\nurl = "{url}"\n{TOPIC}', environ).feeds[0]

    assert (feed.url, feed.owner) == (shown, owner)
    assert feed.address.reveal() == url.replace("${URL}", environ["URL"]).replace("${PASSWORD}", SECRET)


# --- ${NAME} ---------------------------------------------------------------------------------------------------------


NO_VALUE = (
    "${{NAME}} has no value: there is neither a file NAME in $CREDENTIALS_DIRECTORY{} nor an environment variable NAME"
)


def contact(folder: Path, text: str, environ: Mapping[str, str]) -> str:
    return load(folder, f"[monitor]\ncontact = '{text}'\n{REST}", environ).contact


def test_a_credential_file_goes_before_the_environment_and_loses_one_newline(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "desk.mail-1").write_text("from the file\n", encoding="utf-8")
    environ = {"CREDENTIALS_DIRECTORY": str(credentials), "desk.mail-1": "from outside", "OTHER": "only outside"}

    assert contact(tmp_path, "${desk.mail-1}, ${OTHER}", environ) == "from the file, only outside"


def test_a_credential_file_keeps_all_but_its_last_newline(tmp_path: Path) -> None:
    (tmp_path / "TWO").write_text("line\n\n", encoding="utf-8")

    found = problems(tmp_path, "[monitor]\ncontact = '${TWO}'\n" + REST, {"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert found == ['2: contact: "${TWO}" holds a line break or another control character']


@pytest.mark.parametrize(
    ("text", "expected"),
    [("$${NAME}", "${NAME}"), ("$5 $NAME $$ {x}", "$5 $NAME $$ {x}"), ("a${NAME}b${NAME}", "avaluebvalue")],
)
def test_only_dollar_brace_is_special(tmp_path: Path, text: str, expected: str) -> None:
    assert contact(tmp_path, text, {"NAME": "value"}) == expected


def test_what_is_filled_in_is_not_filled_in_again(tmp_path: Path) -> None:
    assert contact(tmp_path, "${A}", {"A": "${B}", "B": "no"}) == "${B}"


def test_a_missing_name_tells_both_places_that_were_looked_at(tmp_path: Path) -> None:
    text = "[monitor]\ncontact = '${NAME}'\n" + REST

    assert problems(tmp_path, text, {}) == [
        f"2: {NO_VALUE.format(' (which is not set)')}",
    ]
    assert problems(tmp_path, text, {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == [f"2: {NO_VALUE.format('')}"]


def test_a_credential_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "FOLDER").mkdir()
    (tmp_path / "BYTES").write_bytes(b"\xff" + SECRET.encode())
    text = "[monitor]\ncontact = '${FOLDER}'\n[web]\ntoken = '${BYTES}'\n" + REST

    assert problems(tmp_path, text, {"CREDENTIALS_DIRECTORY": str(tmp_path), "FOLDER": "x", "BYTES": "x"}) == [
        "2: ${FOLDER}: the file $CREDENTIALS_DIRECTORY/FOLDER cannot be read: Is a directory",
        "4: ${BYTES}: the file $CREDENTIALS_DIRECTORY/BYTES cannot be read: it is not UTF-8 text",
    ]


# --- What a bad file is told -----------------------------------------------------------------------------------------

NOT_A_DURATION = "is not a duration: write a number and a unit, such as 90s, 15m, 6h or 7d"
NOT_A_SIZE = "is not a size: write a number and a unit, such as 512KiB or 8MiB"
NOT_A_TIME = "is not a time of day: write 24 hours with two digits each, such as 08:00 or 22:30"
NOT_A_SPAN = "is not a span of time: write a start and another end, such as 22:00-07:00"
NOT_A_SCHEDULE = "is not a schedule: write hourly, daily 08:00 or weekly mon 08:00 (mon tue wed thu fri sat sun)"
NOT_A_NETWORK = "is not a network: write it such as 10.0.0.0/8, with no address bits after the mask"
NOT_A_LANGUAGE = "is no language code: write two small letters (ISO 639), such as en, ru or ar"
NOT_A_DATABASE = "database: the value is no database: write sqlite:///monitor.db or postgresql://user@host/name"
NOT_AN_ADDRESS = "is no address to listen on: write 127.0.0.1:8642, or nothing to have no pages"
NOT_A_LIST = 'must be a list in brackets, such as ["one", "two"]'
REACHABLE = "can be reached by other machines: set a token too, or write 127.0.0.1:8642"
NOT_ISOLATING = 'it needs proxy = "socks5h://HOST:PORT", without a user: each feed gets a user name of its own'
CONTROL = "holds a line break or another control character"
BAD_SCHEME = (
    "proxy: the value has a scheme that cannot be used: write socks5h, socks5, http; "
    "socks5h://127.0.0.1:9050 suits Tor, for with it no name is looked up outside the proxy"
)

# One key each: its table, the line in it, and what is said of it. The key stands on line 2, before a good REST.
BAD_SETTINGS = {
    "unit missing": ("fetch", "timeout = '20'", f'timeout: "20" {NOT_A_DURATION}'),
    "unit in words": ("fetch", "timeout = '20 seconds'", f'timeout: "20 seconds" {NOT_A_DURATION}'),
    "digits of another script": ("fetch", "timeout = '٢s'", f'timeout: "٢s" {NOT_A_DURATION}'),
    "negative duration": ("fetch", "backfill = '-1h'", f'backfill: "-1h" {NOT_A_DURATION}'),
    "duration as number": ("fetch", "timeout = 20", 'timeout: 20 must be text in quotes, such as "text"'),
    "no duration at all": ("fetch", "timeout = '0s'", 'timeout: "0s" is too short: write at least 1s'),
    "a thousand years": ("monitor", "retention = '365250d'", 'retention: "365250d" is longer than a century'),
    "endless digits": ("monitor", f"retention = '{'9' * 400}d'", f'retention: "{"9" * 59}..." {NOT_A_DURATION}'),
    "too often": ("fetch", "min_interval = '59s'", 'min_interval: "59s" is too short: no feed is asked more often than every 1m'),
    "max below default min": ("fetch", "max_interval = '2m'", "max_interval: it is shorter than min_interval"),
    "decimal size": ("fetch", "max_bytes = '8MB'", f'max_bytes: "8MB" {NOT_A_SIZE}'),
    "no size at all": ("fetch", "max_bytes = '0MiB'", f'max_bytes: "0MiB" {NOT_A_SIZE}'),
    "size as number": ("fetch", "max_bytes = 8_000", 'max_bytes: 8000 must be text in quotes, such as "text"'),
    "number in quotes": ("fetch", "concurrency = '64'", 'concurrency: "64" must be a whole number, without quotes'),
    "no number but true": ("fetch", "per_host = true", "per_host: true must be a whole number, without quotes"),
    "half a request": ("fetch", "per_host = 1.5", "per_host: 1.5 must be a whole number, without quotes"),
    "none at a time": ("fetch", "concurrency = 0", "concurrency: 0 must be at least 1"),
    "date for text": ("monitor", "contact = 2017-04-01", 'contact: the value must be text in quotes, such as "text"'),
    "contact on two lines": ("monitor", "contact = 'a\\nb'".replace("'", '"'), f'contact: "a\\nb" {CONTROL}'),
    "network with address bits": ("fetch", "allow_private = ['10.0.0.1/8']", f'allow_private: "10.0.0.1/8" {NOT_A_NETWORK}'),
    "network as number": ("fetch", "allow_private = [10]", 'allow_private: 10 must be text in quotes, such as "text"'),
    "text for a list": ("fetch", "allow_private = '10.0.0.0/8'", f'allow_private: "10.0.0.0/8" {NOT_A_LIST}'),
    "table for a list": ("monitor", "operators = { a = 1 }", f"operators: the value {NOT_A_LIST}"),
    "unknown proxy": ("fetch", f"proxy = 'socks://{SECRET}@h:1'", BAD_SCHEME),
    "https proxy": ("fetch", f"proxy = 'https://{SECRET}@h:1'", BAD_SCHEME),
    "proxy without port": ("fetch", f"proxy = 'socks5h://{SECRET}@h'", "proxy: the value lacks its host or its port: write it such as socks5h://127.0.0.1:9050"),
    "proxy with bad port": ("fetch", f"proxy = 'socks5h://{SECRET}@h:99999'", "proxy: the value is no URL: its host or port cannot be read"),
    "isolation without a proxy": ("fetch", "stream_isolation = true", f"stream_isolation: {NOT_ISOLATING}"),
    "isolation by an HTTP proxy": ("fetch", "stream_isolation = true\nproxy = 'http://h:1'", f"stream_isolation: {NOT_ISOLATING}"),
    "isolation of one user": ("fetch", f"stream_isolation = true\nproxy = 'socks5h://u:{SECRET}@h:1'", f"stream_isolation: {NOT_ISOLATING}"),
    "isolation in words": ("fetch", "stream_isolation = 'yes'", 'stream_isolation: "yes" must be true or false, without quotes'),
    "proxy of SOCKS 4": ("fetch", "proxy = 'socks4a://h:1'\nstream_isolation = true", BAD_SCHEME),
    "spacing without unit": ("fetch", "spacing = '1'", f'spacing: "1" {NOT_A_DURATION}'),
    "proxy with a space": ("fetch", "proxy = '${BROKEN}'", "proxy: the value holds a space, a line break or another control character"),
    "unknown zone": ("monitor", "timezone = 'Europe/Pariss'", 'timezone: "Europe/Pariss" is no time zone that this machine knows: write it such as Europe/Paris; did you mean "Europe/Paris"?'),
    "zone outside the database": ("monitor", "timezone = '/etc/passwd'", 'timezone: "/etc/passwd" is no time zone that this machine knows: write it such as Europe/Paris'),
    "unknown database": ("monitor", f"database = 'mysql://u:{SECRET}@h/d'", NOT_A_DATABASE),
    "database without file": ("monitor", "database = 'sqlite://'", NOT_A_DATABASE),
    "database in memory": ("monitor", "database = 'sqlite:///:memory:'", "database: the value forgets everything at every start, and would tell it again: write sqlite:///monitor.db"),
    "open to all": ("web", "listen = '0.0.0.0:8642'", f'listen: "0.0.0.0:8642" {REACHABLE}'),
    "open by name": ("web", "listen = 'box.example:8642'", f'listen: "box.example:8642" {REACHABLE}'),
    "open IPv6": ("web", "listen = '[::]:8642'", f'listen: "[::]:8642" {REACHABLE}'),
    "port alone": ("web", "listen = ':8642'", f'listen: ":8642" {NOT_AN_ADDRESS}'),
    "no port": ("web", "listen = 'localhost'", f'listen: "localhost" {NOT_AN_ADDRESS}'),
    "no such port": ("web", "listen = 'localhost:65536'", f'listen: "localhost:65536" {NOT_AN_ADDRESS}'),
    "misspelt key": ("fetch", "timeuot = '20s'", 'unknown key "timeuot" in [fetch]; did you mean "timeout"?'),
    "key of another table": ("fetch", f"token = '{SECRET}'", 'unknown key "token" in [fetch]; it belongs in [web]'),
    "key of several tables": ("monitor", "name = 'x'", 'unknown key "name" in [monitor]; it belongs in [[feed]] or [[topic]] or [[channel]]'),
    "key like no other": ("monitor", f"zzz = '{SECRET}'", 'unknown key "zzz" in [monitor]'),
    "nobody's operator": ("monitor", "operators = ['dsek']", 'operators: there is no channel "dsek"; did you mean "desk"?'),
    "name that does not end": ("monitor", "contact = '${PASSWORD'", "${ begins a name that does not end: write ${NAME}, or $${ where ${ itself is meant"),
    "name with a slash": ("monitor", "contact = '${../PASSWORD}'", "${ begins a name that does not end: write ${NAME}, or $${ where ${ itself is meant"),
    "duration filled in": ("fetch", "timeout = '${PASSWORD}'", f'timeout: "${{PASSWORD}}" {NOT_A_DURATION}'),
}  # fmt: skip


@pytest.mark.parametrize(("table", "line", "expected"), BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_a_bad_setting_is_told_with_its_line(tmp_path: Path, table: str, line: str, expected: str) -> None:
    assert problems(tmp_path, f"[{table}]\n{line}\n{REST}") == [f"2: {expected}"]


# One key each, on the line after those of a good table, which stands first in the file.
BAD_KEYS = {
    "feed tags as text": (FEED, "tags = 'ngo'", f'tags: "ngo" {NOT_A_LIST}'),
    "feed with an empty tag": (FEED, "tags = ['ngo', ' ']", 'tags: " " is empty'),
    "feed in a country's code": (FEED, "lang = 'ua'", f'lang: "ua" {NOT_A_LANGUAGE}'),
    "feed in a language's name": (FEED, "lang = 'english'", f'lang: "english" {NOT_A_LANGUAGE}'),
    "feed in large letters": (FEED, "lang = 'EN'", f'lang: "EN" {NOT_A_LANGUAGE}'),
    "feed in several languages": (FEED, "lang = 'mul'", f'lang: "mul" {NOT_A_LANGUAGE}'),
    "feed with a bad region": (FEED, "lang = 'en-'", f'lang: "en-" {NOT_A_LANGUAGE}'),
    "feed too often": (FEED, "interval = '30s'", 'interval: "30s" is too short: no feed is asked more often than every 1m'),
    "feed switched in words": (FEED, "enabled = 'no'", 'enabled: "no" must be true or false, without quotes'),
    "feed with header as text": (FEED, f"headers = 'Cookie: {SECRET}'", 'headers: the value must be a table, such as { Accept = "text/xml" }'),
    "feed with header as number": (FEED, "headers = { X = 1 }", 'headers.X: the value must be text in quotes, such as "text"'),
    "feed with bad header name": (FEED, f"headers = {{ 'X Y' = '{SECRET}' }}", "headers.X Y: the value stands under a name that no header can have: letters, digits and dashes only"),
    "feed with header on two lines": (FEED, "headers = { X = '${BROKEN}' }", f"headers.X: the value {CONTROL}"),
    "feed with a bad proxy": (FEED, f"proxy = 'tor:{SECRET}'", BAD_SCHEME),
    "feed that has no name": (FEED, "name = ''", 'name: "" is empty'),
    "topic that is too strict": (TOPIC, "strictness = 1", "strictness: 1 must be at most 0.2"),
    "topic with a strict word": (TOPIC, "strictness = 'high'", 'strictness: "high" must be a number, such as 0.04'),
    "topic of no number": (TOPIC, "strictness = nan", "strictness: NaN must be a number, such as 0.04"),
    "topic with no window": (TOPIC, "window = '0d'", 'window: "0d" is too short: write at least 1s'),
    "topic in no language": (TOPIC, "languages = ['en', 'rus-']", f'languages: "rus-" {NOT_A_LANGUAGE}'),
    "topic of unknown feeds": (TOPIC, "feeds = ['preess']", 'feeds: there is no feed or tag "preess"; did you mean "press"?'),
    "topic of unknown feed filled in": (TOPIC, "feeds = ['${PASSWORD}']", 'feeds: there is no feed or tag "${PASSWORD}"'),
    "channel with unknown detail": (CHANNEL, "detail = 'tittel'", 'detail: "tittel" is not known here: write one of full, title, discreet; did you mean "title"?'),
    "channel with no burst": (CHANNEL, "burst = 0", "burst: 0 must be at least 1"),
    "channel quiet without minutes": (CHANNEL, "quiet = '22-7'", f'quiet: "22-7" {NOT_A_TIME}'),
    "channel quiet after midnight": (CHANNEL, "quiet = '22:00-24:00'", f'quiet: "22:00-24:00" {NOT_A_TIME}'),
    "channel quiet from a time": (CHANNEL, "quiet = '22:00'", f'quiet: "22:00" {NOT_A_SPAN}'),
    "channel quiet for no time": (CHANNEL, "quiet = '22:00-22:00'", f'quiet: "22:00-22:00" {NOT_A_SPAN}'),
    "channel with an unknown service": (CHANNEL, f"urls = ['tgrm://{SECRET}/1']", f"urls: {check_channel_url(Secret('tgrm://x/1'))}"),
    "channel with an empty url": (CHANNEL, "urls = ['${EMPTY}']", "urls: it is empty"),
    "channel with a number": (CHANNEL, "urls = [1]", 'urls: the value must be text in quotes, such as "text"'),
    "alert on an unknown event": (ALERT, "on = ['new', 'grown']", 'on: "grown" is not known here: write one of new, corroborated, growth, revised, withdrawn; did you mean "growth"?'),
    "alert on nothing": (ALERT, "on = []", "on: the value must not be empty"),
    "alert on an event as text": (ALERT, "on = 'new'", f'on: "new" {NOT_A_LIST}'),
    "alert that falls": (ALERT, "growth = [20, 5]", "growth: the value must ascend, each number once: write them such as [5, 20]"),
    "alert twice at a number": (ALERT, "growth = [5, 5]", "growth: the value must ascend, each number once: write them such as [5, 20]"),
    "alert that never grows": (ALERT, "growth = []", "growth: the value must not be empty"),
    "alert at nothing": (ALERT, "growth = [0, 5]", "growth: 0 must be at least 1"),
    "alert from no sources": (ALERT, "min_sources = 0", "min_sources: 0 must be at least 1"),
    "alert with unknown digest": (ALERT, "digest = 'dayly 08:00'", f'digest: "dayly 08:00" {NOT_A_SCHEDULE}'),
    "alert on an unknown day": (ALERT, "digest = 'weekly monday 08:00'", f'digest: "weekly monday 08:00" {NOT_A_SCHEDULE}'),
    "alert at a bad time": (ALERT, "digest = 'daily 8:00'", f'digest: "daily 8:00" {NOT_A_TIME}'),
    "alert urgent in words": (ALERT, "urgent = 'yes'", 'urgent: "yes" must be true or false, without quotes'),
}  # fmt: skip


@pytest.mark.parametrize(("table", "line", "expected"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_bad_key_is_told_with_its_line(tmp_path: Path, table: str, line: str, expected: str) -> None:
    others = REST.replace(table, "") + '[[feed]]\nurl = "https://post.example/rss"\ntags = ["press"]\n'

    assert problems(tmp_path, f"{table}{line}\n{others}") == [f"{table.count(chr(10)) + 1}: {expected}"]


URL_TWICE = "url: another [[feed]] has this url (a user or password makes no difference): see line"
BAD_FILES = {
    "no feed address": ("[[feed]]\nname = 'x'\n" + TOPIC, ["1: [[feed]] has no url"]),
    "feed without scheme": ("[[feed]]\nurl = 'hrw.org/rss'\n" + TOPIC, ["2: url: the value is no web address: it must begin with https:// or http://"]),
    "feed of another scheme": (f"[[feed]]\nurl = 'ftp://u:{SECRET}@x/rss'\n" + TOPIC, ["2: url: the value is no web address: it must begin with https:// or http://"]),
    "feed without host": ("[[feed]]\nurl = 'https:///rss'\n" + TOPIC, ["2: url: the value has no host: write it such as https://www.example.org/feed"]),
    "feed with a bad host": (f"[[feed]]\nurl = 'https://u:{SECRET}@[x/rss'\n" + TOPIC, ["2: url: the value is no URL: its host or port cannot be read"]),
    "feed with a space": ("[[feed]]\nurl = 'https://x.example/a b'\n" + TOPIC, ["2: url: the value holds a space, a line break or another control character"]),
    "no name, no query": (FEED + "[[topic]]\n", ["3: [[topic]] has no name", "3: [[topic]] has no query"]),
    "query as number": (FEED + "[[topic]]\nname = 't'\nquery = 3\n", ['5: query: 3 must be text in quotes, such as "text"']),
    "nowhere to send": (FEED + TOPIC + "[[channel]]\nname = 'x'\n", ["6: [[channel]] has neither url nor urls"]),
    "an empty list to send to": (FEED + TOPIC + "[[channel]]\nname = 'x'\nurls = []\n", ["8: [[channel]] has neither url nor urls"]),
    "one bad url is told once": (FEED + TOPIC + f"[[channel]]\nname = 'x'\nurl = '{SECRET}'\n", [f"8: url: {check_channel_url(Secret('x'))}"]),
    "bare alert": (FEED + TOPIC + "[[alert]]\n", ["6: [[alert]] has no channels", "6: [[alert]] has no topics"]),
    "alert to nobody": (FEED + TOPIC + "[[alert]]\ntopics = ['chechnya']\nchannels = []\n", ["8: channels: the value must not be empty"]),
    "alert of unknown names": (
        FEED + TOPIC + CHANNEL + "[[alert]]\ntopics = ['chechna']\nchannels = [\n  'desk',\n  'telegram',\n]\n",
        ['10: topics: there is no topic "chechna"; did you mean "chechnya"?', '11: channels: there is no channel "telegram"'],
    ),
    "heartbeat of unknown names": (REST + "[[heartbeat]]\nchannels = ['disk']\nat = 'now'\n", ['13: channels: there is no channel "disk"; did you mean "desk"?', f'14: at: "now" {NOT_A_SCHEDULE}']),
    "heartbeat at no time": (REST + "[[heartbeat]]\nchannels = ['desk']\n", ["12: [[heartbeat]] has no at"]),
    "names twice": (
        FEED + "name = 'x'\n[[feed]]\nurl = 'https://y.example/'\nname = 'x'\n" + TOPIC + TOPIC + CHANNEL + CHANNEL,
        ["6: name: another [[feed]] has this name: see line 3", "11: name: another [[topic]] has this name: see line 8", "17: name: another [[channel]] has this name: see line 14"],
    ),
    "a feed twice": (FEED + FEED + TOPIC, [f"4: {URL_TWICE} 2"]),
    "a feed twice by its password": (
        f"[[feed]]\nurl = 'https://a:{SECRET}@x.example/f'\n[[feed]]\nurl = 'https://a:{SECRET}3@x.example/f'\n" + TOPIC,
        [f"4: {URL_TWICE} 2"],
    ),
    "empty": ("", ["there is no [[feed]]: nothing to read", "there is no [[topic]]: nothing to look for"]),
    "min above default max": ("[fetch]\nmin_interval = '7h'\n" + REST, ["1: max_interval: it is shorter than min_interval; where it is not set it is 6h"]),
    "key before every table": (f"contact = '{SECRET}'\n" + REST, ['1: unknown key "contact" outside the tables; it belongs in [monitor]']),
    "unknown table": ("[[feeds]]\nurl = 'x'\n" + REST, ['1: unknown key "feeds" outside the tables; did you mean "feed"?']),
    "single brackets": ("[feed]\nurl = 'x'\n" + TOPIC, ["1: feed is a table: write [[feed]] on a line of its own, and its keys below"]),
    "double brackets": ("[[web]]\nlisten = 'x'\n" + REST, ["1: web is a table: write [web] on a line of its own, and its keys below"]),
    "a table as text": ("web = 'x'\n" + REST, ["1: web is a table: write [web] on a line of its own, and its keys below"]),
    "a feed as text": (f"feed = ['{SECRET}']\n" + TOPIC, ["1: feed is a table: write [[feed]] on a line of its own, and its keys below"]),
    "a key of a table below a table": (FEED + "[feed.headers]\nAccept = 3\n" + TOPIC, ['4: headers.Accept: the value must be text in quotes, such as "text"']),
    "a table below a table that has none": ("[web]\n[web.extra]\nx = 1\n" + REST, ['2: unknown key "extra" in [web]']),
    "a list of tables below a table": (FEED + "[[feed.headers]]\nAccept = 'x'\n" + TOPIC, ['3: headers: the value must be a table, such as { Accept = "text/xml" }']),
    "a table on one line": ("fetch = { per_host = 0, timeout = 'x' }\n" + REST, [f'1: timeout: "x" {NOT_A_DURATION}', "1: per_host: 0 must be at least 1"]),
    "feeds in a list": ("feed = [\n  { url = 'https://x.example/' },\n  { url = 'x' },\n]\n" + TOPIC, ["1: url: the value is no web address: it must begin with https:// or http://"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_told_line_by_line(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert sorted(problems(tmp_path, text)) == sorted(expected)


NOT_UTF8 = "this is not UTF-8 text: save the file with the encoding UTF-8"
UNREADABLE = {
    "list without its end": ("[monitor]\noperators = ['a',\n[fetch]\n", "3: this is not TOML: after = comes text in quotes, a number, true, false, or a list in brackets; the value that begins on line 2 may lack its closing quotes or bracket"),
    "list that never ends": ("[monitor]\noperators = [\n", "2: this is not TOML: after = comes text in quotes, a number, true, false, or a list in brackets"),
    "text that never ends": (f'[[topic]]\nquery = """\n{SECRET}\n\n[[feed]]\n', "2: this is not TOML: a text lacks its closing quotes"),
    "text in double quotes cut off": ('[monitor]\ncontact = "desk\n[fetch]\n', "2: this is not TOML: a text lacks its closing quotes; one of several lines stands in '''...'''"),
    "text cut off by the line": ("[monitor]\ncontact = 'desk\n", "2: this is not TOML: a text lacks its closing quotes"),
    "bare text": (f"[monitor]\ncontact = {SECRET}\n", "2: this is not TOML: after = comes text in quotes, a number, true, false, or a list in brackets"),
    "quotes within quotes": ('[monitor]\ncontact = "a "b" c"\n', "2: this is not TOML: something follows the value on the same line; text with a quote in it stands in '''...'''"),
    "key twice": ("[monitor]\ncontact = 'a'\ncontact = 'b'\n", "3: this is not TOML: this key is set twice in one table"),
    "table twice": ("[monitor]\n[fetch]\n[monitor]\n", "3: this is not TOML: this table stands here a second time; only tables in double brackets, [[...]], may repeat"),
    "no statement": ("# ok\n\n[monitor]\n- contact\n", "4: this is not TOML: a key is followed by = and its value"),
    "bad escape in long text": ('[[topic]]\nquery = """\na\n\\q\n"""\n', "4: this is not TOML: Unescaped '\\' in a string; the value that begins on line 2 may lack its closing quotes or bracket"),
    "control character in a comment": ("[monitor]\n# \x01\n", "2: this is not TOML: Found invalid character '\\x01'"),
    "Latin-1": ("[monitor]\n# é\n".encode("latin-1"), f"2: {NOT_UTF8}"),
    "UTF-16": (REST.encode("utf-16"), f"1: {NOT_UTF8}"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_understood_is_told_where(tmp_path: Path, text: str | bytes, expected: str) -> None:
    assert problems(tmp_path, text) == [expected]


@pytest.mark.parametrize(
    ("query", "line", "excerpt"),
    [
        pytest.param("'a AND'", 5, "a >>AND", id="one line"),
        pytest.param("''", 5, ">>", id="empty"),
        pytest.param("'''\n(a OR b)\nAND (c OR\n d'''  # d'''", 7, "(a OR b) AND >>(c OR d", id="several lines"),
        pytest.param(f"'{'word ' * 9}){' word' * 9}'", 5, "...word word word word word word >>) word word word word word wor...", id="long"),
        pytest.param('"""\na \\"b\\" \\\n  AND (c"""', 5, 'a "b" AND >>(c', id="escapes"),
        pytest.param("'(${PASSWORD} AND'", 5, "", id="filled in"),
        pytest.param("'tag:preess'", 5, "tag:>>preess", id="tag of no feed"),
    ],
)  # fmt: skip
def test_a_bad_query_is_told_with_its_place(tmp_path: Path, query: str, line: int, excerpt: str) -> None:
    text = f"{FEED}[[topic]]\nname = 't'\nquery = {query}\n[[feed]]\nurl = 'https://x.example/'\ntags = ['press']\n"

    (problem,) = problems(tmp_path, text)

    assert problem.startswith(f"{line}: query: ")
    assert problem.endswith(f" (at >> in: {excerpt})" if excerpt else "cannot be read once its ${NAME} is filled in")


def test_a_bad_zone_is_told_though_it_is_a_folder_of_zones(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, f"[monitor]\ntimezone = 'Europe'\n{REST}")

    assert problem.startswith('2: timezone: "Europe" is no time zone that this machine knows')


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    text = """\
contact = "x"
[fetch]
timeout = "soon"
[[feed]]
url = "kurier"
name = "Kurier"
intervaal = "10m"
[[feed]]
url = "https://post.example/"
name = "Kurier"
proxy = "${NOWHERE}"
[[topic]]
name = "chechnya"
query = "AND"
feeds = ["Kurir"]
[[channel]]
name = "desk"
burst = "5"
[[alert]]
topics = ["chechnya"]
channels = ["dsk"]
"""
    assert [line.partition(": ")[0] for line in problems(tmp_path, text)] == [
        *["1", "3", "5", "7", "10", "11", "14", "15", "16", "18", "21"],
    ]


def test_a_file_that_cannot_be_read_is_told_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file or directory$"):
        load_config(tmp_path / "none.toml", environ={})
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory$"):
        load_config(tmp_path, environ={})

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)  # the tests may run as root, whom no file refuses
    with pytest.raises(ConfigError, match=r"cannot be read: Permission denied$"):
        load_config(tmp_path / "feeds.toml", environ={})


# --- Which file ------------------------------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An empty current folder, and a stand-in for /etc/monitor/feeds.toml."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    system = tmp_path / "etc.toml"
    monkeypatch.setattr(monitor.config, "_PLACES", (Path("feeds.toml"), system))
    return here / "feeds.toml", system


def test_the_first_of_option_environment_current_folder_and_system_is_taken(places: tuple[Path, Path]) -> None:
    local, system = places
    environ = {"MONITOR_CONFIG": "/named/in/environment.toml"}
    system.touch()
    assert find_config(None, environ={}) == system
    assert find_config(None, environ={"MONITOR_CONFIG": ""}) == system
    local.touch()
    assert find_config(None, environ={}) == Path("feeds.toml")
    assert find_config(None, environ=environ) == Path("/named/in/environment.toml")
    assert find_config("/named/by/option.toml", environ=environ) == Path("/named/by/option.toml")


def test_when_there_is_none_the_places_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError) as caught:
        find_config(None, environ={})

    assert str(caught.value) == (
        "feeds.toml: there is no configuration, neither feeds.toml nor /etc/monitor/feeds.toml: "
        "name one with --config FILE or the environment variable MONITOR_CONFIG"
    )


@pytest.mark.usefixtures("places")
def test_a_place_that_may_not_be_looked_at_is_taken_and_tells_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refuse)

    assert find_config(None, environ={}) == Path("feeds.toml")


# --- The reference ---------------------------------------------------------------------------------------------------


def documented() -> dict[str, dict[str, tuple[str, str]]]:
    """Read the tables of docs/reference/feeds-toml.md: by table and key, the default and the example."""
    sections = re.split(r"^## ", REFERENCE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    keys = {
        re.sub(r"[`\[\]]", "", section.partition("\n")[0]): {
            row[1]: (row[2].strip("`"), row[3].strip("`"))
            for row in re.finditer(r"^\| `(\w+)` \| (.*?) \| (.*?) \| .+ \|$", section, re.MULTILINE)
        }
        for section in sections
    }
    return {table: rows for table, rows in keys.items() if rows}


KEYS = [
    (table, key, default, example) for table, rows in documented().items() for key, (default, example) in rows.items()
]


def test_the_reference_has_every_key_and_no_other() -> None:
    assert {table: list(rows) for table, rows in documented().items()} == {
        name: sorted(table.model_fields, key=list(documented()[name]).index) for name, table in TABLES.items()
    }


def with_key(table: str, key: str, value: str) -> str:
    """Give a file in which one key of one table is set to a value of TOML; what the key needs is set too."""
    tables = {"feed": FEED, "topic": TOPIC, "channel": CHANNEL, "alert": ALERT, "heartbeat": HEARTBEAT}
    block = "".join(
        line for line in tables.get(table, f"[{table}]\n").splitlines(keepends=True) if not line.startswith(f"{key} =")
    )
    rest = "".join(text for name, text in tables.items() if name != table)
    return (
        f"{block}{NEEDED.get(key, '')}{key} = {value}\n[[feed]]\nurl = 'https://post.example/'\ntags = ['ngo']\n{rest}"
    )


NEEDED = {"stream_isolation": 'proxy = "socks5h://127.0.0.1:9050"\n'}
HEARTBEAT = '[[heartbeat]]\nchannels = ["desk"]\nat = "hourly"\n'
FILLED = {
    "DESK_URL": "json://localhost",
    **dict.fromkeys(("DB_PASSWORD", "FEED_PASSWORD", "FEED_COOKIE", "WEB_TOKEN"), "x"),
}


@pytest.mark.parametrize(("table", "key", "default", "example"), KEYS, ids=[f"{key[0]}.{key[1]}" for key in KEYS])
def test_the_reference_tells_the_default_and_a_good_example(
    tmp_path: Path, table: str, key: str, default: str, example: str
) -> None:
    changed = load(tmp_path, with_key(table, key, example), FILLED)
    if default in {"required", "–"}:
        return
    plain = load(tmp_path, with_key(table, key, "").replace(f"\n{key} = \n", "\n"), FILLED)
    assert load(tmp_path, with_key(table, key, default), FILLED) == plain
    assert changed != plain


def test_every_key_that_holds_a_secret_is_kept_out_of_messages() -> None:
    holders = {key for table in TABLES.values() for key, field in table.model_fields.items() if "Secret" in str(field)}

    assert holders == SECRET_KEYS


@pytest.mark.parametrize("line", ["name = “Kurier”", "tags = [“press”]", "name = ‘Kurier’"])
def test_curly_quotes_are_called_so(tmp_path: Path, line: str) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text(f'[[feed]]\nurl = "https://kurier.example"\n{line}\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ={})
    (problem,) = caught.value.problems
    assert problem.line == 3
    assert "straight quotes" in problem.message


def test_a_file_that_is_no_text_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    path.write_bytes(b"SQLite format 3\0\x10\0")
    with pytest.raises(ConfigError, match="this is no text file: is it the right one"):
        load_config(path, environ={})
