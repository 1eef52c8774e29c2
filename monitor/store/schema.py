"""The tables, typed. Every time is stored as UTC; every id grows and is never used again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

# The newest migration (migrations/versions); a test holds the two together.
REVISION = "0001"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime, stored without its zone so that SQLite and PostgreSQL sort it alike."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """Refuse a naive time (it would be a bug) and drop the zone of a UTC one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (the same)
        """Give the time back as UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """What all tables share: names for every constraint, so that later migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: UtcDateTime(), dict[str, Any]: JSON(), list[Any]: JSON()}


class FeedRow(Base):
    """A feed's state between polls. `url` is as the operator wrote it; no secret is stored."""

    __tablename__ = "feed"
    __table_args__ = (
        UniqueConstraint("url"),
        Index(None, "active", "next_poll"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, default="")
    owner: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[list[Any]] = mapped_column(default=list)
    active: Mapped[bool] = mapped_column(default=True)
    etag: Mapped[str] = mapped_column(Text, default="")
    last_modified: Mapped[str] = mapped_column(Text, default="")
    body_hash: Mapped[str] = mapped_column(String(64), default="")
    believed: Mapped[bool] = mapped_column(default=True)
    believed_until: Mapped[datetime | None]
    rhythm: Mapped[str] = mapped_column(Text, default="")
    next_poll: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    leased_by: Mapped[str] = mapped_column(Text, default="")
    added: Mapped[datetime]
    last_polled: Mapped[datetime | None]
    last_success: Mapped[datetime | None]
    last_parsed: Mapped[datetime | None]
    last_item: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(Text, default="")
    last_error_kind: Mapped[str] = mapped_column(String(20), default="")
    schedule_reason: Mapped[str] = mapped_column(Text, default="")
    notice: Mapped[str] = mapped_column(Text, default="")
    gap_start: Mapped[datetime | None]
    gap_end: Mapped[datetime | None]


class ItemRow(Base):
    """An item, once per feed. `present` is when it was last known to stand in the feed's document."""

    __tablename__ = "item"
    __table_args__ = (
        UniqueConstraint("feed_id", "key"),
        Index(None, "feed_id", "alias"),
        Index(None, "url"),
        Index(None, "matched", "present"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id"))
    key: Mapped[str] = mapped_column(Text)
    alias: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text)
    lang: Mapped[str] = mapped_column(String(12))
    author: Mapped[str] = mapped_column(Text)
    published: Mapped[datetime | None]
    seen: Mapped[datetime]
    present: Mapped[datetime]
    matched: Mapped[bool] = mapped_column(default=False)


class StoryRow(Base):
    """A story. `sources` holds its independent sources as last worked out: a list of `model.Source` as JSON.

    `merged_into` is set once all its members have gone there, `merger` then says why. `inherited` is what its readers heard of these members
    before they were split off another story: a list of `model.Told` as JSON. `muted` is since when.
    """

    __tablename__ = "story"
    __table_args__ = (Index(None, "topic", "last_seen"), Index(None, "merged_into"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    sources: Mapped[list[Any]] = mapped_column(default=list)
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("story.id", ondelete="CASCADE"))
    merger: Mapped[dict[str, Any]] = mapped_column(default=dict)
    inherited: Mapped[list[Any]] = mapped_column(default=list)
    muted: Mapped[datetime | None]


class MemberRow(Base):
    """An item's place in a story of one topic, with the reasons for both as they were decided.

    `joined` is when it came into this story. What moves from another one is a new row: it comes after those that were
    there, and whoever asks for what is newer than it knows learns of it.
    """

    __tablename__ = "member"
    __table_args__ = (
        UniqueConstraint("topic", "item_id"),
        Index(None, "story_id"),
        Index(None, "item_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    story_id: Mapped[int] = mapped_column(ForeignKey("story.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    topic: Mapped[str] = mapped_column(Text)
    backfill: Mapped[bool] = mapped_column(default=False)
    joined: Mapped[datetime]
    score: Mapped[float]
    hits: Mapped[list[Any]]
    reason: Mapped[dict[str, Any]]


class JudgementRow(Base):
    """The operator's word on two items of one topic, the one with the smaller id first: one story, or two."""

    __tablename__ = "judgement"
    __table_args__ = (UniqueConstraint("topic", "one", "other"), Index(None, "other"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    one: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"))
    other: Mapped[int] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"))
    same: Mapped[bool]
    made: Mapped[datetime]


class AlertRow(Base):
    """A decision to tell: the events of one story in one message, and the reason for each.

    `sources` is how many independent sources the story had.
    """

    __tablename__ = "alert"
    __table_args__ = (Index(None, "story_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    story_id: Mapped[int] = mapped_column(ForeignKey("story.id"))
    events: Mapped[list[Any]]
    reason: Mapped[dict[str, Any]]
    urgent: Mapped[bool] = mapped_column(default=False)
    sources: Mapped[int] = mapped_column(default=0)
    digest: Mapped[bool] = mapped_column(default=False)
    created: Mapped[datetime]


class NoticeRow(Base):
    """A message about the program itself: `model.Notice`."""

    __tablename__ = "notice"
    __table_args__ = (Index(None, "kind", "created"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    facts: Mapped[dict[str, Any]]
    created: Mapped[datetime]


class DeliveryRow(Base):
    """The outbox: one alert or notice on its way to one URL of one channel (known by its place and fingerprint only).

    `why` is the summary (`model.Bundle`) that it waits for or went with, `alone` forbids one, and `parcel` is the
    first row of the message that it was sent in.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("alert_id", "channel", "ordinal"),
        UniqueConstraint("notice_id", "channel", "ordinal"),
        CheckConstraint("(alert_id IS NULL) != (notice_id IS NULL)", name="alert_or_notice"),
        Index(None, "status", "next_attempt"),
        Index(None, "sent"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"))
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"))
    channel: Mapped[str] = mapped_column(Text)
    ordinal: Mapped[int]
    target: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(8))
    why: Mapped[str | None] = mapped_column(String(8))
    alone: Mapped[bool] = mapped_column(default=False)
    parcel: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(default=0)
    created: Mapped[datetime]
    next_attempt: Mapped[datetime]
    first_attempt: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    leased_by: Mapped[str] = mapped_column(Text, default="")
    sent: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(Text, default="")


class StateRow(Base):
    """What the program remembers of itself between runs, by name."""

    __tablename__ = "state"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Text)


# The tables by themselves, for statements that go to the connection.
FEEDS, ITEMS, STORIES, MEMBERS, ALERTS, DELIVERIES = (
    Base.metadata.tables[name] for name in ("feed", "item", "story", "member", "alert", "delivery")
)
