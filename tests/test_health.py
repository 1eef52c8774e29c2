"""How a feed fares, in one word and in a sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.health import judge_feed
from monitor.model import FeedHealth
from tests.makers import NOW

HEALTHY = FeedHealth(
    url="https://kurier.example/rss",
    name="Kurier",
    active=True,
    next_poll=NOW,
    last_polled=NOW,
    last_success=NOW - timedelta(minutes=5),
    last_item=NOW - timedelta(hours=3),
    last_error="",
    last_error_kind="",
    notice="",
    gap=None,
    rhythm="",
    schedule_reason="every 10 min",
)
ARGUED = "the server does not answer"


@pytest.mark.parametrize(
    ("changes", "rate", "status", "words"),
    [
        ({}, 5.0, "ok", ""),
        ({"active": False, "last_error": ARGUED}, 5.0, "disabled", "no longer in feeds.toml"),
        ({"last_success": None}, 0.0, "new", "not polled yet"),
        ({"last_success": None, "last_error": ARGUED}, 0.0, "failing", f"{ARGUED}; it has never worked"),
        ({"last_error": ARGUED}, 5.0, "failing", f"{ARGUED}; last worked 2017-04-01 08:55 UTC"),
        ({"last_error": "410 Gone", "last_error_kind": "gone"}, 5.0, "gone", "410 Gone"),
        ({"last_error": "410", "last_error_kind": "gone", "notice": "find its new address"}, 5.0, "gone", "find its new address"),
        ({"notice": "it moved to https://new.example/"}, 5.0, "moved", "it moved to https://new.example/"),
        ({"gap": (NOW - timedelta(hours=2), NOW - timedelta(hours=1))}, 5.0, "rolling", "items published between 2017-04-01 07:00 UTC and 2017-04-01 08:00 UTC may be missing"),
        ({"gap": (NOW - timedelta(days=3), NOW - timedelta(days=2))}, 5.0, "ok", ""),
        ({"last_item": NOW - timedelta(days=3)}, 14.0, "silent", "usually 14.0 items a day, none for 3 days"),
        ({"last_item": NOW - timedelta(days=1)}, 14.0, "ok", ""),
        ({"last_item": NOW - timedelta(days=30)}, 0.5, "silent", "none for 30 days"),
        ({"last_item": NOW - timedelta(days=10)}, 0.5, "ok", ""),
        ({"last_item": NOW - timedelta(days=300)}, 0.05, "ok", ""),
        ({"last_item": None}, 14.0, "ok", ""),
        ({"believed": False}, 5.0, "ok", "not modified"),
    ],
    ids=[
        "healthy", "disabled wins", "never polled", "never worked", "failing", "gone", "gone for good", "moved", "rolling over",
        "an old gap", "silent", "a quiet day", "a slow feed silent", "a slow feed", "a dormant feed", "no item ever", "a liar",
    ],
)  # fmt: skip
def test_feeds_are_judged(changes: dict[str, Any], rate: float, status: str, words: str) -> None:
    verdict = judge_feed(replace(HEALTHY, **changes), items_per_day=rate, now=NOW)
    assert verdict.status == status
    assert words in verdict.words
    assert bool(words) == bool(verdict.words)
