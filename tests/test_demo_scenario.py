"""The demo's sample and its server: what is played is consistent, readable by any feed reader, and well served."""

from __future__ import annotations

import gzip
import html
import io
import json
import re
import tomllib
import unicodedata
import urllib.error
import urllib.request
from calendar import timegm
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from importlib import resources
from pathlib import Path
from time import struct_time

import apprise
import feedparser
import pytest
from rapidfuzz import fuzz

from monitor.config import load_config
from monitor.demo.scenario import Entry, Outlet, Scenario, load_scenario, read_scenario
from monitor.demo.server import RETRY_AFTER, DemoServer
from monitor.match import compile_topic, match_topics
from monitor.model import Feed, Item, Secret, Topic
from monitor.text import fold, words

SCENARIO = load_scenario()
ROUNDS = range(1, len(SCENARIO.rounds) + 1)
OUTLETS = {outlet.id: outlet for outlet in SCENARIO.outlets}
BY_ID = {entry.id: entry for entry in SCENARIO.entries}
DEMO_TOML = tomllib.loads(resources.files("monitor.demo").joinpath("demo.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer(SCENARIO) as server:
        yield server


def get(url: str, **headers: str) -> Answer:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def plain(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def is_duplicate(entry: Entry) -> bool:
    return entry.outlet == BY_ID[entry.origin].outlet and entry.id != entry.origin


# --- What is told ----------------------------------------------------------------------------------------------------


def test_the_sample_is_as_rich_as_promised() -> None:
    assert len(SCENARIO.outlets) == 14
    assert 90 <= len(SCENARIO.entries) <= 130
    assert {outlet.lang for outlet in SCENARIO.outlets} == {"en", "ru", "fr", "de", "es", "ar"}
    assert Counter(outlet.format for outlet in SCENARIO.outlets) == {
        "rss": 9,
        "atom": 2,
        "rdf": 1,
        "rss091": 1,
        "json": 1,
    }
    assert len({entry.story for entry in SCENARIO.entries}) > 15


@pytest.mark.parametrize("entry", SCENARIO.entries, ids=lambda entry: entry.id)
def test_an_entry_is_written_in_the_script_of_its_language(entry: Entry) -> None:
    script = {"ru": "CYRILLIC", "ar": "ARABIC"}.get(entry.lang, "LATIN")
    letters = [character for character in plain(entry.title + entry.summary) if character.isalpha()]
    assert sum(unicodedata.name(letter).startswith(script) for letter in letters) > 0.8 * len(letters)


def test_no_entry_is_dated_after_its_round_but_the_one_that_errs() -> None:
    late = [e.id for e in SCENARIO.entries if e.published and e.published > SCENARIO.rounds[e.round - 1].time]
    assert late == ["embassy-petition"]


def test_rounds_and_bumped_dates_run_forward() -> None:
    times = [entry.time for entry in SCENARIO.rounds]
    assert times == sorted(set(times))
    assert all(time.utcoffset() == timedelta(0) for time in times)
    bumped = [(e, e.bumped) for e in SCENARIO.entries if e.bumped]
    assert [entry.id for entry, _ in bumped] == ["lilac-abductions"]
    for entry, bump in bumped:
        assert entry.published
        assert entry.published < bump.published <= SCENARIO.rounds[bump.round - 1].time


REPRINTS = [entry for entry in SCENARIO.entries if entry.origin != entry.id and not is_duplicate(entry)]


@pytest.mark.parametrize("entry", REPRINTS, ids=lambda entry: entry.id)
def test_a_reprint_is_an_edited_copy_of_its_origin(entry: Entry) -> None:
    origin = BY_ID[entry.origin]
    assert (origin.origin, origin.story, origin.lang) == (origin.id, entry.story, entry.lang)
    assert origin.round <= entry.round
    assert origin.published
    assert entry.published
    assert origin.published < entry.published
    copied, text = (plain(e.summary).split("Related stories")[0] for e in (origin, entry))
    assert fuzz.token_set_ratio(copied, text) > 80
    assert (origin.title, origin.summary) != (entry.title, entry.summary)


def test_independent_reports_of_one_event_are_worded_differently() -> None:
    own = [e for e in SCENARIO.entries if e.story and e.origin == e.id]
    for one in own:
        for other in own:
            if one.id < other.id and one.lang == other.lang:
                assert fuzz.ratio(plain(one.summary), plain(other.summary)) < 70, (one.id, other.id)


def test_every_event_but_none_of_the_noise_has_a_label() -> None:
    for story in {entry.story for entry in SCENARIO.entries} - {""}:
        tellers = {BY_ID[entry.origin].outlet for entry in SCENARIO.entries if entry.story == story}
        assert len(tellers) >= 2, story


REAL_OUTLETS = """
Novaya Gazeta, Новая газета, Новой газете, Reuters, AFP, Agence France-Presse, Associated Press, dpa, EFE, TASS, ТАСС,
Interfax, Интерфакс, РИА Новости, Meduza, Медуза, BBC, CNN, Guardian, New York Times, Washington Post, Le Monde, Le Figaro,
Libération, Spiegel, Süddeutsche, El País, El Mundo, الجزيرة, العربية, Al Jazeera, Human Rights Watch, Amnesty, PinkNews,
Kommersant, Коммерсантъ, Novy Vestnik, Новый вестник
"""


@pytest.mark.parametrize("name", [name.strip() for name in REAL_OUTLETS.split(",")])
def test_no_real_outlet_or_organisation_is_named(name: str) -> None:
    told = [outlet.name for outlet in SCENARIO.outlets]
    told += [plain(text) for entry in SCENARIO.entries for text in (entry.title, entry.summary)]
    texts = [" ".join(words(fold(text))) for text in told]
    assert not [text for text in texts if f" {' '.join(words(fold(name)))} " in f" {text} "]


def test_all_hosts_are_reserved_for_examples() -> None:
    hosts = {match for entry in SCENARIO.entries for match in re.findall(r"//([^/\"]+)", entry.link + entry.summary)}
    assert hosts
    assert all(host.endswith(".example") for host in hosts)


@pytest.mark.parametrize("entry", SCENARIO.entries, ids=lambda entry: entry.id)
def test_the_demo_topic_finds_what_is_on_topic_and_no_noise(entry: Entry) -> None:
    raw = DEMO_TOML["topic"][0]
    topic = compile_topic(Topic(name=raw["name"], query=raw["query"]))
    seen = SCENARIO.rounds[entry.round - 1].time
    item = Item(
        key=entry.guid,
        url=entry.link,
        title=plain(entry.title),
        summary=plain(entry.summary),
        lang=entry.lang,
        published=entry.published,
        seen=seen,
    )
    feed = Feed(url=entry.link, address=Secret(entry.link), owner=entry.outlet)
    assert bool(match_topics(item, [topic], feed=feed)) == bool(entry.story)


def test_the_demo_configuration_names_every_outlet_once() -> None:
    assert {(feed["url"], feed["name"]) for feed in DEMO_TOML["feed"]} == {
        ("http://127.0.0.1:${DEMO_PORT}" + outlet.path, outlet.name) for outlet in SCENARIO.outlets
    }
    owners = Counter(feed["owner"] for feed in DEMO_TOML["feed"])
    assert owners.pop("yug-holding") == 2
    assert set(owners.values()) == {1}


def test_the_demo_configuration_is_valid(tmp_path: Path, server: DemoServer) -> None:
    file = tmp_path / "demo.toml"
    file.write_text(resources.files("monitor.demo").joinpath("demo.toml").read_text(encoding="utf-8"), encoding="utf-8")
    config = load_config(file, environ={"DEMO_PORT": str(server.port), "DEMO_CHANNEL": server.phone_url})
    assert [feed.address.reveal() for feed in config.feeds] == [server.url + o.path for o in SCENARIO.outlets]
    assert [url.reveal() for channel in config.channels for url in channel.urls] == [server.phone_url]


# --- How the file is read --------------------------------------------------------------------------------------------

SMALL = """
[[round]]
time = 2017-04-01T09:00:00Z
caption = "one"
[[outlet]]
id = "a"
name = "A"
site = "https://a.example"
lang = "en"
format = "rss"
[[entry]]
id = "a-1"
outlet = "a"
round = 1
link = "https://a.example/1"
title = "One"
summary = ""
"""


def test_an_entry_needs_little() -> None:
    (entry,) = read_scenario(SMALL).entries
    assert (entry.lang, entry.guid, entry.origin, entry.story) == ("en", "https://a.example/1", "a-1", "")
    assert entry.published is None


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param('outlet = "a"', 'outlet = "b"', "a-1: there is no outlet b", id="outlet"),
        pytest.param("https://a.example/1", "https://b.example/1", "a-1: its link leads to another site", id="site"),
        pytest.param('title = "One"', 'title = ""', "a-1: it says nothing", id="empty"),
        pytest.param("round = 1", "round = 2", "a-1: there is no round 2", id="round"),
        pytest.param("round = 1", "round = 1\nuntil = 0", "a-1: it cannot end in round 0", id="until-zero"),
        pytest.param("round = 1", "round = 1\nuntil = 2", "a-1: it cannot end in round 2", id="until"),
        pytest.param("round = 1", 'round = 1\norigin = "x"', "a-1: there is no entry x, its origin", id="origin"),
        pytest.param(SMALL[-1:], SMALL[SMALL.index("[[entry]]") - 1 :], "a-1: this id is used 2 times", id="id"),
    ],
)
def test_a_mistake_in_the_file_is_told(old: str, new: str, fault: str) -> None:
    text = SMALL + new if old == "\n" else SMALL.replace(old, new)
    with pytest.raises(ValueError, match=re.escape(fault)):
        read_scenario(text)


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(TypeError, match="headline"):
        read_scenario(SMALL.replace("title", "headline"))


def test_a_link_finds_its_entry_and_a_doubled_one_the_first() -> None:
    by_link = SCENARIO.by_link()
    assert by_link["https://polosa.example/articles/2017/04/01/71983"].id == "polosa-abductions"
    assert by_link[BY_ID["nawras-abductions-again"].link].id == "nawras-abductions"
    assert len(by_link) == len(SCENARIO.entries) - 1


# --- What is served --------------------------------------------------------------------------------------------------


def read_entries(outlet: Outlet, answer: Answer) -> list[tuple[str, str, str, str, datetime | None]]:
    """Read a served document as any feed reader would: link, GUID, title, summary, date of each entry."""
    if outlet.format == "json":
        items = json.loads(answer.body)["items"]
        return [
            (i["url"], i["id"], i["title"], plain(i["content_html"]), datetime.fromisoformat(i["date_published"]))
            for i in items
        ]
    body = gzip.decompress(answer.body) if answer.headers["Content-Encoding"] else answer.body
    document = feedparser.parse(io.BytesIO(body), response_headers={"content-type": answer.headers["Content-Type"]})
    assert isinstance(document.get("bozo_exception"), feedparser.NonXMLContentType | None)
    return [
        (
            entry.get("feedburner_origlink", entry.link),
            entry.get("id", ""),
            plain(entry.get("title", "")),
            plain(entry.summary),
            _date(entry.get("published_parsed") or entry.get("updated_parsed")),
        )
        for entry in document.entries
    ]


def _date(parsed: struct_time | None) -> datetime | None:
    return datetime.fromtimestamp(timegm(parsed), UTC) if parsed else None


def expected_entries(outlet: Outlet, number: int) -> list[tuple[str, str, str, str, datetime | None]]:
    suffix = "?utm_source=rss&utm_medium=feed&utm_campaign=world" if outlet.links == "tracking" else ""
    bare = outlet.format == "rss091"
    return [
        (e.link + suffix, "" if bare else e.guid, plain(e.title), plain(e.summary), None if bare else e.published)
        for e in SCENARIO.show_feed(outlet, number)
    ]


@pytest.mark.parametrize("outlet", SCENARIO.outlets, ids=lambda outlet: outlet.id)
def test_every_document_of_every_round_reads_as_it_was_written(outlet: Outlet, server: DemoServer) -> None:
    for number in ROUNDS:
        server.show_round(number)
        answer = get(server.url + outlet.path)
        if number in outlet.down:
            assert answer.status == 503
        else:
            assert read_entries(outlet, answer) == expected_entries(outlet, number)


def test_before_any_round_is_shown_the_first_one_is(server: DemoServer) -> None:
    answer = get(server.url + OUTLETS["polosa"].path)
    assert read_entries(OUTLETS["polosa"], answer) == expected_entries(OUTLETS["polosa"], 1)


@pytest.mark.parametrize(
    ("outlet", "content_type"),
    [
        ("polosa", "application/rss+xml"),
        ("courier", "text/html; charset=utf-8"),
        ("witness", "application/feed+json"),
        ("meridien", "application/atom+xml"),
        ("meseta", "application/rdf+xml"),
        ("tribune", "text/xml; charset=utf-8"),
    ],
)
def test_a_document_has_the_content_type_of_its_outlet(outlet: str, content_type: str, server: DemoServer) -> None:
    assert get(server.url + OUTLETS[outlet].path).headers["Content-Type"] == content_type


def test_one_outlet_writes_windows_1251_and_says_so(server: DemoServer) -> None:
    body = get(server.url + "/pereval.xml").body
    assert body.startswith(b"<?xml version='1.0' encoding='windows-1251'?>")
    assert "В Аргуне построят тепличный комплекс".encode("cp1251") in body


def test_compressed_is_only_what_was_asked_for(server: DemoServer) -> None:
    compressed = get(server.url + "/northwire.xml", accept_encoding="gzip, deflate")
    identity = get(server.url + "/northwire.xml")
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.body) == identity.body
    assert compressed.headers["ETag"] != identity.headers["ETag"]
    assert get(server.url + "/polosa.xml", accept_encoding="gzip").headers["Content-Encoding"] is None


@pytest.mark.parametrize("outlet", SCENARIO.outlets, ids=lambda outlet: outlet.id)
def test_validators_spare_what_is_known_and_nothing_else(outlet: Outlet, server: DemoServer) -> None:
    """A 304 is answered exactly when the validators still hold; the outlet that knows none always sends everything."""
    before: Answer | None = None
    for number in [n for n in ROUNDS if n not in outlet.down]:
        server.show_round(number)
        now = get(server.url + outlet.path)
        assert (now.headers["ETag"] is not None) == (outlet.validators in {"both", "etag"})
        assert (now.headers["Last-Modified"] is not None) == (outlet.validators in {"both", "modified"})
        if before:
            again = get(server.url + outlet.path, **conditions(before))
            assert again.status == (304 if outlet.validators != "none" and now.body == before.body else 200)
            assert again.body == (b"" if again.status == 304 else now.body)
        before = now


def conditions(answer: Answer) -> dict[str, str]:
    names = {"if_none_match": "ETag", "if_modified_since": "Last-Modified"}
    return {condition: answer.headers[name] for condition, name in names.items() if answer.headers[name]}


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        pytest.param({"if_none_match": 'W/"x", {etag}'}, 304, id="in a list"),
        pytest.param({"if_none_match": "W/{etag}"}, 304, id="weakened on the way"),
        pytest.param({"if_none_match": '"x"', "if_modified_since": "{modified}"}, 200, id="etag goes first"),
        pytest.param({"if_modified_since": "Tue, 04 Apr 2017 00:00:00 GMT"}, 304, id="later than the change"),
        pytest.param({"if_modified_since": "Wed, 01 Mar 2017 00:00:00 GMT"}, 200, id="earlier than the change"),
    ],
)
def test_conditional_requests_follow_the_standard(condition: dict[str, str], status: int, server: DemoServer) -> None:
    first = get(server.url + "/polosa.xml")
    known = {"etag": first.headers["ETag"], "modified": first.headers["Last-Modified"]}
    sent = {name: value.format(**known) for name, value in condition.items()}
    assert get(server.url + "/polosa.xml", **sent).status == status


def test_one_outlet_is_out_of_order_for_a_round_and_loses_nothing(server: DemoServer) -> None:
    server.show_round(3)
    answer = get(server.url + "/courier.xml")
    assert (answer.status, answer.headers["Retry-After"]) == (503, str(RETRY_AFTER))
    pause = SCENARIO.rounds[3].time - SCENARIO.rounds[2].time
    assert pause > timedelta(seconds=RETRY_AFTER)
    server.show_round(4)
    links = [link for link, *_ in read_entries(OUTLETS["courier"], get(server.url + "/courier.xml"))]
    assert any(link.startswith(BY_ID["courier-abductions"].link) for link in links)


def test_links_are_dressed_as_the_outlets_do(server: DemoServer) -> None:
    server.show_round(4)
    documents = {name: get(server.url + OUTLETS[name].path).body.decode() for name in ("svodka", "feuille", "courier")}
    assert "<link>http://feedproxy.example/~r/svodka/~3/" in documents["svodka"]
    assert "<link>/monde/2017/04/02/grozny-mensonges-absolus</link>" in documents["feuille"]
    assert "utm_source=rss&amp;utm_medium=feed" in documents["courier"]


def test_one_outlet_turns_its_guids_to_https(server: DemoServer) -> None:
    guids = []
    for number in (5, 6):
        server.show_round(number)
        entries = read_entries(OUTLETS["pereval"], get(server.url + "/pereval.xml"))
        guids.append({guid for link, guid, *_ in entries if link.endswith("/48211")})
    assert guids == [{"http://pereval.example/?p=48211"}, {"https://pereval.example/?p=48211"}]


def test_one_outlet_moves_an_old_entry_up_with_a_new_date() -> None:
    place = [[e.id for e in SCENARIO.show_feed(OUTLETS["lilac"], n)].index("lilac-abductions") for n in (5, 6)]
    assert place[0] > place[1] == 0


def test_an_entry_that_drops_out_is_gone() -> None:
    held = [{e.id for e in SCENARIO.show_feed(OUTLETS["northwire"], n)} for n in (3, 4)]
    assert held[0] - held[1] == {"northwire-oil"}


def test_the_awkward_entries_are_there() -> None:
    assert [e.id for e in SCENARIO.entries if not e.title] == ["nawras-argun"]
    assert [e.id for e in SCENARIO.entries if e.published is None] == ["feuille-hotline"]
    doubled = [e for e in SCENARIO.entries if is_duplicate(e)]
    assert [(e.id, BY_ID[e.origin].guid == e.guid) for e in doubled] == [("nawras-abductions-again", True)]
    clutter = [e.outlet for e in SCENARIO.entries if "Related stories" in e.summary]
    assert set(clutter) == {"tribune"}
    assert len(clutter) == sum(e.outlet == "tribune" for e in SCENARIO.entries)


@pytest.mark.parametrize("path", ["/", "/nobody.xml", "/polosa.xml/"])
def test_nothing_else_is_served(path: str, server: DemoServer) -> None:
    assert get(server.url + path).status == 404


@pytest.mark.parametrize("number", [0, len(SCENARIO.rounds) + 1])
def test_there_is_no_round_outside_the_scenario(number: int, server: DemoServer) -> None:
    with pytest.raises(ValueError, match=f"there is no round {number}"):
        server.show_round(number)


# --- The telephone ---------------------------------------------------------------------------------------------------

# Apprise 2.2 imports imghdr where Python still has it, though it carries a substitute.
IMGHDR = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@IMGHDR
def test_the_telephone_keeps_what_apprise_sends_in_order(server: DemoServer) -> None:
    target = apprise.Apprise()
    assert target.add(server.phone_url)
    for number in range(3):
        assert target.notify(title=f"№ {number}", body="Чечня\nالشيشان", body_format=apprise.NotifyFormat.TEXT)
    assert server.phone == tuple((f"№ {number}", "Чечня\nالشيشان") for number in range(3))


@IMGHDR
def test_a_message_sent_elsewhere_is_not_for_the_telephone(server: DemoServer) -> None:
    target = apprise.Apprise()
    assert target.add(server.phone_url + "-box")
    assert not target.notify(title="t", body="b")
    assert server.phone == ()


def test_a_client_that_hangs_up_makes_no_noise(capfd: pytest.CaptureFixture[str], server: DemoServer) -> None:
    try:
        raise ConnectionResetError  # what the server's thread sees when a client is gone
    except ConnectionError:
        server._http.handle_error(None, None)
    assert capfd.readouterr().err == ""


def test_a_fault_of_the_server_is_shown(capfd: pytest.CaptureFixture[str], server: DemoServer) -> None:
    request = urllib.request.Request(server.phone_url.replace("json:", "http:"), data=b"{}", method="POST")
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        urllib.request.urlopen(request, timeout=10)
    assert "KeyError" in capfd.readouterr().err


def test_the_sample_ships_with_the_program() -> None:
    folder = Path(str(resources.files("monitor.demo")))
    assert {"scenario.toml", "demo.toml"} <= {path.name for path in folder.iterdir()}


def test_a_scenario_is_a_value() -> None:
    assert isinstance(SCENARIO, Scenario)
    assert load_scenario() == SCENARIO
