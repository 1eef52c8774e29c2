"""`monitor once`: poll what is due, deliver what is pending, say what happened."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from contextlib import nullcontext, redirect_stdout
from functools import partial
from typing import Any

import click

from monitor.cli.common import count_of, opened_store, print_json, progress_bar, read_config, utc_now, worker_count
from monitor.deliver import DeliveryCounts, deliver_due
from monitor.heartbeat import put_heartbeats
from monitor.log import configure_logging
from monitor.model import Config, Status
from monitor.pipeline import PollResult, open_pipeline
from monitor.reading import Reader
from monitor.store import Store

# So many failed feeds are named; the rest is counted, `monitor feeds` has them all.
_FAILURES_SHOWN = 10


def poll_once(option: str | None, *, everything: bool, as_json: bool) -> None:
    """Do one round. With `as_json` only the summary goes to standard output, channels that print go to the other."""
    configure_logging(level="error")
    config = read_config(option)
    with opened_store(config) as store, redirect_stdout(sys.stderr) if as_json else nullcontext():
        polls, deliveries = asyncio.run(_do_round(config, store, everything=everything))
        with store.read() as tx:
            outbox = tx.delivery_counts()
            stuck = tx.delivery_failures()
    summary = _summarise(polls, sent=deliveries.sent, outbox=outbox)
    if as_json:
        print_json(summary)
    else:
        _print_summary(summary, polls, stuck)
    if polls and all(poll.outcome == "failed" for poll in polls):
        raise click.ClickException(
            f"nothing could be fetched ({count_of(len(polls), 'feed')} tried): is this machine on line?"
        )
    tried = deliveries.failed + deliveries.dead
    if tried and not deliveries.sent:
        raise click.ClickException(
            f"nothing could be delivered ({count_of(tried, 'attempt')}): monitor alerts shows what each channel answered"
        )


async def _do_round(config: Config, store: Store, *, everything: bool) -> tuple[list[PollResult], DeliveryCounts]:
    async with (
        Reader(worker_count()) as reader,
        open_pipeline(config, store=store, reader=reader, clock=utc_now) as pipeline,
    ):
        due = await pipeline.sync_feeds(everything=everything)
        polls = []
        with progress_bar() as progress:
            task = progress.add_task("polling", total=due)
            async for poll in pipeline.poll_due():
                polls.append(poll)
                progress.advance(task)
        await store.run(partial(_put_heartbeats, config, store))
        deliveries = await deliver_due(store, lambda: config, now=utc_now)
    return polls, deliveries


def _put_heartbeats(config: Config, store: Store) -> None:
    with store.write() as tx:
        put_heartbeats(tx, config, now=utc_now())


def _summarise(polls: list[PollResult], *, sent: int, outbox: dict[Status, int]) -> dict[str, dict[str, int]]:
    outcomes = [poll.outcome for poll in polls]
    return {
        "feeds": {
            "polled": len(polls),
            "changed": outcomes.count("changed"),
            "unchanged": outcomes.count("unchanged"),
            "failed": outcomes.count("failed"),
        },
        "items": {"new": sum(poll.new for poll in polls), "matched": sum(poll.matched for poll in polls)},
        "stories": {
            "new": sum(poll.new_stories for poll in polls),
            "updated": sum(poll.updated_stories for poll in polls),
        },
        "deliveries": {
            "sent": sent,
            "pending": _count(outbox, [Status.PENDING, Status.SENDING, Status.HELD]),
            "failed": _count(outbox, [Status.FAILED, Status.DEAD]),
        },
    }


def _count(outbox: dict[Status, int], statuses: Iterable[Status]) -> int:
    return sum(outbox.get(status, 0) for status in statuses)


def _print_summary(summary: dict[str, dict[str, Any]], polls: list[PollResult], stuck: dict[str, str]) -> None:
    for name, label in (("feeds", "Feeds"), ("items", "Items"), ("stories", "Stories"), ("deliveries", "Alerts")):
        counts = ", ".join(f"{count} {what}" for what, count in summary[name].items())
        click.echo(f"{label + ':':9}{counts}")
    if not polls:
        click.echo("Nothing was due: monitor feeds says when each feed is, once --all polls now.")
    failures = [poll for poll in polls if poll.outcome == "failed"]
    for poll in failures[:_FAILURES_SHOWN]:
        click.echo(f"  failed: {poll.feed}: {poll.error}")
    if len(failures) > _FAILURES_SHOWN:
        click.echo(f"  and {len(failures) - _FAILURES_SHOWN} more: see monitor feeds")
    for channel, error in stuck.items():
        click.echo(f"  not delivered to {channel}: {error} (monitor alerts shows each)")
