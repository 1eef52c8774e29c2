"""An open SQLite database -> a whole copy of it in another file, made while others write."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import mkstemp

from sqlalchemy.engine import make_url

from monitor.errors import StoreDamaged, StoreError
from monitor.model import Secret

# The row of `state` by which a copy is known for one: it says when it was made.
MARK = "backup_made"


def copy_database(url: Secret, target: Path, *, now: datetime) -> int:
    """Copy the SQLite database at `url` to `target` by SQLite's online backup, and give the copy's size in bytes.

    The copy is one consistent state, checked, readable by its owner alone, and put in place only when it is whole; a
    writer is not held up. It bears a mark, so that whoever opens it knows that it was restored (sqlite.org/backup.html).

    Raises:
        StoreError: the database is not SQLite, cannot be read, or the copy cannot be written.
    """
    place = make_url(url.reveal())
    if place.get_backend_name() != "sqlite" or not place.database:
        raise StoreError("only SQLite databases are copied by this command; for PostgreSQL use pg_dump")
    try:
        handle, name = mkstemp(dir=target.parent, prefix=f".{target.name}.")
        os.close(handle)
        part = Path(name)
        try:
            _copy(Path(place.database), part, now=now)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target.stat().st_size
    except sqlite3.Error as error:
        raise StoreError(f"{place.database} cannot be copied to {target}: {error}") from error
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}") from error


def _copy(source: Path, part: Path, *, now: datetime) -> None:
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as original,
        closing(sqlite3.connect(part)) as copy,
    ):
        original.backup(copy)
        # The copy is one file: nobody has to think of a -wal beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
        faults = [row[0] for row in copy.execute("PRAGMA quick_check(3)")]
        if faults != ["ok"]:
            raise StoreDamaged(f"{source} is damaged, the copy is not kept: {'; '.join(faults)}")
        copy.execute("REPLACE INTO state (name, value) VALUES (?, ?)", (MARK, now.isoformat()))
        copy.commit()
    with part.open("rb+") as written:
        os.fsync(written.fileno())
