"""The fast reader beside feedparser: the same Document for the same text, whatever the text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor.errors import ParseError
from monitor.model import Document
from monitor.parse import wellformed, xml
from monitor.parse.charset import decode_body
from monitor.parse.wellformed import read_wellformed

FEEDS = Path(__file__).parent / "feeds"
DATA = Path(os.environ.get("MONITOR_DATA") or Path(__file__).parents[2] / "shared" / "data") / "feeds"
NAMESPACES = """xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"
    xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"
    xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"
    xmlns:thr="http://purl.org/syndication/thread/1.0" xmlns:own="https://h.example/own" """


def rss(inner: str, *, root: str = "") -> str:
    return f"<rss version='2.0' {NAMESPACES} {root}><channel><title>T</title>{inner}</channel></rss>"


def item(inner: str) -> str:
    return rss(f"<item><title>First</title>{inner}</item><item><title>Next</title><link>/2</link></item>")


def atom(inner: str, *, root: str = "") -> str:
    return f"<feed xmlns='http://www.w3.org/2005/Atom' {NAMESPACES} {root}><title>T</title>{inner}</feed>"


def entry(inner: str) -> str:
    return atom(f"<entry><title>First</title>{inner}</entry><entry><title>Next</title><id>2</id></entry>")


def read(text: str, monkeypatch: pytest.MonkeyPatch, *, fast: bool) -> Document | str | None:
    with monkeypatch.context() as patch:
        if not fast:
            patch.setattr(xml, "read_wellformed", lambda _: None)
        try:
            return xml.read_xml(text)
        except ParseError as error:
            return str(error)


SAME = [
    pytest.param(item("<link>/1</link><guid>https://h.example/1</guid>"), id="link and GUID"),
    pytest.param(item("<guid>http:////h.example/1</guid>"), id="a GUID for a link, with too many slashes"),
    pytest.param(item("<guid isPermaLink='false'>http:////h.example/1</guid>"), id="a GUID that is no link"),
    pytest.param(item("<link></link><guid>https://h.example/1</guid>"), id="an empty link"),
    pytest.param(item("<link>/?a=1&amp;amp;b;=2&amp;c;</link>"), id="what looks like an entity in a link"),
    pytest.param(item("<atom:link rel='Replies' href='/r' own:count='1'/><link>/1</link>"), id="a link that is none"),
    pytest.param(item("<description>Short</description><content:encoded>Long</content:encoded>"), id="both texts"),
    pytest.param(item("<content:encoded>Long</content:encoded><description>Short</description>"), id="turned round"),
    pytest.param(item("<content:encoded>Long</content:encoded><description/>"), id="an empty description"),
    pytest.param(item("<description/><content:encoded>Long</content:encoded>"), id="an empty one first"),
    pytest.param(item("<description> </description><media:description>P</media:description>"), id="a picture's text"),
    pytest.param(
        item("<description>Text</description><media:content><media:description>P</media:description></media:content>"),
        id="a picture's text behind the entry's",
    ),
    pytest.param(
        item("<media:content><media:description>P</media:description></media:content><description>Text</description>"),
        id="a picture's text before the entry's",
    ),
    pytest.param(
        item("<media:group><media:title>P</media:title><own:a><own:b/></own:a></media:group>"), id="a picture's title"
    ),
    pytest.param(item("<author>A</author><dc:creator>B</dc:creator>"), id="two authors"),
    pytest.param(item("<pubDate>Tue, 04 Apr 2017 10:20:30 +0300</pubDate><dc:date>2017-04-05</dc:date>"), id="dates"),
    pytest.param(item("<pubDate>4 апреля 2017</pubDate><pubDate>5 апреля 2017</pubDate>"), id="a date twice"),
    pytest.param(item("<pubDate/><dc:date>soon</dc:date>"), id="no dates"),
    pytest.param(item("<dc:language>fr</dc:language>"), id="a language"),
    pytest.param(item("<feedburner:origLink>/o</feedburner:origLink>"), id="FeedBurner"),
    pytest.param(item("<category domain='x'>a</category><source url='/s'>S</source><own:a b='c'>d</own:a>"), id="rest"),
    pytest.param(item("<description>CafÃ© â\x80\x9cquotedâ\x80\x9d</description>"), id="encoded twice"),
    pytest.param(item("<description>été \x93quoted\x94</description>"), id="Windows characters"),
    pytest.param(item("<guid isPermaLink='TRUE'>http:////h.example/1</guid>"), id="a GUID that says so too loudly"),
    pytest.param(item("<description>a<!-- b --><![CDATA[<b>c</b>]]> &lt;i&gt; &#8212;</description>"), id="CDATA"),
    pytest.param(item("<TITLE2>x</TITLE2><PubDate>2017-04-05</PubDate>"), id="other case"),
    pytest.param(
        rss("<image><url>/i</url><title>I</title><link>/</link></image><item><title>A</title></item>"), id="an image"
    ),
    pytest.param(rss("<item><title>A</title></item><language>de_AT</language><ttl>30</ttl>"), id="the channel's at the end"),
    pytest.param(
        rss("<sy:updatePeriod>hourly</sy:updatePeriod><itunes:owner><itunes:name>N</itunes:name></itunes:owner>"
            "<atom:link href='/' rel='self'/><skipDays><day>Monday</day></skipDays><description>D</description>"),
        id="what a channel holds",
    ),
    pytest.param(rss("<item><title>A</title></item>", root="xml:lang='pt_BR'"), id="a language of the root"),
    pytest.param(atom("<entry xml:lang='fr'><title xml:lang=''>A</title></entry>", root="xml:lang='de'"), id="languages"),
    pytest.param(entry("<link href='/1'/><link rel='enclosure' href='/2'/><id>1</id>"), id="Atom's link"),
    pytest.param(entry("<link href='/1' type='application/pdf'/><link href='/2' type='text/HTML'/>"), id="two links"),
    pytest.param(entry("<link rel='self' href='/1'/><id>https://h.example/1</id>"), id="an identifier for a link"),
    pytest.param(entry("<summary>1 &lt; 2</summary><content type='html'>&lt;p&gt;</content>"), id="Atom's texts"),
    pytest.param(entry("<content>1 &lt; 2</content>"), id="content alone"),
    pytest.param(entry("<summary/><content type='text/html'>&lt;b>C&lt;/b></content>"), id="an empty summary"),
    pytest.param(
        entry("<author><name> A </name><uri>/</uri><email>a@h.example</email></author><contributor><name>C</name></contributor>"),
        id="a person",
    ),
    pytest.param(entry("<author><email>a@h.example</email></author>"), id="an address alone"),
    pytest.param(entry("<author/><dc:creator>B</dc:creator>"), id="an empty author"),
    pytest.param(
        entry("<media:group><media:title>V</media:title><media:description>D</media:description></media:group>"), id="video"
    ),
    pytest.param("<feed version='0.3'><title>T</title><entry><title>A</title><modified>2004-01-02</modified></entry></feed>",
        id="no namespace"),
]  # fmt: skip


@pytest.mark.parametrize("text", SAME)
def test_a_common_document_is_read_as_feedparser_reads_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_wellformed(text) is not None
    fast = read(text, monkeypatch, fast=True)
    assert isinstance(fast, Document)
    assert fast == read(text, monkeypatch, fast=False)


LEFT = [
    pytest.param("<!DOCTYPE rss>" + rss(""), id="a document type"),
    pytest.param(rss("") + "x", id="not well-formed"),
    pytest.param(item("&nbsp;"), id="an entity"),
    pytest.param(rss("<item/>" * 400_000), id="far too large"),
    pytest.param(f"<rss {NAMESPACES}><item/><channel/></rss>", id="items beside the channel"),
    pytest.param(rss("", root="xmlns='http://purl.org/rss/1.0/'"), id="RSS 1.0"),
    pytest.param(rss("", root="xmlns='https://h.example/unknown'"), id="an unknown default"),
    pytest.param(rss("<a xmlns:own='https://h.example/other'/>"), id="a prefix of two meanings"),
    pytest.param(rss("<media2:x xmlns:media2='a b'/>"), id="a namespace that is no address"),
    pytest.param(rss("<title2:detail xmlns:title2='u' xmlns:title='v'/>"), id="a prefix that would hide the title"),
    pytest.param(rss("", root="xmlns:r='http://backend.userland.com/rss3'"), id="any namespace of UserLand's"),
    pytest.param(item("<description xml:base='https://h.example/'/>"), id="another base"),
    pytest.param(item("<description>a <b>b</b></description>"), id="markup that is not escaped"),
    pytest.param(item("<link href='/1'/>"), id="Atom's link in RSS"),
    pytest.param(item("<link own:href='/1' rel='self'/>"), id="an attribute of an unknown namespace"),
    pytest.param(item("<guid>1</guid><guid>2</guid>"), id="two GUIDs"),
    pytest.param(item("<title>Second</title>"), id="two titles"),
    pytest.param(item("<dc:title>Second</dc:title>"), id="another title"),
    pytest.param(item("<date>2017-04-05</date>"), id="an element that feedparser has a synonym for"),
    pytest.param(item("<own:a><own:b/><ttl>5</ttl></own:a>"), id="a known element in an unknown one"),
    pytest.param(rss("<item><media:title>P</media:title></item>"), id="a picture's title alone"),
    pytest.param(item("<source>S</source><media:title>P</media:title>"), id="a picture's title and a source"),
    pytest.param(item("<media:content><dc:creator>P</dc:creator></media:content>"), id="a picture's author"),
    pytest.param(
        item("<description>A</description><content:encoded>B</content:encoded><dc:description>C</dc:description>"),
        id="three texts",
    ),
    pytest.param(rss("<itunes:summary>A</itunes:summary><description>B</description>"), id="two texts of the channel"),
    pytest.param(item("<description type='image/png'>AAAA</description>"), id="base64 by its type"),
    pytest.param(item("<description mode='base64'>AAAA</description>"), id="base64 by its mode"),
    pytest.param(item("<feedburner:origLink a='b'>/o</feedburner:origLink>"), id="attributes where none belong"),
    pytest.param(rss("<item rdf:about='x'/>"), id="an item that says what it is about"),
    pytest.param(rss("<item href='/x'/>"), id="an item of a channel definition"),
    pytest.param(entry("<link>/1</link>"), id="RSS's link in Atom"),
    pytest.param(entry("<link href=''/>"), id="a link to nowhere"),
    pytest.param(entry("<author><name>A</name></author><author><name>B</name></author>"), id="two persons"),
    pytest.param(entry("<author><name>A</name><name>B</name></author>"), id="a person of two names"),
    pytest.param(entry("<author>x<name>A</name></author>"), id="a person with text around"),
    pytest.param(entry("<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>A</div></content>"), id="XHTML"),
]  # fmt: skip


@pytest.mark.parametrize("text", LEFT)
def test_a_document_that_might_surprise_is_left_to_feedparser(text: str) -> None:
    assert read_wellformed(text) is None


@pytest.mark.parametrize("path", sorted(FEEDS.glob("*[xf]")), ids=lambda path: path.name)
def test_our_own_samples_are_read_alike(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = decode_body(path.read_bytes(), content_type="")
    assert read(text, monkeypatch, fast=True) == read(text, monkeypatch, fast=False)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no corpora: set MONITOR_DATA, or lay them at {DATA}")
def test_every_document_that_others_collected_is_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = fast = 0
    unlike: list[str] = []
    for path in sorted(path for path in DATA.glob("*/*/**/*") if path.is_file()):
        text = decode_body(path.read_bytes(), content_type="")
        documents += 1
        if read_wellformed(text) is not None:
            fast += 1
            if read(text, monkeypatch, fast=True) != read(text, monkeypatch, fast=False):
                unlike.append(path.name)
    assert not unlike
    assert fast > documents * 0.5, f"{fast} of {documents} documents are read fast"


def test_what_is_passed_over_is_known_to_feedparser() -> None:
    """A name that feedparser does not handle is a slip of the pen, or its next version."""
    assert wellformed._PASSED | wellformed._PASSED_IN_FEED | wellformed._BOXES_IN_FEED.keys() <= wellformed._HANDLED
