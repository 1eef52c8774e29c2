"""How a feed fares, in one word and in a sentence with times of the operator's zone (Paris: 11:00 is now)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from monitor.health import judge_feed, tell_pace
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
        ({"last_success": None, "last_error": ARGUED}, 0.0, "failing", f"{ARGUED}; it has never worked; next try now"),
        ({"last_error": ARGUED, "next_poll": NOW + timedelta(minutes=9)}, 5.0, "failing", f"{ARGUED}; last worked 10:55; next try 11:09"),
        ({"last_error": ARGUED, "last_success": NOW - timedelta(days=2), "next_poll": NOW + timedelta(hours=14)}, 5.0, "failing", "last worked 2017-03-30 11:00; next try 2017-04-02 01:00"),
        ({"last_error": ARGUED, "next_poll": None}, 5.0, "failing", "next try now"),
        ({"last_error": "410 Gone", "last_error_kind": "gone"}, 5.0, "gone", "410 Gone"),
        ({"last_error": "410", "last_error_kind": "gone", "notice": "find its new address"}, 5.0, "gone", "find its new address"),
        ({"notice": "it moved to https://new.example/"}, 5.0, "moved", "it moved to https://new.example/"),
        ({"gap": (NOW - timedelta(hours=2), NOW - timedelta(hours=1))}, 5.0, "rolling", "everything was new at a poll: items between 09:00 and 10:00 may be missing; it is polled more often now"),
        ({"gap": (NOW - timedelta(days=3), NOW - timedelta(days=2))}, 5.0, "ok", ""),
        ({"last_item": NOW - timedelta(days=3)}, 14.0, "silent", "usually 14 a day, none for 3 days"),
        ({"last_item": NOW - timedelta(days=1)}, 14.0, "ok", ""),
        ({"last_item": NOW - timedelta(days=30)}, 0.5, "silent", "usually 4 a week, none for 30 days"),
        ({"last_item": NOW - timedelta(days=10)}, 0.5, "ok", ""),
        ({"last_item": NOW - timedelta(days=300)}, 0.05, "ok", ""),
        ({"last_item": None}, 14.0, "ok", ""),
        ({"believed": False}, 5.0, "ok", "not modified"),
    ],
    ids=[
        "healthy", "disabled wins", "never polled", "never worked", "failing", "failing for days", "due now", "gone", "gone for good", "moved", "rolling over",
        "an old gap", "silent", "a quiet day", "a slow feed silent", "a slow feed", "a dormant feed", "no item ever", "a liar",
    ],
)  # fmt: skip
def test_feeds_are_judged(changes: dict[str, Any], rate: float, status: str, words: str) -> None:
    verdict = judge_feed(replace(HEALTHY, **changes), items_per_day=rate, now=NOW, zone=ZoneInfo("Europe/Paris"))
    assert verdict.status == status
    assert words in verdict.words
    assert bool(words) == bool(verdict.words)


NEW_ADDRESS = "https://new.example/rss"


@pytest.mark.parametrize(
    ("url", "moved_to", "words"),
    [
        ("https://old.example/rss", NEW_ADDRESS, f'trust it:\n  - url = "https://old.example/rss"\n  + url = "{NEW_ADDRESS}"'),
        ("https://old.example/${TOKEN}", "https://new.example/…", "trust it"),
        ("https://old.example/rss", "", "trust it"),
    ],
    ids=["the edit", "an address that is not shown in full", "no address known"],
)  # fmt: skip
def test_a_feed_that_moved_proposes_the_edit(url: str, moved_to: str, words: str) -> None:
    health = replace(HEALTHY, url=url, notice="if you trust it")
    verdict = judge_feed(health, items_per_day=5.0, now=NOW, moved_to=moved_to)
    assert (verdict.status, verdict.words) == ("moved", f"if you {words}")


def test_a_feed_that_rolls_over_at_its_fixed_interval_needs_the_operator() -> None:
    health = replace(HEALTHY, gap=(NOW - timedelta(hours=2), NOW - timedelta(hours=1)))
    assert judge_feed(health, items_per_day=5.0, now=NOW, fixed=True).words.endswith(
        "may be missing; set a shorter interval for it in feeds.toml"
    )


@pytest.mark.parametrize(
    ("rate", "words"), [(14.2, "14 a day"), (2.0, "2 a day"), (1.0, "7 a week"), (0.3, "2 a week")]
)
def test_a_pace_is_told_as_people_count(rate: float, words: str) -> None:
    assert tell_pace(rate) == words
