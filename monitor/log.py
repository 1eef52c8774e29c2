"""Events with fields, one line each, on standard error; the only module that knows structlog."""

from __future__ import annotations

import logging
import sys
from typing import Any, cast

import structlog

Logger = structlog.typing.FilteringBoundLogger


def get_logger(**fields: Any) -> Logger:
    """Give a logger whose lines all carry `fields`."""
    return cast("Logger", structlog.get_logger(**fields))


def configure_logging(*, level: str = "info") -> None:
    """Send lines of `level` and above to standard error: coloured on a terminal, `key=value` elsewhere."""
    if sys.stderr.isatty():
        render: list[structlog.typing.Processor] = [structlog.dev.ConsoleRenderer(pad_event_to=20)]
    else:
        logfmt = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
        render = [structlog.processors.format_exc_info, logfmt]  # the console formats tracebacks itself
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True),
            structlog.processors.UnicodeDecoder(),
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
