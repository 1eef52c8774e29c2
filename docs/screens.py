"""Invented feeds -> what the commands print of them, for the documentation."""  # noqa: INP001 (docs is no package)

from __future__ import annotations

import io
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.cli.feeds import judge_feeds, print_feeds
from monitor.model import Config, Feed, FeedHealth, FetchSettings, Secret
from monitor.schedule import Poll, Rhythm, dump_rhythm, plan_next_poll

NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
_NEW_ADDRESS = "https://news.gazeta.example/rss"
_STEADY = Rhythm(polled=NOW, window=20, hours=(14 / 24,) * 24, observed=1.0)
_WELL = FeedHealth(
    url="",
    name="",
    active=True,
    next_poll=NOW + timedelta(minutes=9),
    last_polled=NOW - timedelta(minutes=2),
    last_success=NOW - timedelta(minutes=2),
    last_item=NOW - timedelta(hours=1),
    last_error="",
    last_error_kind="",
    notice="",
    gap=None,
    rhythm=dump_rhythm(_STEADY),
    schedule_reason="",
)


def show_feeds() -> str:
    """Give what `monitor feeds` prints: one feed that is well, and one for each trouble."""
    moved = plan_next_poll(
        replace(_STEADY, moved=2, moved_to=_NEW_ADDRESS),
        Poll(known=20, moved_to=_NEW_ADDRESS),
        settings=FetchSettings(),
        now=NOW,
        random=lambda: 0.5,
    )
    troubles: dict[str, dict[str, Any]] = {
        "Kurier": {},
        "Herald": {
            "last_success": NOW - timedelta(hours=20),
            "next_poll": NOW + timedelta(minutes=40),
            "last_error": "503 Service Unavailable from herald.example: the server is overloaded or being worked on",
        },
        "Vestnik": {"last_item": NOW - timedelta(days=3)},
        "Agency": {"gap": (NOW - timedelta(minutes=118), NOW - timedelta(minutes=50))},
        "Gazeta": {"notice": moved.notice, "rhythm": dump_rhythm(moved.rhythm)},
    }
    urls = {name: f"https://{name.lower()}.example/rss" for name in troubles}
    healths = [replace(_WELL, name=name, url=urls[name], **changes) for name, changes in troubles.items()]
    feeds = tuple(Feed(url=url, address=Secret(url), owner=name, name=name) for name, url in urls.items())
    config = Config(Path("feeds.toml"), Secret(""), feeds, topics=(), channels=(), rules=())
    with redirect_stdout(io.StringIO()) as screen:
        print_feeds(judge_feeds(healths, config, now=NOW), config)
    return "\n".join(line.rstrip() for line in screen.getvalue().splitlines())
