"""The configuration and the store -> proofs of life that are due, put into the outbox."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from monitor.health import judge_feed
from monitor.model import Config, Heartbeat, Notice, NoticeKind
from monitor.rhythm import next_time
from monitor.schedule import load_rhythm
from monitor.store import Transaction


def put_heartbeats(tx: Transaction, config: Config, *, now: datetime) -> int:
    """Put what is due into the outbox, and give how many were.

    The time of the last is stored with it: a restart neither skips nor repeats one, and of those that were missed
    while nothing ran, one is sent. A heartbeat that is new in feeds.toml begins with its next time.
    """
    sent = 0
    for heartbeat in config.heartbeats:
        name = f"heartbeat: {heartbeat.at} {' '.join(heartbeat.channels)}"
        last = tx.state(name)
        if not last:
            tx.set_state(name, now.isoformat())
        elif next_time(heartbeat.at, since := datetime.fromisoformat(last), timezone=config.timezone) <= now:
            channels = [channel for channel in config.channels if channel.name in heartbeat.channels]
            facts = _gather_facts(tx, config, heartbeat, since=since, now=now)
            tx.add_notice(Notice(NoticeKind.HEARTBEAT, facts), channels, now=now)
            tx.set_state(name, now.isoformat())
            sent += 1
    return sent


def _gather_facts(
    tx: Transaction, config: Config, heartbeat: Heartbeat, *, since: datetime, now: datetime
) -> dict[str, Any]:
    """Say what happened since the last time and how the feeds are, for `model.NoticeKind.HEARTBEAT`."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    healths = [health for health in tx.feed_health() if health.active]
    for health in healths:
        verdict = judge_feed(health, items_per_day=load_rhythm(health.rhythm).items_per_day, now=now)
        names[verdict.status].append(health.name or health.url)
    topics = [topic.name for topic in config.topics]
    return {
        "to": list(heartbeat.channels),
        "since": since.isoformat(timespec="seconds"),
        "stories": tx.count_told_of(topics, since=since),
        "topics": len(topics),
        "feeds": len(healths),
        "healthy": len(names["ok"]),
        "silent": names["silent"],
        "failing": names["failing"] + names["gone"],
        "rolling": names["rolling"],
    }
