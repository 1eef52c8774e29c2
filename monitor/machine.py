"""This machine -> what can be measured of it: names, ports, the clock, versions."""

from __future__ import annotations

import asyncio
import platform
import sqlite3
import subprocess
from collections.abc import Awaitable, Iterable
from importlib.metadata import version

_PATIENCE = 5.0  # seconds
_LIBRARIES = ("aiohttp", "apprise", "feedparser", "sqlalchemy")


async def resolve_names(hosts: Iterable[str]) -> dict[str, str]:
    """Look names up, all at once; give for each what was wrong, or nothing."""
    names = list(hosts)
    loop = asyncio.get_running_loop()
    errors = await asyncio.gather(*(_try(loop.getaddrinfo(name, None)) for name in names))
    return dict(zip(names, errors, strict=True))


async def reach_port(host: str, port: int) -> str:
    """Connect and hang up; give what was wrong, or nothing."""

    async def connect() -> None:
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()

    return await _try(connect())


async def _try(attempt: Awaitable[object]) -> str:
    try:
        await asyncio.wait_for(attempt, _PATIENCE)
    except TimeoutError:
        return f"no answer within {_PATIENCE:g} s"
    except OSError as error:
        return error.strerror or str(error)
    except UnicodeError:
        return "this is no name"
    return ""


def is_clock_synchronised() -> bool | None:
    """Ask systemd whether the clock is kept right by a time server; None where it cannot say."""
    command = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=_PATIENCE, check=True)  # noqa: S603 (fixed words)
    except (OSError, subprocess.SubprocessError):
        return None
    return {"yes": True, "no": False}.get(done.stdout.strip())


def list_versions() -> dict[str, str]:
    """Give the versions of what the program stands on."""
    return {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version} | {
        name: version(name) for name in _LIBRARIES
    }
