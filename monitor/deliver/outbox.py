"""Deliveries that are due -> messages at their channels, each marked as sent, to be retried, or dead."""

from __future__ import annotations

import asyncio
import random as chance
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import TypeVar
from zoneinfo import ZoneInfo

from monitor.deliver.services import SEND_TIMEOUT, find_medium, send_message
from monitor.errors import DeliveryError, StoreError
from monitor.log import get_logger
from monitor.model import Channel, Config, Medium, Message, Notice, NoticeKind, Parcel, Secret, Status
from monitor.render import render_alert, render_notice, render_summary
from monitor.rhythm import BURST_WINDOW, plan_lane
from monitor.store import Store, Transaction
from monitor.store.outbox import PER_TARGET

T = TypeVar("T")

# The deliveries that are claimed of one channel URL are sent one after the other. A slow one may use the time of those
# after it, for what is accepted after its lease is sent again; the last SEND_TIMEOUT is left for the marks.
LEASE = SEND_TIMEOUT * (PER_TARGET + 1)
CLAIM = 100
# How often newly due deliveries are looked for, and a busy database is asked again, while others are on their way.
POLL = timedelta(seconds=1)

# Exponential backoff with equal jitter ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015). Full jitter
# spreads many clients better, but there is one here, and its second try could come at once, into the same restart.
BACKOFF_BASE = timedelta(seconds=30)
BACKOFF_CAP = timedelta(hours=1)
# A delivery is given up when it was tried for so long, and so often: a machine that was off for the weekend has not
# tried. Twelve tries take about four hours.
GIVE_UP_AFTER = timedelta(hours=24)
LEAST_ATTEMPTS = 12

# A refusal of this kind is about the channel, not about the message: the next message would fare no better.
_UNAVAILABLE = {None, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
# These are about the message: others may fare better.
_ABOUT_MESSAGE = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
_log = get_logger()


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """How many deliveries were sent, will be tried again, and were given up."""

    sent: int = 0
    failed: int = 0
    dead: int = 0


class _FaultError(DeliveryError):
    """A message tripped this program or Apprise; that says nothing about the channel."""


def retry_at(
    attempts: int,
    *,
    first_attempt: datetime,
    now: datetime,
    permanent: bool = False,
    random: Callable[[], float] = chance.random,
) -> datetime | None:
    """Say when to try again after `attempts` failures (1 or more); None after 24 hours and 12 attempts at least.

    The longest wait is 30 s × 2^(attempts - 1), at most 1 h; after a refusal that looks permanent it is 1 h at once.
    The wait is drawn from the upper half: exponential backoff with equal jitter. `random` gives a number from 0 to 1.
    """
    if attempts >= LEAST_ATTEMPTS and now >= first_attempt + GIVE_UP_AFTER:
        return None
    longest = BACKOFF_CAP if permanent else min(BACKOFF_CAP, BACKOFF_BASE * (1 << min(attempts - 1, 10)))
    return now + longest * (1 + random()) / 2


async def deliver_due(
    store: Store,
    config: Callable[[], Config],
    *,
    now: Callable[[], datetime],
    settled: timedelta = timedelta(0),
    stopping: asyncio.Event | None = None,
    timeout: timedelta = SEND_TIMEOUT,  # noqa: ASYNC109 - of a message, not of this function
    progress: Callable[[], None] = lambda: None,
) -> DeliveryCounts:
    """Send what is due, and what falls due meanwhile, until nothing is left or `stopping` is set.

    Each message goes where `config` says at that moment. Deliveries made less than `settled` ago are left to gather
    further events. Channel URLs are served concurrently, and each in order, so that none waits for another. Each has
    `timeout` for every message of its claim, which a slow one may use up. `stopping` lets the messages on their way
    arrive and gives back the others. `progress` is called whenever a step of the work is done, every `timeout` at
    least. A program that dies between sending and marking repeats at most one message for each channel URL.

    Raises:
        StoreError: the database refused, or was busy until a lease ended. The other channel URLs have been served;
            what could not be marked is repeated.
    """
    outbox = _Outbox(store, config, now, settled, timeout, stopping or asyncio.Event(), progress)
    lanes: set[asyncio.Task[None]] = set()
    try:
        while True:
            progress()
            lanes |= {asyncio.create_task(outbox.send(lane)) for lane in await outbox.claim(patient=bool(lanes))}
            if not lanes:
                return outbox.counts()
            done, lanes = await asyncio.wait(lanes, timeout=POLL.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
            for lane in done:
                lane.result()
    except StoreError:
        await asyncio.gather(*lanes, return_exceptions=True)
        raise
    finally:
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Claim:
    """The messages that were claimed for one channel URL, in order, and when their lease ends."""

    parcels: Sequence[Parcel]
    lease_end: datetime


@dataclass(slots=True)
class _Outbox:
    """One run of deliver_due. `down` says until when a channel URL that is out of service is left alone."""

    store: Store
    config: Callable[[], Config]
    now: Callable[[], datetime]
    settled: timedelta
    timeout: timedelta
    stopping: asyncio.Event
    progress: Callable[[], None]
    down: dict[tuple[str, int], datetime] = field(default_factory=dict)
    tally: Counter[Status] = field(default_factory=Counter)

    def counts(self) -> DeliveryCounts:
        tally = self.tally
        return DeliveryCounts(sent=tally[Status.SENT], failed=tally[Status.FAILED], dead=tally[Status.DEAD])

    async def claim(self, *, patient: bool) -> list[_Claim]:
        """Take what is due, a lane for each channel URL that nothing is on its way to; a `patient` caller asks again."""
        if self.stopping.is_set():
            return []
        try:
            return await self._write(self._claim)
        except StoreError as error:
            if patient and error.retry:
                return []
            raise

    def _claim(self, tx: Transaction) -> list[_Claim]:
        """Plan what each channel URL gets by the configuration as it is now: hold the rest, and take it."""
        now, lease, config = self.now(), self.timeout * (PER_TARGET + 1), self.config()
        lanes = tx.due_lanes(
            now=now, settled_before=now - self.settled, recent_since=now - BURST_WINDOW, limit=CLAIM // PER_TARGET
        )
        claims = []
        for lane in lanes:
            channel = config.channel(lane.channel)
            plan = plan_lane(lane, channel, config.rules, timezone=config.timezone, now=now, most=PER_TARGET)
            for row, hold in plan.held.items():
                tx.hold(row, until=hold.until, why=hold.why)
            if plan.messages:
                claims.append(_Claim(tx.claim_parcels(plan.messages, now=now, lease=lease), now + lease))
        return claims

    async def send(self, claim: _Claim) -> None:
        """Send the messages of one channel URL in order; give back, untried, what is not to be sent now."""
        for parcel in claim.parcels:
            self.progress()
            left = claim.lease_end - self.timeout - self.now()
            until = self._held_until(parcel, left)
            if until is not None:
                down = until > self.now()
                await self._mark(partial(_postpone, parcel, until, down), claim.lease_end)
            elif (error := await self._try(parcel, left)) is None:
                await self._settle_sent(parcel, claim.lease_end)
            else:
                await self._settle_refused(parcel, error, claim.lease_end)

    def _held_until(self, parcel: Parcel, left: timedelta) -> datetime | None:
        now = self.now()
        if self.stopping.is_set() or left < self.timeout:
            return now
        until = self.down.get((parcel.channel, parcel.ordinal), now)
        return until if until > now else None

    async def _try(self, parcel: Parcel, left: timedelta) -> DeliveryError | None:
        """Send a message within the time that is left; give what went wrong."""
        config = self.config()
        try:
            channel = _find_channel(parcel, config)
            url = _find_url(parcel, channel)
            message = _render(parcel, channel, timezone=config.timezone, medium=find_medium(url))
            if message.fault:
                _log.error("template failed, built-in message sent", **_fields(parcel), error=message.fault)
                await self._write(partial(_report_template, parcel, message.fault, config, self.now()))
            await send_message(url, message, timeout=left)
        except DeliveryError as error:
            return error
        except Exception as error:  # noqa: BLE001 - one message that trips this program or Apprise must not stop the others
            return _explain_fault(error)
        return None

    async def _settle_sent(self, parcel: Parcel, lease_end: datetime) -> None:
        now = self.now()

        def mark(tx: Transaction) -> None:
            tx.mark_sent(parcel, now=now)
            tx.clear_state(_told_dead(parcel))

        await self._mark(mark, lease_end)
        self.tally[Status.SENT] += len(parcel.ids)
        _log.info("delivered", **_fields(parcel))

    async def _settle_refused(self, parcel: Parcel, error: DeliveryError, lease_end: datetime) -> None:
        words, now = str(error), self.now()
        several, fault = len(parcel.deliveries) > 1, isinstance(error, _FaultError)
        again = retry_at(parcel.attempts + 1, first_attempt=parcel.first_attempt, now=now, permanent=error.permanent)
        if again is None and not several:
            await self._mark(partial(_bury, parcel, words, self.config(), now), lease_end)
            self.tally[Status.DEAD] += len(parcel.ids)
            _log.error("delivery given up", **_fields(parcel), error=words)
            return
        # A summary is never given up as a whole, nor kept together when it may hold what the service cannot take.
        about_message = fault or error.status in _ABOUT_MESSAGE
        alone = several and (about_message or again is None)
        due = again or now
        failed = partial(_fail, parcel, words, due, outage=not about_message, alone=alone)
        await self._mark(failed, lease_end)
        self.tally[Status.FAILED] += len(parcel.ids)
        if error.status in _UNAVAILABLE and not fault and again is not None:
            self.down[parcel.channel, parcel.ordinal] = again
        tell = _log.error if error.permanent else _log.warning
        tell("delivery failed", **_fields(parcel), error=words, again=due.isoformat(timespec="seconds"))

    async def _mark(self, work: Callable[[Transaction], None], lease_end: datetime) -> None:
        """Write, and while the database is busy or full, again until the lease ends: then it would be sent twice."""
        while True:
            try:
                return await self._write(work)
            except StoreError as error:
                if not error.retry or self.now() >= lease_end:
                    raise
            await asyncio.sleep(POLL.total_seconds())

    async def _write(self, work: Callable[[Transaction], T]) -> T:
        """Do a piece of work in a transaction of its own, in the store's thread."""

        def run() -> T:
            with self.store.write() as tx:
                return work(tx)

        return await self.store.run(run)


def _postpone(parcel: Parcel, until: datetime, down: bool, tx: Transaction) -> None:  # noqa: FBT001 - called by partial
    tx.postpone(parcel.ids, until=until, outage=down)


def _fail(parcel: Parcel, error: str, again: datetime, tx: Transaction, *, outage: bool, alone: bool) -> None:
    tx.mark_failed(parcel.ids, error=error, next_attempt=again, outage=outage, alone=alone)


def _bury(parcel: Parcel, error: str, config: Config, now: datetime, tx: Transaction) -> None:
    """Give a message up, and tell the operators of its channel URL once, until that works again."""
    tx.mark_dead(parcel.ids, error=error)
    if tx.state(_told_dead(parcel)):
        return
    facts = {
        "channel": parcel.channel,
        "url": parcel.ordinal + 1,
        "deliveries": tx.dead_count(parcel.channel, parcel.ordinal),
        "error": error,
        "since": parcel.first_attempt.isoformat(timespec="seconds"),
    }
    tx.add_notice(Notice(NoticeKind.DEAD, facts), config.operator_channels(besides=parcel.channel), now=now)
    tx.set_state(_told_dead(parcel), now.isoformat())


def _report_template(parcel: Parcel, fault: str, config: Config, now: datetime, tx: Transaction) -> None:
    """Tell the operators of a template that failed; the same fault once a day."""
    path, _, error = fault.partition(": ")
    facts = {"channel": parcel.channel, "path": path, "error": error}
    tx.add_notice(Notice(NoticeKind.TEMPLATE, facts), config.operator_channels(), now=now)


def _told_dead(parcel: Parcel) -> str:
    return f"told dead: {parcel.channel} {parcel.ordinal}"


def _render(parcel: Parcel, channel: Channel, *, timezone: ZoneInfo, medium: Medium) -> Message:
    if parcel.notice is not None:
        return render_notice(parcel.notice, channel, timezone=timezone, medium=medium)
    if parcel.bundle is not None:
        return render_summary(parcel.deliveries, channel, parcel.bundle, timezone=timezone, medium=medium)
    return render_alert(parcel.deliveries[0], channel, timezone=timezone, medium=medium)


def _find_channel(parcel: Parcel, config: Config) -> Channel:
    channel = config.channel(parcel.channel)
    if channel is None:
        raise DeliveryError(f"channel '{parcel.channel}' is no longer in feeds.toml: put it back within 24 hours")
    return channel


def _find_url(parcel: Parcel, channel: Channel) -> Secret:
    """Find the URL by its fingerprint, wherever it stands now, else by its place: the token may have been changed."""
    for url in channel.urls:
        if url.fingerprint == parcel.target:
            return url
    if parcel.ordinal < len(channel.urls):
        return channel.urls[parcel.ordinal]
    raise DeliveryError(f"channel '{channel.name}' has no URL number {parcel.ordinal + 1} in feeds.toml any more")


def _fields(parcel: Parcel) -> dict[str, str | int]:
    if parcel.notice is not None:
        told: dict[str, str | int] = {"notice": parcel.notice.kind.value}
    elif parcel.bundle is not None:
        told = {"summary": parcel.bundle.value, "stories": len(parcel.deliveries)}
    else:
        told = {"story": parcel.deliveries[0].story.id}
    return {"channel": parcel.channel, "url": parcel.ordinal + 1, **told, "attempts": parcel.attempts + 1}


def _explain_fault(error: Exception) -> _FaultError:
    """Say where it happened; what the error says may hold a secret."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return _FaultError(
        f"a fault of the program, please report it: {type(error).__name__} in {place.name}, line {place.lineno}"
    )
