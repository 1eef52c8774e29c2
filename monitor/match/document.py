"""Item, Feed -> Document: the fields that a query may ask about, each folded and split into words once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from itertools import accumulate
from typing import Protocol
from urllib.parse import unquote

from monitor import text
from monitor.language import language_code
from monitor.model import Feed, Item

PROSE_FIELDS = ("title", "summary", "feed", "url")
VALUE_FIELDS = ("lang", "tag")

# A hit is stored and shown: of a hostile word without end its beginning will do.
_LONGEST_WRITTEN = 80


class Field(Protocol):
    r"""One field of an item: its words, and how they were written.

    `joined` is every word between line feeds, "\nword\nword\n", so that one search finds a word, a part of one or a
    phrase, and cannot run on past a word's end. Places are offsets in `joined`.
    """

    joined: str
    words: frozenset[str]

    def written(self, start: int, end: int) -> str:
        """Give a stretch of words as the source wrote it, not folded; a very long one is cut short."""
        ...


class Prose:
    """A field of running text: title, summary, the feed's name, the words of the address."""

    def __init__(self, raw: str) -> None:
        self._raw = raw
        self._folded = text.fold(raw)
        words = text.words(self._folded)
        self.joined = "\n".join(["", *words, ""])
        self.words = frozenset(words)

    def written(self, start: int, end: int) -> str:
        """Give a stretch as the source wrote it; where it is part of a word that folding reshapes, give it folded."""
        first, last = self._place_in_folded(start), self._place_in_folded(end)
        return _shorten(self._raw[self._origins[first] : self._origins[last]] or self._folded[first:last])

    def _place_in_folded(self, place: int) -> int:
        index = bisect_right(self._starts, place) - 1
        return self._spans[index][0] + place - self._starts[index]

    # Only the few items that match pay for these.

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        return text.word_spans(self._folded)

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((end - start + 1 for start, end in self._spans[:-1]), initial=1))

    @cached_property
    def _origins(self) -> list[int]:
        return text.origins(self._raw)


class Values:
    """A field of exact values: tags, or the language. `spellings` maps what a query may ask for to what is shown."""

    def __init__(self, spellings: Mapping[str, str]) -> None:
        self._spellings = spellings
        self.joined = "\n".join(["", *spellings, ""])
        self.words = frozenset(spellings)

    def written(self, start: int, end: int) -> str:
        """Give the value that was met."""
        return _shorten(self._spellings[self.joined[start:end]])


class Document(dict[str, Field]):
    """An item's fields by their names in a query, each prepared when it is first asked for."""

    def __init__(self, item: Item, feed: Feed) -> None:
        super().__init__()
        self._prose = {
            "title": item.title,
            "summary": item.summary,
            "feed": feed.name or feed.url,
            "url": unquote(item.url),
        }
        self._values = {
            "lang": {language_code(item.lang): item.lang} if item.lang else {},
            "tag": {text.fold(tag): tag for tag in feed.tags},
        }

    def __missing__(self, name: str) -> Field:
        field = self[name] = Prose(self._prose[name]) if name in self._prose else Values(self._values[name])
        return field


def _shorten(written: str) -> str:
    return written if len(written) <= _LONGEST_WRITTEN else written[: _LONGEST_WRITTEN - 1] + "…"
