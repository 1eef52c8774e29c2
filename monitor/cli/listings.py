"""`monitor stories`, `story`, `alerts`: what the store knows, for people and (`--json`) for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.text import Text

from monitor.cli.common import (
    count_of,
    hits_in_words,
    local_time,
    make_console,
    opened_store,
    print_json,
    print_rows,
    read_database,
    read_settings,
    status_text,
    utc_now,
)
from monitor.corrections import find_survivor
from monitor.model import Config, Member, Status
from monitor.store import DeliveryRecord, StoryRecord


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
    rows = [
        (
            str(record.story.id),
            f"{record.story.title} (muted)" if record.story.muted else record.story.title,
            str(len(record.story.members)),
            str(len(record.story.owners)),
            str(len(record.story.sources)),
            " ".join(record.story.languages),
            local_time(record.last_seen, config),
        )
        for record in records
    ]
    print_rows(("ID", "Story", "Items", "Outlets", "Independent", "Languages", "Last seen"), rows, wide=1)


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
        console.print(Text(f"  matched: {hits_in_words(record.matches[member.id].hits)}"))
        console.print(Text(f"  placed: {_reason(record.placements[member.id].reason)}"))


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
    rows = [
        (
            str(record.id),
            local_time(record.created, config),
            _events(record),
            f"{record.story}: {titles[record.story]}",
            record.channel,
            status_text(record.status.value),
            str(record.attempts),
        )
        for record in records
    ]
    print_rows(("ID", "Created", "Event", "Story", "Channel", "Status", "Tries"), rows, wide=3)
    console = make_console()
    for record in records:
        if words := _outlook(record, config):
            console.print(Text(f"\n{record.id}, {record.channel}: {words}"))


def _outlook(record: DeliveryRecord, config: Config) -> str:
    """Say what went wrong, and when what is not sent yet is tried next; nothing of what was sent."""
    waits = record.status in _WAITING
    return "; ".join(
        [record.last_error] * bool(record.last_error)
        + [f"next try {local_time(record.next_attempt, config)}"] * waits
        + ["given up: monitor alerts retry revives it"] * (record.status is Status.DEAD)
    )


_WAITING = frozenset({Status.PENDING, Status.FAILED, Status.HELD})


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
        "next_attempt": record.next_attempt if record.status in _WAITING else None,
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
