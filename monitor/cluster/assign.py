"""A member and an index of open stories in, the story that it continues out, and what that shows to be one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from math import log
from typing import Any

from monitor.cluster.index import Compared, StoryIndex
from monitor.model import Member, Merger, Placement

# Settings and what they gave; which sets, and how they are scored, stands in similarity.py.
RIVAL = 0.05  # so far below the threshold, a story may still be one with the story that the item joins
MERGE = (
    0.03  # added to the threshold for two stories: what this costs and gives stands in docs/decisions/0017-merging.md
)
THRESHOLD = 0.37  # at a thousand open items; 0.36 gives the same with one point less of precision
DENSITY = 0.02  # added whenever the open items treble: 9,700 live items then keep the precision of a thousand
SPARSE = 100  # with fewer open items the threshold falls no further


def assign_story(member: Member, index: StoryIndex, *, now: datetime) -> Placement:
    """Find the open story that the member continues, or none; the index stays as it is.

    A story's score is the mean over up to 12 of its members, so that a chain of items, each like the last, does not
    grow into one story. The threshold rises with the number of open items, among which chance likeness grows too. The
    operator's word on the item goes before.
    """
    told = index.judged([member.id], same=True)
    if told:
        return Placement(min(told), 1.0, {"judged": "same", "story": min(told)})
    query = index.query(member)
    threshold = _threshold(index)
    reason: dict[str, Any] = {"score": 0.0, "threshold": round(threshold, 3), "open": len(index), "candidates": 0}
    candidates = index.candidates(query, since=(now - index.window).timestamp())
    candidates = index.without(candidates, index.judged([member.id], same=False))
    if not len(candidates):
        return Placement(None, 0.0, reason)
    compared = index.compare(query, candidates)
    # A mean is never above its best part: stories without one promising candidate need no closer look.
    promising = [story for _, story, team in index.rank(compared) if compared.score[team[0]] >= threshold]
    mates = index.mates(promising, beside=candidates)
    if len(mates):
        compared = compared.and_also(index.compare(query, mates))
    ranked = index.rank(compared)
    score, story, team = ranked[0]
    reason |= {
        "score": round(score, 3),
        "story": story,
        "candidates": len(candidates),
        "compared": len(compared.slots),
        "nearest": [_explain(index, compared, at) for at in team[:3]],
        "runner_up": {"story": ranked[1][1], "score": round(ranked[1][0], 3)} if len(ranked) > 1 else None,
    }
    if score < threshold:
        return Placement(None, score, reason)
    rivals = tuple(story for score, story, _ in ranked[1:] if score >= threshold - RIVAL)
    return Placement(story, score, reason, rivals)


def find_merger(story: int, rival: int, index: StoryIndex) -> Merger | None:
    """Tell whether two open stories, each of which the newest item is like, are one; the index stays as it is.

    They are if their items are alike on average, as for one item, and the operator has not said otherwise.
    """
    if rival in index.judged(index.items_of(story), same=False):
        return None
    score, pairs = index.link(story, rival)
    threshold = _threshold(index) + MERGE
    if score < threshold:
        return None
    reason = {
        "score": round(score, 3),
        "threshold": round(threshold, 3),
        "pairs": pairs,
        "open": len(index),
        "items": [min(index.items_of(story)), min(index.items_of(rival))],
    }
    return Merger((story, rival), reason)


def merge_rivals(
    placement: Placement, story: int, index: StoryIndex, *, choose: Callable[[int, int], tuple[int, int]]
) -> Iterator[Merger]:
    """Merge, in the index, the story that a member was put into with those of its rivals that prove to be one with it.

    `choose` says which of two survives. Each merger is given as it is made, the survivor first.
    """
    for rival in placement.rivals:
        merger = find_merger(story, rival, index)
        if merger is not None:
            story, absorbed = choose(*merger.stories)
            index.merge(absorbed, into=story)
            yield Merger((story, absorbed), merger.reason)


def _threshold(index: StoryIndex) -> float:
    return THRESHOLD + index.strictness + DENSITY * log(max(SPARSE, len(index)) / 1000, 3)


def _explain(index: StoryIndex, compared: Compared, at: int) -> dict[str, Any]:
    parts = {name: values[at].item() for name, values in compared.parts.items()}
    shown = {name: value if isinstance(value, bool) else round(value, 3) for name, value in parts.items()}
    score = round(float(compared.score[at]), 3)
    return {"item": index.item_id(int(compared.slots[at])), "score": score, **shown}
