"""When what waits for a channel URL goes, and in how many messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from monitor.model import UTC_ZONE, Bundle, Channel, Lane, NoticeKind, Quiet, Rule, Schedule, Waiting
from monitor.rhythm import BURST_WINDOW, Hold, Plan, next_time, plan_lane, quiet_until
from tests.makers import NOW, make_channel

PARIS, NEW_YORK, TEHRAN = ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Tehran")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NIGHT = Quiet(time(22), time(7))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(at: str) -> Schedule:
    return Schedule("daily", time.fromisoformat(at))


# Paris puts its clock forward on 2017-03-26 at 02:00 and back on 2017-10-29 at 03:00, New York on 03-12 and 11-05 at
# 02:00. Tehran did so at midnight: 2017-03-22 has no 00:00, and the last hour of 2017-09-21 comes twice.
@pytest.mark.parametrize(
    ("schedule", "zone", "after", "expected"),
    [
        pytest.param(Schedule("hourly"), UTC_ZONE, "2017-04-01 09:00", "2017-04-01 10:00", id="hourly, on the hour"),
        pytest.param(Schedule("hourly"), TEHRAN, "2017-01-01 09:00", "2017-01-01 09:30", id="hourly, off by 30 min"),
        pytest.param(Schedule("hourly"), PARIS, "2017-03-26 00:59", "2017-03-26 01:00", id="hourly, in the gap"),
        pytest.param(Schedule("hourly"), PARIS, "2017-10-29 00:00", "2017-10-29 01:00", id="hourly, in the overlap"),
        pytest.param(daily("08:00"), PARIS, "2017-04-01 05:59", "2017-04-01 06:00", id="daily, today"),
        pytest.param(daily("08:00"), PARIS, "2017-04-01 06:00", "2017-04-02 06:00", id="daily, not twice"),
        pytest.param(daily("08:00"), PARIS, "2017-03-25 07:00", "2017-03-26 06:00", id="daily, the clock goes forward"),
        pytest.param(daily("08:00"), PARIS, "2017-10-28 06:00", "2017-10-29 07:00", id="daily, the clock goes back"),
        pytest.param(daily("02:30"), PARIS, "2017-03-25 12:00", "2017-03-26 01:30", id="Paris, a time left out"),
        pytest.param(
            daily("02:30"), PARIS, "2017-10-28 12:00", "2017-10-29 00:30", id="Paris, a time that comes twice"
        ),
        pytest.param(daily("02:30"), PARIS, "2017-10-29 00:30", "2017-10-30 01:30", id="Paris, the second is no other"),
        pytest.param(daily("02:30"), NEW_YORK, "2017-03-11 12:00", "2017-03-12 07:30", id="New York, left out"),
        pytest.param(daily("01:30"), NEW_YORK, "2017-11-04 12:00", "2017-11-05 05:30", id="New York, twice"),
        pytest.param(daily("00:00"), TEHRAN, "2017-03-21 12:00", "2017-03-21 20:30", id="Tehran, no midnight"),
        pytest.param(daily("00:00"), TEHRAN, "2017-03-21 20:30", "2017-03-22 19:30", id="Tehran, the midnight after"),
        pytest.param(daily("23:30"), TEHRAN, "2017-09-21 12:00", "2017-09-21 19:00", id="Tehran, 23:30 comes twice"),
        pytest.param(daily("23:30"), TEHRAN, "2017-09-21 19:00", "2017-09-22 20:00", id="Tehran, told once of both"),
        pytest.param(daily("00:00"), TEHRAN, "2023-03-21 12:00", "2023-03-21 20:30", id="Tehran, no change since 2022"),
        pytest.param(Schedule("weekly", time(8), 0), PARIS, "2017-04-01 09:00", "2017-04-03 06:00", id="weekly"),
        pytest.param(Schedule("weekly", time(8), 0), PARIS, "2017-04-03 06:00", "2017-04-10 06:00", id="a week later"),
        pytest.param(
            Schedule("weekly", time(8), 6), PARIS, "2017-03-19 07:00", "2017-03-26 06:00", id="weekly, forward"
        ),
    ],
)
def test_a_schedule_follows_the_clock_on_the_wall(
    schedule: Schedule, zone: ZoneInfo, after: str, expected: str
) -> None:
    assert next_time(schedule, utc(after), timezone=zone) == utc(expected)


@pytest.mark.parametrize(
    ("quiet", "zone", "now", "expected"),
    [
        pytest.param(NIGHT, UTC_ZONE, "2017-04-01 21:59", None, id="before"),
        pytest.param(NIGHT, UTC_ZONE, "2017-04-01 22:00", "2017-04-02 07:00", id="from the first minute"),
        pytest.param(NIGHT, UTC_ZONE, "2017-04-02 06:59", "2017-04-02 07:00", id="after midnight"),
        pytest.param(NIGHT, UTC_ZONE, "2017-04-02 07:00", None, id="over"),
        pytest.param(Quiet(time(12), time(14)), UTC_ZONE, "2017-04-01 13:00", "2017-04-01 14:00", id="by day"),
        pytest.param(Quiet(time(12), time(14)), UTC_ZONE, "2017-04-01 23:00", None, id="not by night"),
        pytest.param(NIGHT, PARIS, "2017-03-25 22:00", "2017-03-26 05:00", id="Paris, a short night"),
        pytest.param(NIGHT, PARIS, "2017-10-28 21:00", "2017-10-29 06:00", id="Paris, a long night"),
        pytest.param(Quiet(time(22), time(2, 30)), PARIS, "2017-10-29 00:45", "2017-10-29 01:30", id="Paris, the second 02:30"),
        pytest.param(Quiet(time(22), time(2, 30)), PARIS, "2017-03-26 00:30", "2017-03-26 01:30", id="Paris, no 02:30"),
        pytest.param(NIGHT, NEW_YORK, "2017-03-12 04:00", "2017-03-12 11:00", id="New York, a short night"),
        pytest.param(NIGHT, NEW_YORK, "2017-11-05 04:00", "2017-11-05 12:00", id="New York, a long night"),
        pytest.param(Quiet(time(0), time(6)), TEHRAN, "2017-03-21 20:40", "2017-03-22 01:30", id="Tehran, no midnight"),
        pytest.param(Quiet(time(20), time(0)), TEHRAN, "2017-09-21 19:45", "2017-09-21 20:30", id="Tehran, 23 h twice"),
    ],
)  # fmt: skip
def test_quiet_hours_follow_the_clock_on_the_wall(quiet: Quiet, zone: ZoneInfo, now: str, expected: str | None) -> None:
    assert quiet_until(quiet, utc(now), timezone=zone) == (utc(expected) if expected else None)


# --- plan_lane -------------------------------------------------------------------------------------------------------


def wait(number: int, *, story: int | None = 0, **changes: Any) -> Waiting:
    """A row that is due, of a story of its own unless told otherwise."""
    row = Waiting(id=number, story=number if story == 0 else story, topic="chechnya", created=NOW, next_attempt=NOW)
    return replace(row, **changes)


DESK = make_channel()
QUIET_DESK = replace(DESK, quiet=Quiet(time(8), time(10)))
DIGEST = Rule(topics=("chechnya",), channels=("desk",), digest=daily("08:00"))
TOMORROW = utc("2017-04-02 08:00")


def plan(
    *rows: Waiting,
    channel: Channel | None = DESK,
    rules: tuple[Rule, ...] = (),
    recent: tuple[tuple[datetime, int], ...] = (),
    now: datetime = NOW,
) -> Plan:
    lane = Lane("desk", 0, "target", rows, recent)
    return plan_lane(lane, channel, rules, timezone=UTC_ZONE, now=now, most=5)


def one_by_one(*numbers: int) -> tuple[tuple[tuple[int, ...], Bundle | None], ...]:
    return tuple(((number,), None) for number in numbers)


LATER, SOON = NOW + HOUR, NOW + MINUTE
OUT: dict[str, Any] = {"why": Bundle.OUTAGE, "attempts": 1}
HELD: dict[str, Any] = {"next_attempt": LATER, "why": Bundle.QUIET}
DUE_DIGEST: dict[str, Any] = {"digest": True, "created": NOW - timedelta(days=1)}


@pytest.mark.parametrize(
    ("rows", "settings", "messages", "held"),
    [
        pytest.param([wait(1), wait(2)], {}, one_by_one(1, 2), {}, id="stories go alone, in order"),
        pytest.param([wait(1), wait(2, story=1)], {}, (((1, 2), None),), {}, id="rows of one story go together"),
        pytest.param([wait(1, next_attempt=SOON)], {}, (), {}, id="what is not due waits"),
        pytest.param(
            [wait(1, next_attempt=SOON, attempts=1), wait(2, story=1)], {}, (), {2: Hold(SOON)},
            id="nothing overtakes what was refused of its story",
        ),
        pytest.param(
            [wait(1, next_attempt=SOON, attempts=1), wait(2)], {}, one_by_one(2), {}, id="other stories may overtake"
        ),
        pytest.param([wait(1, **HELD), wait(2, story=1)], {}, (((1, 2), None),), {}, id="what is held goes along"),
        pytest.param([wait(n) for n in range(9)], {"channel": None}, one_by_one(*range(5)), {}, id="a removed channel"),
        # digest
        pytest.param(
            [wait(1, digest=True)], {"rules": (DIGEST,)}, (), {1: Hold(TOMORROW, Bundle.DIGEST)}, id="held for a digest"
        ),
        pytest.param(
            [wait(1, **DUE_DIGEST), wait(2, **DUE_DIGEST), wait(3)], {"rules": (DIGEST,)},
            (((1, 2), Bundle.DIGEST), ((3,), None)), {}, id="a digest that is due, also when it was missed",
        ),
        pytest.param([wait(1, **DUE_DIGEST)], {"rules": (DIGEST,)}, one_by_one(1), {}, id="a digest of one story"),
        pytest.param([wait(1, digest=True)], {}, one_by_one(1), {}, id="the digest was taken out of the file"),
        pytest.param(
            [wait(1, digest=True)], {"rules": (DIGEST, replace(DIGEST, digest=Schedule("hourly")))}, (),
            {1: Hold(NOW + HOUR, Bundle.DIGEST)}, id="the sooner of two digests",
        ),
        pytest.param([wait(1, digest=True, urgent=True)], {"rules": (DIGEST,)}, one_by_one(1), {}, id="urgent, no digest"),
        pytest.param(
            [wait(1, **DUE_DIGEST)], {"rules": (DIGEST,), "channel": QUIET_DESK}, (),
            {1: Hold(LATER, Bundle.DIGEST)}, id="a digest within quiet hours",
        ),
        # quiet hours
        pytest.param([wait(1)], {"channel": QUIET_DESK}, (), {1: Hold(LATER, Bundle.QUIET)}, id="held by quiet hours"),
        pytest.param([wait(1, urgent=True)], {"channel": QUIET_DESK}, one_by_one(1), {}, id="urgent passes them"),
        pytest.param(
            [wait(1, **HELD), wait(2, story=1, urgent=True)], {"channel": QUIET_DESK}, (((1, 2), None),), {},
            id="what is urgent takes along what is held of its story",
        ),
        pytest.param(
            [wait(1, why=Bundle.QUIET), wait(2, why=Bundle.QUIET), wait(3)], {},
            (((1, 2), Bundle.QUIET), ((3,), None)), {}, id="one summary after quiet hours",
        ),
        pytest.param(
            [wait(1, why=Bundle.QUIET, alone=True), wait(2, why=Bundle.QUIET), wait(3, why=Bundle.QUIET)], {},
            (((1,), None), ((2, 3), Bundle.QUIET)), {}, id="what a summary was refused for goes alone",
        ),
        # burst
        pytest.param([wait(n) for n in range(5)], {}, one_by_one(*range(5)), {}, id="as many as the limit"),
        pytest.param([wait(n) for n in range(6)], {}, ((tuple(range(6)), Bundle.BURST),), {}, id="over the limit"),
        pytest.param(
            [wait(1), wait(2)], {"recent": ((NOW - MINUTE, 4),)}, (((1, 2), Bundle.BURST),), {}, id="over it by two"
        ),
        pytest.param(
            [wait(1)], {"recent": tuple((NOW - n * MINUTE, 1) for n in range(1, 6))}, (),
            {1: Hold(NOW + BURST_WINDOW - 5 * MINUTE, Bundle.BURST)}, id="no more messages than the limit",
        ),
        pytest.param(
            [wait(1, urgent=True)], {"recent": tuple((NOW - n * MINUTE, 1) for n in range(1, 6))}, one_by_one(1), {},
            id="urgent passes the limit",
        ),
        pytest.param(
            [wait(1)], {"recent": tuple((NOW - n * BURST_WINDOW, 1) for n in range(1, 6))}, one_by_one(1), {},
            id="what is long told does not count",
        ),
        pytest.param(
            [wait(1, why=Bundle.BURST), wait(2)], {}, (((1, 2), Bundle.BURST),), {}, id="what a burst has held"
        ),
        # outage
        pytest.param(
            [wait(1, **OUT), wait(2, why=Bundle.OUTAGE, next_attempt=SOON), wait(3)], {},
            (((1, 2), Bundle.OUTAGE), ((3,), None)), {}, id="an outage's rest is one summary",
        ),
        pytest.param(
            [wait(1, **OUT), wait(2, why=Bundle.OUTAGE, urgent=True)], {}, (((1, 2), Bundle.OUTAGE),), {},
            id="and holds what is urgent",
        ),
        pytest.param(
            [wait(1, **OUT), wait(2, next_attempt=SOON, **OUT), wait(3, story=2)], {}, (((1, 2, 3), Bundle.OUTAGE),), {},
            id="and what has come since of its stories",
        ),
        pytest.param([wait(1, why=Bundle.RESTORED), wait(2, why=Bundle.RESTORED)], {}, (((1, 2), Bundle.RESTORED),), {}, id="a restored backup"),
        # notices
        pytest.param(
            [wait(1, story=None, notice=NoticeKind.DEAD)], {"channel": QUIET_DESK}, (),
            {1: Hold(LATER, Bundle.QUIET)}, id="a notice waits for the morning",
        ),
        pytest.param(
            [wait(1, story=None, notice=NoticeKind.HEARTBEAT)], {"channel": QUIET_DESK}, one_by_one(1), {},
            id="a heartbeat keeps its hour",
        ),
        pytest.param(
            [wait(n, story=None, notice=NoticeKind.CONFIG, why=Bundle.QUIET) for n in range(2)], {}, one_by_one(0, 1),
            {}, id="notices are in no summary",
        ),
    ],
)  # fmt: skip
def test_what_waits_becomes_messages(
    rows: list[Waiting],
    settings: dict[str, Any],
    messages: tuple[tuple[tuple[int, ...], Bundle | None], ...],
    held: dict[int, Hold],
) -> None:
    assert plan(*rows, **settings) == Plan(messages, held)
