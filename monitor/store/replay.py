"""What the store has for a replay of its items through another configuration, and what that needs of a store of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import func, insert, select, update

from monitor.model import Event, Item, Status
from monitor.store.feeds import chunks, item_row
from monitor.store.outbox import OutboxRows
from monitor.store.schema import ITEMS, AlertRow, DeliveryRow, FeedRow, ItemRow, MemberRow, StoryRow
from monitor.store.stories import read_item


@dataclass(frozen=True, slots=True)
class Telling:
    """An event of a story that a channel was told, or will be: when that was decided, and of which items it told.

    `decided` is None for what was told of the items while they were in another story. `outlets` counts owners.
    """

    topic: str
    channel: str
    event: Event
    decided: datetime | None
    story: int
    title: str
    outlets: int
    items: frozenset[int]


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item with its row's id and its feed's URL; `backfill` is None where no story has recorded it."""

    id: int
    feed: str
    item: Item
    backfill: bool | None


@dataclass(frozen=True, slots=True)
class Stock:
    """The items that were seen since some time: how many, and the id of the last."""

    count: int
    last: int


@dataclass(frozen=True, slots=True)
class Mute:
    """The operator's word, given at `since`, that no more is to be told of what `items` tell."""

    since: datetime
    topic: str
    items: frozenset[int]


class ReplayRows(OutboxRows):
    """What a replay reads and writes, inside a transaction."""

    def stock(self, *, since: datetime) -> Stock:
        """Say what items were seen since then."""
        count, last = self.session.execute(
            select(func.count(), func.max(ItemRow.id)).where(ItemRow.seen >= since)
        ).one()
        return Stock(count, last or 0)

    def stored_items(self, *, after: int, last: int, since: datetime, limit: int) -> list[StoredItem]:
        """Give up to `limit` items that were seen since then, with ids above `after` up to `last`, in their order."""
        chosen = (
            select(ItemRow, FeedRow.url)
            .join(FeedRow, FeedRow.id == ItemRow.feed_id)
            .where(ItemRow.id > after, ItemRow.id <= last, ItemRow.seen >= since)
            .order_by(ItemRow.id)
            .limit(limit)
        )
        rows = self.session.execute(chosen).all()
        ids = [row.id for row, _ in rows]
        members = select(MemberRow.item_id, MemberRow.backfill).where(MemberRow.item_id.in_(ids))
        backfill = dict(self.session.execute(members).all())
        return [StoredItem(row.id, url, read_item(row), backfill.get(row.id)) for row, url in rows]

    def first_seen(self) -> dict[str, datetime]:
        """Give when the oldest stored item of each feed was seen, by the feed's URL."""
        chosen = select(FeedRow.url, func.min(ItemRow.seen)).join(ItemRow, ItemRow.feed_id == FeedRow.id)
        return dict(self.session.execute(chosen.group_by(FeedRow.url)).all())

    def mutes(self) -> list[Mute]:
        """Give the stories that are muted, in the order in which they were."""
        rows = self.session.execute(
            select(StoryRow.muted, StoryRow.id, StoryRow.topic, MemberRow.item_id)
            .join(MemberRow, MemberRow.story_id == StoryRow.id)
            .where(StoryRow.muted.is_not(None))
            .order_by(StoryRow.muted, StoryRow.id)
        )
        grouped = groupby(rows, key=lambda row: (row.muted, row.id, row.topic))
        return [Mute(since, topic, frozenset(row.item_id for row in group)) for (since, _, topic), group in grouped]

    def tellings(self, *, since: datetime) -> list[Telling]:
        """Give what was told of stories that went on after `since`, oldest first; what was told twice counts once."""
        told: dict[tuple[int, str, Event], datetime | None] = {}
        alerts = (
            select(AlertRow.story_id, DeliveryRow.channel, AlertRow.events, AlertRow.created)
            .join(DeliveryRow, DeliveryRow.alert_id == AlertRow.id)
            .join(StoryRow, StoryRow.id == AlertRow.story_id)
            .where(StoryRow.last_seen >= since)
            .order_by(AlertRow.created, AlertRow.id, DeliveryRow.id)
        )
        for story, channel, events, created in self.session.execute(alerts):
            for event in events:
                told.setdefault((story, channel, Event(event)), created)
        open_stories = select(StoryRow.id, StoryRow.inherited)
        open_stories = open_stories.where(StoryRow.last_seen >= since, StoryRow.merged_into.is_(None))
        for story, inherited in self.session.execute(open_stories):
            for entry in inherited:
                told.setdefault((story, entry["channel"], Event(entry["event"])), None)
        return list(self._describe(told))

    def _describe(self, told: Mapping[tuple[int, str, Event], datetime | None]) -> Iterator[Telling]:
        stories: dict[int, dict[str, Any]] = {}
        for chunk in chunks(list(dict.fromkeys(story for story, _, _ in told))):
            for record in self.stories(chunk):
                story = record.story
                stories[story.id] = {
                    "topic": story.topic,
                    "story": story.id,
                    "title": story.title,
                    "outlets": len(story.owners),
                    "items": frozenset(member.id for member in story.members),
                }
        for (story_id, channel, event), decided in told.items():
            yield Telling(channel=channel, event=event, decided=decided, **stories[story_id])

    def copy_items(self, feed_id: int, items: Mapping[int, Item]) -> None:
        """Store the items of another store under the ids that they have there."""
        rows = [{**item_row(feed_id, item, matched=True), "id": number} for number, item in items.items()]
        self.connection.execute(insert(ITEMS), rows)

    def count_as_sent(self, *, now: datetime) -> None:
        """Let the outbox say that all in it was sent, though nobody is told anything by a replay."""
        waiting = update(DeliveryRow).where(DeliveryRow.sent.is_(None))
        self.session.execute(waiting.values(status=Status.SENT, sent=now, attempts=1))
