"""Two items' texts in, how alike they are out: the score and its parts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.fuzz import token_set_ratio

from monitor.model import Item
from monitor.text import fold, is_unspaced, words

STEM = 6
SUMMARY = 300
TITLE = 300


@dataclass(frozen=True, slots=True)
class Text:
    """What an item is compared by: its folded title and the stems of title and summary, each once."""

    title: str
    terms: tuple[str, ...]


def read(item: Item) -> Text:
    """Reduce an item to what is compared."""
    return _read(item.title[:TITLE], item.summary[:SUMMARY])


@lru_cache(maxsize=256)
def _read(title: str, summary: str) -> Text:
    folded = fold(title)
    return Text(folded, tuple(dict.fromkeys(stems(f"{folded} {fold(summary)}"))))


def stems(folded: str) -> list[str]:
    """Cut folded text into the first letters of its words, and into pairs of characters where nothing parts words."""
    found: list[str] = []
    for word in words(folded):
        if is_unspaced(word):
            found.extend(word[at : at + 2] for at in range(max(1, len(word) - 1)))
        else:
            found.append(word[:STEM])
    return found


def title_likeness(one: str, other: str) -> float:
    """Give rapidfuzz's token_set_ratio of two folded titles, rescaled so that 40 is 0 and 100 is 1.

    The ratio is 100 whenever one title's words are a subset of the other's, so it may only ever be a part of a score.
    """
    return max(0.0, token_set_ratio(one, other) - 40.0) / 60.0
