"""An installation of its own for each test, with loopback feeds and channels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.program import Installation, NotifySocket, wait_until
from tests.servers import FeedServer
from tests.sinks import HttpSink


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Installation]:
    """A folder for feeds.toml and the database; nothing that its commands started may outlive the test."""
    installation = Installation(tmp_path)
    yield installation
    wait_until(lambda: not installation.processes(), "no process is left", seconds=10)


@pytest.fixture
def outlets() -> Iterator[FeedServer]:
    """A web server for feeds."""
    with FeedServer.threaded() as server:
        yield server


@pytest.fixture
def desk() -> Iterator[HttpSink]:
    """A web server for channels."""
    with HttpSink() as sink:
        yield sink


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[NotifySocket]:
    """A socket in the place of systemd's."""
    with NotifySocket(tmp_path / "notify") as notify:
        yield notify
