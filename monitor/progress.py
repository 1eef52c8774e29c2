"""Marks that the daemon's loops make -> which of them is stuck: the watchdog is fed while none is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import monotonic


class Progress:
    """When each loop was last seen to get on with its work, by a clock that no one sets."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._marks: dict[str, float] = {}

    def mark(self, loop: str) -> None:
        """Say that a loop has just come to the end of a piece of work."""
        self._marks[loop] = self._clock()

    def waits(self) -> dict[str, timedelta]:
        """Give for how long each loop has not come on."""
        now = self._clock()
        return {loop: timedelta(seconds=now - mark) for loop, mark in self._marks.items()}

    def stuck(self, *, after: timedelta) -> dict[str, timedelta]:
        """Give the loops that have not come on for longer than `after`, and for how long."""
        return {loop: wait for loop, wait in self.waits().items() if wait > after}
