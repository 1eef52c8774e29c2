"""The nouns, in the order in which one item travels. Values only: frozen, slotted, no behaviour to speak of.

All times are aware UTC datetimes. What may hold a credential is a `Secret`; everything else may be shown to anyone
who may read the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Network = IPv4Network | IPv6Network
UTC_ZONE = ZoneInfo("UTC")
_LATE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Secret:
    """A string that must not be seen: it prints as stars, and only `reveal` gives it."""

    _value: str

    def reveal(self) -> str:
        """Give the value, to be used at once and never stored, logged or shown."""
        return self._value

    @property
    def fingerprint(self) -> str:
        """Tell two secrets apart without showing either: the start of a SHA-256."""
        return sha256(self._value.encode()).hexdigest()[:16]

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__


# --- feeds.toml: what the operator wants ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """`[fetch]`: how every feed is fetched unless it says otherwise. Sizes are bytes after decompression.

    `per_host` and `per_domain` are requests at once, `spacing` is the time between the starts of two to one host.
    """

    min_interval: timedelta = timedelta(minutes=5)
    max_interval: timedelta = timedelta(hours=6)
    timeout: timedelta = timedelta(seconds=20)
    max_bytes: int = 8 * 1024 * 1024
    concurrency: int = 64
    per_host: int = 2
    per_domain: int = 4
    spacing: timedelta = timedelta(seconds=1)
    proxy: Secret = Secret("")
    stream_isolation: bool = False
    allow_private: tuple[Network, ...] = ()
    backfill: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Feed:
    """`[[feed]]`: a document to poll.

    `url` is as the operator wrote it, `${NAME}` left standing and any password masked: it names the feed in the
    database and on every page. `address` is what is really fetched. `owner` groups outlets that are one source.
    """

    url: str
    address: Secret
    owner: str
    name: str = ""
    lang: str = ""
    tags: tuple[str, ...] = ()
    interval: timedelta | None = None
    proxy: Secret | None = None
    timeout: timedelta | None = None
    max_bytes: int | None = None
    headers: Mapping[str, Secret] = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Topic:
    """`[[topic]]`: what is looked for. `languages` and `feeds` (names or tags) narrow it; empty means all.

    `strictness` is added to the likeness from which on an item joins a story.
    """

    name: str
    query: str
    window: timedelta = timedelta(days=7)
    strictness: float = 0.0
    languages: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()


class Detail(StrEnum):
    """How much a channel's messages may say."""

    FULL = "full"
    TITLE = "title"
    DISCREET = "discreet"


@dataclass(frozen=True, slots=True)
class Quiet:
    """Local times between which a channel is held; `start` > `end` spans midnight."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Template:
    """The template of a channel's messages: its file as feeds.toml names it, and what stands in the file."""

    path: str
    source: str


@dataclass(frozen=True, slots=True)
class Channel:
    """`[[channel]]`: where alerts go. Each of `urls` is delivered to, and retried, alone."""

    name: str
    urls: tuple[Secret, ...]
    detail: Detail = Detail.FULL
    lang: str = "en"
    burst: int = 5
    quiet: Quiet | None = None
    template: Template | None = None


class Event(StrEnum):
    """A development of a story that is worth one alert."""

    NEW = "new"
    CORROBORATED = "corroborated"
    GROWTH = "growth"
    REVISED = "revised"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Schedule:
    """`hourly`, `daily HH:MM` or `weekly DAY HH:MM` in the operator's time zone. `weekday`: Monday is 0."""

    every: str
    at: time = time(0, 0)
    weekday: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """`[[alert]]`: which events of which topics go to which channels."""

    topics: tuple[str, ...]
    channels: tuple[str, ...]
    on: frozenset[Event] = frozenset({Event.NEW, Event.CORROBORATED})
    min_sources: int = 1
    growth: tuple[int, ...] = (5, 20)
    digest: Schedule | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`[[heartbeat]]`: proof of life."""

    channels: tuple[str, ...]
    at: Schedule


@dataclass(frozen=True, slots=True)
class Web:
    """`[web]`: where the daemon answers about itself; an empty host turns that off."""

    host: str = "127.0.0.1"
    port: int = 8642
    token: Secret = Secret("")


@dataclass(frozen=True, slots=True)
class Config:
    """All of feeds.toml, checked: every name refers to something, every query compiles, every URL is known."""

    path: Path
    database: Secret
    feeds: tuple[Feed, ...]
    topics: tuple[Topic, ...]
    channels: tuple[Channel, ...]
    rules: tuple[Rule, ...]
    heartbeats: tuple[Heartbeat, ...] = ()
    contact: str = ""
    timezone: ZoneInfo = UTC_ZONE
    retention: timedelta = timedelta(days=365)
    unmatched_retention: timedelta = timedelta(days=30)
    operators: tuple[str, ...] = ()
    fetch: FetchSettings = FetchSettings()
    web: Web = Web()

    def channel(self, name: str) -> Channel | None:
        """Find a channel; None where feeds.toml has it no longer."""
        return next((channel for channel in self.channels if channel.name == name), None)

    def operator_channels(self, *, besides: str = "") -> tuple[Channel, ...]:
        """Give the channels that hear of the program's own troubles, less the one that is the trouble."""
        return tuple(channel for channel in self.channels if channel.name in self.operators and channel.name != besides)


# --- fetch ---------------------------------------------------------------------------------------------------------


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


# --- parse, normalise ----------------------------------------------------------------------------------------------


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


# --- match, cluster ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hit:
    """A term of the query, where it was found (`title`, `summary`, …) and the word that it met."""

    term: str
    where: str
    word: str


@dataclass(frozen=True, slots=True)
class Match:
    """A topic that an item belongs to, and the terms that say so."""

    topic: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """An item as the story stages see it: with the feed and owner it came from, and its row's id.

    `backfill` marks what was already old on its feed's first poll: it counts, but causes no alert. `tags` are its
    feed's.
    """

    id: int
    item: Item
    feed: str
    owner: str
    backfill: bool = False
    tags: tuple[str, ...] = ()

    @property
    def when(self) -> datetime:
        """The time to gather by. A date from long before the item was first seen is believed of backfill only.

        Its feed was polled then and did not have it: it is late, or bears the date of a document, and is news now.
        """
        return self.item.when if self.backfill else max(self.item.when, self.item.seen - _LATE)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an item belongs and why. `story` is None for a new one.

    `reason` is made of plain JSON values: the score and its parts, the threshold, the nearest member, the runner-up.
    `rivals` are other stories that the item would nearly have joined, the nearest first: they may be one with `story`.
    """

    story: int | None
    score: float
    reason: Mapping[str, Any]
    rivals: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Merger:
    """Two stories that prove to be one, and why, in plain JSON values: the score, its threshold, of how many pairs."""

    stories: tuple[int, int]
    reason: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """An independent source: outlets that share an owner or a text. `why` says what binds them.

    `agency` is whom its reports credit, empty where they credit nobody.
    """

    owners: tuple[str, ...]
    members: tuple[int, ...]
    why: str = ""
    agency: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """Items of one topic that tell the same event, oldest first, and the independent sources among them.

    `muted`: the operator wants to hear no more of it.
    """

    id: int
    topic: str
    members: tuple[Member, ...]
    sources: tuple[Source, ...]
    muted: bool = False

    @property
    def title(self) -> str:
        """The first member's title: it never changes, so every message names the story alike."""
        return self.members[0].item.title

    @property
    def owners(self) -> tuple[str, ...]:
        """Who published it, each once, first come first."""
        return tuple(dict.fromkeys(member.owner for member in self.members))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it was told in, each once, first come first."""
        return tuple(dict.fromkeys(member.item.lang for member in self.members if member.item.lang))


@dataclass(frozen=True, slots=True)
class Judgement:
    """The operator's word on two items (their rows' ids, the smaller first) of one topic: one story, or two.

    These are the must-link and cannot-link constraints of Wagstaff et al., "Constrained K-means Clustering with
    Background Knowledge" (2001).
    """

    one: int
    other: int
    same: bool


# --- decide, store, render, deliver --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """What one channel has been told of one story, or will be: the outbox keeps its promise.

    `sources` is how many independent sources the story had then.
    """

    channel: str
    event: Event
    sources: int = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """A decision to tell some channels of one or several events of a story, in one message.

    `reason` says it in words, an event each; `sources` is how many independent ones the story has. `urgent` passes
    digests and quiet hours; `digest`: only rules with a digest led to it.
    """

    story: int
    topic: str
    events: tuple[Event, ...]
    channels: tuple[str, ...]
    reason: Mapping[str, str]
    urgent: bool = False
    digest: bool = False
    sources: int = 0


class Status(StrEnum):
    """Where a delivery stands. `held` waits for its time (digest, quiet hours, burst); `dead` was given up and reported."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    DEAD = "dead"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Version:
    """The words of an entry from `seen` on, until the next version was seen."""

    title: str
    summary: str
    seen: datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """A member of a story (`item`, its row's id) whose words were changed in substance after it was told."""

    item: int
    old: Version
    new: Version


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed row of the outbox: one alert on its way to one URL of one channel.

    `ordinal` is the URL's place in the channel; `target` its fingerprint, which finds it again after a reordering.
    `attempts` counts those before this one, `first_attempt` is when the first of them began. `previous` is when this
    URL was last sent something about the story, None where this is its first message. Where the events name them,
    `revisions` and `withdrawn` (item ids) are what happened to members since this URL was last told of such. `words`
    are what the topic's query met in the members.
    """

    id: int
    alert: int
    story: Story
    topic: str
    events: tuple[Event, ...]
    reason: Mapping[str, str]
    channel: str
    ordinal: int
    target: str
    attempts: int
    created: datetime
    first_attempt: datetime
    previous: datetime | None = None
    revisions: tuple[Revision, ...] = ()
    withdrawn: tuple[int, ...] = ()
    words: tuple[str, ...] = ()


class Bundle(StrEnum):
    """Why several deliveries to one channel URL are one message."""

    DIGEST = "digest"
    QUIET = "quiet"
    BURST = "burst"
    OUTAGE = "outage"
    RESTORED = "restored"


class NoticeKind(StrEnum):
    """What a notice is about. `Notice.facts` holds what is named behind each.

    HEARTBEAT: since (ISO 8601), stories, topics, feeds, healthy (counts), silent, failing, rolling (lists of names).
    DEAD: channel, url (its number, from 1), deliveries (count), error, since (ISO 8601).
    CONFIG: path, problems (lines). STORE: error, since (ISO 8601). TEMPLATE: channel, path, error.
    """

    HEARTBEAT = "heartbeat"
    DEAD = "dead"
    CONFIG = "config"
    STORE = "store"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Notice:
    """A message about the program itself; `facts` are plain JSON values that its words are made of."""

    kind: NoticeKind
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of the outbox that waits for its message, as far as its time depends on it. `story` is None for a notice.

    `why` is the summary that it belongs to, if any; `alone`: a summary with it was refused, so it goes by itself.
    """

    id: int
    story: int | None
    topic: str
    created: datetime
    next_attempt: datetime
    attempts: int = 0
    urgent: bool = False
    digest: bool = False
    alone: bool = False
    why: Bundle | None = None
    notice: NoticeKind | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """What waits for one channel URL, oldest first, and what it got lately: a time and a number of stories each."""

    channel: str
    ordinal: int
    target: str
    waiting: tuple[Waiting, ...]
    recent: tuple[tuple[datetime, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes to one channel URL in one message: an alert, a summary of several (`bundle`), or a notice.

    `ids` are all its rows of the outbox: those that tell of one story are one delivery here. `attempts` and
    `first_attempt` are those of the row that was tried most often.
    """

    ids: tuple[int, ...]
    channel: str
    ordinal: int
    target: str
    attempts: int
    first_attempt: datetime
    deliveries: tuple[Delivery, ...] = ()
    bundle: Bundle | None = None
    notice: Notice | None = None


class Format(StrEnum):
    """How a service reads a message's body."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Medium:
    """What the service behind a channel URL takes: its scheme, the format it shows, and its limits in characters.

    A `title_limit` of 0 means that the service has no title and shows it as the body's first line. `threads`: it
    shows messages of one title together, as mail programs do.
    """

    scheme: str = ""
    format: Format = Format.TEXT
    title_limit: int = 250
    body_limit: int = 1_900
    threads: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is sent, already within the channel's `detail` and the service's limits.

    `thread` is the same for all messages about one story ("" where there is none); `reply`: an earlier one was sent.
    `fault` says what is wrong with the channel's template, in whose stead the program's own words are sent.
    """

    title: str
    body: str
    format: Format = Format.TEXT
    thread: str = ""
    reply: bool = False
    fault: str = ""


# --- health --------------------------------------------------------------------------------------------------------


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
