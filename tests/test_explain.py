"""Promises of monitor.match.explain: what was met, what lacks at the nearest miss, and that it never contradicts."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from monitor.match import compile_topic, match_topics
from monitor.match.explain import Explanation, Lack, explain_match
from monitor.model import Feed, Hit, Item, Topic
from tests.makers import make_feed, make_item

WIRE = make_feed("wire.example", name="Wire", tags=("ngo",))


def an_item(title: str, summary: str = "", *, lang: str = "en") -> Item:
    return replace(make_item(title), summary=summary, lang=lang)


def explain(query: str, title: str, summary: str = "", *, feed: Feed = WIRE) -> Explanation:
    return explain_match(an_item(title, summary), compile_topic(Topic("topic", query)), feed=feed)


CASES = [
    # query, title, what was met, what lacks (alternatives, each lack by itself)
    pytest.param("gay", "Men detained", [], [["gay"]], id="a word"),
    pytest.param("chechnya gay", "Chechnya today", ["Chechnya"], [["gay"]], id="half of an AND"),
    pytest.param("chechnya gay", "Sport", [], [["chechnya"], ["gay"]], id="all of an AND"),
    pytest.param(
        "chechnya AND (gay OR lgbt*)", "Chechnya today", ["Chechnya"], [["gay", "lgbt*"]], id="one of alternatives"
    ),
    pytest.param(
        "(chechnya OR чечн*) AND (gay OR lgbt*)", "LGBT rights", ["LGBT"], [["chechnya", "чечн*"]], id="two of each"
    ),
    pytest.param('"gay men" detained', "Gay and detained", ["detained"], [['"gay men"']], id="a phrase"),
    pytest.param('"men gay"~2', "Gay people", [], [['"men gay"~2']], id="near words"),
    pytest.param("title:gay men", "Men", ["Men"], [["title:gay"]], id="a field"),
    pytest.param("gay tag:kavkaz", "Gay", ["Gay"], [["tag:kavkaz"]], id="a tag"),
    pytest.param("gay lang:ru", "Gay", ["Gay"], [["lang:ru"]], id="a language"),
    pytest.param("chechnya -sport", "Chechnya: sport", ["Chechnya"], [["NOT sport"]], id="a word that must not be"),
    pytest.param("chechnya NOT (sport OR league)", "Chechnya sport league", ["Chechnya"], [["NOT sport"], ["NOT league"]], id="NOT over OR"),
    pytest.param("chechnya NOT (sport AND league)", "Chechnya sport league", ["Chechnya"], [["NOT sport", "NOT league"]], id="NOT over AND"),
    pytest.param("chechnya NOT (sport AND NOT gay)", "Chechnya sport", ["Chechnya"], [["NOT sport", "gay"]], id="NOT within NOT"),
    pytest.param("(chechnya AND gay) OR zeppelin", "Chechnya", ["Chechnya"], [["gay"]], id="what was met is nearer than what was not"),
    pytest.param("(a AND b AND c) OR (a AND d)", "a", ["a", "a"], [["d"]], id="what lacks least is nearest"),
    pytest.param("(a AND b AND c) OR (d AND e)", "f", [], [["d"], ["e"]], id="a nearest of two words"),
    pytest.param("(a AND b) OR (c AND d)", "f", [], [["a AND b", "c AND d"]], id="two nearest of two words"),
    pytest.param("x (a (b OR c)) OR (x d (e OR f))", "x", ["x", "x"], [["a AND (b OR c)", "d AND (e OR f)"]], id="alternatives in alternatives"),
    pytest.param("+chechnya gay OR men", "Gay men", ["Gay", "men"], [["chechnya"]], id="a plus"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "title", "met", "lacks"), CASES)
def test_a_miss_is_explained_by_what_was_met_and_what_lacks(
    query: str, title: str, met: list[str], lacks: list[list[str]]
) -> None:
    explanation = explain(query, title)
    assert not explanation.matched
    assert [hit.word for hit in explanation.hits] == list(dict.fromkeys(met))
    assert [list(lack.any_of) for lack in explanation.lacks] == lacks


def test_a_lack_of_absence_says_where_the_word_stands() -> None:
    explanation = explain("chechnya NOT (sport OR title:gay)", "Chechnya", "Sport today")
    assert explanation.lacks == (Lack(("NOT sport",), (Hit("sport", "summary", "Sport"),)),)
    assert explanation.hits == (Hit("chechnya", "title", "Chechnya"),)
    either = explain("chechnya NOT (sport AND league)", "Chechnya", "Sport league")
    assert [hit.word for hit in either.lacks[0].met] == ["Sport", "league"]


def test_a_topic_that_is_narrowed_says_how_beside_what_its_query_finds() -> None:
    topic = Topic("topic", "gay men", languages=("ru", "uk"), feeds=("kavkaz", "press"))
    compiled = compile_topic(topic)
    explanation = explain_match(an_item("Gay men"), compiled, feed=WIRE)
    assert explanation.lacks == ()
    assert not explanation.matched
    assert explanation.narrowed == (
        "it takes items in ru, uk alone, and this one is in en",
        "it reads kavkaz, press alone, and this one is from Wire",
    )
    unknown = explain_match(an_item("Gay men", lang=""), compiled, feed=replace(WIRE, tags=("press",)))
    assert unknown.narrowed == ("it takes items in ru, uk alone, and this one is in no known language",)
    assert explain_match(an_item("Gay men", lang="ru"), compiled, feed=replace(WIRE, name="kavkaz")).matched


def test_the_explanation_never_contradicts_the_match() -> None:
    """Of queries of any nesting: both say the same, and every word that the match names is named."""
    choice = random.Random(2017)

    def a_query(depth: int) -> str:
        if depth == 0 or choice.random() < 0.2:
            return choice.choice(["a", "b", "c", "title:d", '"e f"'])
        parts = [a_query(depth - 1) for _ in range(choice.randint(1, 3))]
        joined = f" {choice.choice(['AND', 'OR'])} ".join(parts)
        return choice.choice(["({})", "NOT ({})", "({})"]).format(joined)

    outcomes = []
    for _ in range(1500):
        topic = compile_topic(Topic("topic", f"x AND ({a_query(3)})"))
        words = [word for word in ("x", "a", "b", "c", "d", "e f") if choice.random() < 0.5]
        item = an_item(" ".join(words))
        explanation = explain_match(item, topic, feed=WIRE)
        matches = match_topics(item, [topic], feed=WIRE)
        assert explanation.matched is bool(matches)
        assert explanation.matched or explanation.lacks
        outcomes.append(explanation.matched)
        if matches:
            assert set(explanation.hits) >= set(matches[0].hits)
    assert 200 < sum(outcomes) < 1300
