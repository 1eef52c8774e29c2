"""`monitor backup`: a whole copy of the database while the daemon runs."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.common import read_config, utc_now
from monitor.store import copy_database, has_database

# The names of the copies in a folder; their order is that of time.
_STAMP = "monitor-%Y-%m-%dT%H%M%SZ.db"
_COPIES = "monitor-????-??-??T??????Z.db"


def back_up(option: str | None, target: Path, *, keep: int | None) -> None:
    """Copy the database into `target`: a new file, or a folder, where all but the newest `keep` copies are dropped."""
    config = read_config(option)
    if not has_database(config.database):
        raise click.ClickException("there is no database yet: nothing to copy")
    now = utc_now()
    folder = target if target.is_dir() else None
    file = folder / now.strftime(_STAMP) if folder else target
    if file.exists():
        raise click.ClickException(f"{file} is there already: name another file, or a folder")
    if not file.parent.is_dir():
        raise click.ClickException(f"there is no folder {file.parent}: make it first (mkdir -p)")
    size = copy_database(config.database, file, now=now)
    click.echo(f"{file}: {size / 1_000_000:.1f} MB, checked")
    if folder and keep is not None:
        old = sorted(folder.glob(_COPIES))[:-keep]
        for copy in old:
            copy.unlink()
        if old:
            click.echo(f"{len(old)} older dropped, {keep} kept")
