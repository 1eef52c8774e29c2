"""What the store knows of alerts and their way to the channels: the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, func, or_, select, tuple_, update

from monitor.model import Alert, Channel, Delivery, Event, Status, Told
from monitor.store.lease import is_gone, own_name
from monitor.store.schema import ALERTS, DELIVERIES, STORIES, AlertRow, DeliveryRow, StoryRow
from monitor.store.stories import StoryRecord, StoryRows

# How many deliveries to one URL are claimed at once: this many timeouts must fit into the lease.
PER_TARGET = 5

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
        it: several events of one cycle are one message.
        """
        waiting = self._untouched_alert(alert)
        if waiting is not None:
            waiting.events = [event for event in Event if event in {*waiting.events, *alert.events}]
            waiting.reason = _join_reasons(waiting.reason, alert.reason)
            waiting.urgent = waiting.urgent or alert.urgent
            waiting.sources = max(waiting.sources, alert.sources)
            self.session.flush()
            return waiting.id
        row = AlertRow(
            story_id=alert.story,
            events=list(alert.events),
            reason=dict(alert.reason),
            urgent=alert.urgent,
            sources=alert.sources,
            created=now,
        )
        self.session.add(row)
        self.session.flush()
        self.session.add_all(
            DeliveryRow(
                alert_id=row.id,
                channel=channel.name,
                ordinal=ordinal,
                target=url.fingerprint,
                status=Status.PENDING,
                created=now,
                next_attempt=now,
            )
            for channel in channels
            if channel.name in alert.channels
            for ordinal, url in enumerate(channel.urls)
        )
        self.session.flush()
        return row.id

    def claim_deliveries(
        self, *, now: datetime, lease: timedelta, limit: int, settled_before: datetime
    ) -> list[Delivery]:
        """Take due deliveries, oldest first, for `lease`; those created after `settled_before` may still gather events.

        A URL that is being sent to is left alone, and gets at most PER_TARGET at a time: they are sent one after the
        other, and all of them must be through before the lease ends. A delivery whose lease ran out was on its way
        when its program died: it is taken again (at least once).
        """
        target = (DeliveryRow.channel, DeliveryRow.ordinal)
        waiting = and_(DeliveryRow.status.in_([Status.PENDING, Status.FAILED]), DeliveryRow.next_attempt <= now)
        abandoned = and_(DeliveryRow.status == Status.SENDING, DeliveryRow.leased_until <= now)
        busy = select(*target).where(DeliveryRow.status == Status.SENDING, DeliveryRow.leased_until > now)
        place = func.row_number().over(partition_by=target, order_by=DeliveryRow.id)
        due = (
            select(DeliveryRow.id, place.label("place"))
            .where(or_(waiting, abandoned), DeliveryRow.created <= settled_before, tuple_(*target).not_in(busy))
            .subquery()
        )
        chosen = select(due.c.id).where(due.c.place <= PER_TARGET).order_by(due.c.id).limit(limit)
        rows = list(
            self.session.scalars(select(DeliveryRow).where(DeliveryRow.id.in_(chosen)).order_by(DeliveryRow.id))
        )
        for row in rows:
            row.status = Status.SENDING
            row.leased_until = now + lease
            row.leased_by = own_name()
            row.first_attempt = row.first_attempt or now
        self.session.flush()
        return self._deliveries(rows)

    def mark_sent(self, delivery: int, *, now: datetime) -> None:
        """Record that a channel took the message."""
        self._mark(delivery, status=Status.SENT, sent=now, last_error="")

    def mark_failed(self, delivery: int, *, error: str, next_attempt: datetime) -> None:
        """Record that a channel did not take it, and when to try again."""
        self._mark(delivery, status=Status.FAILED, last_error=error, next_attempt=next_attempt)

    def mark_dead(self, delivery: int, *, error: str) -> None:
        """Record that it was given up."""
        self._mark(delivery, status=Status.DEAD, last_error=error)

    def postpone(self, delivery: int, *, until: datetime) -> None:
        """Give back a claimed delivery that was not tried."""
        tried = case((DeliveryRow.attempts > 0, Status.FAILED), else_=Status.PENDING)
        given_back = update(DeliveryRow).where(DeliveryRow.id == delivery)
        self.session.execute(given_back.values(status=tried, next_attempt=until, leased_until=None))

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
        fresh: dict[str, Any] = {"status": Status.PENDING, "next_attempt": now, "attempts": 0, "first_attempt": None}
        return len(self.session.execute(update(DeliveryRow).where(stuck).values(fresh).returning(DeliveryRow.id)).all())

    def delivery_counts(self) -> dict[Status, int]:
        """Count the outbox by status."""
        counted = select(DeliveryRow.status, func.count()).group_by(DeliveryRow.status)
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
        untouched = all(row.status == Status.PENDING and row.attempts == 0 for row in deliveries)
        same_channels = {row.channel for row in deliveries} == set(alert.channels)
        return latest if untouched and same_channels else None

    def _deliveries(self, rows: Sequence[DeliveryRow]) -> list[Delivery]:
        wanted = select(AlertRow).where(AlertRow.id.in_({row.alert_id for row in rows}))
        alerts = {alert.id: alert for alert in self.session.scalars(wanted)}
        told = {record.story.id: record for record in self.stories({alert.story_id for alert in alerts.values()})}
        return [_delivery(row, alerts[row.alert_id], told[alerts[row.alert_id].story_id]) for row in rows]

    def _mark(self, delivery: int, **values: Any) -> None:
        marked = update(DeliveryRow).where(DeliveryRow.id == delivery)
        self.session.execute(marked.values(attempts=DeliveryRow.attempts + 1, leased_until=None, **values))


def _join_reasons(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    return {**old, **{event: f"{old[event]}; {why}" if event in old else why for event, why in new.items()}}


def _delivery(row: DeliveryRow, alert: AlertRow, record: StoryRecord) -> Delivery:
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
