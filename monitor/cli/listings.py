"""`monitor feeds`, `stories`, `story`, `alerts`: what the store knows, for people and (`--json`) for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from monitor.cli.common import (
    count_of,
    local_time,
    make_console,
    opened_store,
    print_json,
    read_config,
    read_database,
    read_settings,
    utc_now,
)
from monitor.corrections import find_survivor
from monitor.health import Verdict, judge_feed
from monitor.model import Config, Feed, FeedHealth, Hit, Member
from monitor.schedule import load_rhythm
from monitor.store import DeliveryRecord, StoryRecord

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


def list_feeds(option: str | None, *, as_json: bool) -> None:
    """Show how each feed fares; those of feeds.toml that were never polled come last."""
    config = read_config(option)
    now = utc_now()
    with read_database(config) as tx:
        healths = tx.feed_health() if tx else []
    met = {health.url for health in healths}
    healths += [_never_polled(feed) for feed in config.feeds if feed.url not in met]
    rates = [load_rhythm(health.rhythm).items_per_day for health in healths]
    verdicts = [judge_feed(health, items_per_day=rate, now=now) for health, rate in zip(healths, rates, strict=True)]
    if as_json:
        print_json([_feed_json(*row) for row in zip(healths, verdicts, rates, strict=True)])
        return
    configured = {feed.url for feed in config.feeds}
    rows = [row for row in zip(healths, verdicts, rates, strict=True) if row[0].url in configured]
    _print_feeds(rows, config)
    if removed := len(healths) - len(rows):
        click.echo(f"{count_of(removed, 'feed')} no longer in feeds.toml: not polled, what they brought is kept")


def _print_feeds(rows: list[tuple[FeedHealth, Verdict, float]], config: Config) -> None:
    """Print a table, then every trouble in words, then how many feeds fare how."""
    table = Table("Feed", "Status", "Items/day", "Last success", "Next poll", box=None, pad_edge=False)
    for health, verdict, rate in rows:
        next_poll = local_time(health.next_poll, config) if health.active else "–"
        name, last_success = Text(health.name or health.url), local_time(health.last_success, config)
        table.add_row(name, _status(verdict.status), f"{rate:.1f}", last_success, next_poll)
    console = make_console()
    console.print(table)
    for health, verdict, _ in rows:
        if verdict.words and verdict.status not in ("new", "disabled"):
            console.print(Text(f"\n{health.name or health.url}: {verdict.words}"))
    counted = Counter(verdict.status for _, verdict, _ in rows)
    click.echo("\n" + ", ".join(f"{count} {status}" for status, count in counted.most_common()) if rows else _NO_FEEDS)


_NO_FEEDS = "There is no [[feed]] in feeds.toml."


def _never_polled(feed: Feed) -> FeedHealth:
    return FeedHealth(
        url=feed.url,
        name=feed.name,
        active=feed.enabled,
        next_poll=None,
        last_polled=None,
        last_success=None,
        last_item=None,
        last_error="",
        last_error_kind="",
        notice="",
        gap=None,
        rhythm="",
        schedule_reason="",
    )


def _feed_json(health: FeedHealth, verdict: Verdict, rate: float) -> dict[str, Any]:
    return {
        "name": health.name or health.url,
        "url": health.url,
        "status": verdict.status,
        "last_success": health.last_success,
        "last_error": health.last_error or None,
        "next_poll": health.next_poll if health.active else None,
        "items_per_day": round(rate, 1),
    }


def list_stories(option: str | None, *, topic: str | None, limit: int | None, as_json: bool) -> None:
    """List the stories, newest first."""
    config = read_settings(option)
    with read_database(config) as tx:
        records = tx.stories(topic=topic, limit=limit) if tx else []
    if as_json:
        print_json([_story_json(record) for record in records])
        return
    if not records:
        names = [known.name for known in config.topics]
        if topic is not None and names and topic not in names:
            raise click.UsageError(f"there is no topic '{topic}' in {config.path}; there are: {', '.join(names)}")
        click.echo("No stories yet.")
        return
    table = Table("ID", "Story", "Items", "Outlets", "Independent", "Languages", "Last seen", box=None, pad_edge=False)
    for record in records:
        story = record.story
        table.add_row(
            str(story.id),
            Text(f"{story.title} (muted)" if story.muted else story.title),
            str(len(story.members)),
            str(len(story.owners)),
            str(len(story.sources)),
            " ".join(story.languages),
            local_time(record.last_seen, config),
        )
    make_console().print(table)


def _story_json(record: StoryRecord) -> dict[str, Any]:
    story = record.story
    return {
        "id": story.id,
        "topic": story.topic,
        "title": story.title,
        "first_seen": record.first_seen,
        "last_seen": record.last_seen,
        "items": len(story.members),
        "sources": len(story.owners),
        "independent_sources": len(story.sources),
        "languages": list(story.languages),
        "muted": record.muted,
        "members": [_member_json(member) for member in story.members],
    }


def _member_json(member: Member) -> dict[str, Any]:
    item = member.item
    return {
        "id": member.id,
        "feed": member.feed,
        "title": item.title,
        "url": item.url,
        "published": item.published,
        "lang": item.lang,
    }


def show_story(option: str | None, number: int, *, as_json: bool) -> None:
    """Show one story with the reasons of each member; a number that was merged shows the story that it is part of."""
    config = read_settings(option)
    with read_database(config) as tx:
        if tx is None:
            raise click.ClickException(f"there is no story {number}: nothing was polled yet")
        record = find_survivor(tx, number)
    if record.story.id != number:
        click.echo(f"story {number} was merged into story {record.story.id}", err=True)
    if as_json:
        print_json(_story_json(record))
    else:
        _print_story(record, config)


def _print_story(record: StoryRecord, config: Config) -> None:
    story, console = record.story, make_console()
    console.print(Text(story.title, style="bold"))
    click.echo(
        f"story {story.id} on {story.topic}; {count_of(len(story.members), 'item')} from {count_of(len(story.owners), 'outlet')}, "
        f"{len(story.sources)} independent; {local_time(record.first_seen, config)} to {local_time(record.last_seen, config)}"
    )
    if record.muted:
        click.echo(f"muted on {local_time(record.muted, config)}: no more is told of it")
    for absorbed, reason in record.mergers.items():
        click.echo(f"story {absorbed} is part of it: {_reason(reason) or 'merged by hand'}")
    numbers = {item: number for number, source in enumerate(story.sources, start=1) for item in source.members}
    bound = {item: source.why for source in story.sources for item in source.members}
    for member in story.members:
        source = f"source {numbers[member.id]}" + (f" ({bound[member.id]})" if bound[member.id] else "")
        console.print(Text(f"\n{member.item.title}", style="bold"))
        console.print(
            Text(
                f"  item {member.id}: {member.feed}, {member.item.lang or '?'}, {local_time(member.item.when, config)}; {source}"
            )
        )
        console.print(Text(f"  {member.item.url or 'no link'}"))
        console.print(Text(f"  matched: {_hits(record.matches[member.id].hits)}"))
        console.print(Text(f"  placed: {_reason(record.placements[member.id].reason)}"))


def _hits(hits: tuple[Hit, ...]) -> str:
    return ", ".join(f"{hit.term} met “{hit.word}” in the {hit.where}" for hit in hits)


def _reason(reason: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{name.replace('_', ' ')} {_number(value)}" for name, value in reason.items() if value not in (None, [], {})
    )


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_number(part)}" for name, part in value.items())
    if isinstance(value, list):
        return " ".join(_number(part) for part in value)
    return str(value)


def list_alerts(option: str | None, *, limit: int | None, as_json: bool) -> None:
    """List the outbox, newest first."""
    config = read_settings(option)
    with read_database(config) as tx:
        records = tx.delivery_records(limit=limit) if tx else []
        told = tx.stories({record.story for record in records}) if tx else []
    titles = {record.story.id: record.story.title for record in told}
    if as_json:
        print_json([_alert_json(record) for record in records])
        return
    if not records:
        click.echo("No alerts yet.")
        return
    table = Table("ID", "Created", "Event", "Story", "Channel", "Status", "Tries", box=None, pad_edge=False)
    for record in records:
        table.add_row(
            str(record.id),
            local_time(record.created, config),
            _events(record),
            Text(f"{record.story}: {titles[record.story]}"),
            Text(record.channel),
            _status(record.status.value),
            str(record.attempts),
        )
    console = make_console()
    console.print(table)
    for record in records:
        if record.last_error:
            console.print(Text(f"\n{record.id}, {record.channel}: {record.last_error}"))


def _alert_json(record: DeliveryRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "story": record.story,
        "topic": record.topic,
        "event": record.events[0].value,
        "events": [event.value for event in record.events],
        "channel": record.channel,
        "status": record.status.value,
        "attempts": record.attempts,
        "created": record.created,
        "sent": record.sent,
        "last_error": record.last_error or None,
    }


def _events(record: DeliveryRecord) -> str:
    return "+".join(record.events)


def retry_alerts(option: str | None) -> None:
    """Make everything that failed or was given up due again."""
    config = read_settings(option)
    with opened_store(config) as store, store.write() as tx:
        count = tx.revive_deliveries(now=utc_now())
    if count:
        click.echo(f"Due again: {count}. The daemon sends within seconds, monitor once does it now.")
    else:
        click.echo("Nothing had failed or was given up.")


def _status(status: str) -> Text:
    return Text(status, style=_COLOURS.get(status, "yellow"))
