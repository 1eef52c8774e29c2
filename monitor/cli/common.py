"""What several commands need: the configuration, the store, the time, and ways to print."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from monitor.config import find_config, load_config, load_settings
from monitor.errors import ConfigError
from monitor.model import Config
from monitor.store import Store, Transaction, has_database, open_store

# Parsing is what takes processor time; more workers than this bring nothing until thousands of feeds change at once.
MOST_WORKERS = 4


def read_config(option: str | None) -> Config:
    """Find and read the configuration. Raises ConfigError."""
    return load_config(find_config(option, environ=os.environ), environ=os.environ)


def read_settings(option: str | None) -> Config:
    """Read the configuration for a look into the database: of a bad file, with a warning, its `[monitor]` alone."""
    path = find_config(option, environ=os.environ)
    try:
        return load_config(path, environ=os.environ)
    except ConfigError as error:
        settings = load_settings(path, environ=os.environ)
        found = count_of(len(error.problems), "problem")
        click.echo(f"monitor: {path} has {found} (monitor check lists all); this is what the database has", err=True)
        return settings


@contextmanager
def opened_store(config: Config) -> Iterator[Store]:
    """Open the configured database, and close it at the end. Raises StoreError."""
    store = open_store(config.database)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def read_database(config: Config) -> Iterator[Transaction | None]:
    """Open the configured database for a look; None if there is none yet, and none is made. Raises StoreError."""
    if not has_database(config.database):
        yield None
        return
    with opened_store(config) as store, store.read() as tx:
        yield tx


def worker_count() -> int:
    """How many parser processes suit this machine."""
    return min(os.cpu_count() or 1, MOST_WORKERS)


def utc_now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


def print_json(value: Any) -> None:
    """Print JSON with times as ISO 8601 UTC."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=iso_utc))


def iso_utc(when: datetime) -> str:
    """Write a time as ISO 8601 UTC to the second: 2017-04-01T09:00:00Z."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_time(when: datetime | None, config: Config) -> str:
    """Write a time in the operator's zone, for people; a dash for none."""
    return "–" if when is None else when.astimezone(config.timezone).strftime("%Y-%m-%d %H:%M")


def count_of(count: int, noun: str) -> str:
    """Write a count with its noun: 1 feed, 2 feeds."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def make_console() -> Console:
    """Make what tables are printed with: as wide as the terminal, and 100 columns elsewhere."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=100)


def progress_bar() -> Progress:
    """A bar on a terminal, nothing elsewhere; on standard error, since results go to standard output."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
