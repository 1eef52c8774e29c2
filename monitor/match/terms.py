"""Fields -> the places where a query's terms hold: what a query is made of once it has been read.

rapidfuzz is used here for one thing only, the edit distance of a fuzzy term.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import NamedTuple, Protocol

from rapidfuzz.distance import OSA

from monitor.match.document import VALUE_FIELDS, Field
from monitor.model import Hit


class Place(NamedTuple):
    """Where a term holds: offsets in the field's `joined`."""

    term: str
    field: str
    start: int
    end: int


def name_hits(places: Sequence[Place], document: Mapping[str, Field]) -> tuple[Hit, ...]:
    """Give the terms that hold in some places, each with the words that it met there."""
    hits = (Hit(place.term, place.field, document[place.field].written(place.start, place.end)) for place in places)
    return tuple(dict.fromkeys(hits))


class Node(Protocol):
    """A part of a query."""

    def find(self, document: Mapping[str, Field]) -> list[Place] | None:
        """Give the places that make the part true; None if it is false. A part may be true without any place."""
        ...


@dataclass(frozen=True, slots=True)
class All:
    """Every part is true; of no parts at all, that is so."""

    parts: Sequence[Node]

    def find(self, document: Mapping[str, Field]) -> list[Place] | None:
        """Give the places of all parts."""
        places: list[Place] = []
        for part in self.parts:
            found = part.find(document)
            if found is None:
                return None
            places += found
        return places


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part is true; the places of all that are true are given."""

    parts: Sequence[Node]

    def find(self, document: Mapping[str, Field]) -> list[Place] | None:
        """Give the places of all parts that are true."""
        results = [found for part in self.parts if (found := part.find(document)) is not None]
        return [place for found in results for place in found] if results else None


@dataclass(frozen=True, slots=True)
class Negation:
    """The part is false."""

    part: Node

    def find(self, document: Mapping[str, Field]) -> list[Place] | None:
        """Give no place: what is absent is nowhere."""
        return [] if self.part.find(document) is None else None


class Finder(Protocol):
    """How one term is looked for in one field."""

    def search(self, field: Field) -> tuple[int, int] | None:
        """Give the first stretch of `field.joined` that the term meets."""
        ...


@dataclass(frozen=True, slots=True)
class Term:
    """A term, as the operator wrote it, and the fields in which it counts."""

    written: str
    fields: Sequence[str]
    finder: Finder

    @property
    def name(self) -> str:
        """The term as a query has it, with its field if it has one of its own."""
        alone = len(self.fields) == 1 or self.fields[0] in VALUE_FIELDS
        return f"{self.fields[0]}:{self.written}" if alone else self.written

    def find(self, document: Mapping[str, Field]) -> list[Place] | None:
        """Give the first place in each field."""
        places = []
        for name in self.fields:
            stretch = self.finder.search(document[name])
            if stretch is not None:
                places.append(Place(self.written, name, *stretch))
        return places or None


@dataclass(frozen=True, slots=True)
class Exact:
    """A word, or a value, as it stands: a set look-up."""

    word: str

    def search(self, field: Field) -> tuple[int, int] | None:
        """Find its first place."""
        if self.word not in field.words:
            return None
        start = field.joined.index(f"\n{self.word}\n") + 1
        return start, start + len(self.word)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression over `joined`, tried only where a fixed part of it, the `needle`, occurs at all.

    Its empty group marks where the met word begins.
    """

    needle: str
    expression: re.Pattern[str]

    def search(self, field: Field) -> tuple[int, int] | None:
        """Find the first stretch."""
        if self.needle not in field.joined:
            return None
        found = self.expression.search(field.joined)
        return (found.start(1), found.end()) if found else None

    def search_all(self, joined: str) -> Iterator[tuple[int, int]]:
        """Give every stretch that the term meets, in order."""
        return ((found.start(1), found.end()) for found in self.expression.finditer(joined))


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """A word within some edits (Damerau, optimal string alignment): a letter put in, left out, replaced or swapped."""

    word: str
    edits: int

    def search(self, field: Field) -> tuple[int, int] | None:
        """Find the word that is nearest; of several, the first in code point order."""
        near = (word for word in field.words if abs(len(word) - len(self.word)) <= self.edits)
        distances = ((OSA.distance(self.word, word, score_cutoff=self.edits), word) for word in near)
        closest = min((pair for pair in distances if pair[0] <= self.edits), default=None)
        return Exact(closest[1]).search(field) if closest else None


@dataclass(frozen=True, slots=True)
class Near:
    """Words in any order, with at most `slop` other words among them. One word may serve for two that it meets.

    A run of an unspaced script counts as one word.
    """

    patterns: Sequence[Pattern]
    slop: int

    def search(self, field: Field) -> tuple[int, int] | None:
        """Find the first window that holds them all."""
        if any(pattern.needle not in field.joined for pattern in self.patterns):
            return None
        latest: dict[int, _Sighting] = {}
        for sighting in merge(*(self._sightings(number, field.joined) for number in range(len(self.patterns)))):
            latest[sighting.number] = sighting
            if len(latest) < len(self.patterns):
                continue
            if sighting.at - min(other.at for other in latest.values()) < len(self.patterns) + self.slop:
                return min(other.start for other in latest.values()), max(other.end for other in latest.values())
        return None

    def _sightings(self, number: int, joined: str) -> Iterator[_Sighting]:
        at = counted = 0
        for start, end in self.patterns[number].search_all(joined):
            at += joined.count("\n", counted, start)
            counted = start
            yield _Sighting(at, number, start, end)


class _Sighting(NamedTuple):
    """A word of the text, by its index `at`, which meets the query's word of that number."""

    at: int
    number: int
    start: int
    end: int
