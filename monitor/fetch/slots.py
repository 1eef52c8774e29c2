"""A host -> leave to talk to it: so many requests at once, so many of them to one host or domain, and none too soon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from monitor.domain import registrable_domain
from monitor.model import FetchSettings


class Slots:
    """Bounds requests: overall, per host and per registrable domain; those to one host start `spacing` apart.

    A host without a domain, such as an address or `localhost`, is the operator's own affair: only `per_host` holds for
    it. One host's queue keeps no other host waiting.
    """

    def __init__(self, settings: FetchSettings) -> None:
        self._settings = settings
        self._all = asyncio.Semaphore(settings.concurrency)
        self._lanes: dict[str, _Lane] = {}
        self._next_start: dict[str, float] = {}  # by host, the earliest first

    @asynccontextmanager
    async def hold(self, host: str) -> AsyncIterator[bool]:
        """Wait for a slot and hold it; gives whether others wait for the same host."""
        domain = registrable_domain(host)
        width = self._settings.per_domain if domain else self._settings.per_host
        # The common slot comes last: whoever waits for a slow host must not hold a place in the common queue.
        async with self._enter(host, self._settings.per_host) as lane, self._enter(f"*.{domain or host}", width):
            async with lane.turn:
                if (wait := self._next_start.get(host, 0.0) - _clock()) > 0:
                    await asyncio.sleep(wait)
                await self._all.acquire()
                if domain:
                    self._note_start(host)
            try:
                yield lane.users > self._settings.per_host
            finally:
                self._all.release()

    @asynccontextmanager
    async def _enter(self, name: str, width: int) -> AsyncIterator[_Lane]:
        lane = self._lanes.setdefault(name, _Lane(width))
        lane.users += 1
        try:
            async with lane.semaphore:
                yield lane
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[name]

    def _note_start(self, host: str) -> None:
        """Keep when the host may be asked next, and forget what is over: redirects lead to ever new hosts."""
        now = _clock()
        self._next_start.pop(host, None)
        self._next_start[host] = now + self._settings.spacing.total_seconds()
        while (oldest := next(iter(self._next_start))) != host and self._next_start[oldest] <= now:
            del self._next_start[oldest]


def _clock() -> float:
    return asyncio.get_running_loop().time()


class _Lane:
    """The slots of one host or domain, how many hold or want one, and whose turn it is to start."""

    def __init__(self, slots: int) -> None:
        self.semaphore = asyncio.Semaphore(slots)
        self.turn = asyncio.Lock()
        self.users = 0
