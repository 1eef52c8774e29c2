"""A database URL -> the file behind it, and whether that is whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from monitor.errors import StoreError
from monitor.model import Secret


def locate_file(url: Secret) -> Path | None:
    """Give where the SQLite file is, or would be; None for another kind of database."""
    try:
        place = make_url(url.reveal())
    except ArgumentError:
        return None
    return Path(place.database) if place.get_backend_name() == "sqlite" and place.database else None


def check_file(file: Path) -> tuple[list[str], int, int]:
    """Give the faults that quick_check finds in a SQLite file, its size, and that of its write-ahead log, in bytes.

    Nothing is written, and nobody is held up. Raises StoreError where the file cannot be read as a database.
    """
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            faults = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.Error as error:
        raise StoreError(f"{file} cannot be read: {error}") from error
    wal = file.with_name(f"{file.name}-wal")
    return [fault for fault in faults if fault != "ok"], file.stat().st_size, wal.stat().st_size if wal.exists() else 0
