"""`monitor doctor`: examine the installation, and say of everything that is wrong what to do."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import click
from rich.text import Text

from monitor import __version__
from monitor.cli.common import print_json, print_rows, read_database, utc_now
from monitor.cli.feeds import report_feeds
from monitor.cluster import load_encoder
from monitor.config import find_config, load_config, load_settings, read_document
from monitor.config.advice import holds_secrets
from monitor.diagnosis import (
    Finding,
    Level,
    Traffic,
    judge_channel,
    judge_clock,
    judge_database,
    judge_encoder,
    judge_feeds,
    judge_file,
    judge_names,
    judge_proxy,
    judge_space,
)
from monitor.errors import ConfigError, StoreError
from monitor.machine import is_clock_synchronised, list_versions, reach_port, resolve_names
from monitor.model import Config, Feed, Secret, Status
from monitor.store import Transaction, check_file, has_database, locate_file

# So many hosts tell whether names are found at all; whether each is, monitor feeds says.
_NAMES_TRIED = 5


def examine(option: str | None, *, as_json: bool) -> None:
    """Examine everything and print what was found; exit with 1 if something is wrong."""
    path = find_config(option, environ=os.environ)
    try:
        config = load_config(path, environ=os.environ)
        findings = [Finding("feeds.toml", Level.OK, f"{path} has no problems")]
    except ConfigError as error:
        config = load_settings(path, environ=os.environ)
        words = f"{path} cannot be used, problems: {len(error.problems)}"
        findings = [Finding("feeds.toml", Level.WRONG, words, "monitor check lists all, each with its line")]
    findings += [*_examine_store(config), *_examine_files(config)]
    findings += [*asyncio.run(_examine_network(config)), judge_encoder(present=load_encoder() is not None)]
    versions = {"monitor": __version__, **list_versions()}
    findings.append(Finding("versions", Level.OK, ", ".join(f"{name} {number}" for name, number in versions.items())))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _print_findings(findings)
    if any(finding.level is Level.WRONG for finding in findings):
        sys.exit(1)


def _examine_store(config: Config) -> Iterator[Finding]:
    """Examine the database, its disk, and what it tells of the clock, the channels and the feeds."""
    now, newest, size, file = utc_now(), None, 0, locate_file(config.database)
    found: list[Finding] = []
    try:
        if file is not None and has_database(config.database):
            faults, size, wal = check_file(file)
            yield judge_database(faults=faults, size=size, wal=wal)
        with read_database(config) as tx:
            if tx is None:
                advice = "monitor once makes it; so does the daemon"
                yield Finding("database", Level.WARNING, "there is none yet", advice)
            else:
                newest = tx.newest_time()
            if file is None:
                yield Finding("database", Level.OK, "it answers")
            found = [*_judge_channels(tx, config), _judge_feeds(tx, config)]
    except StoreError as error:
        yield Finding("database", Level.WRONG, str(error), _MEND_DATABASE)
    yield from _examine_disks(file, size=size)
    yield judge_clock(now, newest=newest, synchronised=is_clock_synchronised())
    yield from found


_MEND_DATABASE = (
    "SQLite: run this as the user of the daemon; if the file is damaged, put a backup in its place "
    "(docs/how-to/back-up-and-upgrade.md). PostgreSQL: does the server run, are host, port and password right?"
)


def _examine_disks(file: Path | None, *, size: int) -> Iterator[Finding]:
    """Examine the disks of the database and of $STATE_DIRECTORY, which names folders with a colon between them."""
    state = os.environ.get("STATE_DIRECTORY", "")
    folders = [*([file.parent] if file else []), *(Path(folder) for folder in state.split(":") if folder)]
    for folder in dict.fromkeys(folders):
        with suppress(OSError):  # it is missing, or closed to us: what that means for the database is said there
            yield judge_space(str(folder), free=shutil.disk_usage(folder).free, database=size)


def _judge_channels(tx: Transaction | None, config: Config) -> list[Finding]:
    totals = {total.channel: total for total in tx.channel_totals()} if tx else {}
    errors = tx.delivery_failures() if tx else {}
    traffic = {
        name: Traffic(
            last_sent=total.last_sent,
            waiting=total.waiting,
            waiting_since=total.oldest_waiting,
            dead=total.count.get(Status.DEAD, 0),
            error=errors.get(name, ""),
        )
        for name, total in totals.items()
    }
    now = utc_now()
    return [judge_channel(each.name, traffic.get(each.name, Traffic()), now=now) for each in config.channels]


def _judge_feeds(tx: Transaction | None, config: Config) -> Finding:
    configured = {feed.url for feed in config.feeds}
    reports = report_feeds(tx, config, now=utc_now())
    return judge_feeds(Counter(each.verdict.status for each in reports if each.health.url in configured))


def _examine_files(config: Config) -> Iterator[Finding]:
    """Examine who may read the database, what feeds.toml holds that is secret, and the credentials."""
    file = locate_file(config.database)
    if file is not None:
        advice = f"it tells what is watched: chmod 600 {file}"
        yield from _examine_file("database file", file, advice)
    # Of a file that is wrong its shape is not known: it is examined once it is right.
    if config.channels and holds_secrets(read_document(config.path)):
        advice = (
            "it holds addresses or tokens: write ${NAME} for them, or close it (chmod 600) if monitor runs as its owner"
        )
        yield from _examine_file("feeds.toml file", config.path, advice)
    folders = {config.path.parent / "credentials", *map(Path, filter(None, [os.environ.get("CREDENTIALS_DIRECTORY")]))}
    for folder in sorted(folders):
        yield from _examine_credentials(folder)


def _examine_credentials(folder: Path) -> Iterator[Finding]:
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except FileNotFoundError:
        return
    except OSError:  # not even we may enter it
        yield Finding("credentials", Level.OK, f"{folder} cannot be looked into by this user")
        return
    findings = [each for path in files for each in _examine_file(f"credential {path.name}", path, f"chmod 600 {path}")]
    wrong = [finding for finding in findings if finding.level is Level.WRONG]
    yield from wrong or [Finding("credentials", Level.OK, f"{folder}: closed to other users")]


def _examine_file(subject: str, file: Path, advice: str) -> Iterator[Finding]:
    """Examine who may read a file; nothing is said of one that is missing, or that we cannot reach ourselves."""
    with suppress(OSError):
        reachable = bool(file.absolute().parent.stat().st_mode & stat.S_IXOTH)
        yield judge_file(subject, mode=file.stat().st_mode, reachable=reachable, advice=advice)


async def _examine_network(config: Config) -> list[Finding]:
    """Look some hosts of feeds up and knock at every proxy."""
    feeds = [feed for feed in config.feeds if feed.enabled]
    proxies: dict[Secret, list[str]] = {}
    for feed in feeds:
        if proxy := _proxy_of(feed, config):
            proxies.setdefault(proxy, []).append(feed.name or feed.url)
    direct = (urlsplit(feed.url).hostname for feed in feeds if "${" not in feed.url and not _proxy_of(feed, config))
    hosts = list(dict.fromkeys(host for host in direct if host and not _is_address(host)))
    findings = [judge_names(await resolve_names(hosts[:_NAMES_TRIED]))]
    for number, (proxy, users) in enumerate(proxies.items(), start=1):
        url = urlsplit(proxy.reveal())
        error = await reach_port(url.hostname or "", url.port or _PROXY_PORTS.get(url.scheme, 80))
        findings.append(judge_proxy(f"proxy {number}", users=users, error=error))
    return findings


_PROXY_PORTS = {"socks5h": 1080, "socks5": 1080}


def _proxy_of(feed: Feed, config: Config) -> Secret:
    return config.fetch.proxy if feed.proxy is None else feed.proxy


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.WRONG: "red"}


def _print_findings(findings: list[Finding]) -> None:
    """Print a table, what is wrong last: there the eye is when the command ends."""
    order = list(Level)
    rows = [
        (finding.subject, Text(finding.level, style=_COLOURS[finding.level]), _in_words(finding))
        for finding in sorted(findings, key=lambda finding: order.index(finding.level))
    ]
    print_rows(("Examined", "Result", "What was found, and what to do"), rows, wide=2)
    counted = Counter(finding.level for finding in findings)
    click.echo(f"\n{counted[Level.OK]} ok, {counted[Level.WARNING]} to look at, {counted[Level.WRONG]} wrong")


def _in_words(finding: Finding) -> str:
    return f"{finding.words}\n→ {finding.advice}" if finding.advice else finding.words
