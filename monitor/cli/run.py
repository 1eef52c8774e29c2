"""`monitor run`: the daemon in the foreground, as systemd wants it."""

from __future__ import annotations

import asyncio
from functools import partial

from monitor.cli.common import read_config, worker_count
from monitor.daemon import run_daemon
from monitor.log import configure_logging


def run_service(option: str | None) -> None:
    """Serve until SIGTERM or SIGINT."""
    configure_logging()
    asyncio.run(run_daemon(partial(read_config, option), workers=worker_count()))
