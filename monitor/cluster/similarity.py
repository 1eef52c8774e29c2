"""Texts of items in, how alike they are out: a score from 0 to 1 and the parts that it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from anyascii import anyascii
from numpy.typing import NDArray
from rapidfuzz.fuzz import ratio

from monitor.text import fold, is_unspaced, words

Codes = NDArray[np.uint32]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

# Settings and what they gave: B-cubed F1, mean of five labelled sets (basil, vietnamese, ecbplus, allsides,
# sg_multilingual), one pass, dates not used; `bench/cluster.py` measures the whole again.
TITLE_LENGTH = 300
SUMMARY_LENGTH = 300
STEM = 6  # letters; 5 gives 0.821, 6 gives 0.822, 7 gives 0.815 (without phrases)
WIDTH = 128  # terms of one item; a title and 300 characters of summary seldom have more
TITLE_WEIGHT = 1.5  # 1 gives 0.812, 1.5 gives 0.822, 2 gives 0.819 (without phrases)
PHRASE_WEIGHT = 0.5  # without phrases 0.822, at 0.5 0.838, at 1 0.835
TITLE_SHARE = 0.15  # of rapidfuzz's ratio in the score; flat between 0.1 and 0.2
CLASH = 0.03  # off where both name numbers and share none: of close pairs in ecbplus 21 % are one event, of others 37 %
# Items that the guessed frequencies weigh as much as, and in how many of them a word stands at least, which bounds the
# weight of one never seen. 1000 serves mixed news as well (0.84), but lets a topic's own words pass for rare ones: the
# demo's one-topic days then fall from 0.85 to 0.76.
PRIOR = 100
UNSEEN = 0.3

# A code holds whether the term stands in the title (lowest bit), its kind (three bits) and its hash (28 bits).
_IN_TITLE = np.uint32(1)
_KIND = np.uint32(7)
_HASH = 0xFFFFFFF0
_PHRASE, _NUMBER, _SHORTEST, _RARE = 1, 2, 3, 7
# The share of news items that hold a term of each kind, before any was seen: padding, a phrase, a number, words of up
# to two, three, four, five letters (mostly grammar), longer words and pairs of CJK characters. These guesses stand in
# for a table of word frequencies, which gives 0.002 more, would weigh 58 MB (wordfreq) and is under CC BY-SA.
_SHARE = np.array([1.0, 0.0005, 0.002, 0.2, 0.06, 0.02, 0.006, 0.002], np.float32)
_EMPHASIS = np.array([0.0, PHRASE_WEIGHT, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], np.float32)


@dataclass(frozen=True, slots=True)
class Text:
    """What an item is compared by: its title's folded words, sorted, and codes for the stems and phrases of it all."""

    title: str
    codes: Codes


@lru_cache(maxsize=64)  # an item is placed and then added
def read_text(title: str, summary: str) -> Text:
    """Reduce an item's title and summary to what is compared, at most `WIDTH` terms, the title's first."""
    folded = fold(title[:TITLE_LENGTH])
    found: dict[int, int] = {}
    for part, in_title in ((folded, 1), (fold(summary[:SUMMARY_LENGTH]), 0)):
        for code in _codes(part):
            found.setdefault(code, code | in_title)
    codes = np.fromiter(found.values(), np.uint32, len(found))[:WIDTH]
    return Text(" ".join(sorted(folded.split())), np.sort(codes))


def _codes(folded: str) -> list[int]:
    """Give codes for the stems of a text, then for each two that stand side by side.

    Words tell topics apart, phrases events. Where nothing parts words, pairs of characters stand for both.
    """
    codes: list[int] = []
    phrases: list[int] = []
    before = 0
    for word in words(folded):
        if word.isascii() or not is_unspaced(word):
            code = _code(word)
            if before:
                phrases.append((before * 31 + code) & _HASH | _PHRASE << 1)
            codes.append(code)
            before = code
        else:
            codes.extend(_hash(word[at : at + 2]) | _RARE << 1 for at in range(max(1, len(word) - 1)))
            before = 0
    return codes + phrases


@lru_cache(maxsize=65536)
def _code(word: str) -> int:
    """Encode a word's stem, spelt in Latin script, so that a name meets itself across scripts."""
    stem = (word if word.isascii() else anyascii(word).lower())[:STEM]
    kind = _NUMBER if stem[:1].isdigit() else min(_RARE, max(_SHORTEST, len(stem) + 1))
    return _hash(stem) | kind << 1


def _hash(term: str) -> int:
    return crc32(term.encode()) & _HASH


def keys(codes: Codes) -> Codes:
    """Give codes without the title's bit, equal for equal terms."""
    return np.asarray(codes >> _IN_TITLE, np.uint32)


def is_phrase(terms: Codes) -> Flags:
    """Tell which keys stand for phrases."""
    return np.asarray(terms & _KIND == _PHRASE)


def weigh(codes: Codes, frequencies: Floats, items: int) -> Floats:
    """Give each term's squared inverse document frequency (Spärck Jones 1972), less for phrases, 0 for padding.

    `frequencies` counts the open items that hold the term, of `items` in the text's language. The counts start from
    guesses by the kind of term, so that the first items are compared sensibly too.
    """
    kind = keys(codes) & _KIND
    share = (frequencies + PRIOR * _SHARE[kind] + UNSEEN) / np.float32(items + PRIOR + 1)
    return np.asarray(np.minimum(np.log(share), 0) ** 2 * _EMPHASIS[kind], np.float32)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike one item is to several others, a place for each: by words, by title, and whether numbers clash."""

    words: Floats
    title: Floats
    clash: Flags

    @property
    def score(self) -> Floats:
        """The parts joined."""
        joined = (1 - TITLE_SHARE) * self.words + TITLE_SHARE * self.title - CLASH * self.clash
        return np.asarray(joined, np.float32)


def compare(text: Text, weights: Floats, codes: Codes, others: Floats, titles: list[str]) -> Likeness:
    """Compare one text, whose terms weigh `weights`, with several: a row of `codes` and their weights for each.

    Titles are compared by rapidfuzz's token_sort_ratio; token_set_ratio is no better here (0.836 both) and 100 on every
    subset. Words are compared by the square root of their weighted cosine: it spreads the low values, where decisions fall.
    """
    own, theirs = keys(text.codes), keys(codes)
    own_stand, their_stand = _standing(text.codes), _standing(codes)
    place = np.minimum(np.searchsorted(own, theirs), len(own) - 1)
    shared = own[place] == theirs
    dots = np.where(shared, others * their_stand * own_stand[place], 0).sum(axis=1)
    norms = (others * their_stand**2).sum(axis=1) * (weights * own_stand**2).sum()
    cosine = dots / np.sqrt(np.maximum(norms, np.float32(1e-9)))
    number = theirs & _KIND == _NUMBER
    clash = np.any(own & _KIND == _NUMBER) & number.any(axis=1) & ~(number & shared).any(axis=1)
    title = np.array([ratio(text.title, other) / 100 for other in titles], np.float32)
    likeness = np.asarray(np.sqrt(np.minimum(cosine, 1)), np.float32)
    return Likeness(likeness, title, clash)


def _standing(codes: Codes) -> Floats:
    return np.asarray(np.where(codes & _IN_TITLE, np.float32(TITLE_WEIGHT), np.float32(1)), np.float32)
