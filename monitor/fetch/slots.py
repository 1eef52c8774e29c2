"""A host -> leave to talk to it: so many requests at once, and so many of them to one host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """`concurrency` requests at once, `per_host` with one host. A host's queue keeps nobody else waiting."""

    def __init__(self, *, concurrency: int, per_host: int) -> None:
        self._all = asyncio.Semaphore(concurrency)
        self._per_host = per_host
        self._lanes: dict[str, _Lane] = {}

    @asynccontextmanager
    async def hold(self, host: str) -> AsyncIterator[bool]:
        """Wait for a slot and hold it; gives whether others wait for the same host."""
        lane = self._lanes.setdefault(host, _Lane(self._per_host))
        lane.users += 1
        try:
            # The host's slot comes first: whoever waits for a slow host must not hold a place in the common queue.
            async with lane.semaphore, self._all:
                yield lane.users > self._per_host
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[host]


class _Lane:
    """One host's slots, and how many hold or want one."""

    def __init__(self, slots: int) -> None:
        self.semaphore = asyncio.Semaphore(slots)
        self.users = 0
