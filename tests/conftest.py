"""What many tests need: a time, a real store, and makers of the nouns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.model import Secret
from monitor.store import Store, open_store


@pytest.fixture
def now() -> datetime:
    """The morning of the demo's first report."""
    return datetime(2017, 4, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A real SQLite file."""
    opened = open_store(Secret(f"sqlite:///{tmp_path}/monitor.db"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def data() -> Path:
    """The labelled news and real feeds that are measured on; they are no part of the project."""
    folder = Path(os.environ.get("MONITOR_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no data to measure on at {folder}; set MONITOR_DATA to a folder that has it")
    return folder
