"""A database URL -> an open store: engine, migrations, transactions, and the database's refusals in plain words."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from monitor.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreReadOnly, StoreTooNew
from monitor.model import Secret
from monitor.store.feeds import FeedRows
from monitor.store.items import ItemRows
from monitor.store.judgements import JudgementRows
from monitor.store.moves import MoveRows
from monitor.store.replay import ReplayRows
from monitor.store.schema import REVISION
from monitor.store.state import StateRows
from monitor.store.totals import TotalRows

T = TypeVar("T")

# How long a transaction waits for another process's, which take milliseconds (a backup reads, and blocks nobody). A
# daemon that is told to stop may have to wait this long too, and systemd is patient for 15 s in all.
BUSY_TIMEOUT = timedelta(seconds=4)
# PostgreSQL: all writers take this advisory lock, as SQLite's BEGIN IMMEDIATE makes them: one clusters at a time.
_WRITER_LOCK = 0x6D6F6E69
# So many works share a transaction at most: it holds the write lock, and others wait for that.
_TOGETHER = 100

# SQLite's result codes (sqlite.org/rescode.html), the primary one in the low byte.
_SQLITE_ERRORS: dict[int, type[StoreError]] = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_READONLY: StoreReadOnly,
    sqlite3.SQLITE_CANTOPEN: StoreReadOnly,
    sqlite3.SQLITE_PERM: StoreReadOnly,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_IOERR: StoreFull,  # what a full disk answers where a file of the WAL cannot be made or grown
    sqlite3.SQLITE_CORRUPT: StoreDamaged,
    sqlite3.SQLITE_NOTADB: StoreDamaged,
}
# PostgreSQL's SQLSTATE (postgresql.org, appendix A).
_POSTGRES_ERRORS: dict[str, type[StoreError]] = {
    "53100": StoreFull,
    "25006": StoreReadOnly,
    "42501": StoreReadOnly,
    "55P03": StoreBusy,
    "40P01": StoreBusy,
}
_DATABASE_HINT = "write sqlite:///monitor.db or postgresql://user@host/name"
_WORDS: dict[type[StoreError], str] = {
    StoreBusy: "another process has held the database for {busy} s; if it is not a backup, find it (fuser {place})",
    StoreReadOnly: "the database cannot be opened for writing; its folder must exist, and the file and the folder belong to the user that runs monitor (ls -ld)",
    StoreFull: "there is no space left for the database (or its disk fails); free some (df -h): nothing is lost, work goes on from the last complete poll",
    StoreDamaged: "this file is not a whole database; put a backup in its place, or move it away to start anew",
}


class Transaction(FeedRows, ItemRows, MoveRows, ReplayRows, JudgementRows, StateRows, TotalRows):
    """Everything that can be read and written, inside one transaction."""


class Store:
    """The database. `write` and `read` give transactions; `run` and `transact` take a function off the event loop.

    One thread does all the work that `run` is given: SQLite has one writer anyway, and a queue is fairer than a lock.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._began: float | None = None
        self._waiting: list[tuple[Callable[[Transaction], Any], asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None

    @property
    def place(self) -> str:
        """Where the database is, fit to be shown: the file, or the URL without its password."""
        return show_place(self._engine.url)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction that writes: all of it is kept, or none.

        Raises:
            StoreError: the database refused; the transaction left nothing behind.
        """
        with self._transaction(writes=True) as transaction:
            yield transaction

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that sees one consistent state and blocks nobody.

        Raises:
            StoreError: the database refused.
        """
        with self._transaction(writes=False) as transaction:
            yield transaction

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Transaction]:
        with (
            plain_errors(self.place),
            self._engine.connect().execution_options(monitor_writes=writes) as connection,
        ):
            transaction = Transaction(connection)
            try:
                with connection.begin():
                    yield transaction
                    transaction.finish()
            except BaseException:  # whatever it was goes on up
                transaction.roll_back()
                raise

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        """Do `work` in a transaction that writes, together with whatever else waits for one.

        All of a work is kept, or none: where works that share a transaction fail, each is done again in one of its
        own. So `work` must bear to be repeated, and fails alone. What shares one also shares its cost: the lock, the
        commit, and the way to the store's thread and back.

        Raises:
            StoreError: the database refused; the work left nothing behind.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_waiting())
        return await done

    async def _write_waiting(self) -> None:
        while self._waiting:
            waiting = [(work, done) for work, done in self._waiting[:_TOGETHER] if not done.cancelled()]
            self._waiting = self._waiting[_TOGETHER:]
            outcomes = await self._write_together([work for work, _ in waiting])
            for (_, done), outcome in zip(waiting, outcomes, strict=True):
                if done.cancelled():
                    continue
                if isinstance(outcome, BaseException):
                    done.set_exception(outcome)
                else:
                    done.set_result(outcome)

    async def _write_together(self, works: Sequence[Callable[[Transaction], Any]]) -> Sequence[Any]:
        """Give what each work gave, or its error."""
        outcome: Any
        (outcome,) = await asyncio.gather(self.run(partial(self._write_all, works)), return_exceptions=True)
        if not isinstance(outcome, BaseException):
            return list(outcome)
        if len(works) == 1 or (isinstance(outcome, StoreError) and outcome.retry):  # it is the same for all of them
            return [outcome] * len(works)
        alone = (self.run(partial(self._write_all, [work])) for work in works)
        outcomes = await asyncio.gather(*alone, return_exceptions=True)
        return [each if isinstance(each, BaseException) else each[0] for each in outcomes]

    def _write_all(self, works: Sequence[Callable[[Transaction], Any]]) -> list[Any]:
        outcomes = []
        with self.write() as tx:
            for work in works:
                outcomes.append(work(tx))
                tx.finish()
        return outcomes

    async def run(self, work: Callable[[], T]) -> T:
        """Do `work` in the store's own thread, one piece after another, so that the event loop never waits."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(self._do, work))

    def _do(self, work: Callable[[], T]) -> T:
        self._began = monotonic()
        try:
            return work()
        finally:
            self._began = None

    def give_back_space(self, *, pages: int) -> None:
        """Give up to `pages` unused pages of a SQLite file back to the disk; PostgreSQL does so by itself.

        Raises:
            StoreError: the database refused.
        """
        if self._engine.dialect.name == "sqlite":
            with self.write() as tx:
                for _ in range(pages):  # SQLite gives back a page at each step, and sqlite3 takes a single one
                    tx.connection.exec_driver_sql("PRAGMA incremental_vacuum")

    @property
    def busy_for(self) -> timedelta:
        """How long the piece of work that `run` is at has taken so far; nothing while there is none."""
        began = self._began
        return timedelta(0) if began is None else timedelta(seconds=monotonic() - began)

    def close(self) -> None:
        """Wait for the piece at work, then let go of the database."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._engine.dispose()


def open_store(url: Secret) -> Store:
    """Open the database at `url`, made or migrated as needed.

    Raises:
        StoreTooNew: a newer version of this program has written it.
        StoreError: it cannot be opened; the message says why and what to do.
    """
    engine = _make_engine(url)
    place = show_place(engine.url)
    try:
        _make_private(engine.url)
        with plain_errors(place):
            with engine.connect().execution_options(monitor_writes=False) as connection:
                current = _current_revision(connection)
            if current != REVISION:
                _migrate(engine, place)
    except BaseException:  # whatever it was goes on up; only the connections must not stay open
        engine.dispose()
        raise
    return Store(engine)


def has_database(url: Secret) -> bool:
    """Tell whether there is a database to read: there is none where the SQLite file has not been made yet.

    Raises:
        StoreError: `url` is none.
    """
    place = _read_url(url)
    if place.get_backend_name() == "sqlite" and place.database:
        try:
            Path(place.database).stat()
        except FileNotFoundError:
            return False
        except OSError:  # it may be there: whoever opens it says what is wrong, and an empty answer would be a lie
            return True
    return True


def _make_private(url: URL) -> None:
    """Make a SQLite file that is not there yet, readable by its owner alone: it tells what is being watched.

    Only in a new file can it be said that the room of what is deleted is to be given back in small steps.
    """
    if url.get_backend_name() == "sqlite" and url.database:
        with suppress(OSError, sqlite3.Error):  # what is wrong with the place, SQLite says better
            os.close(os.open(url.database, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with closing(sqlite3.connect(url.database)) as connection:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("PRAGMA journal_mode = WAL")  # writes the file's first page, and with it both


def show_place(url: URL) -> str:
    """Name the database without its password: a SQLite file by its path."""
    if url.get_backend_name() == "sqlite":
        return url.database or ":memory:"
    return url.render_as_string(hide_password=True)


@contextmanager
def plain_errors(place: str) -> Iterator[None]:
    """Turn the database library's errors into StoreErrors that say what to do."""
    try:
        yield
    except DBAPIError as error:
        kind = _error_kind(error)
        words = _WORDS.get(kind, "the database refused: {error}")
        first_line = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
        message = words.format(busy=int(BUSY_TIMEOUT.total_seconds()), place=place, error=first_line)
        raise kind(f"{place}: {message}") from error


def _error_kind(error: DBAPIError) -> type[StoreError]:
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", 0)
        return _SQLITE_ERRORS.get(code & 0xFF, StoreError)
    return _POSTGRES_ERRORS.get(getattr(error.orig, "sqlstate", None) or "", StoreError)


def _read_url(url: Secret) -> URL:
    try:
        return make_url(url.reveal())
    except ArgumentError as error:
        raise StoreError(f"[monitor] database is not a URL; {_DATABASE_HINT}") from error


def _make_engine(url: Secret) -> Engine:
    parsed = _read_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    arguments: dict[str, Any] = {"timeout": BUSY_TIMEOUT.total_seconds()} if sqlite else {}
    try:
        engine = create_engine(parsed, connect_args=arguments)
    except NoSuchModuleError as error:
        raise StoreError(f"[monitor] database: there is no such kind, {parsed.drivername}; {_DATABASE_HINT}") from error
    except ModuleNotFoundError as error:
        raise StoreError(
            f"{show_place(parsed)}: needs the Python package {error.name}: install monitor[postgresql]"
        ) from error
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", _begin_postgres)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # Transactions are begun by ourselves: sqlite3's own way begins late and takes the write lock later still.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_mode = WAL")
    # In WAL mode NORMAL cannot damage the file (sqlite.org/pragma.html#pragma_synchronous). A power cut may undo the
    # newest transactions, each of them whole: validators go back with the items, and the feed is fetched again.
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the write lock at once: a transaction that reads first can then never fail half-way as busy.
    writes = connection.get_execution_options().get("monitor_writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgres(connection: Connection) -> None:
    if connection.get_execution_options().get("monitor_writes", True):
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _WRITER_LOCK})


def _current_revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine, place: str) -> None:
    # Imported here: nearly every start finds the schema in place and does without it.
    from alembic import command  # noqa: PLC0415 (see above)
    from alembic.config import Config as AlembicConfig  # noqa: PLC0415 (see above)
    from alembic.script import ScriptDirectory  # noqa: PLC0415 (see above)

    settings = AlembicConfig()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    with engine.connect() as connection, connection.begin():
        current = _current_revision(connection)  # read again: another process may have migrated meanwhile
        if current is not None and current not in known:
            raise StoreTooNew(
                f"{place}: a newer version of monitor wrote this database (schema {current}; this one knows {REVISION}); "
                "upgrade monitor, or restore the backup made before the upgrade"
            )
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
