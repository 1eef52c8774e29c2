"""Response -> Reading: parse and normalise joined, in worker processes that can be stopped; the only pebble."""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import signal
from collections.abc import Collection
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing import get_context
from types import TracebackType
from typing import Self

import pebble
from pebble import ProcessExpired, ProcessPool

from monitor.errors import ParseError
from monitor.model import Item, Reading, Response
from monitor.normalise import identify_entries, normalise_entry, plain_text
from monitor.parse import parse_feed

DEADLINE = timedelta(seconds=10)
# The data of one worker. Its code and the language model take 60 MB; the hungriest document measured, 8 MiB of
# 100,000 entries, 160 MB more.
MEMORY = 512 * 1024 * 1024
# After so many documents a worker is replaced (0.3 s): one that read a huge document keeps part of its memory.
_TASKS = 1_000
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_TITLE = 200

_Result = Reading | tuple[str, str]

# Workers ignore SIGTERM (see _prepare_worker), so waiting for one to obey it is time lost: kill at once.
pebble.CONSTS.term_timeout = 0


def read_response(response: Response, *, lang: str, known: Collection[str], now: datetime) -> Reading:
    """Read a feed's document: its entries that are not in `known` (keys and aliases of items) become items.

    `lang` is the feed's language where the operator gave it, else empty. An entry that the document holds twice
    counts once. What was known is given back by the name, key or alias, under which it was.

    Raises:
        ParseError: the document is no feed.
    """
    document = parse_feed(response)
    identities = identify_entries(document.entries, base=response.base)
    new: dict[str, Item] = {}
    met: list[str] = []
    for entry, identity in zip(document.entries, identities, strict=True):
        if met_as := next((name for name in (identity.key, identity.alias) if name in known), ""):
            met.append(met_as)
        elif identity.key not in new:
            new[identity.key] = normalise_entry(
                entry, identity, base=response.base, lang=lang, declared=document.lang, seen=now
            )
    # Documents list the newest first: of items without dates, the last is taken for the oldest.
    oldest_first = [*new.values()][::-1]
    return Reading(
        title=plain_text(document.title, limit=_TITLE),
        kind=document.kind,
        new=tuple(sorted(oldest_first, key=lambda item: item.when)),
        known=tuple(dict.fromkeys(met)),
        skipped=document.skipped,
        min_interval=document.min_interval,
        skip_hours=document.skip_hours,
        skip_days=document.skip_days,
    )


class Reader:
    """Worker processes that read responses, each under a deadline and a limit of memory (bytes of data).

    No process is started before the first read. A worker that exceeds its deadline, or dies, fails its document only
    and is replaced. Reads still running when the block is left are cancelled.
    """

    def __init__(self, workers: int, *, deadline: timedelta = DEADLINE, memory: int = MEMORY) -> None:
        self._workers = workers
        self._deadline = deadline.total_seconds()
        self._memory = memory
        self._pool: ProcessPool | None = None
        self._running: set[asyncio.Future[_Result]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for future in self._running:
            future.cancel()
        if self._pool is not None:
            await asyncio.to_thread(_stop, self._pool)

    async def read(self, response: Response, *, lang: str, known: Collection[str], now: datetime) -> Reading:
        """Do `read_response` in a worker.

        Raises:
            ParseError: as there, and of kind `too-slow`, `too-much` (memory) or `crashed`.
        """
        size = f"the document of {len(response.body) / 1024:.0f} KiB"
        # Only what the parser looks at crosses over: header mappings of HTTP libraries do not always pickle.
        slim = replace(response, headers={"content-type": response.headers.get("content-type", "")})
        task = self._open_pool().schedule(_read, args=(slim, lang, frozenset(known), now), timeout=self._deadline)
        future = asyncio.wrap_future(task)
        self._running.add(future)
        try:
            result = await future
        except TimeoutError as error:
            raise ParseError("too-slow", f"{size} took longer than {self._deadline:g} s to read") from error
        except (ProcessExpired, BrokenProcessPool) as error:
            raise ParseError("crashed", f"the parser died over {size}: {error}") from error
        finally:
            self._running.discard(future)
        if isinstance(result, Reading):
            return result
        kind, message = result
        raise ParseError(kind, message or f"{size} took more than {self._memory // 1024**2} MiB of memory to read")

    def _open_pool(self) -> ProcessPool:
        """Give the pool: a new one at first, and after it broke, as pebble's does when a worker dies while idle.

        Workers are spawned: the daemon has threads, and forking those may deadlock.
        """
        if self._pool is None or not self._pool.active:
            if self._pool is not None:
                _stop(self._pool)
            self._pool = ProcessPool(
                max_workers=self._workers,
                max_tasks=_TASKS,
                initializer=_prepare_worker,
                initargs=(self._memory, os.getpid()),
                context=get_context("spawn"),
            )
        return self._pool


def _stop(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call] # pebble annotates only in part
    pool.join()


def _prepare_worker(memory: int, parent: int) -> None:
    """Bound a worker's memory, and tie its life to its parent's and to nothing else.

    systemd sends SIGTERM, and a terminal SIGINT, to every process at once; the parent decides when work is done
    (pebble ignores SIGINT already). When the parent dies, even by SIGKILL, the kernel kills the worker (prctl(2)).
    RLIMIT_DATA counts what is really allocated, where RLIMIT_AS would count reserved address space too.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be tied
        os._exit(1)


def _read(response: Response, lang: str, known: frozenset[str], now: datetime) -> _Result:
    """Run in a worker. A refusal travels as its kind and message: an exception of two arguments does not unpickle."""
    try:
        return read_response(response, lang=lang, known=known, now=now)
    except ParseError as error:
        return error.kind, str(error)
    except MemoryError:
        return "too-much", ""
