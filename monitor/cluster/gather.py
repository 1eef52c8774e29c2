"""Members in order of arrival in, their stories out: what the pipeline does with a store, for files and benches."""

from __future__ import annotations

from datetime import datetime

from monitor.cluster.assign import assign_story, merge_rivals
from monitor.cluster.index import StoryIndex
from monitor.model import Member


class Gathering:
    """Stories that are numbered from 1 as they open, and merged as they prove to be one: the older one survives."""

    def __init__(self, index: StoryIndex) -> None:
        self.index = index
        self._opened = 0
        self._merged_into: dict[int, int] = {}

    def put(self, member: Member, *, now: datetime) -> tuple[int, list[int]]:
        """Put a member into its story; gives the story, and those that went up in it just now."""
        placement = assign_story(member, self.index, now=now)
        story = placement.story
        if story is None:
            self._opened += 1
            story = self._opened
        self.index.add(member, story)
        absorbed = []
        for merger in merge_rivals(placement, story, self.index, choose=_older_first):
            story, gone = merger.stories
            self._merged_into[gone] = story
            absorbed.append(gone)
        return story, absorbed

    def survivor(self, story: int) -> int:
        """Give the story that holds this one's members by now."""
        while story in self._merged_into:
            story = self._merged_into[story]
        return story


def _older_first(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)
