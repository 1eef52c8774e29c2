"""That a query can never match is said only where it is certain."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from random import Random

import pytest

from monitor.match import compile_topic, match_topics
from monitor.match.reach import explain_silence
from monitor.model import Feed, Item, Secret, Topic

KURIER = Feed(url="https://kurier.example", address=Secret(""), owner="kurier", name="Kurier", lang="en", tags=("ngo",))
BOTE = replace(KURIER, name="Bote", url="https://bote.example", lang="ru", tags=("press", "ngo"))
ANY = replace(KURIER, name="", url="https://any.example", lang="", tags=())
ITEM = Item(key="1", url="", title="", summary="", lang="", published=None, seen=datetime(2017, 4, 1, tzinfo=UTC))


def explain(query: str, *feeds: Feed, languages: tuple[str, ...] = (), names: tuple[str, ...] = ()) -> list[str]:
    topic = Topic(name="t", query=query, languages=languages, feeds=names)
    return explain_silence(compile_topic(topic, feeds), feeds)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("gay AND NOT gay", "it asks for gay and for NOT gay"),
        ("gay AND NOT (gay OR men)", "it asks for gay and for NOT gay"),
        ("(gay OR men) AND NOT gay AND NOT men", "it asks for gay and for NOT gay"),
        ("gay AND -gay*", "it asks for gay and for NOT gay*"),
        ("chechnya AND NOT chechnia~1", "it asks for chechnya and for NOT chechnia~1"),
        ("title:gay AND NOT gay", "it asks for title:gay and for NOT gay"),
        ("gay AND lang:ru AND lang:en", "an item is in one language, not in lang:ru and lang:en"),
        ('"gay men" AND NOT "gay men"', 'it asks for "gay men" and for NOT "gay men"'),
        ("gay AND NOT NOT NOT gay", "it asks for gay and for NOT gay"),
    ],
)
def test_a_contradiction_is_named(query: str, reason: str) -> None:
    assert explain(query, ANY) == [f"its query can never match: {reason}"]


@pytest.mark.parametrize(
    "query",
    [
        "gay AND NOT title:gay",
        "gay* AND NOT gay",
        "gay AND (men OR NOT gay)",
        "(gay AND NOT gay) OR men",
        "gay AND NOT men",
        "lang:ru OR lang:en",
        "gay~1 AND NOT gay",
        '"gay men" AND NOT "men gay"',
        "gay AND feed:kurier AND tag:ngo AND url:news",
        "gay AND NOT tag:ngo",
    ],
)
def test_what_may_match_is_let_be(query: str) -> None:
    assert explain(query, KURIER, ANY) == []


@pytest.mark.parametrize(
    ("query", "languages", "names", "words"),
    [
        ("gay AND lang:fr", (), (), ["its query can never match, for no feed that it reads has lang:fr"]),
        ("gay AND lang:fr", ("ru",), (), ["its query can never match: lang:fr"]),
        ("gay", ("fr",), (), ["no feed that it reads is in one of its languages (fr)"]),
        ("gay AND tag:press", (), ("Kurier",), ["its query can never match, for no feed that it reads has tag:press"]),
        ("gay AND tag:press AND lang:en", (), (), ["its query can never match, for no feed that it reads has tag:press, lang:en"]),
        ("gay AND feed:herald", (), (), ["its query can never match, for no feed that it reads has feed:herald"]),
        ("gay OR (men AND lang:fr)", (), (), ["lang:fr in its query is true of no feed that it reads"]),
        ("gay AND NOT lang:en", (), ("Kurier",), ["its query can never match, for no feed that it reads has anything but lang:en"]),
        ("gay", (), ("nobody",), ["it reads no feed that is enabled"]),
    ],
)  # fmt: skip
def test_what_no_feed_can_bring_is_named(
    query: str, languages: tuple[str, ...], names: tuple[str, ...], words: list[str]
) -> None:
    assert explain(query, KURIER, BOTE, languages=languages, names=names) == words


def test_a_feed_that_is_turned_off_brings_nothing() -> None:
    assert explain("gay", replace(KURIER, enabled=False)) == ["it reads no feed that is enabled"]


def write_query(random: Random, depth: int) -> str:
    if not depth or random.random() < 0.2:
        return random.choice(["a", "bc", "bc*", "title:a", "lang:ru", "lang:en", "tag:ngo", "feed:bote", "tag:press"])
    parts = [write_query(random, depth - 1) for _ in range(random.randint(2, 3))]
    parts = [f"NOT {part}" if random.random() < 0.35 else part for part in parts]
    return f"({random.choice([' AND ', ' OR '])})".join(parts).replace("( ", " ").replace(" )", " ").join("()")


def test_no_query_that_some_item_fulfils_is_called_hopeless() -> None:
    """Every item over a small vocabulary is tried; and most queries that none fulfils are found out."""
    random = Random(7)
    texts = ["", "a", "bc", "bcd", "a bc", "a bcd"]
    items = [replace(ITEM, title=t, summary=s, lang=lang) for t, s, lang in product(texts, texts, ["", "ru", "en"])]
    hopeless = found = 0
    for _ in range(400):
        query = f"{write_query(random, 3)} AND (a OR bc*)"
        compiled = compile_topic(Topic(name="t", query=query))
        feeds = [KURIER, BOTE]
        pairs = [(item, feed) for feed in feeds for item in items if item.lang == feed.lang]
        fulfilled = any(match_topics(item, [compiled], feed=feed) for item, feed in pairs)
        told = [words for words in explain_silence(compiled, feeds) if "can never match" in words]
        assert not (fulfilled and told), (query, told)
        hopeless += not fulfilled
        found += bool(told)
    assert hopeless > 20
    assert found > hopeless / 2
