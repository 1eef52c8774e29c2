"""How long the daemon's loops have not come on -> what keeps it from being ready, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

# The ticks come every second; what takes longest between two signs of life is a database that another program holds
# (4 s), and a message that is on its way (30 s).
STALLED_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the daemon is. `synced`: the store follows the configuration. `waits`: for how long each loop has not come on."""

    synced: bool = False
    waits: Mapping[str, timedelta] = field(default_factory=dict)


def find_hindrances(vitals: Vitals, *, database: str) -> list[str]:
    """Say what keeps the daemon from its work; nothing where it is ready. `database` is why that does not answer."""
    if not vitals.synced:
        return [*filter(None, [database]), "starting: the feeds of feeds.toml are not in the database yet"]
    stalled = (
        f"{loop}: no progress for {wait.total_seconds():.0f} s"
        for loop, wait in vitals.waits.items()
        if wait > STALLED_AFTER
    )
    return [*filter(None, [database]), *stalled]
