"""What a feed brings: its answer, its entries, its items, and how it fares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Validators:
    """What the last good answer of a feed left behind for a conditional GET (RFC 9110 section 13).

    `body_hash` serves where a server ignores both headers: the same bytes are not parsed again.
    """

    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether a feed's server is believed when it says 304, and until when: then its word is put to the test.

    `until` is None before the first good answer.
    """

    believed: bool = True
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """A feed's document. `headers` has lower-case names; `body` is decompressed.

    `base` is what its links are resolved against: the final address, less what may hold a `${NAME}` of feeds.toml.
    `moved_to` is the address behind a chain of permanent redirects (301, 308) only, else empty. Both may be shown.
    `whole` is False where the connection broke within the body: its last entry may be cut. `tested`: it was asked for
    in full to put a 304 to the test, and differs from what that called unchanged.
    """

    base: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    validators: Validators
    moved_to: str = ""
    whole: bool = True
    tested: bool = False


@dataclass(frozen=True, slots=True)
class NotModified:
    """The feed has not changed: a 304, or (`status` 200) the same bytes as before. `tested`: first one, then the other."""

    status: int
    headers: Mapping[str, str]
    validators: Validators
    moved_to: str = ""
    tested: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the document has it: markup, relative dates and all. Empty strings stand for what is missing."""

    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    author: str = ""
    lang: str = ""
    published: datetime | None = None
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed feed. `kind` is rss, atom, rdf, json or sitemap; `skipped` says in words which entries could not be read.

    `skip_hours` (GMT, 0-23) and `skip_days` (Monday is 0) are when the publisher asks not to be polled.
    """

    kind: str
    title: str
    lang: str
    entries: tuple[Entry, ...]
    skipped: tuple[str, ...] = ()
    min_interval: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Item:
    """One entry, cleaned: plain text, canonical URL, UTC.

    `key` identifies it within its feed: GUID, else canonical URL, else a hash of its text. `alias` knows it again
    when a feed changes its GUIDs: a hash of its words, and of its URL where they are few. `published` is the
    publisher's claim, None where missing or absurd; `seen` is when this program first met it, and is the truth.
    """

    key: str
    url: str
    title: str
    summary: str
    lang: str
    published: datetime | None
    seen: datetime
    author: str = ""
    alias: str = ""

    @property
    def when(self) -> datetime:
        """The time to sort and cluster by: the publisher's, unless it lies after the item was first seen."""
        return self.published if self.published is not None and self.published < self.seen else self.seen


@dataclass(frozen=True, slots=True)
class Reading:
    """What one document brought: its new items, oldest first, and the keys of those that were known already.

    The rest is the Document's.
    """

    title: str
    kind: str
    new: tuple[Item, ...]
    known: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    min_interval: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """What the polls of a feed have left behind, for whoever wants to know how it fares.

    `gap` is the time of which items may have been missed, `notice` what only the operator can mend; `rhythm` belongs
    to the schedule. `added` is when the store first met it; like `next_poll` it is None where no daemon has seen the feed yet. `believed` is False where the server says 304 of what has changed,
    until `believed_until`; otherwise that is when its word is next put to the test.
    """

    url: str
    name: str
    active: bool
    next_poll: datetime | None
    last_polled: datetime | None
    last_success: datetime | None
    last_item: datetime | None
    last_error: str
    last_error_kind: str
    notice: str
    gap: tuple[datetime, datetime] | None
    rhythm: str
    schedule_reason: str
    believed: bool = True
    believed_until: datetime | None = None
    added: datetime | None = None
