from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing import active_children, get_context
from pathlib import Path
from types import MappingProxyType

import pytest

from monitor import reading
from monitor.errors import ParseError
from monitor.model import Reading, Response, Validators
from monitor.reading import MEMORY, Reader, read_response

NOW = datetime(2017, 4, 5, 12, tzinfo=UTC)
FEED = b"""<rss version="2.0"><channel><title>The &amp;amp; Courier</title><language>en</language><ttl>30</ttl>
<item><guid>1</guid><link>https://h.example/1</link><title>First</title><pubDate>Mon, 03 Apr 2017 08:00 GMT</pubDate></item>
<item><guid>2</guid><link>https://h.example/2</link><title>Second</title><pubDate>Tue, 04 Apr 2017 08:00 GMT</pubDate></item>
<item><guid>2</guid><link>https://h.example/2</link><title>Second</title><pubDate>Tue, 04 Apr 2017 08:00 GMT</pubDate></item>
<item></item></channel></rss>"""
# feedparser looks each attribute up among all: quadratic, and no option turns it off.
ENDLESS = (
    b"<!DOCTYPE rss><rss><channel><item " + b" ".join(b'a%d="1"' % n for n in range(40_000)) + b"/></channel></rss>"
)
DEADLINE_OF_A_TEST = 20.0


def response(body: bytes) -> Response:
    headers = MappingProxyType({"content-type": "application/xml"})  # as HTTP libraries have them: it does not pickle
    return Response(base="https://h.example/feed", status=200, headers=headers, body=body, validators=Validators())


def read_here(body: bytes, *known: str) -> Reading:
    return read_response(response(body), lang="", known=frozenset(known), now=NOW)


async def read_there(reader: Reader, body: bytes) -> Reading:
    return await reader.read(response(body), lang="", known=frozenset(), now=NOW)


def workers() -> set[int]:
    return {child.pid for child in active_children() if child.pid is not None}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def cpu_ticks(pid: int) -> int:
    """Give the processor time that a process has taken, in hundredths of a second: a busy one has some."""
    user, system = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[11:13]
    return int(user) + int(system)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_OF_A_TEST):
        while not condition():  # noqa: ASYNC110 - the state of a process sends no event
            await asyncio.sleep(0.01)


def test_a_document_becomes_items_oldest_first_each_once() -> None:
    read = read_here(FEED)
    assert (read.title, read.kind, read.min_interval) == ("The & Courier", "rss", timedelta(minutes=30))
    assert [(item.key, item.title, item.lang, item.seen) for item in read.new] == [
        ("g:1", "First", "en", NOW),
        ("g:2", "Second", "en", NOW),
    ]
    assert read.known == ()
    assert read.skipped == ("entry 4: it has neither title, text, link nor identifier",)


def test_what_is_known_is_not_new() -> None:
    read = read_here(FEED, "g:2", "g:0")
    assert [item.key for item in read.new] == ["g:1"]
    assert read.known == ("g:2",)


def test_a_feed_that_changes_its_guids_brings_nothing_new() -> None:
    aliases = [item.alias for item in read_here(FEED).new]
    churned = FEED.replace(b"<guid>", b"<guid>build-77-")
    read = read_here(churned, "g:1", "g:2", *aliases)
    assert read.new == ()
    assert set(read.known) == set(aliases)


async def test_a_worker_reads_what_this_process_reads() -> None:
    async with Reader(1) as reader:
        assert await read_there(reader, FEED) == read_here(FEED)


async def test_a_refusal_comes_back_from_the_worker_as_it_is() -> None:
    async with Reader(1) as reader:
        with pytest.raises(ParseError, match="an HTML page instead of a feed") as refused:
            await read_there(reader, b"<html></html>")
    assert refused.value.kind == "html"


async def test_no_process_is_started_before_the_first_read_and_none_is_left() -> None:
    before = workers()
    async with Reader(1):
        pass
    async with Reader(2) as reader:
        assert workers() == before
        await read_there(reader, FEED)
        assert len(workers() - before) == 2
        closing = time.monotonic()
    assert workers() == before
    assert time.monotonic() - closing < 1


async def test_a_document_that_takes_too_long_fails_alone() -> None:
    async with Reader(1, deadline=timedelta(seconds=0.5)) as reader:
        with pytest.raises(ParseError, match=r"took longer than 0\.5 s to read") as failed:
            await read_there(reader, ENDLESS)
        assert failed.value.kind == "too-slow"
        assert (await read_there(reader, FEED)).kind == "rss"


async def test_a_document_that_takes_too_much_memory_fails_alone() -> None:
    huge = b"<rss><channel><item><title>" + b"word " * 3_000_000 + b"</title></item></channel></rss>"
    async with Reader(1, memory=64 * 1024 * 1024) as reader:
        with pytest.raises(ParseError, match="took more than 64 MiB of memory to read") as failed:
            await read_there(reader, huge)
        assert failed.value.kind == "too-much"
        assert (await read_there(reader, FEED)).kind == "rss"


async def test_a_worker_that_dies_fails_its_document_alone() -> None:
    before = workers()
    async with Reader(1) as reader:
        await read_there(reader, FEED)
        (worker,) = workers() - before
        spent = cpu_ticks(worker)
        task = asyncio.create_task(read_there(reader, ENDLESS))
        await until(lambda: cpu_ticks(worker) > spent + 20)
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(ParseError, match="the parser died over the document of 419 KiB") as failed:
            await task
        assert failed.value.kind == "crashed"
        assert (await read_there(reader, FEED)).kind == "rss"


async def test_a_worker_that_dies_idle_harms_no_later_read() -> None:
    """pebble gives its pool up when a worker dies without a task; the reader opens another."""
    before = workers()
    async with Reader(1) as reader:
        await read_there(reader, FEED)
        (worker,) = workers() - before
        os.kill(worker, signal.SIGKILL)
        await until(lambda: reader._pool is not None and not reader._pool.active)
        assert (await read_there(reader, FEED)).kind == "rss"
    assert workers() == before


async def test_what_runs_is_finished_though_everyone_is_told_to_stop() -> None:
    """systemd sends SIGTERM, and a terminal SIGINT, to every process of the unit."""
    before = workers()
    async with Reader(1) as reader:
        await read_there(reader, FEED)
        for worker in workers() - before:
            os.kill(worker, signal.SIGTERM)
            os.kill(worker, signal.SIGINT)
        assert (await read_there(reader, FEED)).kind == "rss"


async def test_reads_still_running_are_cancelled_when_the_reader_closes() -> None:
    async with Reader(1) as reader:
        task = asyncio.create_task(read_there(reader, ENDLESS))
        await until(lambda: bool(reader._running))
    with pytest.raises(asyncio.CancelledError):
        await task


PARENT = """
import asyncio
from test_reading import ENDLESS, FEED, Reader, cpu_ticks, read_there, workers

async def main():
    async with Reader(2) as reader:
        await read_there(reader, FEED)
        spent = {pid: cpu_ticks(pid) for pid in workers()}
        task = asyncio.create_task(read_there(reader, ENDLESS))
        while not any(cpu_ticks(pid) > ticks + 60 for pid, ticks in spent.items()):
            await asyncio.sleep(0.01)
        print(*spent, flush=True)
        await task

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_a_parent_killed_leaves_no_orphans(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT, "utf-8")
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(here), str(here.parent)))}
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        orphans = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(orphans) == 2
        killed = time.monotonic()
        parent.kill()
        asyncio.run(until(lambda: not any(map(is_alive, orphans))))
        assert time.monotonic() - killed < 2, "they lived on until their document was read"


@pytest.mark.parametrize(("parent", "code"), [(os.getpid(), 0), (1, 1)], ids=["its parent's", "an orphan"])
def test_a_worker_lives_only_under_its_parent(parent: int, code: int) -> None:
    worker = get_context("spawn").Process(target=reading._prepare_worker, args=(MEMORY, parent))
    worker.start()
    worker.join(DEADLINE_OF_A_TEST)
    assert worker.exitcode == code


def test_what_a_worker_answers_can_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exceptions of two arguments do not unpickle, and would bring pebble's pool down."""

    def exhaust(*_: object, **__: object) -> Reading:
        raise MemoryError

    assert reading._read(response(FEED), "", frozenset(), NOW) == read_here(FEED)
    assert reading._read(response(b""), "", frozenset(), NOW) == (
        "empty",
        "the server sent an empty document instead of a feed",
    )
    monkeypatch.setattr(reading, "read_response", exhaust)
    assert reading._read(response(FEED), "", frozenset(), NOW) == ("too-much", "")
