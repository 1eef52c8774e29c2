"""What the daemon tells systemd, and how often systemd wants to hear from it (sd_notify(3), sd_watchdog_enabled(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from time import CLOCK_MONOTONIC, clock_gettime_ns


def watchdog_timeout(environ: Mapping[str, str]) -> timedelta | None:
    """Give after what silence systemd kills the daemon; None where it does not watch."""
    allowed = environ.get("WATCHDOG_USEC", "")
    return timedelta(microseconds=int(allowed)) if allowed.isdigit() and int(allowed) else None


def reloading() -> str:
    """Say that a reload has begun; READY=1 ends it. A unit of Type=notify-reload waits for both (systemd 253)."""
    return f"RELOADING=1\nMONOTONIC_USEC={clock_gettime_ns(CLOCK_MONOTONIC) // 1000}"


def notify_systemd(state: str, *, environ: Mapping[str, str] = os.environ) -> None:
    """Tell systemd how the service fares; without a NOTIFY_SOCKET nothing happens."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    # A full or vanished socket is no reason to stop monitoring, nor to wait: systemd will miss the watchdog and act.
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    with socket.socket(socket.AF_UNIX, kind) as client, suppress(OSError):
        client.sendto(state.encode(), address)
