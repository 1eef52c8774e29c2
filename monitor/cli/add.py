"""`monitor add`, `import`, `export`: feeds into feeds.toml, and out of it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from monitor.cli.common import count_of, local_time, make_console, utc_now, worker_count
from monitor.config import find_config, load_config
from monitor.config.edit import NewFeed, add_feeds, read_address, write_tables
from monitor.config.values import show_url
from monitor.errors import OpmlError
from monitor.fetch import Fetcher
from monitor.model import Config, Feed
from monitor.normalise import fold_feed_address
from monitor.opml import Outline, read_opml, write_opml
from monitor.probe import Probe, Prober
from monitor.reading import Reader

_NEWEST_SHOWN = 3
# What stands in an exported address for a password.
_MASKED = "***@"


def add_feed(
    option: str | None, url: str, *, name: str, tags: Sequence[str], pick: int | None, yes: bool, dry_run: bool
) -> None:
    """Find the feed at an address or on its page, show it, and put it into feeds.toml."""
    config = _read_config(option)
    feed = _read_feed(url)
    _refuse_known(config, [feed.address.reveal()])
    found = asyncio.run(_find_feeds(config, feed))
    if found[0].reading is None:
        looked = "; nor is there a feed where sites usually keep theirs" if found[0].status else ""
        raise click.ClickException(f"{feed.url}: {found[0].error}{looked}")
    chosen = _choose(found, config, pick=1 if yes and pick is None else pick)
    _show_feed(chosen, config)
    _refuse_known(config, [chosen.feed.address.reveal(), chosen.address, chosen.moved_to])
    table = _make_table(chosen, written=url if chosen.feed is feed else chosen.feed.url, name=name, tags=tags)
    _refuse_name(config, str(table.get("name", "")))
    _write(config, [table], dry_run=dry_run)


def _read_config(option: str | None) -> Config:
    return load_config(find_config(option, environ=os.environ), environ=os.environ)


def _read_feed(url: str) -> Feed:
    try:
        return read_address(_complete(url), environ=os.environ)
    except ValueError as error:
        raise click.UsageError(f"the address {error}") from error


def _complete(url: str) -> str:
    """Let people type an address as they say it: example.org."""
    return url if "://" in url else f"https://{url}"


def _refuse_known(config: Config, addresses: Iterable[str]) -> None:
    known = {fold_feed_address(feed.address.reveal()): feed for feed in config.feeds}
    for address in filter(None, addresses):
        if feed := known.get(fold_feed_address(address)):
            also = "" if feed.enabled else ", where it is turned off (enabled = false)"
            raise click.ClickException(f"{config.path} has this feed already: {feed.name or feed.url}{also}")


def _refuse_name(config: Config, name: str) -> None:
    if name and name in {feed.name for feed in config.feeds}:
        raise click.ClickException(
            f"{config.path} has a feed named '{name}' already: give this one another with --name"
        )


async def _find_feeds(config: Config, feed: Feed) -> list[Probe]:
    console = Console(stderr=True)
    async with Fetcher(config.fetch, contact=config.contact) as fetcher, Reader(worker_count()) as reader:
        with console.status("looking for the feed") if console.is_terminal else nullcontext():
            return [probe async for probe in Prober(fetcher, reader, clock=utc_now).find_feeds(feed)]


def _choose(found: list[Probe], config: Config, *, pick: int | None) -> Probe:
    """Give the feed that was picked, or the only one; ask on a terminal, and elsewhere list them and exit with 2."""
    if len(found) == 1 and pick is None:
        return found[0]
    if pick is None:
        for number, probe in enumerate(found, start=1):
            newest = local_time(probe.newest, config)
            make_console().print(Text(f"{number}  {_title(probe)}  {probe.feed.url}  newest: {newest}"))
        if not sys.stdin.isatty():
            click.echo("Several feeds were found: choose one with --pick N, or take the first with --yes.", err=True)
            sys.exit(2)
        pick = click.prompt("Which one", type=click.IntRange(1, len(found)), default=1)
    if pick > len(found):
        raise click.UsageError(f"--pick {pick}: only {count_of(len(found), 'feed')} found")
    return found[pick - 1]


def _title(probe: Probe) -> str:
    return (probe.reading.title if probe.reading else "") or "(no title)"


def _show_feed(probe: Probe, config: Config) -> None:
    """Show what was found: title, address, kind, language, rhythm, and the newest items."""
    assert probe.reading is not None
    console = make_console()
    console.print(Text(_title(probe), style="bold"))
    console.print(Text(f"  {probe.feed.url}"))
    if probe.moved_to:
        console.print(Text(f"  has moved to {probe.moved_to}"))
    rhythm = "" if probe.items_per_day is None else f", about {probe.items_per_day:.1f} a day"
    console.print(
        Text(f"  {probe.reading.kind}, {count_of(len(probe.items), 'item')}{rhythm}, language: {probe.lang or '?'}")
    )
    for item in probe.items[:_NEWEST_SHOWN]:
        console.print(Text(f"  {local_time(item.published, config)}  {item.title}"))


def _make_table(probe: Probe, *, written: str, name: str, tags: Sequence[str]) -> NewFeed:
    """Write down the feed: where it has moved to, unless its address holds what must not stand in the file."""
    plain = "${" not in written and "@" not in written
    title = probe.reading.title if probe.reading else ""
    table = {"url": probe.moved_to if plain and probe.moved_to else _complete(written), "name": name or title}
    return {key: value for key, value in {**table, "tags": list(tags)}.items() if value}


def _write(config: Config, tables: Sequence[NewFeed], *, dry_run: bool) -> None:
    if dry_run:
        shown = [{**table, "url": show_url(str(table["url"]))} for table in tables]
        click.echo(f"\n{write_tables(shown)}\nNothing was written to {config.path}: this was a dry run.")
        return
    new = add_feeds(config.path, tables, environ=os.environ)
    click.echo(f"{config.path}: {count_of(len(tables), 'feed')} added, {len(new.feeds)} in all.")


def import_feeds(option: str | None, file: str, *, dry_run: bool) -> None:
    """Put the feeds of an OPML file into feeds.toml, and tell which are left out and why."""
    config = _read_config(option)
    tables, left = _select(config, _read_outlines(file))
    for line, words in left:
        click.echo(f"{file}:{line}: left out: {words}")
    if tables:
        _write(config, tables, dry_run=dry_run)
    else:
        click.echo(f"{file}: no feed to add.")


def _read_outlines(file: str) -> list[Outline]:
    try:
        with click.open_file(file, "rb") as opened:
            return read_opml(opened.read())
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    except OpmlError as error:
        raise click.ClickException(f"{file}:{error.line}: {error}") from error


def _select(config: Config, outlines: Iterable[Outline]) -> tuple[list[NewFeed], list[tuple[int, str]]]:
    """Part outlines into feeds to add, and lines that are left out, each with its reason."""
    known = {fold_feed_address(feed.address.reveal()) for feed in config.feeds}
    names = {feed.name for feed in config.feeds}
    tables: list[NewFeed] = []
    left: list[tuple[int, str]] = []
    for outline in outlines:
        try:
            feed = read_address(outline.url, environ=os.environ)
        except ValueError as error:
            left.append((outline.line, f"the address {error}"))
            continue
        identity = fold_feed_address(feed.address.reveal())
        if identity in known:
            left.append((outline.line, f"{feed.url} is there already"))
        elif _MASKED in outline.url:
            left.append((outline.line, f"{feed.url} has lost its password when it was exported: add it by hand"))
        else:
            tables.append(_outline_table(outline, names))
            known.add(identity)
    return tables, left


def _outline_table(outline: Outline, names: set[str]) -> NewFeed:
    """Write a feed of a list as a table, without a name that another has; `names` takes up its own."""
    name = "" if outline.name in names or outline.name == outline.url else outline.name
    names.add(name)
    table = {"url": outline.url, "name": name, "lang": outline.lang, "tags": list(outline.tags)}
    return {key: value for key, value in table.items() if value} | ({} if outline.enabled else {"enabled": False})


def export_feeds(option: str | None, file: str) -> None:
    """Write all feeds as OPML; say what a list of subscriptions cannot hold."""
    config = _read_config(option)
    text = write_opml(config.feeds, title=f"Feeds of {config.path.name}")
    if file == "-":
        click.echo(text, nl=False)
    else:
        try:
            with Path(file).open("x", encoding="utf-8") as new:
                new.write(text)
        except FileExistsError as error:
            raise click.ClickException(f"{file} is there already: name another file") from error
        except OSError as error:
            raise click.ClickException(f"{file}: {error.strerror}") from error
    masked = sum(_MASKED in feed.url for feed in config.feeds)
    if masked:
        click.echo(
            f"{masked} {'address' if masked == 1 else 'addresses'} with a password: *** stands in its place.", err=True
        )
