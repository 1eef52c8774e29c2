"""What is told: alerts, their way through the outbox, and the messages made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from monitor.model.settings import Event
from monitor.model.stories import Story


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
