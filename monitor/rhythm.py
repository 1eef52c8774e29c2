"""What waits for a channel URL, the rules, the time -> the messages that go now, and until when the rest is held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.model import Bundle, Channel, Lane, NoticeKind, Quiet, Rule, Schedule, Waiting

# A channel URL gets at most `burst` messages within this time; what is over it becomes one summary.
BURST_WINDOW = timedelta(minutes=10)
# Their time is their own: a proof of life is asked for at an hour, and a database that refuses stops everything.
_LOUD = {NoticeKind.HEARTBEAT, NoticeKind.STORE}
_Message = tuple[list[Waiting], Bundle | None]
# In this order, where several of them could name a message.
_SUMMARIES = (Bundle.RESTORED, Bundle.OUTAGE, Bundle.DIGEST, Bundle.QUIET)


@dataclass(frozen=True, slots=True)
class Hold:
    """Until when a row is held, and for which summary; None keeps the one that it had."""

    until: datetime
    why: Bundle | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows of each message that goes now, with what sums them up, and by row what is held."""

    messages: tuple[tuple[tuple[int, ...], Bundle | None], ...]
    held: Mapping[int, Hold] = field(default_factory=dict)


def plan_lane(
    lane: Lane, channel: Channel | None, rules: Sequence[Rule], *, timezone: ZoneInfo, now: datetime, most: int
) -> Plan:
    """Say what goes to a channel URL now, `most` messages at a time, and what is held.

    Rows of one story go together, or in order. A digest, the end of quiet hours, an outage, a restored backup and a
    burst make one summary each. What is urgent is not held. A channel that feeds.toml has no longer holds nothing.
    """
    held = {row.id: hold for row in lane.waiting if (hold := _hold(row, channel, rules, timezone=timezone, now=now))}
    ready = _choose_ready(lane.waiting, held, now=now)
    chosen = {row.id for row in ready}
    held = {row: hold for row, hold in held.items() if row not in chosen} | _behind(ready, lane.waiting, now=now)
    ready = [row for row in ready if row.id not in held]
    stories = _by_story(ready)
    messages: list[_Message] = [([row], None) for row in ready if row.notice is not None]
    messages += [(rows, None) for rows in stories if any(row.alone for row in rows)]
    together = [rows for rows in stories if not any(row.alone for row in rows)]
    for why in _SUMMARIES:
        messages += _sum_up([rows for rows in together if _summary_of(rows) is why], why)
    fresh, over = _limit_burst([rows for rows in together if _summary_of(rows) is None], lane, channel, now=now)
    messages = sorted(messages + fresh, key=lambda message: message[0][0].id)
    return Plan(tuple((tuple(row.id for row in rows), why) for rows, why in messages[:most]), held | over)


def next_time(schedule: Schedule, after: datetime, *, timezone: ZoneInfo) -> datetime:
    """Give the first time of a schedule that is later than `after`.

    A local time that a clock change leaves out is taken as much later as the clock jumps; one that comes twice counts
    at its first coming (PEP 495, fold=0).
    """
    if schedule.every == "hourly":
        return _next_full_hour(after, timezone)
    first = after.astimezone(timezone).date() - timedelta(days=1)
    days = (first + timedelta(days=ahead) for ahead in range(10))
    fitting = (day for day in days if schedule.every == "daily" or day.weekday() == schedule.weekday)
    return next(moment for day in fitting if (moment := _instant(day, schedule.at, timezone)) > after)


def quiet_until(quiet: Quiet, now: datetime, *, timezone: ZoneInfo) -> datetime | None:
    """Give when the quiet hours that `now` lies in end; None outside of them.

    They begin when the clock first shows `start`, and end when it last shows `end`.
    """
    today = now.astimezone(timezone).date()
    for day in (today - timedelta(days=1), today):
        last = day if quiet.start < quiet.end else day + timedelta(days=1)
        end = max(_instant(last, quiet.end, timezone, fold=fold) for fold in (0, 1))
        if _instant(day, quiet.start, timezone) <= now < end:
            return end
    return None


def _next_full_hour(after: datetime, timezone: ZoneInfo) -> datetime:
    moment = after.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    while moment.astimezone(timezone).minute:  # zones are off by 30 and 45 minutes too, and Lord Howe jumps by 30
        moment += timedelta(minutes=1)
    return moment


def _instant(day: date, at: time, timezone: ZoneInfo, *, fold: int = 0) -> datetime:
    return datetime.combine(day, at, tzinfo=timezone).replace(fold=fold).astimezone(UTC)


def _hold(
    row: Waiting, channel: Channel | None, rules: Sequence[Rule], *, timezone: ZoneInfo, now: datetime
) -> Hold | None:
    """Say until when a row that is due must wait by the configuration as it is now."""
    if row.next_attempt > now or channel is None or row.urgent or row.notice in _LOUD:
        return None
    if row.digest and (due := _digest_time(row, channel, rules, timezone=timezone)):
        if due > now:
            return Hold(due, Bundle.DIGEST)
        why: Bundle | None = Bundle.DIGEST
    else:
        why = Bundle.QUIET
    end = quiet_until(channel.quiet, now, timezone=timezone) if channel.quiet else None
    return Hold(end, row.why or why) if end else None


def _digest_time(row: Waiting, channel: Channel, rules: Sequence[Rule], *, timezone: ZoneInfo) -> datetime | None:
    leading = [rule for rule in rules if row.topic in rule.topics and channel.name in rule.channels]
    return min(
        (next_time(rule.digest, row.created, timezone=timezone) for rule in leading if rule.digest), default=None
    )


def _choose_ready(waiting: Sequence[Waiting], held: Mapping[int, Hold], *, now: datetime) -> list[Waiting]:
    """Give what is due, and what goes along: all that an outage has left, and what is held of a story told now anyway."""
    due = [row for row in waiting if row.id not in held and row.next_attempt <= now]
    chosen = {row.id for row in due}
    stories = {row.story for row in due if row.story is not None}
    catching_up = any(row.why is Bundle.OUTAGE for row in due)
    return [
        row
        for row in waiting
        if row.id in chosen
        or (catching_up and row.why is Bundle.OUTAGE and not row.alone)
        or (row.story in stories and not row.attempts)
    ]


def _behind(ready: Sequence[Waiting], waiting: Sequence[Waiting], *, now: datetime) -> dict[int, Hold]:
    """Hold what would overtake an earlier message about its story that was refused and is tried again later."""
    chosen = {row.id for row in ready}
    later = {row.story: row.next_attempt for row in waiting if row.next_attempt > now and row.id not in chosen}
    return {row.id: Hold(later[row.story]) for row in ready if row.story is not None and row.story in later}


def _by_story(rows: Iterable[Waiting]) -> list[list[Waiting]]:
    stories: dict[int, list[Waiting]] = {}
    for row in rows:
        if row.story is not None:
            stories.setdefault(row.story, []).append(row)
    return list(stories.values())


def _summary_of(rows: Sequence[Waiting]) -> Bundle | None:
    """Say in which summary a story goes, if in any: all that is told of it must have waited, but for an outage."""
    reasons = {Bundle.DIGEST if row.digest and row.why is None else row.why for row in rows}
    if _is_urgent(rows) and Bundle.OUTAGE not in reasons:
        return None
    return next((why for why in _SUMMARIES if why in reasons), None)


def _is_urgent(rows: Sequence[Waiting]) -> bool:
    return any(row.urgent for row in rows)


def _limit_burst(
    stories: Sequence[list[Waiting]], lane: Lane, channel: Channel | None, *, now: datetime
) -> tuple[list[_Message], dict[int, Hold]]:
    """Give the messages of what has come at once, and what waits until the channel has room for a message again."""
    alone: list[_Message] = [(rows, None) for rows in stories]
    if channel is None:
        return alone, {}
    lately = sorted((when, told) for when, told in lane.recent if when > now - BURST_WINDOW)
    if len(lately) >= channel.burst:
        free = lately[-channel.burst][0] + BURST_WINDOW
        urgent = [(rows, why) for rows, why in alone if _is_urgent(rows)]
        return urgent, {row.id: Hold(free, Bundle.BURST) for rows in stories if not _is_urgent(rows) for row in rows}
    waited = any(row.why is Bundle.BURST for rows in stories for row in rows)
    if waited or sum(told for _, told in lately) + len(stories) > channel.burst:
        return _sum_up(stories, Bundle.BURST), {}
    return alone, {}


def _sum_up(stories: Sequence[Sequence[Waiting]], why: Bundle) -> list[_Message]:
    """Make one message of several stories; one alone is told as usual."""
    rows = sorted((row for story in stories for row in story), key=lambda row: row.id)
    return [(rows, why if len(stories) > 1 else None)] if rows else []
