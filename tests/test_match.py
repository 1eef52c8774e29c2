"""Promises of monitor.match: which items a query meets and why, and which queries are refused and how."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.errors import QueryError
from monitor.match import compile_topic, match_topics
from monitor.model import Feed, Hit, Item, Match, Secret, Topic

WIRE = Feed(
    url="https://wire.example/rss",
    address=Secret("https://wire.example/rss"),
    owner="wire",
    name="Caucasus Wire",
    tags=("ngo", "Human-Rights", "north caucasus"),
)


def an_item(title: str, summary: str = "", *, lang: str = "en", url: str = "https://www.example.org/a") -> Item:
    seen = datetime(2017, 4, 1, 9, 0, tzinfo=UTC)
    return Item(key="1", url=url, title=title, summary=summary, lang=lang, published=None, seen=seen)


def match_query(query: str, item: Item, *, feed: Feed = WIRE) -> list[Match]:
    return match_topics(item, [compile_topic(Topic("topic", query))], feed=feed)


def hits_of(query: str, item: Item, *, feed: Feed = WIRE) -> list[tuple[str, str, str]] | None:
    """Give the hits of a match as (term, where, word); None if the query does not match."""
    matches = match_query(query, item, feed=feed)
    return [(hit.term, hit.where, hit.word) for hit in matches[0].hits] if matches else None


def words_met(query: str, title: str) -> list[str] | None:
    hits = hits_of(query, an_item(title))
    return None if hits is None else [word for _, _, word in hits]


# --- Words and scripts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "title", "met"),
    [
        # Latin
        pytest.param("gay", "Gay men detained", ["Gay"], id="case"),
        pytest.param("gay", "Gaylord wins", None, id="a word is not a part of one"),
        pytest.param("Tchétchénie", "Tchetchenie", ["Tchetchenie"], id="accents, in the query"),
        pytest.param("tchetchenie", "En Tchétchénie,", ["Tchétchénie"], id="accents, in the text"),
        pytest.param("homosexualité", "l’homosexualité", ["homosexualité"], id="French elision, curly"),
        pytest.param("homosexualité", "L'HOMOSEXUALITÉ", ["HOMOSEXUALITÉ"], id="French elision, straight"),
        pytest.param("omosessualità", "dell'omosessualità", ["omosessualità"], id="Italian elision"),
        pytest.param("l'homosexualité", "de l’homosexualité", ["l’homosexualité"], id="a term with an apostrophe"),
        pytest.param("Chechnya", "Chechnya’s prisons", ["Chechnya"], id="English possessive"),
        pytest.param("Çeçenistan", "Çeçenistan'da", ["Çeçenistan"], id="Turkish suffix"),
        pytest.param("ex-soviet", "the Ex-Soviet states", ["Ex-Soviet"], id="hyphen"),
        pytest.param("ex-soviet", "ex Soviet", ["ex Soviet"], id="a hyphenated term is a phrase"),
        pytest.param("ex-soviet", "Soviet ex-president", None, id="in its order"),
        pytest.param("U.S.", "the U.S. embassy", ["U.S"], id="dots"),
        pytest.param("LGBT+", "LGBT rights", ["LGBT"], id="plus in the query"),
        pytest.param("lgbt", "LGBT+ people", ["LGBT"], id="plus in the text"),
        pytest.param(r"LGBTQ\+", "the LGBTQ+ press", ["LGBTQ"], id="escaped plus"),
        pytest.param("#lgbt", "LGBT rights", ["LGBT"], id="hashtag in the query"),
        pytest.param("lgbt", "#LGBT", ["LGBT"], id="hashtag in the text"),
        pytest.param("@hrw", "says @hrw.", ["hrw"], id="at sign"),
        pytest.param("strasse", "Große Straße", ["Straße"], id="sharp s"),
        pytest.param("2017", "im Jahr ２０１７", ["２０１７"], id="digits"),
        pytest.param("and", "gay and lesbian", ["and"], id="lower-case operators are words"),
        pytest.param("TO", "to prison", ["to"], id="TO is a word outside a range"),
        # Cyrillic
        pytest.param("чечня", "ЧЕЧНЯ: пытки", ["ЧЕЧНЯ"], id="Cyrillic case"),
        pytest.param("Орёл", "в городе Орел", ["Орел"], id="yo in the query"),
        pytest.param("еще", "Ещё одно дело", ["Ещё"], id="yo in the text"),
        pytest.param("чечн*", "В Чечне задержаны", ["Чечне"], id="Cyrillic wildcard"),
        pytest.param("ЛГБТ", "ЛГБТ-активисты", ["ЛГБТ"], id="Cyrillic hyphen"),
        pytest.param("зв'язк*", "без зв’язку", ["зв’язку"], id="Ukrainian apostrophe"),
        # Greek
        pytest.param("ομοφυλοφιλοσ", "Ομοφυλόφιλος άνδρας", ["Ομοφυλόφιλος"], id="Greek accent and sigma"),
        # Arabic
        pytest.param("الشيشان", "في الشيشان", ["الشيشان"], id="Arabic"),
        pytest.param("الشيشان", "والشيشان", ["والشيشان"], id="Arabic: and"),
        pytest.param("الشيشان", "بالشيشان", ["بالشيشان"], id="Arabic: in"),
        pytest.param("الشيشان", "فبالشيشان", ["فبالشيشان"], id="Arabic: then, in"),
        pytest.param("الشيشان", "للشيشان", ["للشيشان"], id="Arabic: to, contracted"),
        pytest.param("الشيشان", "وللشيشان", ["وللشيشان"], id="Arabic: and to, contracted"),
        pytest.param("الشيشان", "شيشان", None, id="Arabic: a term's own article is needed"),
        pytest.param("ألمانيا", "لألمانيا", ["لألمانيا"], id="Arabic: letters that look like an article"),
        pytest.param("مثليين", "اعتقال المثليين", ["المثليين"], id="Arabic: the"),
        pytest.param("مثليين", "للمثليين", ["للمثليين"], id="Arabic: to the"),
        pytest.param("مثليين", "لمثليين", ["لمثليين"], id="Arabic: to"),
        pytest.param("مثلي*", "والمثليات", ["والمثليات"], id="Arabic wildcard with prefixes"),
        pytest.param('"حقوق المثليين"', "وحقوق المثليين", ["وحقوق المثليين"], id="Arabic phrase with a prefix"),
        pytest.param("مال", "كمال", None, id="Arabic: a short term takes no lone letter"),
        pytest.param("مال", "المال", ["المال"], id="Arabic: a short term takes the article"),
        pytest.param("مال", "مال", ["مال"], id="Arabic: a short term"),
        pytest.param("من", "المن", None, id="Arabic: a shorter one takes nothing"),
        pytest.param("اعتقال", "إِعْتِقال", ["إِعْتِقال"], id="Arabic vowel signs and hamza"),
        # Hebrew
        pytest.param("צ'צ'ניה", "גברים בצ׳צ׳ניה", ["בצ׳צ׳ניה"], id="Hebrew geresh and prefix"),
        pytest.param('להט"ב', "קהילת הלהט״ב", ["הלהט״ב"], id="Hebrew gershayim and prefix"),
        pytest.param("צ'צ'ניה", "ושבצ׳צ׳ניה", ["ושבצ׳צ׳ניה"], id="Hebrew prefixes in a row"),
        pytest.param("גבר", "הגבר", None, id="Hebrew: a short term takes no prefix"),
        pytest.param("קהילה", "מהקהילה", ["מהקהילה"], id="Hebrew: from the"),
        # Hindi
        pytest.param("समलैंगिक", "चेचन्या में समलैंगिक पुरुष", ["समलैंगिक"], id="Hindi"),
        pytest.param("समल", "समलैंगिक", None, id="Hindi: vowel signs do not end a word"),
        pytest.param("समलैंगिक*", "समलैंगिकों", ["समलैंगिकों"], id="Hindi wildcard"),
        pytest.param("गिरफ्तार", "गिरफ़्तार", ["गिरफ़्तार"], id="Hindi nukta"),
        # Thai
        pytest.param("เกย์", "ชายเกย์ในเชชเนีย", ["เกย์"], id="Thai, inside a run"),
        pytest.param("คำ", "ถ้อยคำนี้", ["คำ"], id="Thai sara am"),
        # Chinese
        pytest.param("车臣", "俄罗斯车臣当局", ["车臣"], id="Chinese, inside a run"),
        pytest.param("车臣*", "俄罗斯车臣当局", ["车臣"], id="Chinese wildcard does no harm"),
        pytest.param("车?当局", "俄罗斯车臣当局", ["车臣当局"], id="Chinese question mark"),
        pytest.param("LGBT", "中国LGBT新闻", ["LGBT"], id="Latin beside Han"),
        pytest.param("中国LGBT", "在中国LGBT新闻", ["中国LGBT"], id="a term of two scripts"),
        pytest.param("中国LGBT", "中国的LGBT", None, id="a term of two scripts, side by side"),
        pytest.param(
            '"同性恋 权利"', "同性恋者与同性恋权利", ["同性恋权利"], id="Chinese phrase, no space in the text"
        ),
        pytest.param('"同性恋 权利"', "同性恋 权利", ["同性恋 权利"], id="Chinese phrase, a space in the text"),
        pytest.param("同性恋 车臣", "车臣的同性恋者", ["同性恋", "车臣"], id="Chinese list of words"),
        # Japanese
        pytest.param("チェチェン", "チェチェン共和国で", ["チェチェン"], id="Japanese"),
        pytest.param("ゲイ", "ｹﾞｲ男性", ["ゲイ"], id="Japanese half width is shown folded"),
        # Korean
        pytest.param("체첸", "체첸에서 동성애자 체포", ["체첸"], id="Korean before a particle"),
        pytest.param("애자", "동성애자들이", ["애자"], id="Korean inside a word"),
        pytest.param("동성애*", "체첸 동성애자들이", ["동성애자들이"], id="Korean wildcard meets whole words"),
        pytest.param("애자*", "체첸 동성애자들이", None, id="Korean wildcard, from the word's start"),
        pytest.param(
            '"체첸 동성애자"', "체첸에서는 동성애자들이", ["체첸에서는 동성애자"], id="Korean phrase over particles"
        ),
        pytest.param('"체첸 동성애자"', "체첸에서 온 동성애자", None, id="Korean phrase, side by side"),
        pytest.param('"체첸 LGBT"', "체첸의 LGBT는", ["체첸의 LGBT"], id="Korean and Latin"),
    ],
)
def test_a_term_meets_a_word_in_any_script(query: str, title: str, met: list[str] | None) -> None:
    assert words_met(query, title) == met


@pytest.mark.parametrize(
    ("query", "title", "met"),
    [
        pytest.param("lgbt*", "LGBTQIA people", ["LGBTQIA"], id="star at the end"),
        pytest.param("lgbt*", "LGBT", ["LGBT"], id="star for nothing"),
        pytest.param("*phobia", "against Homophobia", ["Homophobia"], id="star at the beginning"),
        pytest.param("*phobia", "homophobias", None, id="star at the beginning, not at the end"),
        pytest.param("*phob*", "Homophobic", ["Homophobic"], id="stars at both ends"),
        pytest.param("h*ph*a", "homophobia", ["homophobia"], id="star inside"),
        pytest.param("h*o*o*x", "homophobia hoax", None, id="stars inside do not leave the word"),
        pytest.param("ch*n*a", "Chechenia", ["Chechenia"], id="several stars"),
        pytest.param("a*bab", "abbab ab", ["abbab"], id="a star tries every end"),
        pytest.param("a*b**c", "aXbYc", ["aXbYc"], id="two stars are one"),
        pytest.param("organi?ation", "organisation organization", ["organisation"], id="question mark"),
        pytest.param("ga?", "ga gays", None, id="question mark is one letter"),
        pytest.param(r"gay\*", "gay rights", ["gay"], id="an escaped star is no wildcard"),
        pytest.param(r"gay\*", "gays", None, id="an escaped star stands for nothing"),
        pytest.param("chechnia~1", "Chechnya", ["Chechnya"], id="one edit"),
        pytest.param("chehcnya~1", "Chechnya", ["Chechnya"], id="a swap is one edit"),
        pytest.param("chechnia~1", "Tchechnya", None, id="two edits are more than one"),
        pytest.param("chechnia~", "Tchechnya", ["Tchechnya"], id="a bare tilde means two"),
        pytest.param("chechnia~2", "Tchetchnya", None, id="three edits"),
        pytest.param("gay~0", "gay", ["gay"], id="no edit"),
        pytest.param("grozny~2", "Grosnij Grosny", ["Grosny"], id="the nearest word is told"),
        pytest.param("Кадыров~1", "Кадырова", ["Кадырова"], id="fuzzy Cyrillic"),
        pytest.param('"sexual orientation"', "Sexual Orientation law", ["Sexual Orientation"], id="phrase"),
        pytest.param('"sexual orientation"', "sexual-orientation", ["sexual-orientation"], id="phrase over a hyphen"),
        pytest.param('"sexual orientation"', "orientation, sexual", None, id="phrase in its order"),
        pytest.param('"sexual orientation"', "sexual or orientation", None, id="phrase without a gap"),
        pytest.param('"sexual orient*"', "his sexual orientations", ["sexual orientations"], id="wildcard in a phrase"),
        pytest.param('"*sexual men"', "homosexual men", ["homosexual men"], id="star first in a phrase"),
        pytest.param('"gay* rights"', "gays rights", ["gays rights"], id="star inside a phrase"),
        pytest.param("“gay rights”", "gay rights", ["gay rights"], id="typographic quotation marks"),
        pytest.param(
            r'"so-called \"gay\" rights"', "so called gay rights", ["so called gay rights"], id="escaped quote"
        ),
        pytest.param('"gay"', "gay", ["gay"], id="a phrase of one word"),
        pytest.param('"gay chechnya"~3', "Chechnya police: gay men", ["Chechnya police: gay"], id="near, any order"),
        pytest.param('"gay chechnya"~1', "gay men in Chechnya", None, id="not near enough"),
        pytest.param('"gay chechnya"~2', "gay men in Chechnya", ["gay men in Chechnya"], id="just near enough"),
        pytest.param('"gay chechnya"~0', "Chechnya gay", ["Chechnya gay"], id="side by side in any order"),
        pytest.param(
            '"gay chechnya"~', "gay in Chechnya", ["gay in Chechnya"], id="a bare tilde after a phrase means one"
        ),
        pytest.param('"gay chechnya"~1', "gay a b c d gay chechnya", ["gay chechnya"], id="a later window"),
        pytest.param(
            '"gay chechnya torture"~2', "torture of gay Chechnya", ["torture of gay Chechnya"], id="three near"
        ),
        pytest.param('"gay chechen*"~2', "gay in Chechen", ["gay in Chechen"], id="wildcard among near words"),
        pytest.param('"gay chechnya"~9', "gay men", None, id="near words are all needed"),
        pytest.param('"车臣 同性恋"~1', "车臣当局逮捕同性恋者", ["车臣当局逮捕同性恋"], id="near in one run"),
    ],
)
def test_an_operator_does_what_it_says(query: str, title: str, met: list[str] | None) -> None:
    assert words_met(query, title) == met


# --- AND, OR, NOT, + and - -----------------------------------------------------------------------------------------


def true_for(query: str) -> set[str]:
    """Give the subsets of the words a, b, c for which the query holds."""
    subsets = ("", "a", "b", "c", "a b", "a c", "b c", "a b c")
    return {subset for subset in subsets if match_query(query, an_item(subset))}


@pytest.mark.parametrize(
    ("query", "same"),
    [
        pytest.param("a b", "a AND b", id="a list of words means AND"),
        pytest.param("a b OR c", "(a AND b) OR c", id="the implicit AND binds tighter than OR"),
        pytest.param("c OR a b", "c OR (a AND b)", id="also after OR"),
        pytest.param("a AND b OR c", "(a AND b) OR c", id="AND binds tighter than OR"),
        pytest.param("c OR a AND b", "c OR (a AND b)", id="AND after OR"),
        pytest.param("a OR b c", "a OR (b AND c)", id="a word after OR"),
        pytest.param("a OR b NOT c", "a OR (b AND NOT c)", id="NOT after OR"),
        pytest.param("a OR b AND NOT c", "a OR (b AND NOT c)", id="AND NOT after OR"),
        pytest.param("a AND b NOT c", "(a AND b) AND (NOT c)", id="implicit AND NOT"),
        pytest.param("a AND b OR c a OR b c", "(a AND b) OR (c AND a) OR (b AND c)", id="a long mixture"),
        pytest.param("a && b || c", "(a AND b) OR c", id="signs for AND and OR"),
        pytest.param("a&&b||c", "(a AND b) OR c", id="signs without spaces"),
        pytest.param("a !b", "a AND NOT b", id="sign for NOT"),
        pytest.param("a AND !(b || c)", "a AND NOT (b OR c)", id="sign for NOT before parentheses"),
        pytest.param("a AND NOT NOT b", "a AND b", id="NOT twice"),
        pytest.param("(a OR NOT b) AND c", "(c AND a) OR (c AND NOT b)", id="NOT inside OR inside AND"),
        pytest.param("a -b", "a AND NOT b", id="minus"),
        pytest.param("a OR b -c", "(a OR b) AND NOT c", id="minus counts for the whole level"),
        pytest.param("a AND b -c OR a", "a AND NOT c", id="minus in the middle of a mixture"),
        pytest.param("-c a OR b", "(a OR b) AND NOT c", id="minus first"),
        pytest.param("a OR -b", "a AND NOT b", id="minus is no alternative"),
        pytest.param("a OR (b -c)", "a OR (b AND NOT c)", id="minus stays within its parentheses"),
        pytest.param("+a b OR c", "a AND (b OR c)", id="plus counts for the whole level"),
        pytest.param("a OR +b", "b", id="beside plus, the others are optional"),
        pytest.param("+a +b -c", "a AND b AND NOT c", id="plus and minus alone"),
        pytest.param("+(a OR b) -(b AND c)", "(a OR b) AND NOT (b AND c)", id="signs before parentheses"),
        pytest.param("(((a)) OR ((b)))", "a OR b", id="needless parentheses"),
        pytest.param("（a OR b） c", "(a OR b) AND c", id="full-width parentheses"),
        pytest.param("a \u200fAND\u200f b", "a AND b", id="direction marks beside an operator"),
    ],
)
def test_queries_combine_as_people_expect(query: str, same: str) -> None:
    assert true_for(query) == true_for(same)
    assert true_for(same)


def test_and_is_tighter_than_or_in_plain_cases() -> None:
    """The table above compares queries with queries; these compare with the truth."""
    assert true_for("a AND b") == {"a b", "a b c"}
    assert true_for("a OR b") == {"a", "b", "a b", "a c", "b c", "a b c"}
    assert true_for("a AND NOT b") == {"a", "a c"}
    assert true_for("(a AND b) OR c") == {"c", "a b", "a c", "b c", "a b c"}
    assert true_for("a AND (b OR c)") == {"a b", "a c", "a b c"}


def test_the_shipped_kind_of_topic_meets_its_story_in_several_languages() -> None:
    query = '(chechnya OR chechen* OR чечн* OR tchétchén*) AND (gay OR lgbt* OR "sexual orientation" OR гей* OR homosexuel*)'
    assert words_met(query, "Chechen police arrest gay men") == ["Chechen", "gay"]
    assert words_met(query, "В Чечне преследуют ЛГБТ и гей-активистов") == ["Чечне", "гей"]
    assert words_met(query, "Tchétchénie : des homosexuels torturés") == ["Tchétchénie", "homosexuels"]
    assert words_met(query, "Chechen leader opens mosque") is None


# --- Fields --------------------------------------------------------------------------------------------------------

ITEM = an_item(
    "Gay men detained in Chechnya",
    "The newspaper says that gay men were tortured.",
    lang="pt-BR",
    url="https://www.example.org/news/2017/gay-rights_law/%D0%A7%D0%B5%D1%87%D0%BD%D1%8F?id=7",
)


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        pytest.param("gay", [("gay", "title", "Gay"), ("gay", "summary", "gay")], id="title and summary"),
        pytest.param("title:gay", [("gay", "title", "Gay")], id="title"),
        pytest.param("summary:tortur*", [("tortur*", "summary", "tortured")], id="summary"),
        pytest.param("title:tortured", None, id="not in the title"),
        pytest.param("title: gay", [("gay", "title", "Gay")], id="a space after the colon"),
        pytest.param("title：gay", [("gay", "title", "Gay")], id="a full-width colon"),
        pytest.param('summary:"gay men"', [('"gay men"', "summary", "gay men")], id="phrase in a field"),
        pytest.param('title:"chechnya gay"~3', [('"chechnya gay"~3', "title", "Gay men detained in Chechnya")], id="near"),
        pytest.param("title:chechnia~1", [("chechnia~1", "title", "Chechnya")], id="fuzzy in a field"),
        pytest.param("title:(tortured OR detained)", [("detained", "title", "detained")], id="group in a field"),
        pytest.param("title:(gay -tortured)", [("gay", "title", "Gay")], id="signs in a field's group"),
        pytest.param("gay -title:gay", None, id="minus before a field"),
        pytest.param("title:(gay summary:tortured)", [("gay", "title", "Gay"), ("tortured", "summary", "tortured")], id="field within a field"),
        pytest.param("gay title:-chechnya", None, id="minus after a field"),
        pytest.param("feed:caucasus", [("caucasus", "feed", "Caucasus")], id="word of the feed's name"),
        pytest.param('feed:"caucasus wire"', [('"caucasus wire"', "feed", "Caucasus Wire")], id="name of the feed"),
        pytest.param("feed:caucas", None, id="part of a word of the feed's name"),
        pytest.param("lang:pt-br", [("pt-br", "lang", "pt-BR")], id="language with its region"),
        pytest.param("lang:PT_BR", [("PT_BR", "lang", "pt-BR")], id="language in another spelling"),
        pytest.param("lang:pt", [("pt", "lang", "pt-BR")], id="language without its region"),
        pytest.param("lang:pt-pt", [("pt-pt", "lang", "pt-BR")], id="regions are not compared"),
        pytest.param("lang:por", [("por", "lang", "pt-BR")], id="language in three letters"),
        pytest.param("lang:es", None, id="another language"),
        pytest.param("lang:(ru OR pt)", [("pt", "lang", "pt-BR")], id="languages"),
        pytest.param("tag:NGO", [("NGO", "tag", "ngo")], id="tag"),
        pytest.param("tag:human-rights", [("human-rights", "tag", "Human-Rights")], id="tag with a hyphen"),
        pytest.param('tag:"north caucasus"', [('"north caucasus"', "tag", "north caucasus")], id="tag with a space"),
        pytest.param("tag:human", None, id="part of a tag"),
        pytest.param("url:example.org", [("example.org", "url", "example.org")], id="host"),
        pytest.param("url:ample.org", None, id="part of a host's word"),
        pytest.param("url:gay", [("gay", "url", "gay")], id="word of the path"),
        pytest.param("url:gay-rights", [("gay-rights", "url", "gay-rights")], id="words of the path"),
        pytest.param("url:чечня", [("чечня", "url", "Чечня")], id="percent-encoded word of the path"),
        pytest.param('url:"example.org/news"', [('"example.org/news"', "url", "example.org/news")], id="host and path"),
        pytest.param(r"url:https\://www.example.org", [(r"https\://www.example.org", "url", "https://www.example.org")], id="escaped address"),
    ],
)  # fmt: skip
def test_a_field_is_asked_for_by_name(query: str, hits: list[tuple[str, str, str]] | None) -> None:
    assert hits_of(query, ITEM) == hits


def test_a_feed_without_a_name_is_known_by_its_url() -> None:
    nameless = Feed(url="https://press.example/rss", address=Secret("x"), owner="press")
    assert hits_of("feed:press.example", ITEM, feed=nameless) == [("press.example", "feed", "press.example")]
    topic = compile_topic(Topic("topic", "gay", feeds=("https://press.example/rss",)))
    assert match_topics(ITEM, [topic], feed=nameless)
    assert not match_topics(ITEM, [topic], feed=WIRE)


def test_an_item_without_language_is_of_no_language() -> None:
    assert hits_of("gay AND NOT lang:en", an_item("gay", lang="")) == [("gay", "title", "gay")]
    assert hits_of("lang:en", an_item("gay", lang="")) is None


# --- Hits ----------------------------------------------------------------------------------------------------------


def test_every_alternative_that_is_true_is_told() -> None:
    assert words_met("gay OR lesbian OR trans", "Trans and gay people") == ["gay", "Trans"]


def test_an_alternative_that_is_not_true_is_not_told() -> None:
    assert words_met("(gay AND chechnya) OR police", "gay police") == ["police"]


def test_what_must_be_absent_is_never_told() -> None:
    assert words_met("gay AND NOT (sport OR film)", "gay men") == ["gay"]


def test_beside_a_required_term_optional_ones_are_told_too() -> None:
    assert words_met("gay OR +chechnya", "gay men in Chechnya") == ["Chechnya", "gay"]


def test_a_term_written_twice_is_told_once() -> None:
    assert words_met("(gay AND men) OR (gay AND rights)", "gay men rights") == ["gay", "men", "rights"]


def test_a_word_without_end_is_told_by_its_beginning() -> None:
    met = words_met("lgbt*", "LGBT" + "q" * 100_000)
    assert met == ["LGBT" + "q" * 75 + "…"]


# --- Topics --------------------------------------------------------------------------------------------------------


def test_each_topic_that_matches_is_given_in_order() -> None:
    topics = [compile_topic(Topic(name, query)) for name, query in (("x", "gay"), ("y", "sport"), ("z", "men"))]
    assert match_topics(an_item("gay men"), topics, feed=WIRE) == [
        Match("x", (Hit("gay", "title", "gay"),)),
        Match("z", (Hit("men", "title", "men"),)),
    ]


@pytest.mark.parametrize(
    ("languages", "lang", "admitted"),
    [
        ((), "en", True),
        ((), "", True),
        (("en",), "en", True),
        (("en",), "en-GB", True),
        (("PT-br",), "pt-BR", True),
        (("en-GB",), "en", True),
        (("pt-BR",), "pt", True),
        (("nb",), "no", True),
        (("nn",), "no", True),
        (("ckb",), "ku", True),
        (("heb",), "he", True),
        (("ast",), "ast", True),
        (("ast",), "", False),
        (("ru", "de"), "en", False),
        (("en",), "", False),
    ],
)
def test_a_topic_may_be_narrowed_to_languages(languages: tuple[str, ...], lang: str, *, admitted: bool) -> None:
    topic = compile_topic(Topic("topic", "gay", languages=languages))
    assert bool(match_topics(an_item("gay", lang=lang), [topic], feed=WIRE)) is admitted


@pytest.mark.parametrize(
    ("feeds", "admitted"),
    [
        ((), True),
        (("Caucasus Wire",), True),
        (("ngo",), True),
        (("press", "Human-Rights"), True),
        (("press",), False),
        (("https://wire.example/rss",), False),
    ],
)
def test_a_topic_may_be_narrowed_to_feeds_by_name_or_tag(feeds: tuple[str, ...], *, admitted: bool) -> None:
    topic = compile_topic(Topic("topic", "gay", feeds=feeds))
    assert bool(match_topics(an_item("gay"), [topic], feed=WIRE)) is admitted


def test_a_tag_that_no_feed_has_is_an_error() -> None:
    topic = compile_topic(Topic("topic", "gay tag:NGO"), [WIRE])
    assert match_topics(an_item("gay"), [topic], feed=WIRE)
    with pytest.raises(QueryError, match='no feed has the tag "ngos": did you mean "ngo"') as caught:
        compile_topic(Topic("topic", "gay tag:ngos"), [WIRE])
    assert caught.value.position == 8


# --- Queries that are refused --------------------------------------------------------------------------------------

NEARLY_EVERYTHING = (
    "the query can be true of an item with none of its terms, so that nearly everything would match: "
    "say what must be there too, as in chechnya AND NOT sport"
)
EMPTY = "the query is empty: write at least one word to look for"
UNCLOSED = 'this "(" is never closed: put the missing ")" after its terms'
CLOSES_NOTHING = 'this ")" closes nothing: remove it, or put the missing "(" before it'
QUOTE = 'this quotation mark is never closed: add the second one, or write \\" for the mark itself'
BACKSLASH = "this backslash stands before nothing: remove it, or write \\\\ for the backslash itself"
REGEX = (
    "a term cannot begin with /: regular expressions are refused, since one pattern can stall the program for hours; "
    'use wildcards, as in homosexu*, or put the term in double quotes, as in "/term"'
)
RANGE = (
    "ranges ([a TO b], <, >) are refused, since words have no order here: use parentheses to group terms, or put the "
    "term in double quotes"
)
BOOST = "a boost (^) is refused, since items match or do not, without a score: remove it"
FRACTION = (
    'the number after ~ must be whole: word~1 allows one edit, "two words"~5 five other words between them'
)  # fmt: skip
SIGN = "a + or - must stand right before its term, as in -sport: remove the space, or put the sign in quotes"
APOSTROPHE = 'a term cannot begin with an apostrophe: phrases stand in double quotes, as in "sexual orientation"'
ADDRESS = 'put an address in double quotes, as in url:"https://example.org/news"'
COLON = "a colon must follow the name of a field: put a term that contains one in double quotes"
TILDE = 'a ~ must follow a word or a phrase, as in chechnya~1 or "gay men"~5'
BARE_WILDCARD = "a wildcard alone meets every word: add letters to it, as in homosexu*"
ONE_PLAIN_WORD = "a ~ allows edits in one plain word: put several words in double quotes before it"
NO_WORDS_SET_APART = "a ~ counts edits in a word, which this script does not set apart: remove it"
STAR_INSIDE_A_RUN = "a * cannot stand inside a term of this script: write two terms, with AND"
FIELDS = "(fields are title, summary, feed, url, lang, tag): put a term that contains a colon in double quotes"


def no_letter(term: str) -> str:
    return f"{term} has no letter or digit to look for: remove it, or write AND, OR or NOT"


def wants_a_term(token: str) -> str:
    return f'a term must follow "{token}"'


def must_come_before(operator: str) -> str:
    return f'a term must stand before "{operator}": write it in lower case if it is a term itself'


def too_many_edits(edits: int) -> str:
    return f"~{edits} allows too many edits, and would meet unrelated words: write ~1, or ~2 for a long word"


@pytest.mark.parametrize(
    ("query", "position", "message"),
    [
        pytest.param("", 0, EMPTY, id="nothing"),
        pytest.param(" \n\t", 0, EMPTY, id="white space"),
        pytest.param("\u200f", 0, EMPTY, id="a direction mark"),
        pytest.param("-sport", 0, NEARLY_EVERYTHING, id="only minus"),
        pytest.param("NOT sport", 0, NEARLY_EVERYTHING, id="only NOT"),
        pytest.param("NOT a AND -b", 0, NEARLY_EVERYTHING, id="only negative terms"),
        pytest.param("gay OR NOT sport", 0, NEARLY_EVERYTHING, id="NOT as an alternative"),
        pytest.param("title:(NOT gay)", 0, NEARLY_EVERYTHING, id="only NOT in a field"),
        pytest.param("gay AND", 4, wants_a_term("AND"), id="AND at the end"),
        pytest.param("gay OR  ", 4, wants_a_term("OR"), id="OR at the end"),
        pytest.param("gay NOT", 4, wants_a_term("NOT"), id="NOT at the end"),
        pytest.param("gay &&", 4, wants_a_term("AND"), id="sign for AND at the end"),
        pytest.param("gay AND (men OR)", 13, wants_a_term("OR"), id="OR before a parenthesis"),
        pytest.param("gay OR OR men", 4, wants_a_term("OR"), id="OR twice"),
        pytest.param("gay +)", 4, wants_a_term("+"), id="plus before nothing"),
        pytest.param("title:", 5, wants_a_term(":"), id="a field without a term"),
        pytest.param("(gay AND", 5, wants_a_term("AND"), id="AND at the end, parenthesis open"),
        pytest.param("AND gay", 0, must_come_before("AND"), id="AND first"),
        pytest.param("|| gay", 0, must_come_before("OR"), id="sign for OR first"),
        pytest.param("gay (OR men)", 5, must_come_before("OR"), id="OR first in parentheses"),
        pytest.param("(gay", 0, UNCLOSED, id="parenthesis not closed"),
        pytest.param("(a) AND (b OR (c)", 8, UNCLOSED, id="the outer parenthesis not closed"),
        pytest.param('a OR ("(" b', 5, UNCLOSED, id="a quoted parenthesis does not count"),
        pytest.param("gay) OR men", 3, CLOSES_NOTHING, id="parenthesis not opened"),
        pytest.param("a || b) c", 6, CLOSES_NOTHING, id="parenthesis not opened, after a sign"),
        pytest.param(") a", 0, CLOSES_NOTHING, id="parenthesis first"),
        pytest.param("a ()", 3, "there is nothing between these parentheses: write a term there, or remove them", id="empty parentheses"),
        pytest.param('gay "sexual orientation', 4, QUOTE, id="quotation mark not closed"),
        pytest.param("“sexual orientation", 0, QUOTE, id="typographic quotation mark not closed"),
        pytest.param("'sexual orientation'", 0, APOSTROPHE, id="single quotation marks"),
        pytest.param("gay \\", 4, BACKSLASH, id="backslash at the end"),
        pytest.param("/homo.*/", 0, REGEX, id="regular expression"),
        pytest.param("title:/homo.*/", 6, REGEX, id="regular expression in a field"),
        pytest.param("gay /men", 4, REGEX, id="half a regular expression"),
        pytest.param("gay [a TO b]", 4, RANGE, id="range"),
        pytest.param("title:{a TO b}", 6, RANGE, id="exclusive range"),
        pytest.param("gay >5", 4, RANGE, id="open range"),
        pytest.param("gay^2", 3, BOOST, id="boost of a word"),
        pytest.param('"gay men"^1.2.3', 9, BOOST, id="boost of a phrase"),
        pytest.param("chechnya~3", 0, too_many_edits(3), id="three edits"),
        pytest.param("a || chechnya~99", 5, too_many_edits(99), id="ninety-nine edits"),
        pytest.param("chechnya~0.8", 8, FRACTION, id="similarity of old Lucene"),
        pytest.param("chechnya~1.5.2", 8, FRACTION, id="no number at all"),
        pytest.param('"gay men"~1.5', 9, FRACTION, id="fraction after a phrase"),
        pytest.param("gay AND ~2", 4, wants_a_term("AND"), id="tilde after AND"),
        pytest.param("~2", 0, TILDE, id="tilde first"),
        pytest.param("gay~1~1", 5, TILDE, id="tilde twice"),
        pytest.param("ex-soviet~1", 0, ONE_PLAIN_WORD, id="fuzzy words"),
        pytest.param("gay chechn*~1", 4, ONE_PLAIN_WORD, id="fuzzy wildcard"),
        pytest.param("车臣~1", 0, NO_WORDS_SET_APART, id="fuzzy Chinese"),
        pytest.param("*", 0, BARE_WILDCARD, id="star alone"),
        pytest.param("gay AND title:*", 14, BARE_WILDCARD, id="star alone in a field"),
        pytest.param("??", 0, BARE_WILDCARD, id="question marks alone"),
        pytest.param('"gay * rights"', 0, BARE_WILDCARD, id="star alone in a phrase"),
        pytest.param('"gay *"~3', 0, BARE_WILDCARD, id="star alone among near words"),
        pytest.param("gay 车*局", 4, STAR_INSIDE_A_RUN, id="star inside Chinese"),
        pytest.param("gay & lesbian", 4, no_letter("&"), id="one ampersand"),
        pytest.param("gay – lesbian", 4, no_letter("–"), id="a dash"),
        pytest.param('gay ""', 4, no_letter('""'), id="an empty phrase"),
        pytest.param("chechnya - gay", 9, SIGN, id="minus as a dash"),
        pytest.param("gay +", 4, SIGN, id="plus at the end"),
        pytest.param("url:https://example.org", 4, ADDRESS, id="bare address in a field"),
        pytest.param("http://example.org", 0, ADDRESS, id="bare address"),
        pytest.param(":gay", 0, COLON, id="colon first"),
        pytest.param("title::gay", 5, wants_a_term(":"), id="colon twice"),
        pytest.param('"title":gay', 7, COLON, id="quoted field name"),
        pytest.param("gay AND titles:men", 8, f'there is no field "titles": did you mean "title"? {FIELDS}', id="misspelt field"),
        pytest.param("TITLE:gay", 0, f'there is no field "TITLE": did you mean "title"? {FIELDS}', id="field in upper case"),
        pytest.param("zzz:gay", 0, f'there is no field "zzz" {FIELDS}', id="unknown field"),
        pytest.param("lang:english", 5, '"english" is no language code: write two or three letters, as in lang:ru', id="language by name"),
        pytest.param("lang:ua", 5, '"ua" is no language code: write two or three letters, as in lang:ru', id="language by country"),
        pytest.param("lang:e*", 5, "lang: takes one exact value, without wildcards or ~", id="wildcard language"),
        pytest.param("tag:ngo~1", 4, "tag: takes one exact value, without wildcards or ~", id="fuzzy tag"),
        pytest.param('tag:" "', 4, "tag: takes one exact value, without wildcards or ~", id="empty tag"),
        pytest.param("(" * 200 + "gay" + ")" * 200, 100, "the query is nested more than 100 deep: leave out some parentheses", id="nested too deep"),
        pytest.param("NOT " * 5000 + "gay", 400, "the query is nested more than 100 deep: leave out some parentheses", id="NOT without end"),
    ],
)  # fmt: skip
def test_a_bad_query_is_refused_with_its_place_and_the_way_to_write_it(query: str, position: int, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        compile_topic(Topic("topic", query))
    assert (caught.value.position, str(caught.value)) == (position, message)


TOKENS = [
    *("gay", "AND", "OR", "NOT", "TO", "&&", "||", "!", "+", "-", "(", ")", '"', "'", "/", "\\", "*", "?"),
    *("~", "~1", "~2.5", "^2", "[", "]", "{", "}", ":", "title:", "tag:", "lang:", "http://x", " ", " ", " "),
    *(
        "中",
        "체",
        "الشيش",
        'ב"ב',
        "“",
        "”",
        "\u200f",
        "\n",
        ".",
        "1",
        "&",
        "|",
        "<",
        "=",
        "#",
        "T12:30",
        "~99999999999",
    ),
]


def test_no_query_whatever_raises_anything_but_a_query_error() -> None:
    choice = random.Random(1994)
    positions = []
    for _ in range(4000):
        query = "".join(choice.choices(TOKENS, k=choice.randint(1, 9)))
        try:
            match_query(query, ITEM)
        except QueryError as error:
            positions.append((error.position, len(query)))
    assert 3000 < len(positions) < 4000
    assert all(0 <= position <= length for position, length in positions)


# --- The reference page --------------------------------------------------------------------------------------------


def rows_of(heading: str) -> list[list[str]]:
    """Give the cells of the table under a heading of docs/reference/queries.md."""
    page = (Path(__file__).parent.parent / "docs" / "reference" / "queries.md").read_text(encoding="utf-8")
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def queries_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize(("cell", "meets", "misses"), rows_of("Operators"))
def test_the_reference_page_tells_the_truth_about_operators(cell: str, meets: str, misses: str) -> None:
    (query,) = queries_in(cell)
    assert words_met(query, meets)
    assert words_met(query, misses) is None


@pytest.mark.parametrize("example", [row[2] for row in rows_of("Fields")])
def test_the_reference_page_tells_the_truth_about_fields(example: str) -> None:
    for query in queries_in(example):
        match_query(query, ITEM)


@pytest.mark.parametrize(("refused", "instead"), [(row[0], row[2]) for row in rows_of("What is refused, and why")])
def test_the_reference_page_tells_the_truth_about_what_is_refused(refused: str, instead: str) -> None:
    for query in queries_in(instead):
        match_query(query, ITEM)
    assert queries_in(refused)
    for query in queries_in(refused):
        with pytest.raises(QueryError):
            match_query(query, ITEM)


# --- Hostile texts -------------------------------------------------------------------------------------------------

ENDLESS = {
    "one letter": "a" * 100_000,
    "short words": "ab " * 33_000,
    "one run of Han": "车" * 100_000,
    "one word of Hangul": "체첸" * 50_000,
    "Hangul words": "체첸 " * 33_000,
    "Arabic prefixes": "و" * 100_000,
    "Arabic words": "والشيشا " * 12_000,
    "marks": "a" + "\u0301" * 100_000,
    "apostrophes": "צ'" * 50_000,
    "a ligature of eighteen": "ﷺ" * 20_000,
}


@pytest.mark.parametrize("title", [pytest.param(title, id=name) for name, title in ENDLESS.items()])
def test_a_hostile_title_is_matched_in_linear_time(title: str) -> None:
    """A backtracking pattern would need years for these (100,000 letters to the fifth power), so that it never ends."""
    queries = ["*a*a*a*a*b", "?a?a?a?a?b", '"ab ab* *ab* ab abc"', "车?车?车?局", '"체첸 체첸 체첸 국"', "الشيشان",
               '"a* *b* 车 ab"~100', "aaaaaaa~2", "צ'צ'ניה"]  # fmt: skip
    topics = [compile_topic(Topic(query, query)) for query in queries]
    assert match_topics(an_item(title, title), topics, feed=WIRE) == []


def test_a_query_of_two_thousand_terms_is_read_and_matched() -> None:
    terms = [f"w{number}" for number in range(1998)]
    item = an_item(" ".join(terms), "w1997")
    assert hits_of(" OR ".join([*terms, "chechn*", "чечн*"]), item) == [
        *((term, "title", term) for term in terms),
        ("w1997", "summary", "w1997"),
    ]
    assert len(hits_of(" ".join(terms), item) or ()) == 1999
    assert hits_of(" ".join([*terms, "chechnya"]), item) is None
