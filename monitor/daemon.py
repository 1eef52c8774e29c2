"""A configuration -> a service that polls, delivers and reports until it is told to stop; the only APScheduler."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Self

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.deliver import deliver_due
from monitor.errors import ConfigError, StoreError
from monitor.heartbeat import put_heartbeats
from monitor.log import get_logger
from monitor.model import Config, Notice, NoticeKind, Status
from monitor.pipeline import Pipeline, open_pipeline
from monitor.progress import Progress
from monitor.reading import Reader
from monitor.store import FeedState, Store, open_store
from monitor.systemd import notify_systemd, reloading, watchdog_timeout
from monitor.watch import FileWatch
from monitor.web import Handlers, Listener, Meters, Vitals

TICK = timedelta(seconds=1)
STATUS_EVERY = timedelta(seconds=30)
HOUSEKEEPING_EVERY = timedelta(hours=1)
# Events of one story that come from several feeds within this time are one message.
SETTLED = timedelta(seconds=10)
# systemd sends SIGKILL after TimeoutStopSec (15 s in monitor.service); what is in flight has this long to finish.
GRACE = timedelta(seconds=5)
# Items dropped, and pages given back to the disk, in one transaction: it holds the write lock, and polls wait for that.
PRUNE_STEP = 1000

# APScheduler writes a line for every tick that it leaves out while the last one is still at work, as it should, and a
# traceback for one that a stop cancels. What matters, _log_fault says.
logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
log = get_logger()


def utc_now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


async def run_daemon(load: Callable[[], Config], *, watch: FileWatch, workers: int) -> None:
    """Serve until SIGTERM or SIGINT.

    `load` reads the configuration: at the start, at each SIGHUP, and whenever the file that is watched has changed.

    Raises:
        ConfigError: the configuration is bad at the start; later a bad one changes nothing.
        StoreError: the database cannot be opened.
    """
    signals = _Signals.listen()
    config = load()
    store = open_store(config.database)
    try:
        async with Reader(workers) as reader:
            await _Daemon(load, config, store, reader, signals, watch).serve()
    finally:
        store.close()


@dataclass(frozen=True, slots=True)
class _Signals:
    """What the daemon was asked by signals."""

    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def listen(cls) -> Self:
        """Take SIGTERM, SIGINT and SIGHUP from now on: what comes while the daemon starts is done when it has."""
        signals, loop = cls(), asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, signals.stopping.set)
        loop.add_signal_handler(signal.SIGINT, signals.stopping.set)
        loop.add_signal_handler(signal.SIGHUP, signals.reload.set)
        return signals

    async def any(self) -> None:
        """Wait until something was asked."""
        waits = [asyncio.create_task(event.wait()) for event in (self.stopping, self.reload)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


class _Daemon:
    """The running service: one pipeline at a time, and the tasks that are in flight."""

    def __init__(
        self,
        load: Callable[[], Config],
        config: Config,
        store: Store,
        reader: Reader,
        signals: _Signals,
        watch: FileWatch,
    ) -> None:
        self._load = load
        self._config = config
        self._store = store
        self._reader = reader
        self._pipeline: Pipeline
        self._close_pipeline: Callable[[], Coroutine[Any, Any, None]] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._polls: set[asyncio.Task[None]] = set()
        self._delivery: asyncio.Task[None] | None = None
        self._signals = signals
        self._watch = watch
        self._trouble = ""
        self._progress = Progress()
        self._meters = Meters()
        self._listener = Listener(Handlers(store, self._meters, vitals=self._vitals, clock=utc_now), self._meters)
        self._synced = False

    async def serve(self) -> None:
        """Start, run until told to stop, and finish what is in flight."""
        async with self._listener:
            await self._listener.listen(self._config.web)
            await self._apply(self._config)
            await self._run()

    async def _run(self) -> None:
        scheduler = self._make_scheduler()
        scheduler.start()
        watching = asyncio.create_task(self._follow_file())
        notify_systemd("READY=1")
        log.info("started", feeds=len(self._config.feeds), topics=len(self._config.topics), database=self._store.place)
        try:
            while not self._signals.stopping.is_set():
                if self._signals.reload.is_set():
                    self._signals.reload.clear()
                    await self._reload()
                await self._signals.any()
        finally:
            notify_systemd("STOPPING=1")
            watching.cancel()
            scheduler.shutdown(wait=False)
            await self._finish()
            log.info("stopped")

    def _make_scheduler(self) -> AsyncIOScheduler:
        # Without misfire_grace_time=None a tick that comes a second late is dropped (measured: 434 of them in one
        # stall); coalesce makes one tick of those that were missed.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        scheduler.add_listener(_log_fault, EVENT_JOB_ERROR)
        jobs: list[tuple[Callable[[], Coroutine[Any, Any, None]], timedelta]] = [
            (self._poll_tick, TICK),
            (self._delivery_tick, TICK),
            (self._status_tick, STATUS_EVERY),
            (self._heartbeat_tick, STATUS_EVERY),
            (self._housekeeping_tick, HOUSEKEEPING_EVERY),
        ]
        if allowed := watchdog_timeout(os.environ):
            jobs.append((partial(self._watchdog_tick, allowed), allowed / 2))  # half, as sd_watchdog_enabled(3) advises
        for job, every in jobs:
            scheduler.add_job(job, "interval", seconds=every.total_seconds(), next_run_time=utc_now())
        return scheduler

    # --- the ticks --------------------------------------------------------------------------------------------------

    async def _poll_tick(self) -> None:
        """Take feeds that are due, as many as there is room for, and set them on their way."""
        self._progress.mark("scheduler")
        room = 2 * self._config.fetch.concurrency - len(self._polls)
        if room <= 0 or self._signals.stopping.is_set():
            return
        try:
            due = await self._pipeline.claim_feeds(room)
        except StoreError as error:
            log.error("no feeds can be polled", error=str(error))
            return
        for state in due:
            poll = asyncio.create_task(self._poll(self._pipeline, state))
            self._polls.add(poll)
            poll.add_done_callback(self._polls.discard)

    async def _poll(self, pipeline: Pipeline, state: FeedState) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            result = await pipeline.poll_contained(state)
        except StoreError as error:
            log.error("poll not stored, it is repeated", feed=state.url, error=str(error))
        else:
            self._meters.count_poll(result, seconds=clock() - began)

    async def _delivery_tick(self) -> None:
        """Send what is due, unless the last round is still at it (it takes along what falls due meanwhile)."""
        if self._delivery is None or self._delivery.done():
            self._progress.mark("delivery")
            self._delivery = asyncio.create_task(self._deliver())

    async def _deliver(self) -> None:
        try:
            await deliver_due(
                self._store,
                lambda: self._config,
                now=utc_now,
                settled=SETTLED,
                stopping=self._signals.stopping,
                progress=partial(self._progress.mark, "delivery"),
            )
        except StoreError as error:
            log.error("no alerts can be sent", error=str(error))

    async def _status_tick(self) -> None:
        await self._listener.listen(self._config.web)  # once more, where the port was taken
        try:
            notify_systemd(f"STATUS={await self._store.run(self._status)}")
        except StoreError as error:
            notify_systemd(f"STATUS={error}")

    async def _heartbeat_tick(self) -> None:
        try:
            await self._store.run(self._put_heartbeats)
        except StoreError as error:
            log.error("no proof of life can be sent", error=str(error))

    async def _housekeeping_tick(self) -> None:
        try:
            # Once more by our configuration: `monitor once` with another file may have put our feeds to rest.
            await self._pipeline.sync_feeds()
            while await self._store.run(self._prune) >= PRUNE_STEP:
                pass
            await self._store.run(partial(self._store.give_back_space, pages=PRUNE_STEP))
        except StoreError as error:
            log.warning("old items are not dropped", error=str(error))

    async def _watchdog_tick(self, allowed: timedelta) -> None:
        """Feed systemd's watchdog while the scheduler, the store's thread and the deliveries all come on.

        A loop that has not for as long as systemd `allowed` is stuck: then systemd is left to restart the daemon.
        """
        stuck = self._progress.stuck(after=allowed)
        if self._store.busy_for > allowed:
            stuck["store"] = self._store.busy_for
        if not stuck:
            notify_systemd("WATCHDOG=1")
            return
        words = ", ".join(f"{loop} for {wait.total_seconds():.0f} s" for loop, wait in stuck.items())
        log.critical("stuck, to be restarted by the watchdog", loops=words)
        notify_systemd(f"STATUS=stuck, to be restarted by the watchdog: {words}")

    def _vitals(self) -> Vitals:
        return Vitals(synced=self._synced, waits={**self._progress.waits(), "store": self._store.busy_for})

    # --- their work in the store's thread -----------------------------------------------------------------------------

    def _status(self) -> str:
        with self._store.read() as tx:
            feeds = [health for health in tx.feed_health() if health.active]
            outbox = tx.delivery_counts()
        answering = sum(health.last_success is not None and not health.last_error for health in feeds)
        words = f"feeds that answer: {answering} of {len(feeds)}"
        waiting = {status.value: count for status, count in outbox.items() if status is not Status.SENT}
        words += "".join(f"; deliveries {status}: {count}" for status, count in waiting.items())
        web = f"[web] serves nothing: {self._listener.fault}" if self._listener.fault else ""
        return "; ".join(filter(None, [words, web, self._trouble]))

    def _put_heartbeats(self) -> None:
        if self._config.heartbeats:
            with self._store.write() as tx:
                put_heartbeats(tx, self._config, now=utc_now())

    def _tell_operators(self, notice: Notice) -> None:
        with self._store.write() as tx:
            tx.add_notice(notice, self._config.operator_channels(), now=utc_now())

    def _withdraw_bad_news(self) -> None:
        with self._store.write() as tx:
            tx.withdraw_notices(NoticeKind.CONFIG)

    def _prune(self) -> int:
        now = utc_now()
        with self._store.write() as tx:
            dropped = tx.prune_stories(before=now - self._config.retention, limit=PRUNE_STEP)
            return dropped + tx.prune_items(unmatched_before=now - self._config.unmatched_retention, limit=PRUNE_STEP)

    # --- the configuration --------------------------------------------------------------------------------------------

    async def _follow_file(self) -> None:
        """Ask for a reload whenever the file has changed."""
        async for _ in self._watch.changes():
            self._signals.reload.set()

    async def _reload(self) -> None:
        """Take a new configuration, or keep the old one if the new one is bad."""
        notify_systemd(reloading())
        self._watch.take()
        try:
            config = await asyncio.to_thread(self._load)
            if config.database.reveal() != self._config.database.reveal():
                log.warning("another database takes effect at a restart only", database=self._store.place)
            await self._apply(config)
            await self._store.run(self._withdraw_bad_news)
        except ConfigError as error:
            first, *more = error.lines()
            also = f" (and {len(more)} more)" if more else ""
            self._trouble = f"the configuration before stays in use, for the new one is bad: {first}{also}"
            for line in error.lines():
                log.error("bad configuration, the one before stays in use", problem=line)
            await self._report_bad_file(error)
        except StoreError as error:
            log.error("configuration not taken, the one before stays in use", error=str(error))
        else:
            self._trouble = ""
            log.info("configuration reloaded", feeds=len(config.feeds), topics=len(config.topics))
        notify_systemd("READY=1")
        await self._status_tick()

    async def _report_bad_file(self, error: ConfigError) -> None:
        """Tell the operators, by the channels of the configuration that stays in use; the same faults once a day."""
        notice = Notice(NoticeKind.CONFIG, {"path": str(error.path), "problems": error.lines()})
        try:
            await self._store.run(partial(self._tell_operators, notice))
        except StoreError as fault:
            log.error("operators are not told of the bad configuration", error=str(fault))

    async def _apply(self, config: Config) -> None:
        """Put a pipeline for `config` in the place of the one before, which closes when its polls are done."""
        stack = AsyncExitStack()
        opened = open_pipeline(config, store=self._store, reader=self._reader, clock=utc_now)
        pipeline = await stack.enter_async_context(opened)
        try:
            await pipeline.sync_feeds(spread=True)
        except StoreError:
            await stack.aclose()
            raise
        retired, polls = self._close_pipeline, list(self._polls)
        self._config, self._pipeline, self._close_pipeline = config, pipeline, stack.aclose
        self._synced = True
        if retired is not None:
            retiring = asyncio.create_task(_close_after(polls, retired))
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)

    async def _finish(self) -> None:
        """Let what is in flight finish, for as long as systemd lets us, and close."""
        tasks = {*self._polls, *([self._delivery] if self._delivery else [])}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GRACE.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await asyncio.gather(*self._retiring)
        if self._close_pipeline is not None:
            await self._close_pipeline()


def _log_fault(event: JobExecutionEvent) -> None:
    if not isinstance(event.exception, asyncio.CancelledError):
        log.error("tick crashed; please report this", exc_info=event.exception)


async def _close_after(polls: list[asyncio.Task[None]], close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*polls, return_exceptions=True)
    await close()
