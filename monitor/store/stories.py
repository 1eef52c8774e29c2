"""What the store knows of stories and their members."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Row, bindparam, case, delete, func, insert, select, update

from monitor.model import Hit, Item, Match, Member, Placement, Source, Story, Told
from monitor.store.rows import Rows
from monitor.store.schema import FEEDS, ITEMS, MEMBERS, STORIES, AlertRow, ItemRow, MemberRow, StoryRow

_AnyRow: TypeAlias = Row[*tuple[Any, ...]]

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
_MEMBER = (
    select(
        *MEMBERS.c["id", "story_id", "topic", "backfill", "score", "hits", "reason"],
        ITEMS.c.id.label("item_id"),
        *ITEMS.c["key", "alias", "url", "title", "summary", "lang", "author", "published", "seen"],
        FEEDS.c.name.label("feed"),
        FEEDS.c.url.label("feed_url"),
        FEEDS.c.owner,
        FEEDS.c.tags,
    )
    .join_from(MEMBERS, ITEMS, ITEMS.c.id == MEMBERS.c.item_id)
    .join(FEEDS, FEEDS.c.id == ITEMS.c.feed_id)
    .order_by(MEMBERS.c.id)
)
_MEMBERS_OF = _MEMBER.where(MEMBERS.c.story_id.in_(bindparam("stories", expanding=True)))
_MEMBERS_SINCE = _MEMBER.join(STORIES, STORIES.c.id == MEMBERS.c.story_id).where(
    MEMBERS.c.topic == bindparam("topic"), MEMBERS.c.id > bindparam("after"), STORIES.c.last_seen >= bindparam("since")
)
_STORY = select(*STORIES.c["id", "topic", "sources", "muted"]).where(STORIES.c.id == bindparam("story"))


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
        rows = self.connection.execute(_MEMBERS_SINCE, {"topic": topic, "after": after, "since": since})
        return [Joined(id=row.id, story=row.story_id, member=_member(row)) for row in rows]

    def count_told_of(self, topics: Sequence[str], *, since: datetime) -> int:
        """Count the stories of these topics that a report joined since then."""
        joined = select(func.count(func.distinct(MemberRow.story_id)))
        return self.session.scalar(joined.where(MemberRow.topic.in_(topics), MemberRow.joined > since)) or 0

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
        row = self.connection.execute(_STORY, {"story": story}).one()
        return _story(row, self.connection.execute(_MEMBERS_OF, {"stories": [story]}))

    def mute_story(self, story: int, *, since: datetime | None) -> None:
        """Tell no more of a story, or with None tell of it again."""
        self.session.execute(update(StoryRow).where(StoryRow.id == story).values(muted=since))

    def inherit_told(self, story: int, told: Iterable[Told]) -> None:
        """Count as told of a story what its readers heard of its members while these were in another one, but for when."""
        values = [{"channel": entry.channel, "event": entry.event, "sources": entry.sources} for entry in told]
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
        members: dict[int, list[_AnyRow]] = {row.id: [] for row in rows}
        for member in self.connection.execute(_MEMBERS_OF, {"stories": list(members)}):
            members[member.story_id].append(member)
        mergers: dict[int, dict[int, dict[str, Any]]] = {row.id: {} for row in rows}
        gone = select(StoryRow).where(StoryRow.merged_into.in_(mergers)).order_by(StoryRow.id)
        for row in self.session.scalars(gone):
            mergers[row.merged_into or 0][row.id] = row.merger
        return [_story_record(row, members[row.id], mergers[row.id]) for row in rows]


def _member(row: _AnyRow) -> Member:
    return Member(
        id=row.item_id,
        item=read_item(row),
        feed=row.feed or row.feed_url,
        owner=row.owner,
        backfill=row.backfill,
        tags=tuple(row.tags),
    )


def read_item(row: ItemRow | _AnyRow) -> Item:
    """Give the item that a row holds."""
    return Item(
        key=row.key,
        alias=row.alias,
        url=row.url,
        title=row.title,
        summary=row.summary,
        lang=row.lang,
        published=row.published,
        seen=row.seen,
        author=row.author,
    )


def _story(row: StoryRow | _AnyRow, members: Iterable[_AnyRow]) -> Story:
    return Story(
        id=row.id,
        topic=row.topic,
        members=tuple(map(_member, members)),
        sources=tuple(_source(value) for value in row.sources),
        muted=row.muted is not None,
    )


def _story_record(row: StoryRow, members: Sequence[_AnyRow], mergers: dict[int, dict[str, Any]]) -> StoryRecord:
    return StoryRecord(
        story=_story(row, members),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        muted=row.muted,
        matches={member.item_id: _match(member) for member in members},
        placements={member.item_id: _placement(member) for member in members},
        mergers=mergers,
    )


def _source(value: dict[str, Any]) -> Source:
    return Source(tuple(value["owners"]), tuple(value["members"]), why=value["why"], agency=value["agency"])


def _match(member: _AnyRow) -> Match:
    return Match(topic=member.topic, hits=tuple(Hit(**hit) for hit in member.hits))


def _placement(member: _AnyRow) -> Placement:
    return Placement(story=member.story_id, score=member.score, reason=member.reason)
