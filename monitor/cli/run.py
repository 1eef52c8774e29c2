"""`monitor run`: the daemon in the foreground, as systemd wants it."""

from __future__ import annotations

import asyncio
import os
from functools import partial

from monitor.cli.common import worker_count
from monitor.config import find_config, load_config
from monitor.daemon import run_daemon
from monitor.log import configure_logging
from monitor.watch import FileWatch


def run_service(option: str | None) -> None:
    """Serve until SIGTERM or SIGINT."""
    configure_logging()
    path = find_config(option, environ=os.environ)
    load = partial(load_config, path, environ=os.environ)
    asyncio.run(run_daemon(load, watch=FileWatch(path), workers=worker_count()))
