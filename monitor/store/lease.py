"""Who holds a lease: a program on a machine, and whether it still runs."""

from __future__ import annotations

import os
import socket


def own_name() -> str:
    """Name this program, as the holder of leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_gone(holder: str) -> bool:
    """Tell whether a holder certainly runs no more; of other machines' programs nobody here knows, their leases run out."""
    host, _, pid = holder.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it runs, as another user
        return False
    return False
