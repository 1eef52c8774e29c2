"""What the store knows of alerts and their way to the channels: the outbox."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, func, or_, select, tuple_, update

from monitor.model import (
    Alert,
    Bundle,
    Channel,
    Delivery,
    Event,
    Lane,
    Notice,
    NoticeKind,
    Parcel,
    Status,
    Told,
    Waiting,
)
from monitor.store.lease import is_gone, own_name
from monitor.store.schema import ALERTS, DELIVERIES, STORIES, AlertRow, DeliveryRow, NoticeRow, StoryRow
from monitor.store.stories import StoryRecord, StoryRows

# How many messages to one URL are claimed at once: this many timeouts must fit into the lease.
PER_TARGET = 5
# So many rows of one URL are looked at together: what a summary may hold, and what a look may cost.
_PER_LOOK = 1000
# A notice that says the same again is kept back for so long.
_SAID_LATELY = timedelta(days=1)
_LANE = (DeliveryRow.channel, DeliveryRow.ordinal, DeliveryRow.target)
_WAITS = [Status.PENDING, Status.FAILED, Status.HELD]

# What every story that grows runs, built once.
_TOLD = (
    select(ALERTS.c.events, DELIVERIES.c.channel, ALERTS.c.sources)
    .join_from(ALERTS, DELIVERIES, DELIVERIES.c.alert_id == ALERTS.c.id)
    .where(ALERTS.c.story_id == bindparam("story"))
)
_INHERITED = select(STORIES.c.inherited).where(STORIES.c.id == bindparam("story"))


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A row of the outbox as an operator wants to see it."""

    id: int
    story: int
    topic: str
    events: tuple[Event, ...]
    reason: dict[str, str]
    channel: str
    ordinal: int
    status: Status
    attempts: int
    created: datetime
    next_attempt: datetime
    sent: datetime | None
    last_error: str


class OutboxRows(StoryRows):
    """Alerts and deliveries, inside a transaction; they carry the stories they tell of."""

    def told(self, story: int) -> frozenset[Told]:
        """Give what channels were told of a story or will be: the outbox keeps its promises."""
        rows = self.connection.execute(_TOLD, {"story": story})
        own = {Told(channel, Event(event), sources=sources) for events, channel, sources in rows for event in events}
        inherited = self.connection.execute(_INHERITED, {"story": story}).scalar_one()
        return frozenset(own.union(Told(**{**entry, "event": Event(entry["event"])}) for entry in inherited))

    def add_alert(self, alert: Alert, channels: Sequence[Channel], *, now: datetime) -> int:
        """Put an alert into the outbox, a row for each URL of each channel; gives the alert's id.

        While an earlier alert of the same story to the same channels has not been touched yet, the new events join
        it: several events of one cycle are one message. The soonest way wins: urgent, at once, digest.
        """
        waiting = self._untouched_alert(alert)
        if waiting is not None:
            waiting.events = [event for event in Event if event in {*waiting.events, *alert.events}]
            waiting.reason = _join_reasons(waiting.reason, alert.reason)
            waiting.urgent = waiting.urgent or alert.urgent
            waiting.sources = max(waiting.sources, alert.sources)
            waiting.digest = waiting.digest and alert.digest
            self.session.flush()
            held = (DeliveryRow.alert_id == waiting.id) & (DeliveryRow.status == Status.HELD)
            self.session.execute(update(DeliveryRow).where(held).values(next_attempt=now))
            return waiting.id
        row = AlertRow(
            story_id=alert.story,
            events=list(alert.events),
            reason=dict(alert.reason),
            urgent=alert.urgent,
            sources=alert.sources,
            digest=alert.digest,
            created=now,
        )
        self.session.add(row)
        self.session.flush()
        chosen = [channel for channel in channels if channel.name in alert.channels]
        self._add_deliveries(chosen, now=now, alert_id=row.id)
        return row.id

    def add_notice(self, notice: Notice, channels: Sequence[Channel], *, now: datetime) -> bool:
        """Put a notice into the outbox, a row for each URL of each channel; tells whether it did.

        The same facts are not said again within a day.
        """
        said = select(NoticeRow).where(NoticeRow.kind == notice.kind, NoticeRow.created > now - _SAID_LATELY)
        if not channels or any(row.facts == dict(notice.facts) for row in self.session.scalars(said)):
            return False
        row = NoticeRow(kind=notice.kind, facts=dict(notice.facts), created=now)
        self.session.add(row)
        self.session.flush()
        self._add_deliveries(channels, now=now, notice_id=row.id)
        return True

    def withdraw_notices(self, kind: NoticeKind) -> None:
        """Take back what still waits of a kind of notice: it is no longer true."""
        of_kind = DeliveryRow.notice_id.in_(select(NoticeRow.id).where(NoticeRow.kind == kind))
        self.session.execute(delete(DeliveryRow).where(of_kind, DeliveryRow.status.in_(_WAITS)))

    def due_lanes(self, *, now: datetime, settled_before: datetime, recent_since: datetime, limit: int) -> list[Lane]:
        """Give up to `limit` channel URLs for which something is due, each with what waits for it.

        Those created after `settled_before` may still gather events. A URL that is being sent to is left alone. A
        delivery whose lease ran out was on its way when its program died: it is due again (at least once). What is
        not due yet comes along where it may go with what is: of the same story, or left by an outage.
        """
        abandoned = and_(DeliveryRow.status == Status.SENDING, DeliveryRow.leased_until <= now)
        waits = or_(DeliveryRow.status.in_(_WAITS), abandoned)
        due = and_(waits, DeliveryRow.next_attempt <= now, DeliveryRow.created <= settled_before)
        busy = select(*_LANE).where(DeliveryRow.status == Status.SENDING, DeliveryRow.leased_until > now)
        lanes = (
            select(*_LANE)
            .where(due, tuple_(*_LANE).not_in(busy))
            .group_by(*_LANE)
            .order_by(func.min(DeliveryRow.id))
            .limit(limit)
        )
        found = []
        for channel, ordinal, target in self.session.execute(lanes).all():
            here = and_(*(column == value for column, value in zip(_LANE, (channel, ordinal, target), strict=True)))
            waiting = self._waiting(here, waits, due)
            recent = self._recent(here, since=recent_since)
            found.append(Lane(channel, ordinal, target, waiting, recent))
        return found

    def claim_parcels(
        self, messages: Sequence[tuple[Sequence[int], Bundle | None]], *, now: datetime, lease: timedelta
    ) -> list[Parcel]:
        """Take the rows of each message for `lease`."""
        ids = [row for rows, _ in messages for row in rows]
        rows = {row.id: row for row in self.session.scalars(select(DeliveryRow).where(DeliveryRow.id.in_(ids)))}
        for row in rows.values():
            row.status = Status.SENDING
            row.leased_until = now + lease
            row.leased_by = own_name()
            row.first_attempt = row.first_attempt or now
        self.session.flush()
        deliveries = {delivery.id: delivery for delivery in self._deliveries(list(rows.values()))}
        notices = self._notices(list(rows.values()))
        return [
            _parcel([rows[row] for row in chosen], deliveries, notices, bundle=bundle) for chosen, bundle in messages
        ]

    def hold(self, delivery: int, *, until: datetime, why: Bundle | None) -> None:
        """Let a delivery wait for its time; `why` None leaves its status and its summary as they are."""
        values: dict[str, Any] = {"next_attempt": until, "leased_until": None}
        if why is not None:
            values |= {"status": Status.HELD, "why": why}
        self.session.execute(update(DeliveryRow).where(DeliveryRow.id == delivery).values(values))

    def review_held(self, *, now: datetime) -> None:
        """Make what is held due, so that its time is worked out anew by the configuration as it is now."""
        held = DeliveryRow.status == Status.HELD
        self.session.execute(update(DeliveryRow).where(held).values(next_attempt=now))

    def mark_sent(self, parcel: Parcel, *, now: datetime) -> None:
        """Record that a channel took a message; what an outage of its URL has left is due at once."""
        self._mark(parcel.ids, status=Status.SENT, sent=now, last_error="", parcel=parcel.ids[0], why=parcel.bundle)
        here = and_(DeliveryRow.channel == parcel.channel, DeliveryRow.ordinal == parcel.ordinal)
        left = and_(here, DeliveryRow.why == Bundle.OUTAGE, DeliveryRow.status.in_(_WAITS), ~DeliveryRow.alone)
        self.session.execute(update(DeliveryRow).where(left).values(next_attempt=now))

    def mark_failed(
        self, ids: Sequence[int], *, error: str, next_attempt: datetime, outage: bool = False, alone: bool = False
    ) -> None:
        """Record that a channel did not take a message, and when to try again.

        `outage`: it looks as if the channel would take none now. `alone`: as if it did not like this summary.
        """
        values: dict[str, Any] = {"why": func.coalesce(DeliveryRow.why, Bundle.OUTAGE)} if outage else {}
        values |= {"alone": True} if alone else {}
        self._mark(ids, status=Status.FAILED, last_error=error, next_attempt=next_attempt, **values)

    def mark_dead(self, ids: Sequence[int], *, error: str) -> None:
        """Record that a message was given up."""
        self._mark(ids, status=Status.DEAD, last_error=error)

    def dead_count(self, channel: str, ordinal: int) -> int:
        """Count what was given up of a channel URL."""
        here = and_(DeliveryRow.channel == channel, DeliveryRow.ordinal == ordinal, DeliveryRow.status == Status.DEAD)
        return self.session.scalar(select(func.count()).where(here)) or 0

    def postpone(self, ids: Sequence[int], *, until: datetime, outage: bool = False) -> None:
        """Give back a claimed message that was not tried; `outage`: since its channel takes none now."""
        tried = case((DeliveryRow.attempts > 0, Status.FAILED), else_=Status.PENDING)
        values: dict[str, Any] = {"status": tried, "next_attempt": until, "leased_until": None}
        values |= {"why": func.coalesce(DeliveryRow.why, Bundle.OUTAGE)} if outage else {}
        self.session.execute(update(DeliveryRow).where(DeliveryRow.id.in_(ids)).values(values))

    def release_abandoned_deliveries(self, *, now: datetime) -> None:
        """End the leases of programs that run no more: what they were sending is due again at once."""
        sending = DeliveryRow.status == Status.SENDING
        holders = self.session.scalars(select(DeliveryRow.leased_by).where(sending).distinct())
        if gone := [holder for holder in holders if is_gone(holder)]:
            abandoned = sending & DeliveryRow.leased_by.in_(gone)
            self.session.execute(update(DeliveryRow).where(abandoned).values(leased_until=now))

    def revive_deliveries(self, *, now: datetime) -> int:
        """Make everything that failed or was given up due again at once, with its attempts forgotten; give how many."""
        stuck = DeliveryRow.status.in_([Status.FAILED, Status.DEAD])
        fresh: dict[str, Any] = {
            "status": Status.PENDING,
            "next_attempt": now,
            "attempts": 0,
            "first_attempt": None,
            "why": Bundle.OUTAGE,
            "alone": False,
        }
        return len(self.session.execute(update(DeliveryRow).where(stuck).values(fresh).returning(DeliveryRow.id)).all())

    def delivery_counts(self) -> dict[Status, int]:
        """Count the alerts of the outbox by status."""
        alerts = DeliveryRow.alert_id.is_not(None)
        counted = select(DeliveryRow.status, func.count()).where(alerts).group_by(DeliveryRow.status)
        return {Status(status): count for status, count in self.session.execute(counted)}

    def delivery_failures(self) -> dict[str, str]:
        """Give the newest error of each channel to which something has failed or was given up."""
        stuck = DeliveryRow.status.in_([Status.FAILED, Status.DEAD])
        rows = select(DeliveryRow.channel, DeliveryRow.last_error).where(stuck).order_by(DeliveryRow.id)
        return {row.channel: row.last_error for row in self.session.execute(rows)}

    def delivery_records(self, *, limit: int | None = None, story: int | None = None) -> list[DeliveryRecord]:
        """Give the outbox, or what of it is about one story, newest first."""
        chosen = (
            select(DeliveryRow, AlertRow, StoryRow.topic)
            .join(AlertRow, AlertRow.id == DeliveryRow.alert_id)
            .join(StoryRow, StoryRow.id == AlertRow.story_id)
            .order_by(DeliveryRow.id.desc())
            .limit(limit)
        )
        if story is not None:
            chosen = chosen.where(AlertRow.story_id == story)
        return [_delivery_record(*row) for row in self.session.execute(chosen)]

    def _untouched_alert(self, alert: Alert) -> AlertRow | None:
        rows = self.session.execute(
            select(AlertRow, DeliveryRow)
            .join(DeliveryRow, DeliveryRow.alert_id == AlertRow.id)
            .where(AlertRow.story_id == alert.story)
            .order_by(AlertRow.id.desc())
            .with_for_update()
        ).all()
        if not rows:
            return None
        latest = rows[0][0]
        deliveries = [delivery for row, delivery in rows if row.id == latest.id]
        untouched = all(row.status in {Status.PENDING, Status.HELD} and row.attempts == 0 for row in deliveries)
        same_channels = {row.channel for row in deliveries} == set(alert.channels)
        return latest if untouched and same_channels else None

    def _add_deliveries(self, channels: Sequence[Channel], *, now: datetime, **values: Any) -> None:
        self.session.add_all(
            DeliveryRow(
                channel=channel.name,
                ordinal=ordinal,
                target=url.fingerprint,
                status=Status.PENDING,
                created=now,
                next_attempt=now,
                **values,
            )
            for channel in channels
            for ordinal, url in enumerate(channel.urls)
        )
        self.session.flush()

    def _waiting(self, here: Any, waits: Any, due: Any) -> tuple[Waiting, ...]:
        columns = (
            select(DeliveryRow, AlertRow, StoryRow.topic, NoticeRow.kind)
            .outerjoin(AlertRow, AlertRow.id == DeliveryRow.alert_id)
            .outerjoin(StoryRow, StoryRow.id == AlertRow.story_id)
            .outerjoin(NoticeRow, NoticeRow.id == DeliveryRow.notice_id)
            .order_by(DeliveryRow.id)
        )
        rows = self.session.execute(columns.where(here, due).limit(_PER_LOOK)).all()
        known = {row.id for row, *_ in rows}
        stories = select(AlertRow.story_id).where(AlertRow.id.in_({row.alert_id for row, *_ in rows}))
        beside = or_(AlertRow.story_id.in_(stories), DeliveryRow.why == Bundle.OUTAGE)
        more = self.session.execute(columns.where(here, waits, beside).limit(_PER_LOOK)).all()
        found = [_waits(*row) for row in [*rows, *(row for row in more if row[0].id not in known)]]
        return tuple(sorted(found, key=lambda row: row.id))

    def _recent(self, here: Any, *, since: datetime) -> tuple[tuple[datetime, int], ...]:
        """Give when messages about stories were sent lately, and of how many rows each."""
        sent = (
            select(func.max(DeliveryRow.sent), func.count())
            .where(here, DeliveryRow.sent > since, DeliveryRow.alert_id.is_not(None))
            .group_by(DeliveryRow.parcel)
        )
        return tuple((when, count) for when, count in self.session.execute(sent) if when)

    def _deliveries(self, rows: Sequence[DeliveryRow]) -> list[Delivery]:
        wanted = select(AlertRow).where(AlertRow.id.in_({row.alert_id for row in rows}))
        alerts = {alert.id: alert for alert in self.session.scalars(wanted)}
        told = {record.story.id: record for record in self.stories({alert.story_id for alert in alerts.values()})}
        previous = self._previous(rows, stories=told)
        deliveries = []
        for row in rows:
            if row.alert_id is not None:
                alert = alerts[row.alert_id]
                before = previous.get((alert.story_id, row.channel, row.ordinal))
                deliveries.append(_delivery(row, alert, told[alert.story_id], before))
        return deliveries

    def _previous(
        self, rows: Sequence[DeliveryRow], *, stories: Collection[int]
    ) -> dict[tuple[int, str, int], datetime]:
        """Give when each channel URL was last sent something about each story."""
        sent = (
            select(AlertRow.story_id, DeliveryRow.channel, DeliveryRow.ordinal, func.max(DeliveryRow.sent))
            .join(AlertRow, AlertRow.id == DeliveryRow.alert_id)
            .where(AlertRow.story_id.in_(stories), DeliveryRow.sent.is_not(None))
            .where(DeliveryRow.channel.in_({row.channel for row in rows}))
            .group_by(AlertRow.story_id, DeliveryRow.channel, DeliveryRow.ordinal)
        )
        return {(story, channel, ordinal): when for story, channel, ordinal, when in self.session.execute(sent) if when}

    def _notices(self, rows: Sequence[DeliveryRow]) -> dict[int, Notice]:
        wanted = select(NoticeRow).where(NoticeRow.id.in_({row.notice_id for row in rows}))
        return {row.id: Notice(NoticeKind(row.kind), row.facts) for row in self.session.scalars(wanted)}

    def _mark(self, ids: Sequence[int], **values: Any) -> None:
        marked = update(DeliveryRow).where(DeliveryRow.id.in_(ids))
        self.session.execute(marked.values(attempts=DeliveryRow.attempts + 1, leased_until=None, **values))


def _join_reasons(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    return {**old, **{event: f"{old[event]}; {why}" if event in old else why for event, why in new.items()}}


def _waits(row: DeliveryRow, alert: AlertRow | None, topic: str | None, notice: str | None) -> Waiting:
    return Waiting(
        id=row.id,
        story=alert.story_id if alert else None,
        topic=topic or "",
        created=row.created,
        next_attempt=row.next_attempt,
        attempts=row.attempts,
        urgent=alert.urgent if alert else False,
        digest=alert.digest if alert else False,
        alone=row.alone,
        why=Bundle(row.why) if row.why else None,
        notice=NoticeKind(notice) if notice else None,
    )


def _parcel(
    rows: Sequence[DeliveryRow],
    deliveries: Mapping[int, Delivery],
    notices: Mapping[int, Notice],
    *,
    bundle: Bundle | None,
) -> Parcel:
    """Put rows into one message; those that tell of one story are one delivery."""
    told = [deliveries[row.id] for row in rows if row.id in deliveries]
    stories = sorted(told, key=lambda delivery: delivery.story.id)
    merged = [_merge(list(group)) for _, group in groupby(stories, key=lambda delivery: delivery.story.id)]
    oldest = max(rows, key=lambda row: row.attempts)
    return Parcel(
        ids=tuple(row.id for row in rows),
        channel=oldest.channel,
        ordinal=oldest.ordinal,
        target=oldest.target,
        attempts=oldest.attempts,
        first_attempt=oldest.first_attempt or oldest.created,
        deliveries=tuple(sorted(merged, key=lambda delivery: delivery.id)),
        bundle=bundle,
        notice=notices[oldest.notice_id] if oldest.notice_id is not None else None,
    )


def _merge(deliveries: Sequence[Delivery]) -> Delivery:
    """Make one of several deliveries of one story: what the first was to tell, and what has come since."""
    reason: dict[str, str] = {}
    for delivery in deliveries:
        reason = _join_reasons(reason, delivery.reason)
    events = dict.fromkeys(event for delivery in deliveries for event in delivery.events)
    return replace(deliveries[0], events=tuple(events), reason=reason)


def _delivery(row: DeliveryRow, alert: AlertRow, record: StoryRecord, previous: datetime | None) -> Delivery:
    story, matches = record.story, record.matches.values()
    return Delivery(
        id=row.id,
        alert=alert.id,
        story=story,
        topic=story.topic,
        events=tuple(Event(event) for event in alert.events),
        reason=alert.reason,
        channel=row.channel,
        ordinal=row.ordinal,
        target=row.target,
        attempts=row.attempts,
        created=row.created,
        first_attempt=row.first_attempt or row.created,
        previous=previous,
        words=tuple(dict.fromkeys(hit.word for match in matches for hit in match.hits)),
    )


def _delivery_record(row: DeliveryRow, alert: AlertRow, topic: str) -> DeliveryRecord:
    return DeliveryRecord(
        id=row.id,
        story=alert.story_id,
        topic=topic,
        events=tuple(Event(event) for event in alert.events),
        reason=alert.reason,
        channel=row.channel,
        ordinal=row.ordinal,
        status=Status(row.status),
        attempts=row.attempts,
        created=row.created,
        next_attempt=row.next_attempt,
        sent=row.sent,
        last_error=row.last_error,
    )
