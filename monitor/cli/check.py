"""`monitor check`: what is wrong with the configuration, all of it at once, and what in it does nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from monitor.cli.common import (
    count_of,
    local_time,
    make_console,
    print_json,
    progress_bar,
    utc_now,
    worker_count,
)
from monitor.config import find_config, load_config, read_document
from monitor.config.advice import find_doubts
from monitor.errors import ConfigError, Problem
from monitor.fetch import Fetcher
from monitor.model import Config, Event
from monitor.probe import Probe, Prober
from monitor.reading import Reader


def check_config(option: str | None, *, online: bool, as_json: bool) -> None:
    """Print every problem and exit with 2, or say what the configuration holds and what of it does nothing.

    With `online` every enabled feed is fetched once, and the exit status is 1 if one fails.
    """
    try:
        path = find_config(option, environ=os.environ)
        config = load_config(path, environ=os.environ)
        notes = [*find_doubts(config, read_document(path)), *(Problem(0, words) for words in _without_effect(config))]
    except ConfigError as error:
        if as_json:
            print_json({"path": error.path, "problems": _problems_json(error.problems), "notes": [], "feeds": []})
        else:
            click.echo("\n".join(error.lines()))
        sys.exit(2)
    if not as_json:
        _print_config(config, notes)
    probes = asyncio.run(_probe_feeds(config)) if online else []
    if as_json:
        feeds = [_probe_json(probe) for probe in probes]
        print_json({"path": str(path), "problems": [], "notes": _problems_json(notes), "feeds": feeds})
    elif online:
        _print_probes(probes, config)
    if any(probe.error for probe in probes):
        sys.exit(1)


def _print_config(config: Config, notes: list[Problem]) -> None:
    counted = [
        count_of(len(config.feeds), "feed"),
        count_of(len(config.topics), "topic"),
        count_of(len(config.channels), "channel"),
        count_of(len(config.rules), "alert rule"),
    ]
    click.echo(f"{config.path}: no problems: {', '.join(counted)}.")
    for note in notes:
        click.echo(f"{config.path}:{note.line}: note: {note.message}." if note.line else f"note: {note.message}.")


def _problems_json(problems: tuple[Problem, ...] | list[Problem]) -> list[dict[str, Any]]:
    return [{"line": problem.line or None, "message": problem.message} for problem in problems]


async def _probe_feeds(config: Config) -> list[Probe]:
    """Fetch every enabled feed, as many at a time as a poll would; give the answers in the order of the file."""
    feeds = [feed for feed in config.feeds if feed.enabled]
    async with Fetcher(config.fetch, contact=config.contact) as fetcher, Reader(worker_count()) as reader:
        prober = Prober(fetcher, reader, clock=utc_now)
        with progress_bar() as progress:
            task = progress.add_task("fetching", total=len(feeds))
            probes = [asyncio.create_task(prober.probe(feed)) for feed in feeds]
            for probe in probes:
                probe.add_done_callback(lambda _: progress.advance(task))
            return await asyncio.gather(*probes)


def _print_probes(probes: list[Probe], config: Config) -> None:
    """Print a table, then what each failed feed answered in words, and where its feed may be."""
    table = Table("Feed", "Answer", "Kind", "Items", "Newest", "Language", box=None, pad_edge=False)
    for probe in probes:
        answer = Text("failed" if probe.error else "ok", style="red" if probe.error else "green")
        kind = probe.reading.kind if probe.reading else "–"
        items, newest = str(len(probe.items)) if probe.reading else "–", local_time(probe.newest, config)
        table.add_row(Text(probe.feed.name or probe.feed.url), answer, kind, items, newest, probe.lang or "–")
    console = make_console()
    console.print(table)
    for probe in probes:
        if probe.error:
            console.print(Text(f"\n{probe.feed.name or probe.feed.url}: {probe.error}"))
        elif probe.moved_to:
            console.print(Text(f"\n{probe.feed.name or probe.feed.url}: has moved to {probe.moved_to}"))
    failed = sum(bool(probe.error) for probe in probes)
    click.echo(f"\n{count_of(len(probes), 'feed')} fetched: {len(probes) - failed} ok, {failed} failed.")


def _probe_json(probe: Probe) -> dict[str, Any]:
    return {
        "name": probe.feed.name or probe.feed.url,
        "url": probe.feed.url,
        "ok": not probe.error,
        "status": probe.status,
        "kind": probe.reading.kind if probe.reading else None,
        "items": len(probe.items),
        "newest": probe.newest,
        "lang": probe.lang or None,
        "error": probe.error or None,
        "moved_to": probe.moved_to or None,
        "offered": list(probe.offered),
    }


def _without_effect(config: Config) -> Iterator[str]:
    """Name what the file asks for and this release does not do yet, and what happens instead."""
    asked = {
        '"revised" and "withdrawn" in on: nothing is told of reports that are changed or taken back': any(
            {Event.REVISED, Event.WITHDRAWN} & rule.on for rule in config.rules
        ),
    }
    for words, wanted in asked.items():
        if wanted:
            yield f"no effect in this release: {words}"
