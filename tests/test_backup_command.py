"""`monitor backup`: a whole copy while others write, that knows itself for a copy."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from monitor.errors import StoreError
from monitor.model import Secret
from monitor.store import copy_database, open_store
from tests.acceptance.program import ARREST, Installation, rss
from tests.makers import NOW
from tests.servers import FeedServer


@pytest.fixture
def monitor(tmp_path: Path) -> Installation:
    """An installation with a database that has been used."""
    installation = Installation(tmp_path)
    with FeedServer.threaded() as outlets:
        installation.configure({"Kurier": outlets.serve("/kurier", rss(ARREST))}, {"desk": "print://"})
        assert installation.run("once").returncode == 0
    return installation


def ask(database: Path, query: str) -> list[tuple[object, ...]]:
    """Ask a database file."""
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.execute(query))


def test_a_copy_is_whole_private_and_says_when_it_was_made(monitor: Installation, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    done = monitor.run("backup", str(copy))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{copy}: ")
    assert done.stdout.endswith(" MB, checked\n")
    assert ask(copy, "SELECT title FROM item") == [(ARREST.title,)]
    assert ask(copy, "PRAGMA integrity_check") == [("ok",)]
    assert ask(copy, "PRAGMA journal_mode") == [("delete",)]
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(monitor.database)) as original:
        assert original.execute("SELECT count(*) FROM state WHERE name = 'backup_made'").fetchone() == (0,)
    ((made,),) = ask(copy, "SELECT value FROM state WHERE name = 'backup_made'")
    assert str(made).startswith("20")


def test_a_copy_is_made_while_another_program_writes(tmp_path: Path) -> None:
    """What that had committed is in the copy, what it had not is not; and neither waits for the other."""
    url = Secret(f"sqlite:///{tmp_path}/monitor.db")
    store = open_store(url)
    try:
        with store.write() as tx:
            tx.set_state("told", "yes")
        with store.write() as tx:
            tx.set_state("untold", "yes")
            copy_database(url, tmp_path / "copy.db", now=NOW)
    finally:
        store.close()
    names = {name for (name,) in ask(tmp_path / "copy.db", "SELECT name FROM state")}
    assert names == {"told", "backup_made"}


def test_nothing_is_overwritten(monitor: Installation, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious", encoding="utf-8")
    done = monitor.run("backup", str(tmp_path / "copy.db"))
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert (tmp_path / "copy.db").read_text(encoding="utf-8") == "precious"


def test_a_folder_keeps_the_newest_copies(monitor: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for year in (2019, 2020, 2021):
        (folder / f"monitor-{year}-01-01T000000Z.db").touch()
    (folder / "notes.txt").touch()
    done = monitor.run("backup", "--keep", "2", str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("2 older dropped, 2 kept\n")
    names = sorted(path.name for path in folder.iterdir())
    assert names[0] == "monitor-2021-01-01T000000Z.db"
    assert names[1].startswith("monitor-20")
    assert names[2:] == ["notes.txt"]


def test_a_missing_folder_or_database_is_named(monitor: Installation, tmp_path: Path) -> None:
    assert f"there is no folder {tmp_path}/none" in monitor.run("backup", f"{tmp_path}/none/copy.db").stderr
    for file in tmp_path.glob("monitor.db*"):
        file.unlink()
    assert "there is no database yet" in monitor.run("backup", str(tmp_path / "copy.db")).stderr
    assert not monitor.database.exists()


def test_a_damaged_database_is_not_copied_over_a_good_backup(monitor: Installation, tmp_path: Path) -> None:
    """Nor is a half copy left behind."""
    size = monitor.database.stat().st_size
    with monitor.database.open("rb+") as file:
        file.seek(size // 2)
        file.write(b"\xff" * (size // 2))
    url = Secret(f"sqlite:///{monitor.database}")
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        copy_database(url, tmp_path / "copy.db", now=NOW)
    assert [path.name for path in tmp_path.glob("*copy*")] == []


def test_postgresql_is_left_to_its_own_tool(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="pg_dump"):
        copy_database(Secret("postgresql://localhost/monitor"), tmp_path / "copy.db", now=NOW)


def test_a_full_disk_leaves_the_backup_before(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        copy_database(Secret(f"sqlite:///{tmp_path}/monitor.db"), Path("/proc/copy.db"), now=NOW)


def test_a_copy_can_be_put_in_the_place_of_the_database(monitor: Installation, tmp_path: Path) -> None:
    """As the how-to says: what was told before the backup is not told again."""
    assert monitor.run("backup", str(tmp_path / "copy.db")).returncode == 0
    for file in tmp_path.glob("monitor.db*"):
        file.unlink()
    shutil.copy(tmp_path / "copy.db", monitor.database)
    assert monitor.deliveries() == ["sent"]
    listed = monitor.run("stories")
    assert ARREST.title.split()[0] in listed.stdout


def test_unused_pages_are_given_back_in_steps(tmp_path: Path) -> None:
    url = Secret(f"sqlite:///{tmp_path}/monitor.db")
    store = open_store(url)
    try:
        with store.write() as tx:
            tx.set_state("long", "x" * 4_000_000)
        with store.write() as tx:
            tx.clear_state("long")
        pages = ask(tmp_path / "monitor.db", "PRAGMA page_count")[0][0]
        store.give_back_space(pages=100)
        assert ask(tmp_path / "monitor.db", "PRAGMA page_count")[0][0] == int(str(pages)) - 100
    finally:
        store.close()


def test_a_fault_that_copies_well_is_found_in_the_copy(monitor: Installation, tmp_path: Path) -> None:
    """A column that must hold something holds nothing: every page can be read, and yet it is damaged."""
    with closing(sqlite3.connect(monitor.database)) as connection, connection:
        connection.execute("CREATE TABLE odd (word)")
        connection.execute("INSERT INTO odd VALUES (NULL)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE odd (word NOT NULL)' WHERE name = 'odd'")
    with pytest.raises(StoreError, match=r"is damaged, the copy is not kept: NULL value in odd.word"):
        copy_database(Secret(f"sqlite:///{monitor.database}"), tmp_path / "copy.db", now=NOW)
    assert [path.name for path in tmp_path.glob("*copy*")] == []
