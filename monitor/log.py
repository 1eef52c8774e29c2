"""Events with fields, one line each, to the journal or on standard error; the only module that knows structlog."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import structlog

Logger = structlog.typing.FilteringBoundLogger

# Where systemd-journald listens for entries with fields (systemd.io/JOURNAL_NATIVE_PROTOCOL).
JOURNAL = Path("/run/systemd/journal/socket")
# The priorities of syslog(3), which `journalctl -p` filters by.
_PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}


def get_logger(**fields: Any) -> Logger:
    """Give a logger whose lines all carry `fields`."""
    return cast("Logger", structlog.get_logger(**fields))


def configure_logging(*, level: str = "info", environ: Mapping[str, str] = os.environ, journal: Path = JOURNAL) -> None:
    """Send lines of `level` and above where they are read best.

    To the journal with a field of its own for each (`FEED=`, `STORY=`, …) where standard error leads there; else to
    standard error, coloured on a terminal and `key=value` elsewhere.
    """
    stamp = structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True)
    factory: Any = structlog.PrintLoggerFactory(sys.stderr)
    if _leads_to_journal(environ):
        render: list[structlog.typing.Processor] = [structlog.processors.format_exc_info, _Entry()]
        factory = _Journal(journal)
    elif sys.stderr.isatty():
        render = [stamp, structlog.dev.ConsoleRenderer(pad_event_to=20)]
    else:
        logfmt = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
        render = [stamp, structlog.processors.format_exc_info, logfmt]  # the console formats tracebacks itself
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.UnicodeDecoder(), *render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=factory,
    )


def _leads_to_journal(environ: Mapping[str, str]) -> bool:
    """Tell whether standard error is the stream that systemd connected to the journal (systemd.exec(5))."""
    try:
        stream = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):  # closed, or replaced by something that is no file
        return False
    return environ.get("JOURNAL_STREAM") == f"{stream.st_dev}:{stream.st_ino}"


class _Entry:
    """Makes of an event what journald takes: its line as the message, and each of its fields."""

    def __init__(self) -> None:
        self._line = structlog.processors.LogfmtRenderer(key_order=["event"])

    def __call__(self, logger: Any, name: str, event: structlog.typing.EventDict) -> tuple[tuple[Any, ...], Any]:
        level, traceback = event.pop("level"), event.pop("exception", "")
        fields = {key: value for key, value in event.items() if key != "event"}
        line = self._line(logger, name, dict(event)).removeprefix("event=")
        entry = {"MESSAGE": f"{line}\n{traceback}" if traceback else line, "PRIORITY": _PRIORITIES[level]}
        entry |= {"SYSLOG_IDENTIFIER": "monitor"} | {key.upper(): value for key, value in fields.items()}
        return (), {"line": f"{level}: {entry['MESSAGE']}", "entry": b"".join(map(_pack, entry.items()))}


def _pack(field: tuple[str, Any]) -> bytes:
    """Write a field with the length of its value, so that a line break in it begins no other field."""
    name, value = field[0].encode(), str(field[1]).encode("utf-8", "replace")
    return name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


class _Journal:
    """A logger that sends entries to journald, and what it does not take as plain lines to standard error.

    The journal never holds up the daemon: the socket does not block.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __call__(self, *_arguments: object) -> _Journal:
        """Serve as its own factory."""
        return self

    def msg(self, *, line: str, entry: bytes) -> None:
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        try:
            with socket.socket(socket.AF_UNIX, kind) as client:
                client.sendto(entry, self._path)
        except OSError:  # it is restarting, its queue is full, or the entry is too long for one datagram
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - the journal reads standard error as well

    critical = error = warning = info = debug = msg
