"""Members move from story to story, and what was told of them moves along: mergers, and the operator's changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from monitor.model import Event, Status
from monitor.store.outbox import OutboxRows
from monitor.store.schema import AlertRow, DeliveryRow, MemberRow, StoryRow

# What a channel hears once of a story. The other events may come again, each time with something new.
_ONCE = {Event.NEW, Event.CORROBORATED}
# Where an event was told twice, the word that counts: the one that was heard, is being said, may have been heard, waits.
_HEARD = (Status.SENT, Status.SENDING)
_STANDING = {status: place for place, status in enumerate([*_HEARD, Status.FAILED, Status.PENDING, Status.HELD])}


class MoveRows(OutboxRows):
    """Moves of members between stories, inside a transaction."""

    def move_members(
        self, items: Iterable[int], *, into: int, now: datetime, reason: Mapping[str, Any] | None = None
    ) -> int:
        """Put members of other stories of the topic into this one, after those that are there.

        Why they were put where they were is kept. A story that is left without members becomes a pointer to this one,
        with the `reason`, and what was told of it is told of this one, so that nothing is told twice. Each membership
        gets a new id, so that `members_since` tells other programs of the move; gives the newest.
        """
        target = self.session.get_one(StoryRow, into)
        chosen = (MemberRow.topic == target.topic) & MemberRow.item_id.in_(list(items)) & (MemberRow.story_id != into)
        columns = [column for column in MemberRow.__table__.columns if column.key != "id"]
        rows = self.session.execute(select(*columns).where(chosen).order_by(MemberRow.id)).mappings().all()
        if rows:
            self.session.execute(delete(MemberRow).where(chosen))
            self.session.execute(insert(MemberRow), [{**row, "story_id": into, "joined": now} for row in rows])
        for record in self.stories({into, *(row["story_id"] for row in rows)}):
            row = self.session.get_one(StoryRow, record.story.id)
            if times := [member.when for member in record.story.members]:
                row.first_seen, row.last_seen = min(times), max(times)
            else:
                self._close_story(row, target, dict(reason or {}))
        self.session.flush()
        return self.session.scalar(select(func.max(MemberRow.id)).where(MemberRow.story_id == into)) or 0

    def merge_stories(
        self, survivor: int, other: int, *, now: datetime, reason: Mapping[str, Any] | None = None
    ) -> int:
        """Put all members of `other` into `survivor`; gives the id of the newest membership.

        The survivor is muted only if both were: silence needs the operator's word on each.
        """
        kept, gone = self.session.get_one(StoryRow, survivor), self.session.get_one(StoryRow, other)
        kept.muted = kept.muted and gone.muted
        items = self.session.scalars(select(MemberRow.item_id).where(MemberRow.story_id == other)).all()
        return self.move_members(items, into=survivor, now=now, reason=reason)

    def choose_survivor(self, one: int, other: int) -> tuple[int, int]:
        """Of two stories, give the one whose number people know first: told first, else promised first, else older."""
        told = (
            select(StoryRow.id, func.min(DeliveryRow.sent), func.min(AlertRow.id), StoryRow.first_seen)
            .outerjoin(AlertRow, AlertRow.story_id == StoryRow.id)
            .outerjoin(DeliveryRow, DeliveryRow.alert_id == AlertRow.id)
            .where(StoryRow.id.in_([one, other]))
            .group_by(StoryRow.id, StoryRow.first_seen)
        )
        rank = {
            story: (sent is None, sent or first_seen, alert is None, alert or 0, first_seen, story)
            for story, sent, alert, first_seen in self.session.execute(told)
        }
        survivor, absorbed = sorted(rank, key=rank.__getitem__)
        return survivor, absorbed

    def merged_into(self, story: int) -> int | None:
        """Tell which story took up this one's members, if any did."""
        return self.session.scalar(select(StoryRow.merged_into).where(StoryRow.id == story))

    def _close_story(self, row: StoryRow, into: StoryRow, reason: dict[str, Any]) -> None:
        self.session.execute(update(AlertRow).where(AlertRow.story_id == row.id).values(story_id=into.id))
        self.session.execute(update(StoryRow).where(StoryRow.merged_into == row.id).values(merged_into=into.id))
        into.inherited = [*into.inherited, *row.inherited]
        row.merged_into = into.id
        row.merger = reason
        self._take_back_repeats(into.id)

    def _take_back_repeats(self, story: int) -> None:
        """Take out of waiting alerts what their URL hears of the story by another alert, since two stories became one.

        What is on its way or was given up stays as it is: the one may have been heard, the other was not.
        """
        standing = DeliveryRow.status.in_([status.value for status in _STANDING])
        rows = self.session.execute(
            select(DeliveryRow, AlertRow)
            .join(AlertRow, AlertRow.id == DeliveryRow.alert_id)
            .where(AlertRow.story_id == story, standing)
        ).all()
        heard: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        left: defaultdict[tuple[int, tuple[str, ...]], list[DeliveryRow]] = defaultdict(list)
        alerts = {alert.id: alert for _, alert in rows}
        for delivery, alert in sorted(rows, key=lambda row: (_STANDING[Status(row[0].status)], row[0].id)):
            url = heard[delivery.channel, delivery.target]
            news = tuple(event for event in alert.events if event not in url)
            url.update(event for event in alert.events if event in _ONCE)
            if delivery.status not in _HEARD and len(news) < len(alert.events):
                left[alert.id, news].append(delivery)
        for (alert_id, events), deliveries in left.items():
            self._narrow(alerts[alert_id], events, deliveries)

    def _narrow(self, alert: AlertRow, events: tuple[str, ...], deliveries: list[DeliveryRow]) -> None:
        """Let some deliveries of an alert tell these of its events only; without any, drop them."""
        if not events:
            for delivery in deliveries:
                self.session.delete(delivery)
        else:
            part = AlertRow(
                story_id=alert.story_id,
                events=list(events),
                reason={event: alert.reason[event] for event in events},
                urgent=alert.urgent,
                digest=alert.digest,
                created=alert.created,
            )
            self.session.add(part)
            self.session.flush()
            for delivery in deliveries:
                delivery.alert_id = part.id
        self.session.flush()
