"""One fetch, against real servers on loopback: polite ones, broken ones and hostile ones."""

from __future__ import annotations

import asyncio
import gzip
import re
import shutil
import socket
import ssl
import subprocess
import traceback
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from monitor import __version__
from monitor.config import load_config
from monitor.errors import FetchError
from monitor.fetch import Fetcher
from monitor.fetch.client import _choose_route, _is_same_party, _next_hop
from monitor.fetch.client import _Hop as Hop
from monitor.fetch.pauses import Pauses
from monitor.fetch.slots import Slots
from monitor.fetch.wire import Answer, Route
from monitor.model import Feed, FetchSettings, NotModified, Response, Secret, Validators
from tests.servers import FeedServer, Names, SocksServer

LOOPBACK = (ip_network("127.0.0.0/8"),)
NEWS = b"<rss><channel><title>News</title></channel></rss>"
LATER = b"<rss><channel><title>Later news</title></channel></rss>"
OK = b"HTTP/1.1 200 OK\r\n"
DEADLINE = 5  # seconds within which what should happen must have happened


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as running:
        yield running


@pytest.fixture
async def other() -> AsyncIterator[FeedServer]:
    """A second server: another port is another origin."""
    async with FeedServer() as running:
        yield running


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Names that DNS knows, all of them on this machine."""
    here = ["127.0.0.1"]
    resolver = Names(news_example=here, www_news_example=here, slow_example=here)
    monkeypatch.setattr("aiohttp.AsyncResolver", lambda: resolver)
    return resolver


def make_feed(address: str, **fields: Any) -> Feed:
    return Feed(url=address, address=Secret(address), owner="example", **fields)


def secrets(**values: str) -> dict[str, Secret]:
    return {name.replace("_", "-"): Secret(value) for name, value in values.items()}


@asynccontextmanager
async def fetching(contact: str = "", **settings: Any) -> AsyncIterator[Fetcher]:
    usual = {"allow_private": LOOPBACK, "spacing": timedelta(0)}
    async with Fetcher(FetchSettings(**{**usual, **settings}), contact=contact) as fetcher:
        yield fetcher


async def fetch(
    feed: Feed | str, validators: Validators | None = None, *, contact: str = "", **settings: Any
) -> Response | NotModified:
    async with fetching(contact, **settings) as fetcher:
        return await fetcher.fetch(make_feed(feed) if isinstance(feed, str) else feed, validators or Validators())


async def read(feed: Feed | str, **settings: Any) -> Response:
    answer = await fetch(feed, **settings)
    assert isinstance(answer, Response)
    return answer


async def fail(feed: Feed | str, validators: Validators | None = None, **settings: Any) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await fetch(feed, validators, **settings)
    return caught.value


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a server, which has no event to set
            await asyncio.sleep(0)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


# --- conditional GET -----------------------------------------------------------------------------------------------


async def test_a_first_fetch_brings_the_document_and_its_validators(server: FeedServer) -> None:
    url = server.serve("/feed", NEWS)
    answer = await read(url)
    assert (answer.base, answer.status, answer.body, answer.whole, answer.moved_to) == (url, 200, NEWS, True, "")
    assert answer.headers["content-type"] == "application/rss+xml"
    assert answer.validators.etag.startswith('"')
    assert answer.validators.last_modified == "Mon, 03 Apr 2017 09:00:00 GMT"
    assert len(answer.validators.body_hash) == 64


async def test_a_name_is_resolved_by_the_systems_own_rules(server: FeedServer) -> None:
    """No fake here: c-ares reads the hosts file, and answers that are not allowed (::1) are passed over."""
    server.serve("/feed", NEWS)
    assert (await read(server.url("/feed", host="localhost"))).body == NEWS


async def test_an_unchanged_feed_is_not_sent_again(server: FeedServer) -> None:
    first = await read(server.serve("/feed", NEWS))
    second = await fetch(server.url("/feed"), first.validators)
    assert isinstance(second, NotModified)
    assert (second.status, second.validators) == (304, first.validators)


def liar(server: FeedServer, body: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Answers every conditional request with 304, and all others with a document."""

    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = "if-none-match" in server.requests[-1].headers
        writer.write(b"HTTP/1.1 304 Not Modified\r\n\r\n" if asked else OK + b'ETag: "1"\r\n\r\n' + body)

    return play


async def test_a_304_that_hides_a_change_is_found_out_when_it_is_tested(server: FeedServer) -> None:
    first = await read(server.script("/feed", liar(server, NEWS)))
    url = server.script("/feed", liar(server, LATER))
    assert (await fetch(url, first.validators)).status == 304
    async with fetching() as fetcher:
        answer = await fetcher.fetch(make_feed(url), first.validators, test=True)
    assert isinstance(answer, Response)
    assert (answer.body, answer.tested) == (LATER, True)
    assert answer.validators.body_hash != first.validators.body_hash


async def test_a_304_that_is_true_passes_its_test(server: FeedServer) -> None:
    first = await read(server.serve("/feed", NEWS))
    async with fetching() as fetcher:
        answer = await fetcher.fetch(make_feed(server.url("/feed")), first.validators, test=True)
    assert isinstance(answer, NotModified)
    assert (answer.status, answer.tested, answer.validators) == (200, True, first.validators)
    assert ["if-none-match" in request.headers for request in server.requests] == [False, True, False]


async def test_only_a_304_is_tested(server: FeedServer) -> None:
    first = await read(server.serve("/feed", NEWS))
    url = server.serve("/feed", LATER)
    async with fetching() as fetcher:
        answer = await fetcher.fetch(make_feed(url), first.validators, test=True)
    assert (answer.status, answer.tested, len(server.requests)) == (200, False, 2)


async def test_validators_go_back_exactly_as_they_came(server: FeedServer) -> None:
    validators = Validators(etag='W/"a b,c\té"', last_modified="yesterday, more or less")
    await fetch(server.serve("/feed", NEWS), validators)
    sent = server.requests[0].headers
    assert sent["if-none-match"].encode("latin-1").decode() == validators.etag
    assert sent["if-modified-since"] == validators.last_modified


async def test_a_changed_feed_is_read_and_replaces_its_validators(server: FeedServer) -> None:
    first = await read(server.serve("/feed", NEWS))
    second = await fetch(server.serve("/feed", LATER), first.validators)
    assert isinstance(second, Response)
    assert second.body == LATER
    assert second.validators.etag != first.validators.etag


async def test_the_same_bytes_are_not_modified_where_a_server_ignores_validators(server: FeedServer) -> None:
    first = await read(server.serve("/feed", NEWS, conditional=False))
    second = await fetch(server.serve("/feed", gzip.compress(NEWS), conditional=False), first.validators)
    assert isinstance(second, NotModified)
    assert (second.status, second.validators) == (200, first.validators)


async def test_a_304_may_bring_new_validators(server: FeedServer) -> None:
    url = server.serve("/feed", status=304, headers={"ETag": '"2"'}, conditional=False)
    answer = await fetch(url, Validators('"1"', "Mon, 03 Apr 2017 09:00:00 GMT", "hash"))
    assert answer.validators == Validators('"2"', "Mon, 03 Apr 2017 09:00:00 GMT", "hash")


async def test_a_304_to_a_plain_question_is_an_error_and_not_silence(server: FeedServer) -> None:
    error = await fail(server.serve("/feed", status=304, conditional=False), Validators(body_hash="abc"))
    assert (error.kind, error.retry) == ("protocol", True)


async def test_a_broken_304_is_asked_again_without_conditions(server: FeedServer) -> None:
    """Some servers send a body with their 304, which llhttp refuses."""

    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = "if-none-match" in server.requests[-1].headers
        writer.write(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nbody" if asked else OK + b"\r\n" + NEWS)
        await writer.drain()

    answer = await fetch(server.script("/feed", play), Validators(etag='"1"'))
    assert isinstance(answer, Response)
    assert answer.body == NEWS


@pytest.mark.parametrize(
    "etag",
    [
        pytest.param(b'"\xff\xfe"', id="not UTF-8: it could not be stored"),
        pytest.param(b'"' + b"a" * 2000 + b'"', id="absurdly long"),
    ],
)
async def test_an_etag_that_could_not_be_sent_back_is_not_kept(server: FeedServer, etag: bytes) -> None:
    answer = await read(server.raw("/feed", OK + b"ETag: " + etag + b"\r\nContent-Length: 4\r\n\r\nnews"))
    assert answer.validators.etag == ""
    assert answer.validators.body_hash


async def test_headers_can_be_stored_whatever_bytes_they_held(server: FeedServer) -> None:
    answer = await read(server.raw("/feed", OK + b"X: \xc3\xa9\xff\r\nContent-Length: 4\r\n\r\nnews"))
    assert answer.headers["x"] == "é\ufffd"
    assert all(text.encode() for pair in answer.headers.items() for text in pair)


async def test_of_a_repeated_header_the_first_counts_unless_it_is_a_list(server: FeedServer) -> None:
    head = b'ETag: "1"\r\nETag: "2"\r\nCache-Control: public\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\n'
    answer = await read(server.raw("/feed", OK + head + b"news"))
    assert answer.validators.etag == '"1"'
    assert answer.headers["cache-control"] == "public, max-age=60"


# --- what is sent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "agent"),
    [("desk@example.org", f"monitor/{__version__} (+desk@example.org)"), ("", f"monitor/{__version__}")],
)
async def test_the_program_says_who_it_is_and_what_it_reads(server: FeedServer, contact: str, agent: str) -> None:
    await fetch(server.serve("/feed", NEWS), contact=contact)
    sent = server.requests[0].headers
    assert sent["user-agent"] == agent
    assert "application/atom+xml" in sent["accept"]
    assert sent["accept-encoding"] == "gzip, deflate, br"
    assert not {"if-none-match", "if-modified-since", "cookie", "authorization"} & sent.keys()


async def test_a_feeds_own_headers_are_sent_and_win(server: FeedServer) -> None:
    headers = secrets(user_agent="Reader/1", Authorization="Bearer token")
    await fetch(make_feed(server.serve("/feed", NEWS), headers=headers), contact="desk@example.org")
    sent = server.requests[0].headers
    assert (sent["user-agent"], sent["authorization"]) == ("Reader/1", "Bearer token")


async def test_a_name_and_password_in_the_address_become_basic_auth(server: FeedServer) -> None:
    url = server.serve("/feed", NEWS).replace("://", "://Aladdin:open%20sesame@")
    answer = await read(url)
    assert server.requests[0].headers["authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert "Aladdin" not in answer.base


@pytest.mark.parametrize(
    ("user", "line", "header", "sent"),
    [
        pytest.param(
            "", "headers = { Authorization = 'Bearer ${TOKEN}' }", "authorization", "Bearer hush", id="bearer"
        ),
        pytest.param("", "headers = { Cookie = 'id=${TOKEN}' }", "cookie", "id=hush", id="cookie"),
        pytest.param("reader:${TOKEN}@", "", "authorization", "Basic cmVhZGVyOmh1c2g=", id="basic"),
    ],
)
async def test_a_secret_of_feeds_toml_is_sent_to_its_server(
    server: FeedServer, tmp_path: Path, user: str, line: str, header: str, sent: str
) -> None:
    """From `${TOKEN}` in the file to the header on the wire, and nowhere else."""
    url = server.serve("/feed", NEWS).replace("://", f"://{user}")
    path = tmp_path / "feeds.toml"
    path.write_text(
        f"[fetch]\nallow_private = ['127.0.0.0/8']\n[[feed]]\nurl = '{url}'\n{line}\n"
        "[[topic]]\nname = 'all'\nquery = 'news'\n",
        encoding="utf-8",
    )
    config = load_config(path, environ={"TOKEN": "hush"})
    async with Fetcher(config.fetch, contact=config.contact) as fetcher:
        answer = await fetcher.fetch(config.feeds[0], Validators())
    assert server.requests[0].headers[header] == sent
    assert "hush" not in repr(config) + repr(answer)


@pytest.mark.usefixtures("names")
async def test_no_cookie_is_kept(server: FeedServer) -> None:
    server.serve("/feed", NEWS, headers={"Set-Cookie": "id=1; Path=/"})
    async with fetching() as fetcher:
        for _ in range(2):
            await fetcher.fetch(make_feed(server.url("/feed", host="news.example")), Validators())
    assert "cookie" not in server.requests[1].headers


async def test_the_environments_proxies_are_ignored(server: FeedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await read(server.serve("/feed", NEWS))).body == NEWS


# --- statuses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (300, "redirect", "300 Multiple Choices"),
        (400, "http-4xx", "400 Bad Request"),
        (401, "http-4xx", "401 Unauthorized.*name and password"),
        (403, "http-4xx", "403 Forbidden.*refuses this program"),
        (404, "http-4xx", "404 Not Found.*nothing at this address"),
        (410, "gone", "410 Gone.*for good"),
        (418, "http-4xx", "418 I'm a Teapot.*refuses the request"),
        (429, "busy", "429 Too Many Requests.*too often"),
        (500, "http-5xx", "500 Internal Server Error.*failed"),
        (503, "busy", "503 Service Unavailable.*overloaded"),
    ],
)
async def test_a_status_is_told_in_plain_words(server: FeedServer, status: int, kind: str, words: str) -> None:
    error = await fail(server.serve("/feed", NEWS, status=status, conditional=False))
    assert (error.kind, error.status, error.retry_after) == (kind, status, None)
    assert re.search(words, str(error))
    assert "127.0.0.1" in str(error)


async def test_a_status_that_nobody_defined_is_a_protocol_error(server: FeedServer) -> None:
    error = await fail(server.raw("/feed", b"HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n"))
    assert (error.kind, error.status) == ("protocol", 999)


def in_an_hour(*, clock_ahead: timedelta = timedelta()) -> dict[str, str]:
    server_now = datetime.now(UTC) + clock_ahead
    return {
        "Date": format_datetime(server_now, usegmt=True),
        "Retry-After": format_datetime(server_now + timedelta(hours=1), usegmt=True),
    }


@pytest.mark.parametrize("status", [403, 429, 503])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Retry-After": " 3600 "}, id="seconds"),
        pytest.param(in_an_hour(), id="a date"),
        pytest.param(in_an_hour(clock_ahead=timedelta(days=3)), id="a date by a clock that is wrong"),
    ],
)
async def test_the_server_says_when_to_come_back(server: FeedServer, status: int, headers: dict[str, str]) -> None:
    error = await fail(server.serve("/feed", status=status, headers=headers, conditional=False))
    assert error.retry_after is not None
    assert error.retry_after.tzinfo is UTC
    assert abs(error.retry_after - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=30)


@pytest.mark.parametrize("value", ["soon", "-5", "9" * 12, "9" * 5000, "Mon, 99 Foo 2017 09:00:00 GMT", "1.5", ""])
async def test_a_retry_after_that_makes_no_sense_is_ignored(server: FeedServer, value: str) -> None:
    error = await fail(server.serve("/feed", status=429, headers={"Retry-After": value}, conditional=False))
    assert (error.kind, error.retry_after) == ("busy", None)


# --- redirects -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "permanent"), [(301, True), (302, False), (303, False), (307, False), (308, True)])
async def test_a_redirect_is_followed_and_a_permanent_one_reported(
    server: FeedServer, status: int, *, permanent: bool
) -> None:
    target = server.serve("/new?page=1", NEWS) + "#top"
    server.serve("/new", NEWS)
    answer = await read(server.redirect("/old", target, status))
    assert answer.body == NEWS
    assert answer.base == server.url("/new?page=1")
    assert answer.moved_to == (server.url("/new?page=1") if permanent else "")


@pytest.mark.parametrize("statuses", [(301, 302), (302, 301)])
async def test_one_temporary_hop_makes_the_whole_way_temporary(server: FeedServer, statuses: tuple[int, int]) -> None:
    server.serve("/c", NEWS)
    server.redirect("/b", "/c", statuses[1])
    assert (await read(server.redirect("/a", "b", statuses[0]))).moved_to == ""


async def test_a_moved_feed_that_is_unchanged_still_says_where_it_moved(server: FeedServer) -> None:
    first = await read(server.serve("/new", NEWS))
    answer = await fetch(server.redirect("/old", "/new", 308), first.validators)
    assert (answer.status, answer.moved_to) == (304, server.url("/new"))


async def test_a_moved_feed_does_not_show_a_secret_of_its_address(server: FeedServer) -> None:
    server.redirect("/old", "/new?key=hush", 301)
    server.serve("/new", NEWS)
    feed = Feed(url=server.url("/old?key=${KEY}"), address=Secret(server.url("/old?key=hush")), owner="example")
    assert (await read(feed)).moved_to == server.url("/…")


@pytest.mark.parametrize(
    ("written", "base"),
    [
        pytest.param("/news/feed?page=1", "/news/feed?page=1", id="nothing secret"),
        pytest.param("/${KEY}/news/feed", "/", id="a secret folder"),
        pytest.param("/news/${KEY}/feed?page=1", "/news/", id="a secret folder below a plain one"),
        pytest.param("/news/feed-${KEY}.xml", "/news/feed-", id="part of a name"),
        pytest.param("/news/feed?page=1&key=${KEY}", "/news/feed", id="a secret parameter"),
        pytest.param("/news/cr%C3%A9%2Fme?key=${KEY}", "/news/cr%C3%A9%2Fme", id="escapes stay"),
        pytest.param("?key=${KEY}", "/", id="no path"),
    ],
)
async def test_links_are_resolved_against_the_address_without_its_secrets(
    server: FeedServer, written: str, base: str
) -> None:
    served = written.replace("${KEY}", "hush")
    server.serve(f"/{served.partition('?')[0].removeprefix('/')}", NEWS)
    answer = await read(Feed(url=server.url(written), address=Secret(server.url(served)), owner="example"))
    assert answer.base == server.url(base)


@pytest.mark.parametrize("written", ["http://reader:${KEY}@", "HTTP://${KEY}@"])
async def test_a_secret_before_the_host_is_no_part_of_the_path(server: FeedServer, written: str) -> None:
    host = server.url("").removeprefix("http://")
    url = f"{written}{host}{server.serve('/news/feed', NEWS).removeprefix(server.url(''))}"
    answer = await read(Feed(url=url, address=Secret(url.replace("${KEY}", "hush")), owner="example"))
    assert answer.base == server.url("/news/feed")


async def test_an_address_that_is_secret_as_a_whole_leaves_its_origin(server: FeedServer) -> None:
    answer = await read(Feed(url="${FEED}", address=Secret(server.serve("/hush/feed", NEWS)), owner="example"))
    assert answer.base == server.url("/")


async def test_behind_a_redirect_of_a_secret_address_links_are_resolved_against_the_origin(server: FeedServer) -> None:
    server.redirect("/old", "/hush/new?key=hush")
    server.serve("/hush/new", NEWS)
    feed = Feed(url=server.url("/old?key=${KEY}"), address=Secret(server.url("/old?key=hush")), owner="example")
    assert (await read(feed)).base == server.url("/")


async def test_five_redirects_are_followed_and_a_sixth_is_not(server: FeedServer) -> None:
    server.serve("/0", NEWS)
    for number in range(1, 7):
        server.redirect(f"/{number}", f"/{number - 1}")
    assert (await read(server.url("/5"))).body == NEWS
    error = await fail(server.url("/6"))
    assert error.kind == "redirect"
    assert "after 5 redirects" in str(error)


@pytest.mark.parametrize(
    ("location", "kind", "words"),
    [
        pytest.param("/feed", "redirect", "circle", id="to itself"),
        pytest.param("/feed#again", "redirect", "circle", id="to itself, elsewhere on the page"),
        pytest.param("/there", "redirect", "circle", id="there and back"),
        pytest.param("", "redirect", "where", id="nowhere"),
        pytest.param("file:///etc/passwd", "redirect", "no http or https", id="a file"),
        pytest.param("data:,news", "redirect", "no http or https", id="data"),
        pytest.param("ftp://127.0.0.1/feed", "redirect", "no http or https", id="ftp"),
        pytest.param("gopher://127.0.0.1:25/", "redirect", "no http or https", id="gopher"),
        pytest.param("javascript:alert(1)", "redirect", "no http or https", id="a script"),
        pytest.param("http://", "redirect", "circle", id="no host, which means the same address"),
        pytest.param("http://[::1/feed", "redirect", "no http or https", id="half a host"),
        pytest.param("http://host:port/feed", "redirect", "no http or https", id="no port"),
        pytest.param("http://10.0.0.1/feed", "blocked", "after a redirect from 127", id="a private address"),
        pytest.param("//169.254.169.254/latest", "blocked", "not a public", id="cloud metadata"),
        pytest.param("http://[::ffff:10.0.0.1]/", "blocked", "not a public", id="a mapped private address"),
        pytest.param("http://2852039166/latest", "blocked", "how an address", id="a decimal host"),
    ],
)
async def test_a_redirect_to_where_no_feed_lives_is_refused(
    server: FeedServer, location: str, kind: str, words: str
) -> None:
    server.redirect("/there", "/feed")
    error = await fail(server.redirect("/feed", location))
    assert error.kind == kind
    assert words in str(error)


async def test_a_redirect_without_a_place_is_refused(server: FeedServer) -> None:
    error = await fail(server.serve("/feed", status=302, conditional=False))
    assert (error.kind, str(error)) == ("redirect", "127.0.0.1 redirects without saying where")


def test_a_redirect_from_https_to_http_is_refused() -> None:
    hop = Hop(URL("https://news.example/feed"), {})
    with pytest.raises(FetchError, match="unencrypted") as caught:
        _next_hop(hop, Answer(301, {"location": "http://news.example/feed"}))
    assert caught.value.kind == "redirect"


async def test_credentials_stay_with_their_origin(server: FeedServer, other: FeedServer) -> None:
    """There and back: once they were left behind, they stay behind, since the way back was chosen by a stranger."""
    server.redirect("/feed", "/step")
    server.redirect("/step", other.redirect("/away", server.serve("/back", NEWS)))
    headers = secrets(Cookie="id=1", Authorization="Bearer token", Proxy_Authorization="x", X_Key="key", User_Agent="R")
    await read(make_feed(server.url("/feed"), headers=headers))
    private = {"cookie", "authorization", "proxy-authorization", "x-key"}
    assert [request.path for request in server.requests] == ["/feed", "/step", "/back"]
    assert [private & request.headers.keys() for request in server.requests] == [private, private, set()]
    assert not private & other.requests[0].headers.keys()
    assert other.requests[0].headers["user-agent"].startswith("monitor/")


async def test_a_password_in_the_address_or_the_redirect_goes_nowhere_else(
    server: FeedServer, other: FeedServer
) -> None:
    target = other.serve("/feed", NEWS).replace("://", "://evil:twin@")
    await read(server.redirect("/feed", target).replace("://", "://user:secret@"))
    assert "authorization" not in other.requests[0].headers


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("https://news.example/a", "https://news.example/b", True),
        ("https://news.example/a", "https://news.example:443/b", True),
        ("http://news.example/a", "https://news.example/b", True),
        ("http://news.example/a", "https://news.example:8443/b", False),
        ("http://news.example:8080/a", "https://news.example/b", False),
        ("https://news.example/a", "http://news.example/b", False),
        ("https://news.example/a", "https://www.news.example/b", False),
        ("https://news.example/a", "https://news.example.evil.example/b", False),
    ],
)
def test_credentials_go_to_the_same_origin_or_its_https_twin(old: str, new: str, *, same: bool) -> None:
    assert _is_same_party(URL(old), URL(new)) is same


@pytest.mark.parametrize(
    "address",
    ["ftp://news.example/feed", "file:///etc/passwd", "news.example/feed", "http://", "http://[", "http://h:p/"],
)
async def test_an_address_that_is_no_web_address_is_an_error_in_words(address: str) -> None:
    error = await fail(address)
    assert (error.kind, "feeds.toml" in str(error)) == ("protocol", True)


# --- sizes ---------------------------------------------------------------------------------------------------------


def endless(head: bytes, data: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(data)
            await writer.drain()

    return play


BOMB = gzip.compress(bytes(64 * 1024 * 1024))


@pytest.mark.parametrize(
    ("head", "data"),
    [
        pytest.param(OK + b"\r\n", b"x" * 65536, id="endless"),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\n\r\n", b"8000\r\n" + b"x" * 32768 + b"\r\n", id="endless chunks"
        ),
        pytest.param(OK + b"Content-Encoding: gzip\r\n\r\n", BOMB, id="a gzip bomb"),
        pytest.param(OK + b"\r\n", BOMB, id="a gzip bomb that is not declared"),
    ],
)
async def test_a_document_beyond_the_limit_is_left_in_little_memory(
    server: FeedServer, head: bytes, data: bytes
) -> None:
    url = server.script("/feed", endless(head, data))
    tracemalloc.start()
    try:
        error = await fail(url, max_bytes=1_000_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error.kind == "too-large"
    assert "1,000,000 bytes" in str(error)
    assert peak < 4_000_000


async def test_a_document_that_is_announced_too_large_is_not_waited_for(server: FeedServer) -> None:
    async def announce(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 1000001\r\n\r\n")
        await reader.read()  # until the client leaves

    async with asyncio.timeout(DEADLINE):
        error = await fail(server.script("/feed", announce), max_bytes=1_000_000)
    assert error.kind == "too-large"


@pytest.mark.parametrize(("own", "kind"), [(100, "too-large"), (2_000_000, "")])
async def test_a_feeds_own_limit_goes_before_the_common_one(server: FeedServer, own: int, kind: str) -> None:
    feed = make_feed(server.serve("/feed", b"x" * 1_500_000), max_bytes=own)
    if kind:
        error = await fail(feed, max_bytes=1_000_000)
        assert (error.kind, f"{own} bytes" in str(error)) == (kind, True)
    else:
        assert len((await read(feed, max_bytes=1_000_000)).body) == 1_500_000


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"".join(b"X-%d: y\r\n" % number for number in range(5000)), id="many fields"),
        pytest.param(b"X: " + b"y" * 100_000 + b"\r\n", id="a long field"),
    ],
)
async def test_a_flood_of_headers_is_a_protocol_error(server: FeedServer, head: bytes) -> None:
    error = await fail(server.script("/feed", endless(OK, head)))
    assert error.kind == "protocol"


async def test_the_long_headers_of_real_feeds_are_read(server: FeedServer) -> None:
    url = server.serve("/feed", NEWS, headers={"Link": "x" * 60_000} | {f"X-{number}": "y" for number in range(200)})
    assert (await read(url)).body == NEWS


# --- broken HTTP ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "body", "whole"),
    [
        pytest.param(OK + b"\r\n" + NEWS, NEWS, True, id="no length"),
        pytest.param(OK + b"Content-Length: 999\r\n\r\n" + NEWS, NEWS, False, id="less than its length"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nnews\r\n", b"news", False, id="chunks without end"),
        pytest.param(
            OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(NEWS)[:-4], NEWS, False, id="gzip without its end"
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n" + NEWS, NEWS, True, id="HTTP/1.0"),
        pytest.param(b"HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nnews", b"news", True, id="no reason phrase"),
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 4\n\nnews", b"news", True, id="bare line feeds"),
        pytest.param(OK + b"X: \xff\xfe\r\nContent-Length: 4\r\n\r\nnews", b"news", True, id="binary in a field"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + OK + b"\r\nnews", b"news", True, id="100 three times"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", b"", True, id="no content"),
    ],
)
async def test_what_can_be_read_of_a_broken_answer_is_read(
    server: FeedServer, sent: bytes, body: bytes, *, whole: bool
) -> None:
    answer = await read(server.raw("/feed", sent))
    assert (answer.body, answer.whole) == (body, whole)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<rss></rss>", id="HTTP/0.9"),
        pytest.param(b"\x00\xff\x16\x03 garbage\r\n\r\n", id="a garbage status line"),
        pytest.param(b"ICY 200 OK\r\n\r\nnews", id="another protocol"),
        pytest.param(OK + b"Content-Length: 999\r\n\r\n", id="no body at all"),
        pytest.param(OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nnews!", id="two lengths"),
        pytest.param(OK + b"Content-Length: -4\r\n\r\nnews", id="a negative length"),
        pytest.param(OK + b"Content-Length: 2\r\n\r\nnews", id="more than its length"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nnews", id="bad chunks"),
        pytest.param(OK + b"X: a\0b\r\n\r\nnews", id="NUL in a field"),
        pytest.param(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nnews", id="304 with a body, unasked"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", id="101"),
    ],
)
async def test_an_answer_that_is_no_http_is_a_protocol_error_and_the_next_fetch_is_sound(
    server: FeedServer, sent: bytes
) -> None:
    async with fetching() as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(make_feed(server.raw("/feed", sent)), Validators())
        answer = await fetcher.fetch(make_feed(server.serve("/other", NEWS)), Validators())
    assert caught.value.kind == "protocol"
    assert isinstance(answer, Response)
    assert answer.body == NEWS


async def test_after_half_a_body_the_next_poll_asks_for_all_of_it(server: FeedServer) -> None:
    """The validators of the whole document would make the server say 304, and the missing half be missed for good."""
    half = await read(server.raw("/feed", OK + b'ETag: "1"\r\nContent-Length: 99\r\n\r\n' + NEWS[:30]))
    assert (half.whole, half.validators.etag, half.validators.last_modified) == (False, "", "")
    again = await fetch(server.url("/feed"), half.validators)
    assert isinstance(again, NotModified)  # the same half brings nothing new
    whole = await fetch(server.serve("/feed", NEWS, headers={"ETag": '"1"'}), again.validators)
    assert isinstance(whole, Response)
    assert "if-none-match" not in server.requests[-1].headers
    assert whole.validators.etag == '"1"'


# --- time ----------------------------------------------------------------------------------------------------------

SHORT = timedelta(seconds=0.3)


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()  # until the client leaves


def drip(head: bytes, drop: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A server that always sends a little more: each read succeeds, the whole never ends."""

    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.01)

    return play


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(hang, id="silence"),
        pytest.param(drip(OK, b"X: y\r\n"), id="dripping headers"),
        pytest.param(drip(OK + b"\r\n", b"x"), id="a dripping body"),
        pytest.param(drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), id="soon, soon"),
    ],
)
async def test_a_slow_server_is_left_when_the_time_is_over(server: FeedServer, play: Any) -> None:
    async with asyncio.timeout(DEADLINE):
        error = await fail(server.script("/feed", play), timeout=SHORT)
    assert error.kind in {"timeout", "protocol"}  # a flood of headers may be over the count before the time
    assert "within 0.3 s" in str(error) or error.kind == "protocol"


async def test_a_feeds_own_timeout_goes_before_the_common_one(server: FeedServer) -> None:
    async with asyncio.timeout(DEADLINE):
        error = await fail(make_feed(server.script("/feed", hang), timeout=SHORT))
    assert error.kind == "timeout"


def dawdle(seconds: float, answer: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        writer.write(answer)

    return play


async def test_redirects_and_body_share_one_time_limit(server: FeedServer) -> None:
    found = b"HTTP/1.1 302 Found\r\nLocation: /last\r\nContent-Length: 0\r\n\r\n"
    server.script("/last", dawdle(0.6, OK + b"\r\n" + NEWS))
    error = await fail(server.script("/first", dawdle(0.6, found)), timeout=timedelta(seconds=1))
    assert error.kind == "timeout"
    assert len(server.requests) == 2


async def test_a_cancelled_fetch_is_cancelled_and_gives_back_its_slot(server: FeedServer) -> None:
    url = server.script("/slow", hang)
    async with fetching(per_host=1, concurrency=1) as fetcher:
        task = asyncio.create_task(fetcher.fetch(make_feed(url), Validators()))
        await until(lambda: server.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        answer = await fetcher.fetch(make_feed(server.serve("/feed", NEWS)), Validators())
    assert isinstance(answer, Response)


# --- how many at once ----------------------------------------------------------------------------------------------


class Gate:
    """Holds every request until it is opened, and counts how many it holds."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.opened = asyncio.Event()

    async def play(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.opened.wait()
        self.inside -= 1
        writer.write(OK + b"Content-Length: 4\r\n\r\nnews")


@pytest.mark.parametrize(
    ("settings", "hosts", "most"),
    [
        pytest.param({"per_host": 2, "concurrency": 64}, ["news.example"], 2, id="per host"),
        pytest.param({"per_host": 2, "concurrency": 3}, ["news.example", "slow.example"], 3, id="overall"),
        pytest.param({"per_host": 2, "per_domain": 3}, ["news.example", "www.news.example"], 3, id="per domain"),
        pytest.param({"per_host": 5, "per_domain": 1}, ["127.0.0.1"], 5, id="a host without a domain"),
    ],
)
@pytest.mark.usefixtures("names")
async def test_no_more_than_the_configured_requests_run_at_once(
    server: FeedServer, settings: dict[str, Any], hosts: list[str], most: int
) -> None:
    gate = Gate()
    server.script("/feed", gate.play)
    feeds = [make_feed(server.url("/feed", host=host)) for host in hosts for _ in range(6)]
    async with fetching(**settings) as fetcher, asyncio.TaskGroup() as group:
        for feed in feeds:
            group.create_task(fetcher.fetch(feed, Validators()))
        await until(lambda: gate.inside == most)
        gate.opened.set()
    assert gate.most == most
    assert len(server.requests) == len(feeds)


@pytest.mark.usefixtures("names")
async def test_a_stuck_host_holds_up_nobody_else(server: FeedServer) -> None:
    """Ten feeds of a stuck host want slots first; one waits outside the common queue, not in it."""
    slow, news = server.url("/slow", host="slow.example"), server.url("/feed", host="news.example")
    server.script("/slow", hang)
    server.serve("/feed", NEWS)
    async with fetching(per_host=1, concurrency=2) as fetcher:
        stuck = [asyncio.create_task(fetcher.fetch(make_feed(slow), Validators())) for _ in range(10)]
        await until(lambda: server.requests)
        async with asyncio.timeout(DEADLINE):
            assert (await fetcher.fetch(make_feed(news), Validators())).status == 200
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)


@pytest.fixture
def arrivals(server: FeedServer) -> list[float]:
    """When each request for /feed came in, by the loop's clock."""
    times: list[float] = []

    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        times.append(asyncio.get_running_loop().time())
        writer.write(OK + b"Content-Length: 4\r\n\r\nnews")

    server.script("/feed", play)
    return times


@pytest.mark.usefixtures("names")
async def test_requests_to_one_host_start_apart(server: FeedServer, arrivals: list[float]) -> None:
    """Both where they come at once and where one follows the other; another host is not waited for."""
    feed, other = (make_feed(server.url("/feed", host=host)) for host in ("news.example", "slow.example"))
    async with fetching(per_host=3, spacing=timedelta(seconds=0.2)) as fetcher:
        await asyncio.gather(*(fetcher.fetch(feed, Validators()) for _ in range(3)))
        await fetcher.fetch(other, Validators())
        await fetcher.fetch(feed, Validators())
    first, second, third, elsewhere, fourth = arrivals
    assert min(second - first, third - second, fourth - third) > 0.15
    assert elsewhere - third < 0.15


async def test_a_host_without_a_domain_is_not_waited_for(server: FeedServer, arrivals: list[float]) -> None:
    async with asyncio.timeout(DEADLINE), fetching(spacing=timedelta(hours=1)) as fetcher:
        for _ in range(2):
            await fetcher.fetch(make_feed(server.url("/feed")), Validators())
    assert len(arrivals) == 2


async def test_a_start_is_forgotten_when_the_next_may_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = Slots(FetchSettings(spacing=timedelta(seconds=5)))
    remembered = []
    for host, time in [("a.example", 100.0), ("b.example", 104.0), ("a.example", 106.0), ("c.example", 110.0)]:
        monkeypatch.setattr("monitor.fetch.slots._clock", lambda time=time: time)
        async with slots.hold(host):
            remembered.append(list(slots._next_start))
    assert remembered == [
        ["a.example"],
        ["a.example", "b.example"],
        ["b.example", "a.example"],
        ["a.example", "c.example"],
    ]


async def test_a_host_is_forgotten_when_nobody_talks_to_it(server: FeedServer) -> None:
    async with fetching() as fetcher:
        await fetcher.fetch(make_feed(server.serve("/feed", NEWS)), Validators())
        assert fetcher._slots._lanes == {}


async def test_waiting_for_a_slot_is_not_counted_against_a_feed(server: FeedServer) -> None:
    """Eight feeds, one at a time, 0.1 s each, 0.6 s allowed: the last waits longer than its limit, and is fetched."""
    url = server.script("/feed", dawdle(0.1, OK + b"Content-Length: 4\r\n\r\nnews"))
    async with fetching(per_host=1, timeout=timedelta(seconds=0.6)) as fetcher:
        answers = await asyncio.gather(*(fetcher.fetch(make_feed(url), Validators()) for _ in range(8)))
    assert [answer.status for answer in answers] == [200] * 8


async def test_a_connection_is_kept_only_while_others_of_its_host_wait(server: FeedServer) -> None:
    """The first comes to an empty house and the last leaves one; those between share a connection."""
    feed = make_feed(server.serve("/feed", NEWS))
    async with fetching(per_host=1) as fetcher:
        await asyncio.gather(*(fetcher.fetch(feed, Validators()) for _ in range(5)))
    assert [request.headers.get("connection") for request in server.requests] == ["close", None, None, None, "close"]
    assert [request.connection for request in server.requests] == [1, 2, 2, 2, 2]


# --- pauses --------------------------------------------------------------------------------------------------------


@pytest.fixture
def busy(server: FeedServer, names: Names) -> str:
    """A feed whose host, `news.example`, wants to be left alone for an hour."""
    assert "news.example" in names.names
    server.serve("/busy", status=429, headers={"Retry-After": "3600"}, conditional=False)
    return server.url("/busy", host="news.example")


async def test_a_host_that_asks_one_feed_to_wait_is_not_asked_by_the_others(server: FeedServer, busy: str) -> None:
    async with fetching() as fetcher:
        errors = []
        for url in (busy, server.url("/feed", host="news.example")):
            with pytest.raises(FetchError) as caught:
                await fetcher.fetch(make_feed(url), Validators())
            errors.append(caught.value)
    told, spared = errors
    assert [request.path for request in server.requests] == ["/busy"]
    assert (spared.kind, spared.retry_after, spared.retry) == ("busy", told.retry_after, True)
    assert told.retry_after is not None
    assert str(spared) == (
        f"not asked: news.example wants all of its feeds to wait until {told.retry_after:%Y-%m-%d %H:%M:%S} UTC"
    )


async def test_feeds_that_wait_for_a_slot_are_turned_away_too(server: FeedServer, busy: str) -> None:
    feed = make_feed(busy)
    async with fetching(per_host=1) as fetcher:
        results = await asyncio.gather(*(fetcher.fetch(feed, Validators()) for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [FetchError] * 5
    assert len(server.requests) == 1


async def test_a_pause_is_for_one_host_on_one_route(server: FeedServer, busy: str) -> None:
    """Through a proxy the program is somebody else: what one exit did is not held against another."""
    server.serve("/feed", NEWS)
    proxy = Secret(f"http://127.0.0.1:{server.port}")
    others = [
        make_feed(server.url("/feed", host="slow.example")),
        make_feed(server.url("/feed", host="news.example"), proxy=proxy),
    ]
    async with fetching() as fetcher:
        with pytest.raises(FetchError):
            await fetcher.fetch(make_feed(busy), Validators())
        answers = [await fetcher.fetch(feed, Validators()) for feed in others]
    assert [answer.status for answer in answers] == [200, 200]


async def test_a_feed_that_is_redirected_to_a_host_in_a_pause_says_whence(server: FeedServer, busy: str) -> None:
    async with fetching() as fetcher:
        with pytest.raises(FetchError):
            await fetcher.fetch(make_feed(busy), Validators())
        with pytest.raises(FetchError, match=r"^not asked: news\.example .*after a redirect from 127") as caught:
            await fetcher.fetch(make_feed(server.redirect("/moved", busy)), Validators())
    assert caught.value.retry_after is not None


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("host", "kind", "asked", "pause"),
    [
        pytest.param("news.example", "busy", HOUR, HOUR, id="an hour"),
        pytest.param("news.example", "busy", 9 * DAY, DAY, id="nine days are cut to one"),
        pytest.param("news.example", "busy", -HOUR, None, id="over already"),
        pytest.param("news.example", "busy", None, None, id="no time was named"),
        pytest.param("news.example", "http-4xx", HOUR, None, id="a refusal, which is one feed's affair"),
        pytest.param("127.0.0.1", "busy", HOUR, None, id="a machine of the operator's own"),
    ],
)
def test_a_pause_begins_and_ends(host: str, kind: str, asked: timedelta | None, pause: timedelta | None) -> None:
    pauses, route, now = Pauses(), Route(Secret("")), datetime.now(UTC)
    with pytest.raises(FetchError), pauses.respect(host, route):
        raise FetchError(kind, "later", retry_after=None if asked is None else now + asked)
    if pause is None:
        with pauses.respect(host, route):
            return
    with pytest.raises(FetchError, match="not asked") as caught, pauses.respect(host, route):
        pytest.fail("it was asked")
    assert caught.value.retry_after is not None
    assert abs(caught.value.retry_after - now - pause) < timedelta(seconds=5)


def test_a_pause_that_is_over_is_forgotten() -> None:
    pauses, route = Pauses(), Route(Secret(""))
    for host, asked in [("a.example", -HOUR), ("b.example", HOUR)]:
        with pytest.raises(FetchError), pauses.respect(host, route):
            raise FetchError("busy", "later", retry_after=datetime.now(UTC) + asked)
    assert [host for host, _ in pauses._until] == ["b.example"]


# --- proxies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["socks5h", "socks5"])
async def test_a_socks_proxy_is_given_the_name_and_nothing_is_resolved_here(
    server: FeedServer, names: Names, scheme: str
) -> None:
    server.serve("/feed", NEWS)
    async with SocksServer(target=server.port) as proxy:
        address = Secret(f"{scheme}://127.0.0.1:{proxy.port}")
        answer = await read("http://hidden.onion/feed", proxy=address, allow_private=())
    assert answer.body == NEWS
    assert proxy.asked == [("hidden.onion", 80)]
    assert server.requests[0].headers["host"] == "hidden.onion"
    assert names.asked == []


async def test_a_socks_proxy_is_given_its_user_and_password(server: FeedServer) -> None:
    server.serve("/feed", NEWS)
    async with SocksServer(target=server.port, user=True) as proxy:
        await read("http://news.example/feed", proxy=Secret(f"socks5h://me:p%40ss@127.0.0.1:{proxy.port}"))
    assert proxy.logins == [("me", "p@ss")]


async def test_isolated_feeds_share_neither_user_nor_connection(server: FeedServer, names: Names) -> None:
    """Each has one user name, also behind a redirect, and none that tells what it reads."""
    server.serve("/one", NEWS)
    server.redirect("/two", "/three")
    server.serve("/three", NEWS)
    feeds = [make_feed(f"http://news.example/{path}") for path in ("one", "two")] * 2
    async with SocksServer(target=server.port, user=True) as proxy:
        address = Secret(f"socks5h://127.0.0.1:{proxy.port}")
        async with fetching(proxy=address, stream_isolation=True, per_host=1) as fetcher:
            await asyncio.gather(*(fetcher.fetch(feed, Validators()) for feed in feeds))
            assert fetcher._wire._sessions == {}
    users: dict[str, set[tuple[str, str]]] = {}
    for request, login in zip(server.requests, proxy.logins, strict=True):
        users.setdefault(request.path, set()).add(login)
    assert users["/two"] == users["/three"] != users["/one"]
    assert [len(logins) for logins in users.values()] == [1, 1, 1]
    assert all(re.fullmatch("[0-9a-f]{32}", user) and password for user, password in proxy.logins)
    assert server.connections == len(server.requests) == 6
    assert names.asked == []


async def test_isolated_feeds_fail_closed(server: FeedServer, names: Names) -> None:
    error = await fail(
        server.url("/feed", host="news.example"),
        proxy=Secret(f"socks5h://127.0.0.1:{closed_port()}"),
        stream_isolation=True,
    )
    assert (error.kind, server.connections, names.asked) == ("proxy", 0, [])


@pytest.mark.parametrize(
    ("common", "own", "isolated"),
    [
        pytest.param("socks5h://127.0.0.1:9050", None, True, id="the common proxy"),
        pytest.param("socks5://127.0.0.1:9050", None, True, id="the other name of SOCKS 5"),
        pytest.param("socks5h://127.0.0.1:9050", "socks5h://127.0.0.1:9150", True, id="a proxy of its own"),
        pytest.param("socks5h://127.0.0.1:9050", "socks5h://me:pw@127.0.0.1:9150", False, id="a user of its own"),
        pytest.param("socks5h://127.0.0.1:9050", "http://127.0.0.1:8080", False, id="an HTTP proxy of its own"),
        pytest.param("socks5h://127.0.0.1:9050", "", False, id="no proxy"),
    ],
)
def test_a_feed_is_isolated_where_its_proxy_can(common: str, own: str | None, *, isolated: bool) -> None:
    feed = make_feed("http://news.example/feed", proxy=None if own is None else Secret(own))
    for wanted in (True, False):
        route = _choose_route(feed, FetchSettings(proxy=Secret(common), stream_isolation=wanted))
        assert route.proxy.reveal() == (common if own is None else own)
        assert bool(route.identity) is (isolated and wanted)


async def test_an_http_proxy_is_asked_by_name_and_nothing_is_resolved_here(server: FeedServer, names: Names) -> None:
    server.serve("/feed", NEWS)
    address = Secret(f"http://me:secret@127.0.0.1:{server.port}")
    answer = await read("http://hidden.example/feed", proxy=address, allow_private=())
    assert answer.body == NEWS
    assert server.requests[0].target == "http://hidden.example/feed"
    assert server.requests[0].headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
    assert names.asked == []


async def test_an_http_proxy_that_opens_no_tunnel_is_a_proxy_error(server: FeedServer) -> None:
    error = await fail("https://news.example/feed", proxy=Secret(f"http://127.0.0.1:{server.port}"))
    assert error.kind == "proxy"
    assert server.requests[0].target == "news.example:443"


async def test_an_http_proxy_that_wants_a_password_is_a_proxy_error(server: FeedServer) -> None:
    server.serve("/feed", status=407, conditional=False)
    error = await fail("http://news.example/feed", proxy=Secret(f"http://127.0.0.1:{server.port}"))
    assert (error.kind, error.status) == ("proxy", 407)


@pytest.mark.parametrize("scheme", ["socks5h", "socks5", "http"])
@pytest.mark.parametrize("target", ["http", "https"])
async def test_a_dead_proxy_is_an_error_and_nothing_goes_around_it(
    server: FeedServer, names: Names, scheme: str, target: str
) -> None:
    server.serve("/feed", NEWS)
    url = server.url("/feed", host="news.example").replace("http:", f"{target}:")
    error = await fail(url, proxy=Secret(f"{scheme}://me:secret@127.0.0.1:{closed_port()}"))
    assert error.kind == "proxy"
    assert "secret" not in str(error)
    assert server.connections == 0
    assert names.asked == []


async def test_a_proxy_that_speaks_no_socks_is_a_proxy_error(server: FeedServer) -> None:
    error = await fail("http://news.example/feed", proxy=Secret(f"socks5h://127.0.0.1:{server.port}"), timeout=SHORT)
    assert error.kind in {"proxy", "timeout"}


async def test_a_feeds_own_proxy_goes_before_the_common_one_and_an_empty_one_means_none(server: FeedServer) -> None:
    url, dead = server.serve("/feed", NEWS), Secret(f"http://127.0.0.1:{closed_port()}")
    assert (await read(make_feed(url, proxy=Secret("")), proxy=dead)).body == NEWS
    assert (await fail(make_feed(url, proxy=dead))).kind == "proxy"


@pytest.mark.parametrize("address", ["socks4://127.0.0.1:1", "127.0.0.1:9050", "socks5h://", "http://[", "nonsense"])
async def test_a_proxy_that_cannot_be_understood_is_an_error_and_not_a_direct_fetch(
    server: FeedServer, address: str
) -> None:
    error = await fail(server.serve("/feed", NEWS), proxy=Secret(address))
    assert error.kind == "proxy"
    assert "must be socks5h://HOST:PORT" in str(error)
    assert server.connections == 0


# --- TLS and connections -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A certificate that nobody vouches for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes its certificate with openssl, which is not installed")
    folder: Path = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    wanted = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    extra = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, "req", "-x509", *wanted, *extra], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_refused(self_signed: ssl.SSLContext) -> None:
    async with FeedServer(tls=self_signed) as server:
        error = await fail(server.serve("/feed", NEWS))
        assert server.requests == []
    assert error.kind == "tls"
    assert "self-signed certificate" in str(error)


async def test_a_certificate_is_checked_through_a_socks_proxy_too(self_signed: ssl.SSLContext) -> None:
    async with FeedServer(tls=self_signed) as server, SocksServer(target=server.port) as proxy:
        error = await fail("https://news.example/feed", proxy=Secret(f"socks5h://127.0.0.1:{proxy.port}"))
        assert server.requests == []
    assert error.kind == "tls"
    assert "self-signed certificate" in str(error)


async def test_https_to_a_server_that_speaks_http_is_a_tls_error() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as plain:
        error = await fail(f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}/feed")
    assert error.kind == "tls"


async def test_a_closed_port_is_a_refused_connection() -> None:
    error = await fail(f"http://127.0.0.1:{closed_port()}/feed")
    assert (error.kind, str(error)) == ("refused", "no connection to 127.0.0.1: connection refused")


# --- secrets -------------------------------------------------------------------------------------------------------


@pytest.fixture
def failing(server: FeedServer) -> dict[str, str]:
    """Addresses that fail, each in its own way."""
    server.serve("/status", status=500, conditional=False)
    server.redirect("/circle", "/circle?key=hush")
    server.redirect("/moved", "http://10.0.0.1/?key=hush")
    server.redirect("/file", "file:///x?key=hush")
    server.raw("/garbage", b"garbage")
    server.raw("/nothing")
    server.script("/silence", hang)
    ways = {
        path: server.url(path) for path in ("/status", "/circle", "/moved", "/file", "/garbage", "/nothing", "/silence")
    }
    return ways | {
        "refused": f"http://127.0.0.1:{closed_port()}/",
        "blocked": "http://10.0.0.1/",
        "scheme": "ftp://127.0.0.1/",
        "host": "http://[/",
    }


async def test_no_failure_tells_a_secret(failing: dict[str, str]) -> None:
    """Neither the message nor the chain behind it, which a log may print, holds any part of the address but the host."""
    for way, url in failing.items():
        address = url.replace("://", "://user:hush@") + "?key=hush"
        feed = make_feed(address, headers=secrets(X_Key="hush"))
        feed = replace(feed, url="https://masked.example/")
        error = await fail(feed, timeout=SHORT)
        shown = "".join(traceback.format_exception(error)) + repr(error)
        assert "hush" not in shown, way


async def test_a_header_that_cannot_be_sent_is_an_error_without_its_value(server: FeedServer) -> None:
    error = await fail(make_feed(server.serve("/feed", NEWS), headers=secrets(X_Key="hush\r\nX: y")))
    assert error.kind == "protocol"
    assert "hush" not in "".join(traceback.format_exception(error))
    assert server.requests == []
