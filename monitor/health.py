"""What a feed's polls left behind -> how it fares: one word for programs, a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from monitor.model import Feed, FeedHealth

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


def judge_feed(  # noqa: C901 (a row for each status, read from top to bottom)
    health: FeedHealth,
    *,
    items_per_day: float,
    now: datetime,
    zone: tzinfo = UTC,
    moved_to: str = "",
    fixed: bool = False,
) -> Verdict:
    """Say how a feed fares, the most pressing first, with times in the operator's `zone`.

    `moved_to` is where its server says that it moved for good; `fixed`: feeds.toml sets its interval.
    """

    def tell(when: datetime) -> str:
        return tell_time(when, now=now, zone=zone)

    if not health.active:
        return Verdict("disabled", "not polled: it is disabled, or no longer in feeds.toml")
    if health.last_error_kind == "gone":
        return Verdict("gone", health.notice or health.last_error)
    if health.last_error:
        since = "it has never worked" if health.last_success is None else f"last worked {tell(health.last_success)}"
        next_try = "now" if health.next_poll is None or health.next_poll <= now else tell(health.next_poll)
        return Verdict("failing", f"{health.last_error}; {since}; next try {next_try}")
    if health.last_success is None:
        return Verdict("new", "not polled yet")
    if health.notice:
        return Verdict("moved", health.notice + _propose_edit(health.url, moved_to))
    if health.gap is not None and now - health.gap[1] < _GAP_SHOWN:
        start, end = map(tell, health.gap)
        answer = "set a shorter interval for it in feeds.toml" if fixed else "it is polled more often now"
        missing = f"items between {start} and {end} may be missing"
        return Verdict("rolling", f"everything was new at a poll: {missing}; {answer}")
    if health.last_item is not None and _is_silent(now - health.last_item, items_per_day):
        return Verdict("silent", f"usually {tell_pace(items_per_day)}, none for {(now - health.last_item).days} days")
    return Verdict("ok", "" if health.believed else _DISBELIEVED)


def tell_time(when: datetime, *, now: datetime, zone: tzinfo) -> str:
    """Write a time in the operator's zone, with the day unless it is today: `14:02`, `2017-04-01 14:02`."""
    local = when.astimezone(zone)
    return local.strftime("%H:%M" if local.date() == now.astimezone(zone).date() else "%Y-%m-%d %H:%M")


def tell_pace(items_per_day: float) -> str:
    """Write a pace as people count: `14 a day`, `3 a week`."""
    return f"{items_per_day:.0f} a day" if items_per_day >= 2 else f"{items_per_day * 7:.0f} a week"  # noqa: PLR2004 (“1 a day” may be 1.4)


def never_polled(feed: Feed) -> FeedHealth:
    """Give the state of a feed that the store has not met yet."""
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


def _propose_edit(url: str, moved_to: str) -> str:
    """Write the edit of feeds.toml that follows a feed to its new address, unless that holds what is not shown."""
    if not moved_to or "${" in url:
        return ""
    return f':\n  - url = "{url}"\n  + url = "{moved_to}"'


def _is_silent(quiet_for: timedelta, items_per_day: float) -> bool:
    if items_per_day < _SLOWEST_RHYTHM:
        return False
    return quiet_for > max(_SILENT_AT_LEAST, timedelta(days=_SILENT_GAPS / items_per_day))
