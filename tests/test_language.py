"""Language tags: what may be written, and what it is compared by."""

from __future__ import annotations

import pytest

from monitor.language import ISO_639_1, is_language_tag, language_code
from monitor.match import compile_topic, match_topics
from monitor.model import Entry, Feed, Secret, Topic
from monitor.normalise import identify_entries, normalise_entry
from tests.makers import NOW


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        pytest.param("en-GB", "en", id="region"),
        pytest.param("PT_br", "pt", id="another spelling"),
        pytest.param(" zh-Hans-CN", "zh", id="script and region"),
        pytest.param("rus", "ru", id="three letters"),
        pytest.param("ger", "de", id="three other letters"),
        pytest.param("nb", "no", id="a written form"),
        pytest.param("iw", "he", id="withdrawn"),
        pytest.param("ckb", "ku", id="member of a language"),
        pytest.param("ua", "uk", id="country for language"),
        pytest.param("Russian", "ru", id="name"),
        pytest.param("ast", "ast", id="three letters without two"),
        pytest.param("und", "", id="undetermined"),
        pytest.param("US", "", id="country"),
        pytest.param("klingon", "", id="nonsense"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_tag_is_reduced_to_the_code_it_is_compared_by(tag: str, code: str) -> None:
    assert language_code(tag) == code


def test_each_code_is_its_own() -> None:
    assert {language_code(code) for code in ISO_639_1} == ISO_639_1


@pytest.mark.parametrize("text", ["en", "nb", "sh", "rus", "ast", "pt-BR", "zh-Hant-HK"])
def test_tags_that_may_be_written(text: str) -> None:
    assert is_language_tag(text)


@pytest.mark.parametrize("text", ["", "e", "EN", "ua", "xx", "english", "en-", "en_GB", "mul", "zxx", "en-G", "en GB"])
def test_what_is_no_tag(text: str) -> None:
    assert not is_language_tag(text)


@pytest.mark.parametrize("tag", ["en", "pt-BR", "nb", "nn", "ckb", "ast", "heb", "sh", "zh-Hant-HK"])
@pytest.mark.parametrize("topic", ["languages", "query"])
def test_whatever_may_be_written_of_a_feed_and_a_topic_matches(tag: str, topic: str) -> None:
    assert is_language_tag(tag)
    narrow = Topic("t", "gay", languages=(tag,)) if topic == "languages" else Topic("t", f"gay lang:{tag}")
    entry = Entry(title="Gay men detained")
    (identity,) = identify_entries([entry], base="")
    item = normalise_entry(entry, identity, base="", lang=tag, declared="", seen=NOW)
    feed = Feed(url="https://h.example/", address=Secret("https://h.example/"), owner="h.example", lang=tag)
    assert match_topics(item, [compile_topic(narrow)], feed=feed)
