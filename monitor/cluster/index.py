"""A member and the open stories of its topic in, the story that it continues out."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nlargest, nsmallest
from itertools import islice
from math import log, sqrt

from monitor.cluster.similarity import Text, read, title_likeness
from monitor.model import Member, Placement

RAREST = 10
POSTINGS = 150
CANDIDATES = 24
MEMBERS = 6
THRESHOLD = 0.22
DENSITY = 0.03


@dataclass(frozen=True, slots=True)
class _Open:
    id: int
    story: int
    when: datetime
    owner: str
    text: Text


class StoryIndex:
    """One topic's open stories in memory: an inverted index of the items of the last `window`.

    It is filled with `add`, oldest first, and read by `assign_story`, which never changes it.
    """

    def __init__(self, *, window: timedelta) -> None:
        self.window = window
        self._items: dict[int, _Open] = {}
        self._postings: defaultdict[str, deque[int]] = defaultdict(deque)
        self._stories: defaultdict[int, list[int]] = defaultdict(list)
        self._next = 0

    def __len__(self) -> int:
        return len(self._items)

    def add(self, member: Member, story: int) -> None:
        """Take a member that the store has put into `story`."""
        text = read(member.item)
        slot, self._next = self._next, self._next + 1
        self._items[slot] = _Open(member.id, story, member.item.when, member.owner, text)
        self._stories[story].append(slot)
        for term in text.terms:
            self._postings[term].append(slot)

    def forget(self, before: datetime) -> None:
        """Let go of every item older than `before`; a story is gone with its last item."""
        for slot in [slot for slot, item in self._items.items() if item.when < before]:
            item = self._items.pop(slot)
            self._stories[item.story].remove(slot)
            if not self._stories[item.story]:
                del self._stories[item.story]
            for term in item.text.terms:
                self._postings[term].remove(slot)
                if not self._postings[term]:
                    del self._postings[term]

    def idf(self, term: str) -> float:
        """Give how much a shared term says: the logarithm of how few open items have it."""
        return log((len(self._items) + 10.0) / (len(self._postings.get(term, ())) + 0.5))


def assign_story(member: Member, index: StoryIndex, *, now: datetime) -> Placement:
    """Find the open story that the member continues, or none; the index stays as it is."""
    text = read(member.item)
    weights = {term: index.idf(term) ** 2 for term in text.terms}
    norm = sqrt(sum(weights.values())) or 1.0
    found: defaultdict[int, float] = defaultdict(float)
    for term in nlargest(RAREST, weights, key=weights.__getitem__):
        for slot in islice(reversed(index._postings.get(term, ())), POSTINGS):
            found[slot] += weights[term]
    best = nlargest(CANDIDATES, found, key=found.__getitem__)

    def score(slot: int) -> float:
        other = index._items[slot]
        if now - other.when > index.window:
            return 0.0
        dot = sum(filter(None, map(weights.get, other.text.terms)))
        other_norm = sqrt(sum(index.idf(term) ** 2 for term in other.text.terms)) or 1.0
        return 0.85 * dot / norm / other_norm + 0.15 * title_likeness(text.title, other.text.title)

    ranked: list[tuple[float, int, list[int]]] = []
    for story in dict.fromkeys(index._items[slot].story for slot in best):
        scored = sorted(((score(slot), slot) for slot in index._stories[story][-12:]), reverse=True)[:MEMBERS]
        mean = sum(value for value, _ in scored) / len(scored)
        ranked.append((mean, story, [index._items[slot].id for _, slot in scored]))
    ranked.sort(reverse=True)
    threshold = THRESHOLD + DENSITY * max(0.0, log(max(1, len(index)) / 1000, 3))
    if not ranked:
        return Placement(None, 0.0, {"score": 0.0, "threshold": round(threshold, 3), "candidates": 0})
    mean, story, members = ranked[0]
    reason = {
        "score": round(mean, 3),
        "threshold": round(threshold, 3),
        "nearest": members,
        "candidates": len(best),
        "runner_up": {"story": ranked[1][1], "score": round(ranked[1][0], 3)} if len(ranked) > 1 else None,
    }
    return Placement(story if mean >= threshold else None, mean, reason)
