"""What the operator wants: feeds.toml as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from zoneinfo import ZoneInfo

Network = IPv4Network | IPv6Network
UTC_ZONE = ZoneInfo("UTC")


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
