"""`monitor feeds`: whether the silence can be trusted; how all feeds fare, or one in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import click
from rich.text import Text

from monitor.cli.common import (
    count_of,
    local_time,
    make_console,
    print_fields,
    print_json,
    print_rows,
    read_config,
    read_database,
    status_text,
    utc_now,
)
from monitor.config.values import show_url
from monitor.health import Verdict, judge_feed, never_polled
from monitor.model import Config, FeedHealth
from monitor.schedule import load_rhythm
from monitor.store import Transaction


@dataclass(frozen=True, slots=True)
class FeedReport:
    """How a feed fares, what that is judged by, and how many items it brings a day."""

    health: FeedHealth
    verdict: Verdict
    items_per_day: float

    @property
    def name(self) -> str:
        """What people call the feed."""
        return self.health.name or self.health.url


def list_feeds(option: str | None, *, name: str | None, as_json: bool) -> None:
    """Show how each feed fares, those of feeds.toml that were never polled last; or the one called `name` in full."""
    config = read_config(option)
    with read_database(config) as tx:
        reports = report_feeds(tx, config, now=utc_now())
    if name is not None:
        _show_feed(_find_feed(reports, name), config, as_json=as_json)
    elif as_json:
        print_json([_feed_json(report) for report in reports])
    else:
        print_feeds(reports, config)


def report_feeds(tx: Transaction | None, config: Config, *, now: datetime) -> list[FeedReport]:
    """Judge every feed that the database knows, then those of feeds.toml that were never polled."""
    healths = tx.feed_health() if tx else []
    met = {health.url for health in healths}
    return judge_feeds(
        [*healths, *(never_polled(feed) for feed in config.feeds if feed.url not in met)], config, now=now
    )


def judge_feeds(healths: Sequence[FeedHealth], config: Config, *, now: datetime) -> list[FeedReport]:
    """Judge each feed by what its polls left behind."""
    fixed = {feed.url for feed in config.feeds if feed.interval}
    reports = []
    for health in healths:
        rhythm = load_rhythm(health.rhythm)
        verdict = judge_feed(
            health,
            items_per_day=rhythm.items_per_day,
            now=now,
            zone=config.timezone,
            moved_to=rhythm.moved_to,
            fixed=health.url in fixed,
        )
        reports.append(FeedReport(health, verdict, rhythm.items_per_day))
    return reports


def print_feeds(reports: Sequence[FeedReport], config: Config) -> None:
    """Print the feeds of feeds.toml as a table, then every trouble in words, then how many feeds fare how."""
    configured = {feed.url for feed in config.feeds}
    shown = [report for report in reports if report.health.url in configured]
    rows = [
        (
            report.name,
            status_text(report.verdict.status),
            f"{report.items_per_day:.1f}",
            local_time(report.health.last_success, config),
            _next_poll(report.health, config),
        )
        for report in shown
    ]
    if rows:
        print_rows(("Feed", "Status", "Items/day", "Last success", "Next poll"), rows)
    console = make_console()
    for report in shown:
        if report.verdict.words and report.verdict.status not in ("new", "disabled"):
            console.print(Text(f"\n{report.name}: {report.verdict.words}"))
    counted = Counter(report.verdict.status for report in shown).most_common()
    click.echo("\n" + ", ".join(f"{count} {status}" for status, count in counted) if shown else _NO_FEEDS)
    if removed := len(reports) - len(shown):
        click.echo(f"{count_of(removed, 'feed')} no longer in feeds.toml: not polled, what they brought is kept")


_NO_FEEDS = "There is no [[feed]] in feeds.toml."


def _find_feed(reports: Sequence[FeedReport], name: str) -> FeedReport:
    """Find a feed by its name, in whatever capitals, or its URL."""
    wanted = show_url(name) if "://" in name else name  # as the database has it, without a password
    by_name = {key.casefold(): report for report in reports for key in (report.health.url, report.name)}
    found = by_name.get(wanted.casefold())
    if found is None:
        near = get_close_matches(wanted.casefold(), by_name, n=1)
        hint = f": did you mean '{by_name[near[0]].name}'?" if near else "; monitor feeds lists all"
        raise click.UsageError(f"there is no feed '{wanted}'{hint}")
    return found


def _show_feed(report: FeedReport, config: Config, *, as_json: bool) -> None:
    """Print all that is known of how a feed is polled and fares, and why."""
    health, verdict = report.health, report.verdict
    if as_json:
        print_json(_feed_json(report) | _feed_details(report))
        return
    console = make_console()
    console.print(Text(report.name, style="bold"))
    fields: dict[str, str | Text] = {
        "URL": health.url,
        "Status": status_text(verdict.status) + Text(f": {verdict.words}" if verdict.words else "", style="default"),
        "Items a day": f"{report.items_per_day:.1f}",
        "Last polled": local_time(health.last_polled, config),
        "Last success": local_time(health.last_success, config),
        "Last new item": local_time(health.last_item, config),
        "Next poll": _next_poll(health, config),
        "Why then": health.schedule_reason or "–",
        "“Not modified”": _trust_in_words(health, config),
    }
    print_fields(fields)


def _trust_in_words(health: FeedHealth, config: Config) -> str:
    """Say whether its server's “not modified” is believed, and when that is looked at again."""
    if health.believed_until is None:
        return "–"
    until = local_time(health.believed_until, config)
    return f"believed; put to the test from {until}" if health.believed else f"not believed until {until}"


def _next_poll(health: FeedHealth, config: Config) -> str:
    return local_time(health.next_poll, config) if health.active else "–"


def _feed_json(report: FeedReport) -> dict[str, Any]:
    health = report.health
    return {
        "name": report.name,
        "url": health.url,
        "status": report.verdict.status,
        "last_success": health.last_success,
        "last_error": health.last_error or None,
        "next_poll": health.next_poll if health.active else None,
        "items_per_day": round(report.items_per_day, 1),
    }


def _feed_details(report: FeedReport) -> dict[str, Any]:
    health = report.health
    return {
        "words": report.verdict.words,
        "last_polled": health.last_polled,
        "last_item": health.last_item,
        "gap": list(health.gap) if health.gap else None,
        "schedule_reason": health.schedule_reason or None,
        "not_modified_believed": health.believed,
        "not_modified_until": health.believed_until,
    }
