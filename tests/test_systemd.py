"""What the daemon tells systemd: alive only while every loop gets on, and how a reload goes."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from monitor.daemon import _Daemon, _Signals
from monitor.model import Config, Secret
from monitor.progress import Progress
from monitor.reading import Reader
from monitor.store import Store, open_store
from monitor.systemd import notify_systemd, reloading, watchdog_timeout
from monitor.watch import FileWatch

WATCHDOG = timedelta(milliseconds=400)


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What systemd hears, on a socket in the place of its own."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", str(WATCHDOG // timedelta(microseconds=1)))
        yield listening


async def hear(heard: socket.socket, words: str, *, seconds: float = 20) -> None:
    """Wait until systemd is told something with these words in it."""
    async with asyncio.timeout(seconds):
        while words not in (await asyncio.get_running_loop().sock_recv(heard, 4096)).decode():
            pass


def hear_all(heard: socket.socket) -> list[str]:
    """Give what was told and not heard yet."""
    told = []
    while True:
        try:
            told.append(heard.recv(4096).decode())
        except BlockingIOError:
            return told


@asynccontextmanager
async def running(store: Store, tmp_path: Path) -> AsyncIterator[_Signals]:
    """A daemon of no feeds at work over `store`."""
    config = Config(tmp_path / "feeds.toml", Secret(""), feeds=(), topics=(), channels=(), rules=())
    signals = _Signals()
    async with Reader(1) as reader:
        serving = asyncio.create_task(
            _Daemon(lambda: config, config, store, reader, signals, FileWatch(config.path)).serve()
        )
        try:
            yield signals
        finally:
            signals.stopping.set()
            await serving


async def test_a_stuck_store_is_left_to_the_watchdog(store: Store, tmp_path: Path, heard: socket.socket) -> None:
    """While its thread hangs systemd hears nothing, though the event loop turns; then the daemon is alive again."""
    gate = Event()
    async with running(store, tmp_path):
        await hear(heard, "WATCHDOG=1")
        stuck = asyncio.create_task(store.run(gate.wait))
        try:
            await hear(heard, "STATUS=stuck, to be restarted by the watchdog: ")
            hear_all(heard)
            await hear(heard, "store for ")  # by name: other loops may wait for it
            assert "WATCHDOG=1" not in hear_all(heard)
        finally:
            gate.set()
        await stuck
        await hear(heard, "WATCHDOG=1")


@pytest.mark.parametrize("loop", ["_poll_tick", "_delivery_tick"])
async def test_a_loop_that_hangs_is_left_to_the_watchdog(
    loop: str, store: Store, tmp_path: Path, heard: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = {"_poll_tick": "scheduler", "_delivery_tick": "delivery"}[loop]
    tick = getattr(_Daemon, loop)

    async def tick_once_and_hang(daemon: _Daemon) -> None:
        await tick(daemon)
        await asyncio.Event().wait()

    monkeypatch.setattr(_Daemon, loop, tick_once_and_hang)
    async with running(store, tmp_path):
        await hear(heard, "WATCHDOG=1")
        await hear(heard, f"STATUS=stuck, to be restarted by the watchdog: {name} for ")


async def test_a_reload_is_announced_and_ended(store: Store, tmp_path: Path, heard: socket.socket) -> None:
    """As a unit of Type=notify-reload wants it."""
    async with running(store, tmp_path) as signals:
        await hear(heard, "READY=1")
        signals.reload.set()
        await hear(heard, "RELOADING=1")
        await hear(heard, "READY=1")


def test_the_time_of_a_reload_is_that_of_systemds_clock() -> None:
    before = time.monotonic_ns() // 1000
    told = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", reloading())
    assert told is not None
    assert before <= int(told[1]) <= time.monotonic_ns() // 1000


@pytest.mark.parametrize(("allowed", "seconds"), [("60000000", 60), ("0", None), ("", None), ("soon", None)])
def test_the_watchdog_has_the_patience_that_systemd_says(allowed: str, seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert watchdog_timeout({"WATCHDOG_USEC": allowed}) == expected


def test_an_abstract_socket_is_told_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0monitor-{time.monotonic_ns()}")
        notify_systemd("READY=1", environ={"NOTIFY_SOCKET": "@" + listening.getsockname()[1:].decode()})
        assert listening.recv(100) == b"READY=1"


def test_a_loop_is_stuck_when_its_last_mark_is_too_old() -> None:
    now = 100.0
    progress = Progress(clock=lambda: now)
    progress.mark("scheduler")
    now = 130.0
    progress.mark("delivery")
    now = 161.0
    assert progress.stuck(after=timedelta(seconds=60)) == {"scheduler": timedelta(seconds=61)}
    assert progress.stuck(after=timedelta(seconds=61)) == {}


async def test_the_store_tells_how_long_its_work_takes(tmp_path: Path) -> None:
    gate, begun = Event(), Event()
    store = open_store(Secret(f"sqlite:///{tmp_path}/monitor.db"))
    assert store.busy_for == timedelta(0)

    def wait() -> None:
        begun.set()
        gate.wait()

    work = asyncio.create_task(store.run(wait))
    await asyncio.to_thread(begun.wait)
    assert store.busy_for > timedelta(0)
    gate.set()
    await work
    assert store.busy_for == timedelta(0)
    store.close()
