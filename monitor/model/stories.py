"""What items tell: matches, members, stories, and their independent sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitor.model.feeds import Item

_LATE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Hit:
    """A term of the query, where it was found (`title`, `summary`, …) and the word that it met."""

    term: str
    where: str
    word: str


@dataclass(frozen=True, slots=True)
class Match:
    """A topic that an item belongs to, and the terms that say so."""

    topic: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """An item as the story stages see it: with the feed and owner it came from, and its row's id.

    `backfill` marks what was already old on its feed's first poll: it counts, but causes no alert. `tags` are its
    feed's.
    """

    id: int
    item: Item
    feed: str
    owner: str
    backfill: bool = False
    tags: tuple[str, ...] = ()

    @property
    def when(self) -> datetime:
        """The time to gather by. A date from long before the item was first seen is believed of backfill only.

        Its feed was polled then and did not have it: it is late, or bears the date of a document, and is news now.
        """
        return self.item.when if self.backfill else max(self.item.when, self.item.seen - _LATE)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an item belongs and why. `story` is None for a new one.

    `reason` is made of plain JSON values: the score and its parts, the threshold, the nearest member, the runner-up.
    `rivals` are other stories that the item would nearly have joined, the nearest first: they may be one with `story`.
    """

    story: int | None
    score: float
    reason: Mapping[str, Any]
    rivals: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Merger:
    """Two stories that prove to be one, and why, in plain JSON values: the score, its threshold, of how many pairs."""

    stories: tuple[int, int]
    reason: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """An independent source: outlets that share an owner or a text. `why` says what binds them.

    `agency` is whom its reports credit, empty where they credit nobody.
    """

    owners: tuple[str, ...]
    members: tuple[int, ...]
    why: str = ""
    agency: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """Items of one topic that tell the same event, oldest first, and the independent sources among them.

    `muted`: the operator wants to hear no more of it.
    """

    id: int
    topic: str
    members: tuple[Member, ...]
    sources: tuple[Source, ...]
    muted: bool = False

    @property
    def title(self) -> str:
        """The first member's title: it never changes, so every message names the story alike."""
        return self.members[0].item.title

    @property
    def owners(self) -> tuple[str, ...]:
        """Who published it, each once, first come first."""
        return tuple(dict.fromkeys(member.owner for member in self.members))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it was told in, each once, first come first."""
        return tuple(dict.fromkeys(member.item.lang for member in self.members if member.item.lang))


@dataclass(frozen=True, slots=True)
class Judgement:
    """The operator's word on two items (their rows' ids, the smaller first) of one topic: one story, or two.

    These are the must-link and cannot-link constraints of Wagstaff et al., "Constrained K-means Clustering with
    Background Knowledge" (2001).
    """

    one: int
    other: int
    same: bool
