"""The operator's judgements, and what was decided of the same items -> how often the program was right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from monitor.model import Judgement


@dataclass(frozen=True, slots=True)
class Link:
    """Two items that were held against each other: how far their score lay above its threshold."""

    one: int
    other: int
    margin: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How pairs of items that the operator judged were decided. `joined_same`: put together, and rightly so."""

    joined_same: int = 0
    parted_same: int = 0
    joined_different: int = 0
    parted_different: int = 0

    @property
    def precision(self) -> float | None:
        """The share of the pairs put together that belong together; None where none was."""
        return _share(self.joined_same, self.joined_different)

    @property
    def recall(self) -> float | None:
        """The share of the pairs belonging together that were put so; None where there is none."""
        return _share(self.joined_same, self.parted_same)


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None


class _Groups:
    """Items in groups that are joined pair by pair (union-find; Tarjan 1975)."""

    def __init__(self, pairs: Iterable[tuple[int, int]]) -> None:
        self._parents: dict[int, int] = {}
        for one, other in pairs:
            self._parents[self.find(one)] = self.find(other)

    def find(self, item: int) -> int:
        """Give the item that stands for the group."""
        while (parent := self._parents.get(item, item)) != item:
            self._parents[item] = self._parents.get(parent, parent)
            item = parent
        return item


def read_links(placements: Mapping[int, Mapping[str, Any]], mergers: Iterable[Mapping[str, Any]]) -> list[Link]:
    """Give the links that decided which items went together, from the stored reasons of items and of merged stories."""
    links = [
        Link(item, reason["nearest"][0]["item"], reason["score"] - reason["threshold"])
        for item, reason in placements.items()
        if reason.get("nearest")
    ]
    for reason in mergers:
        one, other = reason["items"]
        links.append(Link(one, other, reason["score"] - reason["threshold"]))
    return links


def measure(judgements: Sequence[Judgement], links: Sequence[Link], *, strictness: float = 0.0) -> Agreement:
    """Compare what was judged with what is decided by a threshold that is higher by `strictness`.

    What follows from judgements counts too: items that tell one story with a third tell one story. An estimate for
    another strictness is just that: with it, items would have met other stories.
    """
    decided = _Groups((link.one, link.other) for link in links if link.margin >= strictness)
    counts = {(joined, same): 0 for joined in (True, False) for same in (True, False)}
    for one, other, same in _judged_pairs(judgements):
        counts[decided.find(one) == decided.find(other), same] += 1
    return Agreement(counts[True, True], counts[False, True], counts[True, False], counts[False, False])


def _judged_pairs(judgements: Sequence[Judgement]) -> Iterator[tuple[int, int, bool]]:
    """Give every pair that the judgements say something of, once."""
    groups = _Groups((judgement.one, judgement.other) for judgement in judgements if judgement.same)
    members: dict[int, set[int]] = {}
    for judgement in judgements:
        for item in (judgement.one, judgement.other):
            members.setdefault(groups.find(item), set()).add(item)
    for group in members.values():
        yield from ((one, other, True) for one, other in combinations(sorted(group), 2))
    apart = {
        tuple(sorted((groups.find(judgement.one), groups.find(judgement.other))))
        for judgement in judgements
        if not judgement.same
    }
    for first, second in sorted(apart):
        yield from ((one, other, False) for one in sorted(members[first]) for other in sorted(members[second]))
