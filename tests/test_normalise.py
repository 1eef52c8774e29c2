from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.model import Entry, Item
from monitor.normalise import canonical_url, identify_entries, normalise_entry, plain_text
from monitor.normalise.language import choose_language

BASE = "https://news.example/feeds/all.xml"
NOW = datetime(2017, 4, 5, 12, tzinfo=UTC)


def normalise(entry: Entry, *, lang: str = "", declared: str = "") -> Item:
    (identity,) = identify_entries([entry], base=BASE)
    return normalise_entry(entry, identity, base=BASE, lang=lang, declared=declared, seen=NOW)


def keys(*entries: Entry) -> list[str]:
    return [identity.key for identity in identify_entries(entries, base=BASE)]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        pytest.param("Plain words", "Plain words", id="plain"),
        pytest.param("<p>One</p><p>two<br>three</p>", "One two three", id="blocks become spaces"),
        pytest.param("in<b>vis</b>ible", "invisible", id="inline tags do not"),
        pytest.param("a<script>steal()</script><style>b{}</style> c", "a c", id="scripts and styles are dropped"),
        pytest.param("Tom &amp; Jerry&nbsp;&#8212; &laquo;x&raquo;", "Tom & Jerry — «x»", id="entities"),
        pytest.param("Tom &amp;amp; Jerry &amp;#8217;s", "Tom & Jerry ’s", id="entities escaped twice"),
        pytest.param("&lt;p&gt;Two&lt;/p&gt;&lt;p&gt;paragraphs&lt;/p&gt;", "Two paragraphs", id="tags escaped twice"),
        pytest.param("AT&amp;T; R&amp;D &amp;nosuch;", "AT&T; R&D &nosuch;", id="ampersands that are meant"),
        pytest.param("1 &lt; 2 and 4 &gt; 3", "1 < 2 and 4 > 3", id="comparisons that are meant"),
        pytest.param("I <3 this & that", "I <3 this & that", id="no markup at all"),
        pytest.param("a<!-- hidden -->b <unknown>c", "ab c", id="comments and unknown tags"),
        pytest.param(" a\t\r\n\u00a0\u2003 b\u2028c ", "a b c", id="space is folded"),
        pytest.param("a\x00b\x1b[31mc\x9fd", "ab[31mcd", id="controls"),
        pytest.param("\u202egnp\u202c.exe \u2066x\u2069\u200e\u200f\u061c", "gnp.exe x", id="direction marks"),
        pytest.param(
            "zero\u200bwidth\ufeff soft\u00adhyphen\u2060 \u034f\u3164", "zerowidth softhyphen", id="invisible"
        ),
        pytest.param("flag\U000e0067\U000e007f \ud83d!", "flag !", id="tag characters and half pairs"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="a joiner that spells Persian stays"),
        pytest.param("क्\u200dष", "क्\u200dष", id="a joiner that spells Hindi stays"),
        pytest.param("pass\u200dword می\u200c می", "password می می", id="a joiner that only hides goes"),
        pytest.param("🏳️\u200d🌈 march", "🏳️\u200d🌈 march", id="the rainbow flag stays whole"),
        pytest.param("e\u0301te\u0301", "\u00e9t\u00e9", id="NFC"),
        pytest.param("\u0600\u06dd", "\u0600\u06dd", id="visible format characters stay"),
        pytest.param("<b>unclosed <a href='x", "unclosed", id="cut inside a tag"),
        pytest.param(f"<img src='data:image/png;base64,{'A' * 150_000}'>words", "words", id="an image written in"),
        pytest.param("<div>" * 15_000 + "deep", "deep", id="deep nesting"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_markup_becomes_what_a_reader_sees(markup: str, text: str) -> None:
    assert plain_text(markup, limit=1_000) == text


def test_enormous_markup_is_cut_before_it_is_cleaned() -> None:
    assert plain_text("<i></i>" * 10_000 + "words", limit=100) == "words"
    assert plain_text("<i></i>" * 20_000 + "words", limit=100) == ""


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        pytest.param("one two three", 13, "one two three", id="it fits"),
        pytest.param("one two three", 11, "one two…", id="at a word"),
        pytest.param("one, two, three", 12, "one, two…", id="without the comma"),
        pytest.param("人权组织要求调查车臣事件", 6, "人权组织要…", id="a script without spaces"),
        pytest.param("a " + "b" * 50, 20, "a " + "b" * 17 + "…", id="one long word"),
    ],
)
def test_long_text_is_cut_at_a_word(text: str, limit: int, cut: str) -> None:
    assert plain_text(text, limit=limit) == cut


@pytest.mark.parametrize(
    ("link", "url"),
    [
        pytest.param("HTTPS://News.Example:443/A/../b/./c", "https://news.example/b/c", id="case, port, dots"),
        pytest.param("/2017/a", "https://news.example/2017/a", id="relative to the host"),
        pytest.param("b?x=1", "https://news.example/feeds/b?x=1", id="relative to the document"),
        pytest.param("//other.example", "https://other.example/", id="relative to the scheme"),
        pytest.param("http://h.example:8080/a", "http://h.example:8080/a", id="another port stays"),
        pytest.param("https://u:p@h.example/a", "https://h.example/a", id="user-info goes"),
        pytest.param("https://h.example./a#part", "https://h.example/a", id="root dot and fragment go"),
        pytest.param("https://h.example/#!/post/1", "https://h.example/#!/post/1", id="a fragment that is a route stays"),
        pytest.param(
            "https://h.example/a?utm_source=x&b=2&fbclid=1&a=1&UTM_Medium=y&at_medium=RSS&xtor=RSS-1&ocid=s",
            "https://h.example/a?b=2&a=1", id="tracking goes, order stays",
        ),
        pytest.param(
            "https://h.example/a?id=7&ref=x&cid=3&source=y&rss=1&p", "https://h.example/a?id=7&ref=x&cid=3&source=y&rss=1&p",
            id="what may name a page stays",
        ),
        pytest.param("https://h.example/a?utm_source=rss", "https://h.example/a", id="empty query goes"),
        pytest.param("https://h.example/a?b=1&&c=2", "https://h.example/a?b=1&c=2", id="empty parameters go"),
        pytest.param("https://h.example/%7euser/%e4%b8%ad?q=%2f", "https://h.example/~user/%E4%B8%AD?q=%2F", id="escapes"),
        pytest.param("https://h.example/новости 1?q=é", "https://h.example/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8%201?q=%C3%A9", id="other letters"),
        pytest.param("https://h.example/100%?a=5%", "https://h.example/100%25?a=5%25", id="a percent sign that is one"),
        pytest.param("https://h.example/\ud800", "https://h.example/%3F", id="half a pair"),
        pytest.param("https://новости.рф/a", "https://xn--b1amnebsh.xn--p1ai/a", id="international host"),
        pytest.param("https://FAß.example/", "https://xn--fa-hia.example/", id="host by UTS 46"),
        pytest.param("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a", id="IPv6"),
        pytest.param("https://amp.h.example/a/amp", "https://amp.h.example/a/amp", id="AMP stays"),
        pytest.param("www.h.example/a", "http://www.h.example/a", id="as written in print"),
        pytest.param("  https://h.example/a\n", "https://h.example/a", id="space around"),
        pytest.param("javascript:alert(1)", "", id="javascript"),
        pytest.param("data:text/html,x", "", id="data"),
        pytest.param("mailto:a@h.example", "", id="mailto"),
        pytest.param("https://[bad/", "", id="brackets without an address"),
        pytest.param("https://h.example:port/", "", id="a port that is no number"),
        pytest.param("https://" + "ä" * 100 + ".example/", "", id="a label that is too long"),
        pytest.param("https:///a", "https://news.example/a", id="no host is the document's"),
        pytest.param("https://h.example/" + "a" * 5_000, "", id="longer than any page's"),
        pytest.param("", "", id="nothing"),
    ],
)  # fmt: skip
def test_one_page_has_one_url(link: str, url: str) -> None:
    assert canonical_url(link, base=BASE) == url
    assert canonical_url(url, base=BASE) == url


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        pytest.param(Entry(guid=" tag:h.example,2017:1 ", link="/1"), "g:tag:h.example,2017:1", id="a GUID"),
        pytest.param(Entry(guid="http://H.example/1?utm_source=rss"), "g://h.example/1", id="a permalink, folded"),
        pytest.param(Entry(guid="https://h.example/1#v2"), "g://h.example/1#v2", id="its fragment stays"),
        pytest.param(Entry(guid="https://[bad"), "g:https://[bad", id="a permalink that is none"),
        pytest.param(Entry(link="/1?utm_source=rss"), "u:https://news.example/1", id="a URL"),
    ],
)
def test_an_entry_is_known_by_its_guid_or_else_its_url(entry: Entry, key: str) -> None:
    assert keys(entry) == [key]


def test_a_site_that_moves_to_https_republishes_nothing() -> None:
    assert keys(Entry(guid="http://h.example/a/1")) == keys(Entry(guid="https://h.example/a/1"))


def test_an_entry_of_text_only_is_known_by_its_text() -> None:
    one, same, other = keys(Entry(title="A  b"), Entry(title="A b"), Entry(title="A b", summary="c"))
    assert one == same != other
    assert one.startswith("h:")


def test_a_guid_shared_by_different_pages_is_not_trusted() -> None:
    assert keys(Entry(guid="1", link="/a"), Entry(guid="1", link="/b"), Entry(guid="2", link="/c")) == [
        "u:https://news.example/a",
        "u:https://news.example/b",
        "g:2",
    ]


def test_a_page_shared_by_different_titles_is_not_trusted() -> None:
    first, second = keys(Entry(title="A", link="/"), Entry(title="B", link="/"))
    assert first != second
    assert {first[:2], second[:2]} == {"h:"}


def test_an_entry_told_twice_has_one_key() -> None:
    entry = Entry(guid="1", link="/a", title="A")
    first, second = keys(entry, entry)
    assert first == second == "g:1"


def test_keys_are_short_enough_for_an_index() -> None:
    first, second = keys(Entry(guid="x" * 5_000), Entry(guid="x" * 4_999 + "y"))
    assert len(first) < 200
    assert first != second
    assert first.startswith("g:")


def test_an_entry_whose_guid_changed_alone_keeps_its_alias() -> None:
    def alias(entry: Entry) -> str:
        return identify_entries([entry], base=BASE)[0].alias

    old = Entry(guid="1", link="/a?utm_source=x", title="A", summary="s")
    assert alias(old) == alias(Entry(guid="2", link="/a", title="A ", summary="s"))
    assert alias(old) != alias(Entry(guid="2", link="/a", title="A", summary="something new"))
    assert alias(old) != alias(Entry(guid="1", link="/b", title="A", summary="s"))
    assert not alias(Entry(guid="1", title="A", summary="s"))


@pytest.mark.parametrize(
    ("published", "updated", "expected"),
    [
        pytest.param(timedelta(hours=-1), None, timedelta(hours=-1), id="published"),
        pytest.param(None, timedelta(hours=-2), timedelta(hours=-2), id="updated where that is all"),
        pytest.param(timedelta(hours=20), None, timedelta(hours=20), id="a little ahead"),
        pytest.param(timedelta(hours=30), timedelta(hours=-2), timedelta(hours=-2), id="published in the future"),
        pytest.param(timedelta(days=-40 * 365), None, None, id="before there were feeds"),
        pytest.param(None, None, None, id="undated"),
    ],
)
def test_absurd_dates_are_no_dates(
    published: timedelta | None, updated: timedelta | None, expected: timedelta | None
) -> None:
    item = normalise(
        Entry(
            title="x",
            published=None if published is None else NOW + published,
            updated=None if updated is None else NOW + updated,
        )
    )
    assert item.published == (None if expected is None else NOW + expected)
    assert item.seen == NOW
    assert item.when <= NOW


@pytest.mark.parametrize(
    ("entry", "title"),
    [
        pytest.param(Entry(title="<b>Title</b>", summary="Text"), "Title", id="the title"),
        pytest.param(Entry(summary="<p>First words</p>"), "First words", id="the summary"),
        pytest.param(Entry(summary="word " * 100), "word " * 19 + "word…", id="the summary's first words"),
        pytest.param(Entry(link="http://H.example/1"), "(untitled, h.example)", id="the page's host"),
        pytest.param(Entry(guid="1"), "(untitled, news.example)", id="the feed's host"),
    ],
)
def test_every_item_has_a_title(entry: Entry, title: str) -> None:
    assert normalise(entry).title == title


def test_an_item_carries_the_whole_entry() -> None:
    entry = Entry(
        guid="7", link="/a", title="T &amp; t", summary="<p>S</p>", author=" A\n<B> ", published=NOW, lang="fr-CA"
    )
    item = normalise(entry, declared="en")
    assert (item.key, item.url, item.title, item.summary) == ("g:7", "https://news.example/a", "T & t", "S")
    assert (item.author, item.lang, item.alias[:2]) == ("A", "fr", "a:")


RUSSIAN = "Правозащитники требуют расследовать задержания в республике"
FRENCH = "Les associations demandent une enquête indépendante sur les arrestations dans la région"


@pytest.mark.parametrize(
    ("text", "given", "declared", "lang"),
    [
        pytest.param(RUSSIAN, "kk", "ru", "kk", id="what the operator gave is final"),
        pytest.param(FRENCH, "pt-BR", "", "pt", id="a region given"),
        pytest.param(FRENCH, "ast", "fr", "ast", id="a language of three letters given"),
        pytest.param(FRENCH, "", "rss", "fr", id="three letters that may be anything"),
        pytest.param("Short", "", "de-AT", "de", id="what was declared"),
        pytest.param("7", "", "de", "de", id="what was declared of no letters"),
        pytest.param(RUSSIAN, "", "en-US", "ru", id="a script that English has not"),
        pytest.param("Новости", "", "en-US", "", id="too short to say more"),
        pytest.param(FRENCH, "", "en-US", "fr", id="English by default of the software"),
        pytest.param("Rights groups ask for an inquiry", "", "en-US", "en", id="English indeed"),
        pytest.param(FRENCH, "", "", "fr", id="undeclared"),
        pytest.param(RUSSIAN, "", "rss_0.92.channel.language", "ru", id="declared nonsense"),
        pytest.param("Zdravo svete, ovo je vest iz Beograda", "", "sr", "sr", id="a language of two scripts"),
        pytest.param("인권 단체", "", "", "ko", id="a script of one language"),
        pytest.param("人権団体が調査を求める", "", "", "ja", id="Japanese by its kana"),
        pytest.param("ΑΒΓ", "", "el", "el", id="Greek"),
        pytest.param("OK", "", "", "", id="two letters"),
        pytest.param("1234 — 5678", "", "", "", id="no letters"),
    ],
)
def test_language_is_given_declared_or_told_from_the_text(text: str, given: str, declared: str, lang: str) -> None:
    assert choose_language(text, given=given, declared=declared) == lang
