"""What a feed's polls left behind -> how it fares: one word for programs, a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.model import FeedHealth

# A feed is silent when it has brought nothing for this many of its usual gaps between items, and two days at least:
# at random arrival e^-8 of all gaps are that long, and weekends are no silence.
_SILENT_GAPS = 8
_SILENT_AT_LEAST = timedelta(days=2)
# Feeds rarer than one item a week have no rhythm to be silent against.
_SLOWEST_RHYTHM = 1 / 7
# A gap is worth an operator's attention for as long as somebody may still look for what was in it.
_GAP_SHOWN = timedelta(days=1)
_DISBELIEVED = (
    "its server has said “not modified” (304) of a document with new items: for some weeks it is asked for all of it"
)


STATUSES = ("ok", "failing", "silent", "rolling", "moved", "gone", "new", "disabled")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a feed fares. `status` is one of STATUSES."""

    status: str
    words: str


def judge_feed(health: FeedHealth, *, items_per_day: float, now: datetime) -> Verdict:
    """Say how a feed fares, the most pressing first."""
    if not health.active:
        return Verdict("disabled", "not polled: it is disabled, or no longer in feeds.toml")
    if health.last_error_kind == "gone":
        return Verdict("gone", health.notice or health.last_error)
    if health.last_error:
        since = (
            "it has never worked"
            if health.last_success is None
            else f"last worked {_day_and_time(health.last_success)}"
        )
        return Verdict("failing", f"{health.last_error}; {since}")
    if health.last_success is None:
        return Verdict("new", "not polled yet")
    if health.notice:
        return Verdict("moved", health.notice)
    if health.gap is not None and now - health.gap[1] < _GAP_SHOWN:
        start, end = (_day_and_time(when) for when in health.gap)
        return Verdict("rolling", f"items published between {start} and {end} may be missing: it brought only new ones")
    if health.last_item is not None and _is_silent(now - health.last_item, items_per_day):
        days = (now - health.last_item).days
        return Verdict("silent", f"usually {items_per_day:.1f} items a day, none for {days} days")
    return Verdict("ok", "" if health.believed else _DISBELIEVED)


def _is_silent(quiet_for: timedelta, items_per_day: float) -> bool:
    if items_per_day < _SLOWEST_RHYTHM:
        return False
    return quiet_for > max(_SILENT_AT_LEAST, timedelta(days=_SILENT_GAPS / items_per_day))


def _day_and_time(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M UTC")
