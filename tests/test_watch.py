"""A file is taken up once it has changed and come to rest, however it is written and wherever its links lead."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor import watch
from monitor.watch import FileWatch

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def _kernel_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is noticed in these tests the kernel has told: nothing is looked at by itself. A file rests for a shorter time."""
    monkeypatch.setattr(watch, "LOOK", 3 * PATIENCE)
    monkeypatch.setattr(watch, "REST", 0.15)


@asynccontextmanager
async def watched(path: Path) -> AsyncIterator[Callable[[], int]]:
    """Watch a file that is there, and give what counts the words that came of it once the watch is on."""
    file_watch, words = FileWatch(path), 0

    async def count() -> None:
        nonlocal words
        async for _ in file_watch.changes():
            words += 1

    task = asyncio.create_task(count())
    while not words:
        await asyncio.sleep(3 * watch.REST)
        change_rights(path)
    await asyncio.sleep(3 * watch.REST)
    before = words
    yield lambda: words - before
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def comes(words: Callable[[], int], count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while words() < count:  # noqa: ASYNC110 - what is counted has no event
            await asyncio.sleep(0.02)
    assert words() == count


def write_in_place(path: Path) -> None:
    path.write_text("new")


def rename_over(path: Path) -> None:
    other = path.with_name(".feeds.toml.swp")
    other.write_text("new")
    other.rename(path)


def move_away_and_write(path: Path) -> None:
    path.rename(path.with_name("feeds.toml~"))
    path.write_text("new")


def change_rights(path: Path) -> None:
    path.chmod(path.stat().st_mode ^ 0o040)


@pytest.mark.parametrize("write", [write_in_place, rename_over, move_away_and_write, change_rights])
async def test_a_changed_file_is_noticed_each_time(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text("old")
    async with watched(path) as words:
        write(path)
        await comes(words, 1)
        path.write_text("newer")
        await comes(words, 2)


async def test_a_file_that_is_gone_and_back_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text("old")
    async with watched(path) as words:
        path.unlink()
        await comes(words, 1)
        path.write_text("new")
        await comes(words, 2)


async def test_a_swapped_link_of_a_config_map_is_noticed(tmp_path: Path) -> None:
    """As Kubernetes does it: only the link of the folder is replaced, by a rename."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "feeds.toml").write_text(name)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "feeds.toml").symlink_to("..data/feeds.toml")
    async with watched(tmp_path / "feeds.toml") as words:
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").rename(tmp_path / "..data")
        await comes(words, 1)
        (tmp_path / "two" / "feeds.toml").write_text("more")
        await comes(words, 2)


async def test_a_file_behind_a_link_is_noticed_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv" / "feeds.toml").write_text("old")
    (tmp_path / "etc" / "feeds.toml").symlink_to(tmp_path / "srv" / "feeds.toml")
    async with watched(tmp_path / "etc" / "feeds.toml") as words:
        rename_over(tmp_path / "srv" / "feeds.toml")
        await comes(words, 1)


async def test_what_else_happens_in_the_folder_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text("old")
    async with watched(path) as words:
        for number in range(20):
            (tmp_path / "monitor.db-wal").write_text(str(number))
            await asyncio.sleep(0.01)
        path.write_text("new")
        await comes(words, 1)


async def test_a_file_that_is_still_being_written_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text("old")
    async with watched(path) as words:
        for number in range(8):
            path.write_text("new" * number)
            await asyncio.sleep(watch.REST / 3)
        assert not words()
        await comes(words, 1)


async def test_what_was_taken_is_no_change(tmp_path: Path) -> None:
    """A reload by a signal has read the file already."""
    path = tmp_path / "feeds.toml"
    path.write_text("old")
    file_watch = FileWatch(path)
    path.write_text("new")
    file_watch.take()
    changes = file_watch.changes()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(changes), 4 * watch.REST)


@contextmanager
def no_more_files() -> Iterator[None]:
    """Leave the process without another file descriptor, as a limit of inotify does for watching."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_where_nothing_can_be_watched_the_file_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK", 0.1)
    path = tmp_path / "feeds.toml"
    path.write_text("old")
    with path.open("w") as file, capture_logs() as logs, no_more_files():
        async with watched(path) as words:
            await asyncio.sleep(0.3)
            file.write("new")
            file.flush()
            await comes(words, 1)
    (warning,) = logs
    assert warning["event"] == "the folder cannot be watched, the file is looked at now and then"
    assert "Too many open files" in warning["error"]
