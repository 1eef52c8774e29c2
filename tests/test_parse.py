from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest

from monitor.errors import ParseError
from monitor.model import Document, Entry, Response, Validators
from monitor.parse import parse_feed

FEEDS = Path(__file__).parent / "feeds"
URL = "https://feeds.example/folder/feed"


def parse(body: bytes | str, *, content_type: str = "") -> Document:
    raw = body.encode() if isinstance(body, str) else body
    headers = {"content-type": content_type} if content_type else {}
    return parse_feed(Response(base=URL, status=200, headers=headers, body=raw, validators=Validators()))


def rss(*items: str, head: str = "") -> str:
    return f"<rss version='2.0'><channel><title>T</title>{head}{''.join(items)}</channel></rss>"


def as_json(document: Document) -> dict[str, Any]:
    interval = document.min_interval
    return {
        "kind": document.kind,
        "title": document.title,
        "lang": document.lang,
        "min_interval": interval.total_seconds() if interval else None,
        "skipped": list(document.skipped),
        "entries": [entry_as_json(entry) for entry in document.entries],
    }


def entry_as_json(entry: Entry) -> dict[str, str]:
    values = ((field.name, getattr(entry, field.name)) for field in fields(entry))
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values if value}


@pytest.mark.parametrize(
    "path", sorted(path for path in FEEDS.iterdir() if ".expected" not in path.suffixes), ids=lambda path: path.name
)
def test_a_document_gives_the_entries_written_beside_it(path: Path) -> None:
    expected = json.loads(path.with_name(f"{path.name}.expected.json").read_text("utf-8"))
    assert as_json(parse(path.read_bytes())) == expected


RUSSIAN = '<?xml version="1.0" encoding="{}"?>' + rss("<item><title>Правозащитники требуют ответа</title></item>")
FRENCH = rss("<item><title>Un été d'inquiétude à l'Élysée</title></item>")
CHINESE = rss("<item><title>人权组织要求调查</title></item>")


@pytest.mark.parametrize(
    ("body", "content_type", "title"),
    [
        pytest.param(RUSSIAN.format("utf-8").encode(), "", "Правозащитники требуют ответа", id="utf-8"),
        pytest.param(
            RUSSIAN.format("utf-8").encode(), "text/xml; charset=ISO-8859-1", "Правозащитники требуют ответа",
            id="utf-8 that HTTP calls latin-1",
        ),
        pytest.param(
            RUSSIAN.format("utf-16").encode(), "", "Правозащитники требуют ответа", id="utf-8 that calls itself utf-16"
        ),
        pytest.param(RUSSIAN.format("utf-8").encode("utf-16"), "", "Правозащитники требуют ответа", id="utf-16 with mark"),
        pytest.param(
            RUSSIAN.format("utf-16").encode("utf-16-be"), "", "Правозащитники требуют ответа", id="utf-16 without mark"
        ),
        pytest.param(RUSSIAN.format("utf-32").encode("utf-32"), "", "Правозащитники требуют ответа", id="utf-32"),
        pytest.param(
            RUSSIAN.format("windows-1251").encode("cp1251"), "", "Правозащитники требуют ответа", id="cp1251 declared"
        ),
        pytest.param(
            RUSSIAN.format("windows-1251").encode("cp1251"), "text/xml; charset=utf-8", "Правозащитники требуют ответа",
            id="cp1251 that HTTP calls utf-8",
        ),
        pytest.param(
            RUSSIAN.format("koi8-r").encode("koi8-r"), "text/xml; charset=iso-8859-1", "Правозащитники требуют ответа",
            id="the declaration goes before HTTP",
        ),
        pytest.param(
            RUSSIAN.format("utf-8").encode("cp1251"), "", "Правозащитники требуют ответа", id="cp1251 that calls itself utf-8"
        ),
        pytest.param(
            RUSSIAN.format("utf-8").encode() + b"\xff", "", "Правозащитники требуют ответа", id="utf-8 with one bad byte"
        ),
        pytest.param(FRENCH.encode("cp1252"), "", "Un été d'inquiétude à l'Élysée", id="cp1252 undeclared"),
        pytest.param(
            FRENCH.encode("cp1252"), "text/xml; charset=us-ascii", "Un été d'inquiétude à l'Élysée", id="a label widened"
        ),
        pytest.param(
            FRENCH.encode("cp1252"), "text/xml; charset=zlib", "Un été d'inquiétude à l'Élysée", id="a codec for no text"
        ),
        pytest.param(
            FRENCH.encode("cp1252"), "text/xml; charset=idna", "Un été d'inquiétude à l'Élysée", id="a codec for hosts"
        ),
        pytest.param(
            f'<?xml version="1.0" encoding="gb2312"?>{CHINESE}'.encode("gbk"), "", "人权组织要求调查", id="gbk as gb2312"
        ),
        pytest.param(
            f'<?xml version="1.0" encoding="iso-2022-jp"?>{rss("<item><title>人権</title></item>")}'.encode("iso2022_jp"),
            "", "人権", id="iso-2022-jp",
        ),
        pytest.param(
            f'<?xml version="1.0" encoding="shift_jis"?>{rss("<item><title>人権①</title></item>")}'.encode("cp932") + b"\x81",
            "", "人権①", id="shift_jis cut inside a character",
        ),
        pytest.param("\ufeff\n " + CHINESE, "", "人权组织要求调查", id="a mark and space before the document"),
    ],
)  # fmt: skip
def test_text_is_what_its_bytes_are_not_what_they_are_said_to_be(
    body: bytes | str, content_type: str, title: str
) -> None:
    assert parse(body, content_type=content_type).entries[0].title == title


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        pytest.param("", "empty", "the server sent an empty document instead of a feed", id="nothing"),
        pytest.param(" \r\n\ufeff", "empty", "the server sent an empty document instead of a feed", id="blank"),
        pytest.param(
            "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>", "html",
            "an HTML page titled 'Just a moment...', which looks like a Cloudflare challenge, instead of a feed",
            id="Cloudflare",
        ),
        pytest.param(
            "<!-- a --><html><title>Members</title><form><input name=p type='password'></form></html>", "html",
            "an HTML page titled 'Members', which looks like a login page, instead of a feed", id="login",
        ),
        pytest.param(
            "<html><head><link rel='stylesheet' href='/s.css'><link rel='alternate' type='application/rss+xml'>"
            "<link rel=alternate type=text/html href='/mobile'>"
            "<link href='../atom?a=1&amp;b=2' type='application/atom+xml' rel='alternate'></head></html>", "html",
            "an HTML page instead of a feed; the page links to the feed ../atom?a=1&b=2",
            id="a page with a feed behind it",
        ),
        pytest.param(
            "<html><title>\u202eevil\x1b[31m\n title " + "long " * 50 + "</title></html>", "html",
            "an HTML page titled 'evil[31m title long long long long long long long long long long long long long…'"
            " instead of a feed", id="a title that would steer a terminal",
        ),
        pytest.param(
            '{"error": "rate limited",\n "code": 7}', "not-a-feed",
            """a JSON document instead of a feed: '{"error": "rate limited", "code": 7}'""", id="JSON error",
        ),
        pytest.param(
            '{"version": "x", "items": [', "not-a-feed",
            """a JSON document instead of a feed: '{"version": "x", "items": ['""", id="broken JSON",
        ),
        pytest.param('{"items": []}', "not-a-feed", """a JSON document instead of a feed: '{"items": []}'""", id="a list"),
        pytest.param(
            "<?xml version='1.0'?><urlset><url/></urlset>", "not-a-feed",
            "a sitemap of 1 pages without news instead of a feed: none has the element <news:news>", id="a sitemap",
        ),
        pytest.param(
            "<urlset><url>", "not-a-feed", "a sitemap that is cut, broken or far too large",
            id="a broken sitemap",
        ),
        pytest.param(
            "<!-- made by hand --><sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
            + "".join(f"<sitemap><loc>https://h.example/{n}.xml</loc></sitemap>" for n in range(6))
            + "<sitemap><loc> https://h.example/News.xml\n</loc></sitemap><sitemap/></sitemapindex>", "not-a-feed",
            "a list of 7 sitemaps instead of a feed: https://h.example/News.xml, https://h.example/0.xml, "
            "https://h.example/1.xml, https://h.example/2.xml, https://h.example/3.xml and 2 more",
            id="a list of sitemaps",
        ),
        pytest.param("<opml/>", "not-a-feed", "an XML document <opml> instead of a feed", id="other XML"),
        pytest.param(
            "<html><body><channel>no feed</channel></body></html>", "html", "an HTML page instead of a feed",
            id="a page with an element of that name",
        ),
        pytest.param("Not found", "not-a-feed", "neither XML nor JSON, so no feed: 'Not found'", id="plain text"),
        pytest.param("/etc/passwd", "not-a-feed", "neither XML nor JSON, so no feed: '/etc/passwd'", id="a file's name"),
    ],
)  # fmt: skip
def test_what_is_no_feed_is_named_in_words(body: str, kind: str, message: str) -> None:
    with pytest.raises(ParseError) as refused:
        parse(body)
    assert (refused.value.kind, str(refused.value)) == (kind, message)


def test_json_too_deep_to_read_is_no_feed() -> None:
    with pytest.raises(ParseError, match="a JSON document instead of a feed"):
        parse("[" * 100_000)


def test_a_page_printed_before_the_feed_does_not_hide_it() -> None:
    body = "<html><body>Warning: line 3</body></html>" + rss("<item><title>Still here</title></item>")
    assert [entry.title for entry in parse(body).entries] == ["Still here"]


def test_no_file_and_no_address_is_read_for_a_document(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("top secret", "utf-8")
    body = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{secret.as_uri()}"><!ENTITY % y SYSTEM "{secret.as_uri()}"> %y;]>' + rss(
        "<item><title>a &x; b</title></item>"
    )
    assert "top secret" not in parse(body).entries[0].title


def test_entities_do_not_multiply() -> None:
    nested = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(12))
    document = parse(f"<!DOCTYPE rss [{nested}]>" + rss("<item><title>&e11;</title><link>/1</link></item>"))
    assert len(document.entries[0].title) < 100


def test_of_a_huge_document_the_newest_entries_at_either_end_are_read() -> None:
    def item(n: int) -> str:
        day = datetime(2010, 1, 1, tzinfo=UTC) + timedelta(hours=n)
        return f"<item><title>{n}</title><pubDate>{day:%a, %d %b %Y %H:%M:%S} +0000</pubDate></item>"

    oldest_first = parse(rss(*(item(n) for n in range(6_000))))
    assert [entry.title for entry in oldest_first.entries] == [str(n) for n in range(4_000, 6_000)]
    newest_in_the_middle = parse(rss(*(item(n) for n in (*range(2_500), 9_999, *range(2_500, 5_000)))))
    assert "9999" not in {entry.title for entry in newest_in_the_middle.entries}, "the middle is not even parsed"
    assert oldest_first.skipped == ("4000 of 6000 entries: only the newest 2000 are read",)
    newest_first = parse(rss(*(item(n) for n in range(2_500, 0, -1))))
    assert newest_first.entries[0].title == "2500"
    assert newest_first.skipped == ("500 of 2500 entries: only the newest 2000 are read",)


def test_a_json_feed_of_too_many_items_keeps_the_newest() -> None:
    items: list[Any] = [{"id": n, "date_published": f"2017-01-01T{n % 24:02}:00:00Z"} for n in range(2_100)]
    document = parse(json.dumps({"version": "https://jsonfeed.org/version/1", "items": ["text", *items]}))
    assert len(document.entries) == 2_000
    assert document.skipped[0] == "101 of 2101 entries: only the newest 2000 are read"


def test_a_broken_element_that_no_entry_is_made_of_costs_no_entry() -> None:
    broken = "<image><width></height></image><item><title>Kept</title></item>"
    assert [entry.title for entry in parse(rss(broken)).entries] == ["Kept"]


def test_a_document_that_the_parser_does_not_survive_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(*_: object, **__: object) -> None:
        raise KeyError("links")

    monkeypatch.setattr(feedparser, "parse", trip)
    with pytest.raises(ParseError, match="does not survive: KeyError: 'links'") as refused:
        parse("<!DOCTYPE rss>" + rss())
    assert refused.value.kind == "crashed"


@pytest.mark.parametrize(
    ("head", "hours", "days"),
    [
        pytest.param("<skipHours><hour>0</hour><hour> 23 </hour></skipHours>", {0, 23}, set(), id="hours"),
        pytest.param("<skipHours><hour>24</hour><hour>25</hour><hour>x</hour></skipHours>", {0}, set(), id="midnight"),
        pytest.param(
            "<skipdays><day>Monday</day><day>sunday</day><day>Caturday</day></skipdays>", set(), {0, 6}, id="days"
        ),
        pytest.param(
            "<item><description><![CDATA[<skipHours><hour>7</hour></skipHours>]]></description></item>"
            "<skipHours><hour>8</hour></skipHours>", {8}, set(), id="behind an item that speaks of it",
        ),
        pytest.param("<skipHours/><skipDays></skipDays>", set(), set(), id="none"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("document", ["<rss>", "<!DOCTYPE rss><rss>"], ids=["read at once", "left to feedparser"])
def test_hours_and_days_that_a_feed_excludes_are_kept(
    head: str, hours: set[int], days: set[int], document: str
) -> None:
    read = parse(f"{document}<channel><title>T</title>{head}</channel></rss>")
    assert (set(read.skip_hours), set(read.skip_days)) == (hours, days)


NEWS_PAGE = (
    "<url><loc>https://h.example/{n}</loc><news:news><news:publication_date>2017-04-{day:02}</news:publication_date>"
    "<news:title>Title {n}</news:title></news:news></url>"
)


def test_of_a_huge_news_sitemap_the_newest_entries_are_read() -> None:
    pages = "".join(NEWS_PAGE.format(n=n, day=20 if n < 500 else 10) for n in range(2_500))
    document = parse(f"<urlset xmlns:news='n'>{pages}</urlset>")
    assert len(document.entries) == 2_000
    assert document.entries[0].title == "Title 0"
    assert document.skipped == ("500 of 2500 entries: only the newest 2000 are read",)


def test_a_sitemap_with_a_document_type_is_refused_unread(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("top secret", "utf-8")
    page = "<url><loc>/1</loc><news:news><news:title>&x;</news:title></news:news></url>"
    body = f'<!DOCTYPE u [<!ENTITY x SYSTEM "{secret.as_uri()}">]><urlset xmlns:news="n">{page}</urlset>'
    with pytest.raises(ParseError, match="an XML document <urlset> instead of a feed"):
        parse(body)


def test_the_list_of_what_was_skipped_stays_short() -> None:
    document = parse(rss(*["<item></item>"] * 30, "<item><title>one</title></item>"))
    assert len(document.entries) == 1
    assert document.skipped[0] == "entry 1: it has neither title, text, link nor identifier"
    assert document.skipped[20:] == ("and 10 more",)


@pytest.mark.parametrize(
    ("head", "minutes"),
    [
        pytest.param("<ttl>45</ttl>", 45, id="ttl"),
        pytest.param("<ttl>0</ttl>", None, id="ttl 0 is none"),
        pytest.param("<ttl>soon</ttl>", None, id="ttl in words is none"),
        pytest.param("<ttl>1e300</ttl>", None, id="ttl beyond numbers is none"),
        pytest.param("<ttl>99999</ttl>", 1440, id="ttl is at most a day"),
        pytest.param("<sy:updatePeriod>daily</sy:updatePeriod>", 1440, id="period"),
        pytest.param(
            "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", 15, id="frequency"
        ),
        pytest.param(
            "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>",
            None,
            id="frequency 0",
        ),
        pytest.param("<sy:updatePeriod>always</sy:updatePeriod>", None, id="unknown period"),
    ],
)
def test_a_feeds_wish_for_its_interval_is_taken_within_reason(head: str, minutes: int | None) -> None:
    body = rss(head=head).replace("<rss ", "<rss xmlns:sy='http://purl.org/rss/1.0/modules/syndication/' ", 1)
    assert parse(body).min_interval == (timedelta(minutes=minutes) if minutes else None)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("Tue, 04 Apr 2017 10:20:30 +0300", "2017-04-04T07:20:30", id="RFC 822"),
        pytest.param("2017-04-04T10:20:30-05:00", "2017-04-04T15:20:30", id="RFC 3339"),
        pytest.param("4 квітня 2017 р. 10:20", "2017-04-04T10:20:00", id="Ukrainian"),
        pytest.param("4 kwietnia 2017 10:20 CEST", "2017-04-04T08:20:00", id="Polish in a named zone"),
        pytest.param("Dienstag, 4. März 2017 10:20 Uhr", "2017-03-04T10:20:00", id="German"),
        pytest.param("1er juin 2017", "2017-06-01T00:00:00", id="French first of the month"),
        pytest.param("4 Temmuz 2017 10:20", "2017-07-04T10:20:00", id="Turkish"),
        pytest.param("٤ أبريل ٢٠١٧ ١٠:٢٠", "2017-04-04T10:20:00", id="Arabic digits"),
        pytest.param("31 Foovember 2017", None, id="no month"),
        pytest.param("31 апреля 2017", None, id="no such day"),
        pytest.param("4 апреля 2017 10:20 +9900", None, id="no such zone"),
        pytest.param("1 января 0001 00:20 +0300", None, id="before all time"),
        pytest.param("x" * 200 + " 4 апреля 2017", None, id="no date but prose"),
    ],
)
def test_dates_are_read_as_they_are_written(written: str, read: str | None) -> None:
    (entry,) = parse(rss(f"<item><title>x</title><pubDate>{written}</pubDate></item>")).entries
    assert entry.published == (datetime.fromisoformat(f"{read}+00:00") if read else None)


def test_a_date_beyond_the_calendar_is_no_date() -> None:
    date = "<dc:date xmlns:dc='http://purl.org/dc/elements/1.1/'>0000-01-01T00:00:00Z</dc:date>"
    assert parse(rss(f"<item><title>x</title>{date}</item>")).entries[0].updated is None
