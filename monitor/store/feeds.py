"""What the store knows of feeds and their items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, insert, or_, select, update

from monitor.model import Feed, FeedHealth, Item, Trust, Validators
from monitor.store.lease import is_gone, own_name
from monitor.store.rows import Rows
from monitor.store.schema import FEEDS, ITEMS, FeedRow, ItemRow

# `present` is written at most this often per item, so that an unchanged document costs no writes.
PRESENCE_GRAIN = timedelta(days=1)
# SQLite takes at most 32,766 values in one statement (sqlite.org/limits.html); well below that is as fast.
_CHUNK = 500

# What every poll runs, built once.
_STATE = (
    "id", "url", "name", "etag", "last_modified", "body_hash", "believed", "believed_until", "rhythm", "next_poll",
    "leased_until", "added", "last_polled", "last_success",
)  # fmt: skip
_FREE = or_(FEEDS.c.leased_until.is_(None), FEEDS.c.leased_until <= bindparam("now"))
_READY = and_(FEEDS.c.active, _FREE, FEEDS.c.next_poll <= bindparam("due_before"))
_CHOSEN = select(FEEDS.c.id).where(_READY).order_by(FEEDS.c.next_poll, FEEDS.c.id).limit(bindparam("most"))
_CLAIM = update(FEEDS).where(FEEDS.c.id.in_(_CHOSEN)).returning(*(FEEDS.c[name] for name in _STATE))
_UPDATE_FEED = update(FEEDS).where(FEEDS.c.id == bindparam("feed"))
_KNOWN = select(ITEMS.c.key, ITEMS.c.alias, ITEMS.c.present).where(ITEMS.c.feed_id == bindparam("feed"))
_ADD_ITEMS = insert(ITEMS)
_ADD_ITEM = insert(ITEMS).returning(ITEMS.c.id)


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed's row: what the polls so far have left behind. `rhythm` belongs to the schedule."""

    id: int
    url: str
    name: str
    validators: Validators
    trust: Trust
    rhythm: str
    next_poll: datetime
    leased_until: datetime
    added: datetime
    last_polled: datetime | None
    last_success: datetime | None


@dataclass(frozen=True, slots=True)
class KnownItems:
    """The items of a feed that are stored, each by its key and its alias.

    `overdue` are those among these names whose presence in the document was last recorded a day ago or longer.
    """

    names: frozenset[str] = frozenset()
    overdue: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PollRecord:
    """What one poll leaves in a feed's row.

    `validators` and `trust` are those of a good answer, None after an error, which `error` then tells. `parsed`: a document came;
    `brought_items`: it held new ones. `gap` is kept until the next one, everything else until the next poll.
    """

    now: datetime
    next_poll: datetime
    rhythm: str
    reason: str
    notice: str = ""
    gap: tuple[datetime, datetime] | None = None
    validators: Validators | None = None
    trust: Trust | None = None
    parsed: bool = False
    brought_items: bool = False
    error_kind: str = ""
    error: str = ""


class FeedRows(Rows):
    """Feeds and items, inside a transaction."""

    def sync_feeds(self, feeds: Sequence[Feed], *, now: datetime) -> None:
        """Make the rows follow feeds.toml: new feeds are due at once, dropped ones rest with their state.

        A fixed interval that was shortened holds from the last poll on, unless that failed: a back-off is seen through.
        """
        rows = {row.url: row for row in self.session.scalars(select(FeedRow))}
        for feed in feeds:
            row = rows.pop(feed.url, None)
            if row is None:
                row = FeedRow(url=feed.url, added=now, next_poll=now)
                self.session.add(row)
            row.owner = feed.owner
            row.tags = list(feed.tags)
            row.active = feed.enabled
            row.name = feed.name or row.name or ""
            if feed.interval and row.last_polled and not row.last_error_kind:
                row.next_poll = min(row.next_poll, row.last_polled + feed.interval)
        for row in rows.values():
            row.active = False
        self.session.flush()

    def planned_polls(self) -> dict[int, tuple[datetime, datetime | None]]:
        """Give when each feed is due next and was polled last, by id, in the order in which they were added."""
        planned = select(FeedRow.id, FeedRow.next_poll, FeedRow.last_polled).where(FeedRow.active).order_by(FeedRow.id)
        return {feed: (due, polled) for feed, due, polled in self.session.execute(planned)}

    def move_polls(self, due: Mapping[int, datetime]) -> None:
        """Set anew when these feeds are due."""
        if due:
            self.session.execute(update(FeedRow), [{"id": feed, "next_poll": when} for feed, when in due.items()])

    def claim_feeds(
        self, *, now: datetime, lease: timedelta, limit: int, due_before: datetime | None = None
    ) -> list[FeedState]:
        """Take feeds that are due (by `due_before`, else `now`), the longest overdue first.

        Nobody else gets them for `lease`.
        """
        claimed = self.connection.execute(
            _CLAIM,
            {
                "now": now,
                "due_before": due_before or now,
                "most": limit,
                "leased_until": now + lease,
                "leased_by": own_name(),
            },
        )
        return sorted(map(_feed_state, claimed), key=lambda state: (state.next_poll, state.id))

    def release_feeds(self, feeds: Sequence[int]) -> None:
        """Give back the leases of these feeds: they are due again at once."""
        self.session.execute(update(FeedRow).where(FeedRow.id.in_(feeds)).values(leased_until=None))

    def release_abandoned_feeds(self) -> None:
        """Give back what programs held that run no more."""
        holders = self.session.scalars(select(FeedRow.leased_by).where(FeedRow.leased_until.is_not(None)).distinct())
        if gone := [holder for holder in holders if is_gone(holder)]:
            self.session.execute(update(FeedRow).where(FeedRow.leased_by.in_(gone)).values(leased_until=None))

    def known_items(self, feed_id: int, *, now: datetime) -> KnownItems:
        """Give the keys and aliases of all items of a feed that are stored."""
        names: list[str] = []
        overdue: list[str] = []
        for key, alias, present in self.connection.execute(_KNOWN, {"feed": feed_id}):
            names += (key, alias)
            if present < now - PRESENCE_GRAIN:
                overdue += (key, alias)
        return KnownItems(frozenset(filter(None, names)), frozenset(filter(None, overdue)))

    def stored_keys(self, feed_id: int, keys: Sequence[str]) -> frozenset[str]:
        """Give those of `keys` that a feed has items for: another program may have been faster."""
        chosen = (
            select(ItemRow.key).where(ItemRow.feed_id == feed_id, ItemRow.key.in_(chunk)) for chunk in chunks(keys)
        )
        return frozenset(key for some in chosen for key in self.session.scalars(some))

    def name_feed(self, feed_id: int, title: str) -> None:
        """Give a feed that has no name the title of its document."""
        self._update_feed(feed_id, name=title)

    def save_poll(self, feed_id: int, poll: PollRecord) -> None:
        """Record a poll, and give back the lease."""
        values: dict[str, Any] = {
            "last_polled": poll.now,
            "next_poll": poll.next_poll,
            "rhythm": poll.rhythm,
            "schedule_reason": poll.reason,
            "notice": poll.notice,
            "leased_until": None,
            "last_error_kind": poll.error_kind,
            "last_error": poll.error,
        }
        if poll.gap is not None:
            values |= {"gap_start": poll.gap[0], "gap_end": poll.gap[1]}
        if poll.validators is not None:
            values |= {
                "last_success": poll.now,
                "etag": poll.validators.etag,
                "last_modified": poll.validators.last_modified,
                "body_hash": poll.validators.body_hash,
            }
        if poll.trust is not None:
            values |= {"believed": poll.trust.believed, "believed_until": poll.trust.until}
        if poll.parsed:
            values["last_parsed"] = poll.now
        if poll.brought_items:
            values["last_item"] = poll.now
        self._update_feed(feed_id, **values)

    def save_present(self, feed_id: int, known: Sequence[str], *, now: datetime) -> None:
        """Record which known items, named by key or alias, a document still holds."""
        for chunk in chunks(known):
            named = or_(ItemRow.key.in_(chunk), ItemRow.alias.in_(chunk))
            stale = and_(ItemRow.feed_id == feed_id, named, ItemRow.present < now - PRESENCE_GRAIN)
            self.session.execute(update(ItemRow).where(stale).values(present=now))

    def add_items(self, feed_id: int, items: Sequence[Item], *, matched: bool) -> list[int]:
        """Store new items. Of those that a topic wants, the ids are given, in the same order; of others nothing."""
        rows = [item_row(feed_id, item, matched=matched) for item in items]
        if matched:
            return [self.connection.execute(_ADD_ITEM, row).scalar_one() for row in rows]
        if rows:
            self.connection.execute(_ADD_ITEMS, rows)
        return []

    def prune_items(self, *, unmatched_before: datetime, limit: int) -> int:
        """Drop up to `limit` items that matched nothing and left their feed's document before then; give how many.

        An item is kept while its feed may still hold it, since to drop it would make it new again, and alert: only
        feeds that were parsed since, without it, count.
        """
        parsed_since = FeedRow.last_parsed >= unmatched_before + 2 * PRESENCE_GRAIN
        gone = and_(~ItemRow.matched, ItemRow.present < unmatched_before, ItemRow.feed_id == FeedRow.id, parsed_since)
        ids = list(self.session.scalars(select(ItemRow.id).where(gone).limit(limit)))
        for chunk in chunks(ids):
            self.session.execute(delete(ItemRow).where(ItemRow.id.in_(chunk)))
        return len(ids)

    def feed_health(self) -> list[FeedHealth]:
        """Give every feed's state, in the order in which they were added."""
        return [_feed_health(row) for row in self.session.scalars(select(FeedRow).order_by(FeedRow.id))]

    def _update_feed(self, feed_id: int, **values: Any) -> None:
        self.connection.execute(_UPDATE_FEED, {"feed": feed_id, **values})


def item_row(feed_id: int, item: Item, *, matched: bool) -> dict[str, Any]:
    """Give the columns of a new item of a feed."""
    return {
        "feed_id": feed_id,
        "key": item.key,
        "alias": item.alias,
        "url": item.url,
        "title": item.title,
        "summary": item.summary,
        "lang": item.lang,
        "author": item.author,
        "published": item.published,
        "seen": item.seen,
        "present": item.seen,
        "matched": matched,
    }


def _feed_state(row: Row[Any]) -> FeedState:
    return FeedState(
        id=row.id,
        url=row.url,
        name=row.name,
        validators=Validators(etag=row.etag, last_modified=row.last_modified, body_hash=row.body_hash),
        trust=Trust(believed=row.believed, until=row.believed_until),
        rhythm=row.rhythm,
        next_poll=row.next_poll,
        leased_until=row.leased_until,
        added=row.added,
        last_polled=row.last_polled,
        last_success=row.last_success,
    )


def _feed_health(row: FeedRow) -> FeedHealth:
    return FeedHealth(
        url=row.url,
        name=row.name,
        active=row.active,
        added=row.added,
        next_poll=row.next_poll,
        last_polled=row.last_polled,
        last_success=row.last_success,
        last_item=row.last_item,
        last_error=row.last_error,
        last_error_kind=row.last_error_kind,
        notice=row.notice,
        gap=(row.gap_start, row.gap_end) if row.gap_start and row.gap_end else None,
        rhythm=row.rhythm,
        schedule_reason=row.schedule_reason,
        believed=row.believed,
        believed_until=row.believed_until,
    )


def chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Cut values into parts that one statement takes."""
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
