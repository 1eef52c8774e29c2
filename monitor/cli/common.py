"""What several commands need: the configuration, the store, the time, and ways to print."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from monitor.config import find_config, load_config, load_settings
from monitor.errors import ConfigError
from monitor.model import Config, Hit
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


def hits_in_words(hits: Iterable[Hit]) -> str:
    """Write the terms of a query with the words that they met, and where."""
    return ", ".join(f"{hit.term} met “{hit.word}” in the {hit.where}" for hit in hits)


def make_console() -> Console:
    """Make what tables are printed with: as wide as the terminal, and 100 columns elsewhere."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=100)


def print_rows(headings: Sequence[str], rows: Sequence[Sequence[str | Text]], *, wide: int = 0) -> None:
    """Print a table in which only column `wide` is wrapped, or a block for each row where that would leave it no room.

    Whatever the width of the terminal, nothing is cut.
    """
    console = make_console()
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    longest = [
        max(map(cell_len, [heading, *(row[place].plain for row in cells)])) for place, heading in enumerate(headings)
    ]
    room = console.width - sum(longest) - _COLUMN_GAP * (len(headings) - 1) + longest[wide]
    if room < min(longest[wide], _READABLE):
        _print_blocks(console, headings, cells, wide=wide)
        return
    table = Table(box=None, pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, no_wrap=place != wide, overflow="fold")
    for row in cells:
        table.add_row(*row)
    console.print(table)


# The space between two columns of rich's tables, and the narrowest column in which a headline can still be read.
_COLUMN_GAP = 2
_READABLE = 24


def _print_blocks(console: Console, headings: Sequence[str], rows: Sequence[Sequence[Text]], *, wide: int) -> None:
    """Print for each row its wide cell as a heading, and below it the others, a line each."""
    for number, row in enumerate(rows):
        console.print(Text("\n" * bool(number)) + row[wide])
        print_fields(
            {name: cell for place, (name, cell) in enumerate(zip(headings, row, strict=True)) if place != wide}
        )


def print_fields(fields: Mapping[str, str | Text]) -> None:
    """Print names and values, a line each, the values below one another."""
    table = Table(box=None, show_header=False, padding=(0, 0, 0, 2), pad_edge=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        table.add_row(Text(name), value if isinstance(value, Text) else Text(value))
    make_console().print(table)


_COLOURS = {
    "ok": "green",
    "new": "cyan",
    "disabled": "dim",
    "failing": "red",
    "gone": "red",
    "dead": "red",
    "failed": "red",
    "sent": "green",
}


def status_text(status: str) -> Text:
    """Colour a status by how much it asks for attention."""
    return Text(status, style=_COLOURS.get(status, "yellow"))


def progress_bar() -> Progress:
    """A bar on a terminal, nothing elsewhere; on standard error, since results go to standard output."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
