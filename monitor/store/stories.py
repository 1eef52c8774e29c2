"""What the store knows of stories and their members."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, case, delete, insert, select, update

from monitor.model import Hit, Item, Match, Member, Placement, Source, Story, Told
from monitor.store.rows import Rows
from monitor.store.schema import MEMBERS, STORIES, AlertRow, FeedRow, ItemRow, MemberRow, StoryRow

# What every new member runs, built once.
_ADD_STORY = insert(STORIES).returning(STORIES.c.id)
_ADD_MEMBER = insert(MEMBERS).returning(MEMBERS.c.id)
_SAVE_SOURCES = update(STORIES).where(STORIES.c.id == bindparam("story"))
_WHEN = bindparam("when", type_=STORIES.c.first_seen.type)
_WIDEN_STORY = (
    update(STORIES)
    .where(STORIES.c.id == bindparam("story"))
    .values(
        first_seen=case((STORIES.c.first_seen > _WHEN, _WHEN), else_=STORIES.c.first_seen),
        last_seen=case((STORIES.c.last_seen < _WHEN, _WHEN), else_=STORIES.c.last_seen),
    )
)


@dataclass(frozen=True, slots=True)
class Joined:
    """A membership as the index needs it: which member joined which story, in the order of `id`."""

    id: int
    story: int
    member: Member


@dataclass(frozen=True, slots=True)
class StoryRecord:
    """A story and its reasons, for people: by item id the match and the placement of each member.

    `mergers` holds, by the number of each story that went up in this one, why it did.
    """

    story: Story
    first_seen: datetime
    last_seen: datetime
    muted: datetime | None
    matches: dict[int, Match]
    placements: dict[int, Placement]
    mergers: dict[int, dict[str, Any]]


class StoryRows(Rows):
    """Stories and members, inside a transaction."""

    def members_since(self, topic: str, *, after: int, since: datetime) -> list[Joined]:
        """Give a topic's memberships with an id above `after` in stories still open at `since`, oldest first."""
        chosen = (
            _member_columns()
            .where(MemberRow.topic == topic, MemberRow.id > after, StoryRow.last_seen >= since)
            .order_by(MemberRow.id)
        )
        return [
            Joined(id=membership.id, story=membership.story_id, member=_member(membership, item, feed))
            for membership, item, feed in self.session.execute(chosen)
        ]

    def add_story(self, topic: str, *, first_seen: datetime) -> int:
        """Open a story and give its id."""
        row = {"topic": topic, "first_seen": first_seen, "last_seen": first_seen, "sources": []}
        return int(self.connection.execute(_ADD_STORY, row).scalar_one())

    def add_member(self, story: int, member: Member, *, match: Match, placement: Placement, now: datetime) -> int:
        """Put an item into a story, with the reasons for both; gives the membership's id."""
        row = {
            "story_id": story,
            "item_id": member.id,
            "topic": match.topic,
            "backfill": member.backfill,
            "joined": now,
            "score": placement.score,
            "hits": [asdict(hit) for hit in match.hits],
            "reason": dict(placement.reason),
        }
        self.connection.execute(_WIDEN_STORY, {"story": story, "when": member.when})
        return int(self.connection.execute(_ADD_MEMBER, row).scalar_one())

    def story(self, story: int) -> Story:
        """Give one story with its members, in the order in which they joined."""
        return self.stories([story])[0].story

    def mute_story(self, story: int, *, since: datetime | None) -> None:
        """Tell no more of a story, or with None tell of it again."""
        self.session.execute(update(StoryRow).where(StoryRow.id == story).values(muted=since))

    def inherit_told(self, story: int, told: Iterable[Told]) -> None:
        """Count as told of a story what its readers heard of its members while these were in another one."""
        values = [asdict(entry) for entry in told]
        self.session.execute(update(StoryRow).where(StoryRow.id == story).values(inherited=values))

    def topics_of(self, item: int) -> dict[str, int]:
        """Give the stories that an item is in, by their topics."""
        rows = self.session.execute(
            select(MemberRow.topic, MemberRow.story_id).where(MemberRow.item_id == item).order_by(MemberRow.id)
        )
        return {row.topic: row.story_id for row in rows}

    def save_sources(self, story: int, sources: Sequence[Source]) -> None:
        """Keep what independent sources a story has, as just worked out from its members."""
        values = [asdict(source) for source in sources]
        self.connection.execute(_SAVE_SOURCES, {"story": story, "sources": values})

    def prune_stories(self, *, before: datetime, limit: int) -> int:
        """Drop up to `limit` stories that were never told and are older than that; give how many.

        Their items go on as items that matched nothing, and are dropped as such once their feeds let go of them. What
        went up in them goes with them.
        """
        told = select(AlertRow.story_id)
        idle = (StoryRow.last_seen < before) & StoryRow.id.not_in(told) & StoryRow.merged_into.is_(None)
        old = select(StoryRow.id).where(idle).limit(limit)
        ids = list(self.session.scalars(old))
        items = list(self.session.scalars(select(MemberRow.item_id).where(MemberRow.story_id.in_(ids))))
        self.session.execute(delete(MemberRow).where(MemberRow.story_id.in_(ids)))
        self.session.execute(delete(StoryRow).where(StoryRow.id.in_(ids)))
        still_told = select(MemberRow.item_id)  # by a story of another topic
        freed = ItemRow.id.in_(items) & ItemRow.id.not_in(still_told)
        self.session.execute(update(ItemRow).where(freed).values(matched=False))
        return len(ids)

    def stories(
        self, ids: Iterable[int] | None = None, *, topic: str | None = None, limit: int | None = None
    ) -> list[StoryRecord]:
        """Give stories with their members, the newest first; those that went up in others are left out."""
        chosen = (
            select(StoryRow)
            .where(StoryRow.merged_into.is_(None))
            .order_by(StoryRow.last_seen.desc(), StoryRow.id.desc())
        )
        if ids is not None:
            chosen = chosen.where(StoryRow.id.in_(list(ids)))
        if topic is not None:
            chosen = chosen.where(StoryRow.topic == topic)
        if limit is not None:
            chosen = chosen.limit(limit)
        rows = list(self.session.scalars(chosen))
        members: dict[int, list[tuple[MemberRow, ItemRow, FeedRow]]] = {row.id: [] for row in rows}
        joined = _member_columns().where(MemberRow.story_id.in_(members)).order_by(MemberRow.id)
        for membership, item, feed in self.session.execute(joined):
            members[membership.story_id].append((membership, item, feed))
        mergers: dict[int, dict[int, dict[str, Any]]] = {row.id: {} for row in rows}
        gone = select(StoryRow).where(StoryRow.merged_into.in_(mergers)).order_by(StoryRow.id)
        for row in self.session.scalars(gone):
            mergers[row.merged_into or 0][row.id] = row.merger
        return [_story_record(row, members[row.id], mergers[row.id]) for row in rows]


def _member_columns() -> Select[MemberRow, ItemRow, FeedRow]:
    return (
        select(MemberRow, ItemRow, FeedRow)
        .join(ItemRow, ItemRow.id == MemberRow.item_id)
        .join(FeedRow, FeedRow.id == ItemRow.feed_id)
        .join(StoryRow, StoryRow.id == MemberRow.story_id)
    )


def _member(membership: MemberRow, item: ItemRow, feed: FeedRow) -> Member:
    return Member(
        id=item.id,
        item=Item(
            key=item.key,
            alias=item.alias,
            url=item.url,
            title=item.title,
            summary=item.summary,
            lang=item.lang,
            published=item.published,
            seen=item.seen,
            author=item.author,
        ),
        feed=feed.name or feed.url,
        owner=feed.owner,
        backfill=membership.backfill,
    )


def _story_record(
    row: StoryRow, members: Sequence[tuple[MemberRow, ItemRow, FeedRow]], mergers: dict[int, dict[str, Any]]
) -> StoryRecord:
    return StoryRecord(
        story=Story(
            id=row.id,
            topic=row.topic,
            members=tuple(_member(*columns) for columns in members),
            sources=tuple(_source(value) for value in row.sources),
            muted=row.muted is not None,
        ),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        muted=row.muted,
        matches={item.id: _match(membership) for membership, item, _ in members},
        placements={item.id: _placement(membership) for membership, item, _ in members},
        mergers=mergers,
    )


def _source(value: dict[str, Any]) -> Source:
    return Source(owners=tuple(value["owners"]), members=tuple(value["members"]), why=value["why"])


def _match(membership: MemberRow) -> Match:
    return Match(topic=membership.topic, hits=tuple(Hit(**hit) for hit in membership.hits))


def _placement(membership: MemberRow) -> Placement:
    return Placement(story=membership.story_id, score=membership.score, reason=membership.reason)
