"""Every error the program raises on purpose, and whether trying again can help.

MonitorError
├── ConfigError            feeds.toml cannot be used; carries every Problem found
├── QueryError             a topic's query cannot be read; knows where
├── FetchError             one poll of one feed got no usable answer
├── ParseError             what the server sent is not a feed, or was too much to read
├── OpmlError              a list of subscriptions cannot be read
├── StoreError             the database refused
│   ├── StoreBusy          another process holds the lock
│   ├── StoreReadOnly      the file or its folder cannot be written
│   ├── StoreFull          no space left
│   ├── StoreDamaged       the file is not a (whole) database
│   └── StoreTooNew        made by a newer version of this program
├── CorrectionError        what the operator asks of stories cannot be done
└── DeliveryError          one message was not accepted by one channel URL
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


class MonitorError(Exception):
    """Root of the tree. `retry` says whether the same call may succeed later without anyone acting."""

    retry: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with the configuration: where (`line` counts from 1; 0 is the whole file) and what."""

    line: int
    message: str


class ConfigError(MonitorError):
    """feeds.toml cannot be used. `problems` holds everything found, in line order, never a secret value."""

    def __init__(self, path: str, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """Give each problem as `feeds.toml:LINE: message`, or `feeds.toml: message` for the whole file."""
        return [
            f"{self.path}:{problem.line}: {problem.message}" if problem.line else f"{self.path}: {problem.message}"
            for problem in self.problems
        ]


class QueryError(MonitorError):
    """A topic's query cannot be read. `position` is the 0-based character of the query where it goes wrong."""

    def __init__(self, message: str, *, position: int) -> None:
        self.position = position
        super().__init__(message)


class FetchError(MonitorError):
    """A poll got no usable answer. `kind` is its class, the message says it in words without secrets.

    kind is one of: dns, refused, blocked (a private address), tls, timeout, too-large, redirect, proxy, encoding,
    http-4xx, http-5xx, gone (410), busy (429, 503), protocol (anything else the wire does wrong).
    """

    retry = True

    def __init__(
        self, kind: str, message: str, *, status: int | None = None, retry_after: datetime | None = None
    ) -> None:
        self.kind = kind
        self.status = status
        self.retry_after = retry_after
        super().__init__(message)


class ParseError(MonitorError):
    """The body is no feed. `kind`: html, empty, not-a-feed, too-slow, too-much (memory), crashed."""

    retry = True

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class OpmlError(MonitorError):
    """A list of subscriptions cannot be read. `line` counts from 1."""

    def __init__(self, message: str, *, line: int) -> None:
        self.line = line
        super().__init__(message)


class StoreError(MonitorError):
    """The database refused; nothing of the transaction was kept."""


class StoreBusy(StoreError):
    """Another process holds the database's write lock."""

    retry = True


class StoreReadOnly(StoreError):
    """The database file, or the folder it lies in, cannot be written."""


class StoreFull(StoreError):
    """The disk, or the quota, is full."""

    retry = True


class StoreDamaged(StoreError):
    """The file is not a database, or not a whole one."""


class StoreTooNew(StoreError):
    """The database was made by a newer version of this program."""


class CorrectionError(MonitorError):
    """What the operator asks of stories cannot be done, and says what could be."""


class DeliveryError(MonitorError):
    """One channel URL did not take one message. `permanent`: it looks as if no retry could heal it, and is retried slowly. `status`: its HTTP answer, if any."""

    retry = True

    def __init__(self, message: str, *, permanent: bool = False, status: int | None = None) -> None:
        self.permanent = permanent
        self.status = status
        super().__init__(message)
