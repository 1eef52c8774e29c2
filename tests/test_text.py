"""Promises of monitor.text: what counts as the same text, and what is a word, in every script."""

from __future__ import annotations

import random
import sys
import unicodedata

import pytest

from monitor.text import Script, fold, is_unspaced, origins, script_of, word_spans, words

ASSIGNED = [
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(character) not in {"Cn", "Co", "Cs"}
]


def random_texts(count: int) -> list[str]:
    choice = random.Random(2017)
    everyday = [character for character in ASSIGNED if ord(character) < 0x3100 or 0xAC00 <= ord(character) < 0xFFFF]
    return ["".join(choice.choices(everyday, k=choice.randint(2, 9))) for _ in range(count)]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        pytest.param("CHECHNYA", "chechnya", id="case"),
        pytest.param("Ａｌｅｒｔ　２０１７", "alert 2017", id="full width"),
        pytest.param("ﾎﾟﾘｽ", "ポリス", id="half width kana"),
        pytest.param("Tchétchénie", "tchetchenie", id="French accents"),
        pytest.param("Tche\u0301tche\u0301nie", "tchetchenie", id="combining accents"),
        pytest.param("Łódź Đorđe Ħal Øst", "lodz dorde hal ost", id="strokes"),
        pytest.param("Große Straße", "grosse strasse", id="sharp s"),
        pytest.param("Œuvre Æra", "oeuvre aera", id="ligatures"),
        pytest.param("İSTANBUL ışık", "istanbul isik", id="Turkish i"),
        pytest.param("Ещё", "еще", id="Cyrillic yo"),
        pytest.param("Йод и Україна", "йод и україна", id="Cyrillic short i and yi stay"),
        pytest.param("за\u0301мок", "замок", id="Russian stress mark"),
        pytest.param("зв'язок зв’язок звʼязок", "звязок звязок звязок", id="Ukrainian apostrophe"),
        pytest.param("Ομοφυλόφιλος", "ομοφυλοφιλοσ", id="Greek accent and final sigma"),
        pytest.param("أإآٱى ة", "ااااي ه", id="Arabic alif, ya, ta marbuta"),
        pytest.param("مُثْلِيّـــة", "مثليه", id="Arabic vowel signs and tatweel"),
        pytest.param("کی", "كي", id="Persian kaf and ya"),
        pytest.param("همجنس\u200cگرا", "همجنسگرا", id="Persian zero-width non-joiner"),
        pytest.param("٢٠١٧ ۲۰۱۷ २०१७", "2017 2017 2017", id="digits"),
        pytest.param("שָׁלוֹם", "שלום", id="Hebrew points"),
        pytest.param('להט"ב להט״ב', "להטב להטב", id="Hebrew gershayim"),
        pytest.param("צ'צ'ניה צ׳צ׳ניה", "צצניה צצניה", id="Hebrew geresh"),
        pytest.param("בן־אדם", "בן־אדם", id="Hebrew maqaf stays"),
        pytest.param("गिरफ़्तार", "गिरफ्तार", id="Hindi nukta"),
        pytest.param("समलैँगिक", "समलैंगिक", id="Hindi candrabindu"),
        pytest.param("น้ํา", "น้ำ", id="Thai sara am typed as two"),
        pytest.param("한국", "한국", id="Korean syllables stay whole"),
        pytest.param("ガ", "ガ", id="Japanese voicing stays"),
        pytest.param("Men\u00adschen\u200b\ufeff", "menschen", id="invisible characters"),
        pytest.param("l’homme ‘x’ ʻokina", "l'homme 'x' 'okina", id="apostrophes"),
    ],
)
def test_writings_that_readers_take_for_the_same_fold_to_the_same(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_folding_twice_changes_nothing_more() -> None:
    texts = ASSIGNED + random_texts(20_000)
    assert [text for text in texts if fold(fold(text)) != fold(text)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("men, women", ["men", "women"], id="punctuation"),
        pytest.param("ex-soviet l'homme chechnya's", ["ex", "soviet", "l", "homme", "chechnya", "s"], id="inner signs"),
        pytest.param("#lgbt @name gay_rights lgbt+", ["lgbt", "name", "gay", "rights", "lgbt"], id="signs of the web"),
        pytest.param("u.s. 3.14", ["u", "s", "3", "14"], id="dots"),
        pytest.param("中国lgbt新闻", ["中国", "lgbt", "新闻"], id="Latin beside Han"),
        pytest.param("lgbt는 2017년", ["lgbt", "는", "2017", "년"], id="Latin and digits beside Hangul"),
        pytest.param("الlgbt הlgbt", ["ال", "lgbt", "ה", "lgbt"], id="Latin beside Arabic and Hebrew"),
        pytest.param("ゲイ・レズビアンの人々", ["ゲイ", "レズビアンの人々"], id="Japanese, with its middle dot"),
        pytest.param("ผู้ชายเกย์ lgbt", ["ผู้ชายเกย์", "lgbt"], id="Thai"),
        pytest.param("समलैंगिक पुरुष।", ["समलैंगिक", "पुरुष"], id="Hindi vowel signs belong to the word"),
        pytest.param("قتل، وتعذيب؟", ["قتل", "وتعذيب"], id="Arabic punctuation"),
        pytest.param("בן־אדם", ["בן", "אדם"], id="Hebrew maqaf"),
        pytest.param(" \n—…", [], id="no word at all"),
    ],
)
def test_text_is_split_into_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected
    assert [text[start:end] for start, end in word_spans(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("sexual orient* ?ay", ["sexual", "orient*", "?ay"], id="Latin"),
        pytest.param("*中国* 中?国 lgbt*中国", ["*中国*", "中?国", "lgbt*", "中国"], id="Han"),
        pytest.param("동성* *شيشان* सम*", ["동성*", "*شيشان*", "सम*"], id="Hangul, Arabic, Devanagari"),
    ],
)
def test_wildcards_are_letters_of_a_query(text: str, expected: list[str]) -> None:
    assert words(text, wildcards=True) == expected


@pytest.mark.parametrize(
    ("word", "script"),
    [
        ("中国", Script.UNSPACED),
        ("เกย์", Script.UNSPACED),
        ("ゲイ*", Script.UNSPACED),
        ("체첸", Script.HANGUL),
        ("الشيشان", Script.ARABIC),
        ("*צצניה", Script.HEBREW),
        ("gay", Script.OTHER),
        ("समलैंगिक", Script.OTHER),
    ],
)
def test_a_word_has_one_script(word: str, script: Script) -> None:
    assert script_of(word) is script
    assert is_unspaced(word) is (script is Script.UNSPACED)


@pytest.mark.parametrize(
    ("text", "word", "written"),
    [
        pytest.param("The Straße!", "strasse", "Straße", id="folding lengthens"),
        pytest.param("in Tche\u0301tche\u0301nie.", "tchetchenie", "Tche\u0301tche\u0301nie", id="folding shortens"),
        pytest.param("קהילת הלהט״ב", "הלהטב", "הלהט״ב", id="a sign inside the word is dropped"),
        pytest.param("Ｇａｙ men", "gay", "Ｇａｙ", id="width"),
        pytest.param("Gay men", "men", "men", id="ASCII"),
    ],
)
def test_a_folded_word_leads_back_to_how_it_was_written(text: str, word: str, written: str) -> None:
    start = fold(text).index(word)
    places = origins(text)
    assert text[places[start] : places[start + len(word)]] == written


def test_every_folded_character_has_an_origin() -> None:
    for text in random_texts(5_000):
        places = origins(text)
        assert len(places) == len(fold(text)) + 1
        assert places == sorted(places)
