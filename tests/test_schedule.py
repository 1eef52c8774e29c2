"""When to poll: a table of situations with the words that explain them, and what holds in every situation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from monitor.model import FetchSettings
from monitor.schedule import (
    DAY,
    Hints,
    Plan,
    Poll,
    Rhythm,
    dump_rhythm,
    in_words,
    load_rhythm,
    plan_next_poll,
    read_freshness,
    spread_polls,
)

NOW = datetime(2017, 4, 3, 12, 0, tzinfo=UTC)  # a Monday
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SETTINGS = FetchSettings(min_interval=5 * MINUTE, max_interval=6 * HOUR)

# A feed with one item an hour, day and night, watched for long: its pace is 20 minutes.
HOURLY = Rhythm(polled=NOW - 20 * MINUTE, window=20, hours=(10.0,) * 24, observed=10.0)
SILENT = Rhythm(polled=NOW - 6 * HOUR, window=20, observed=10.0)


def plan(
    rhythm: Rhythm,
    poll: Poll,
    *,
    fixed: timedelta | None = None,
    chance: float = 0.5,
    now: datetime = NOW,
    settings: FetchSettings = SETTINGS,
) -> Plan:
    """Plan with a chance that, at a half, adds no jitter."""
    return plan_next_poll(rhythm, poll, settings=settings, fixed=fixed, now=now, random=lambda: chance)


def wait(rhythm: Rhythm, poll: Poll, *, fixed: timedelta | None = None, chance: float = 0.5) -> timedelta:
    return plan(rhythm, poll, fixed=fixed, chance=chance).next_poll - NOW


def ago(*minutes: float) -> tuple[datetime, ...]:
    return tuple(NOW - minute * MINUTE for minute in minutes)


@dataclass(frozen=True)
class Case:
    """A situation, the wait that follows from it (jitter is a test of its own) and words of the reason."""

    rhythm: Rhythm
    poll: Poll
    minutes: float
    words: str
    fixed: timedelta | None = None


ROLLED = Poll(arrivals=ago(*range(20)))
SKIP_NOON = Hints(skip_hours=frozenset({12, 13}))

CASES = {
    "one item an hour": Case(HOURLY, Poll(known=20), 20, "about 24 items a day: in 20 min"),
    "unchanged says the same": Case(HOURLY, Poll(), 20, "about 24 items a day: in 20 min"),
    "nothing for weeks": Case(SILENT, Poll(known=20), 360, "hardly any items: in 6 h"),
    "an empty first document": Case(Rhythm(), Poll(), 360, "hardly any items: in 6 h"),
    "the first poll learns from the dates": Case(
        Rhythm(), Poll(arrivals=ago(*range(30, 240 * 60, 60))), 20, "about 24 items a day"
    ),
    "an old entry kept on top hides no rhythm": Case(
        Rhythm(), Poll(arrivals=(*ago(*range(30, 240 * 60, 60)), NOW - 900 * DAY)), 20, "about 24 items a day"
    ),
    "a burst: half of it shall be known next time": Case(
        HOURLY, Poll(arrivals=ago(*range(16)), known=4), 12.5, "16 of 20 entries were new: in 12 min"
    ),
    "everything new: at once to the minimum": Case(HOURLY, ROLLED, 5, "all 20 entries were new and items may be lost"),
    "a hint yields when items are lost": Case(
        HOURLY,
        replace(ROLLED, freshness=3 * HOUR, hints=Hints(min_interval=3 * HOUR)),
        5,
        "items may be lost: in 5 min",
    ),
    "a hint yields when the entries roll fast": Case(
        HOURLY, Poll(arrivals=ago(*range(16)), known=4, freshness=3 * HOUR), 12.5, "16 of 20 entries were new"
    ),
    "skipHours yield when items are lost": Case(HOURLY, replace(ROLLED, hints=SKIP_NOON), 5, "items may be lost"),
    "a firehose keeps to min_interval": Case(
        replace(HOURLY, hours=(1000.0,) * 24), Poll(arrivals=ago(1, 2), known=48), 5, "slowed down by min_interval"
    ),
    "the operator's interval wins": Case(HOURLY, Poll(known=20), 10, "fixed in feeds.toml: every 10 min", 10 * MINUTE),
    "it wins over hints": Case(
        HOURLY,
        Poll(freshness=HOUR, hints=Hints(min_interval=HOUR, skip_hours=frozenset({12}))),
        10,
        "fixed in feeds.toml: every 10 min",
        10 * MINUTE,
    ),
    "it wins over overlap, which is said": Case(
        HOURLY, ROLLED, 60, "every 1 h, though all 20 entries were new and items may be lost", HOUR
    ),
    "it may lie outside the bounds": Case(HOURLY, Poll(), 48 * 60, "every 2 days", 2 * DAY),
    "max-age slows down": Case(
        HOURLY, Poll(freshness=HOUR), 60, "about 24 items a day; slowed down by the server's cache headers: in 1 h"
    ),
    "ttl slows down": Case(
        HOURLY, Poll(hints=Hints(min_interval=HOUR)), 60, "slowed down by the feed's ttl or updatePeriod: in 1 h"
    ),
    "ttl is remembered where a 304 has no document": Case(
        replace(HOURLY, hints=Hints(min_interval=HOUR)), Poll(), 60, "slowed down by the feed's ttl"
    ),
    "the longer of both counts": Case(
        HOURLY, Poll(freshness=2 * HOUR, hints=Hints(min_interval=HOUR)), 120, "by the server's cache headers"
    ),
    "a shorter one changes nothing": Case(HOURLY, Poll(freshness=MINUTE), 20, "about 24 items a day: in 20 min"),
    "Expires in a year silences no feed": Case(HOURLY, Poll(freshness=365 * DAY), 360, "cache headers: in 6 h"),
    "skipHours put off": Case(HOURLY, Poll(hints=SKIP_NOON), 122.5, "skipHours or skipDays put it off by 1 h 42 min"),
    "skipHours never beyond max_interval": Case(
        HOURLY, Poll(hints=Hints(skip_hours=frozenset(range(23)))), 360, "put it off by 5 h 40 min"
    ),
    "skipDays never beyond max_interval": Case(
        HOURLY, Poll(hints=Hints(skip_days=frozenset({0, 1}))), 360, "put it off"
    ),
    "other hours do not matter": Case(HOURLY, Poll(hints=Hints(skip_hours=frozenset({3}))), 20, "in 20 min"),
    "every hour excluded is no exclusion": Case(
        HOURLY, Poll(hints=Hints(skip_hours=frozenset(range(24)))), 20, "the feed excludes every hour, which is ignored"
    ),
    "every day excluded is no exclusion": Case(
        HOURLY, Poll(hints=Hints(skip_days=frozenset(range(7)))), 20, "which is ignored"
    ),
    "Retry-After is waited for": Case(
        HOURLY,
        Poll(error="busy", retry_after=NOW + 2 * HOUR),
        126,
        "busy, 1 failure: again in 22 min, later at least every 24 h; the server asks to be left alone for 2 h 6 min",
    ),
    "Retry-After with a 403": Case(
        HOURLY, Poll(error="http-4xx", retry_after=NOW + 4 * HOUR), 252, "left alone for 4 h 12 min"
    ),
    "Retry-After wins over the operator's interval": Case(
        HOURLY, Poll(error="busy", retry_after=NOW + 2 * HOUR), 126, "left alone", MINUTE
    ),
    "Retry-After of a month is a day": Case(
        HOURLY, Poll(error="busy", retry_after=NOW + 30 * DAY), 24 * 60, "left alone for 24 h"
    ),
    "a short Retry-After changes nothing": Case(
        HOURLY, Poll(error="busy", retry_after=NOW + MINUTE), 22.5, "again in 22 min, later at least every 24 h"
    ),
    "a failing feed with an interval backs off too": Case(
        HOURLY, Poll(error="timeout"), 7.5, "timeout, 1 failure: again in 8 min, later at least every 6 h", MINUTE
    ),
    "the clock jumped back": Case(
        replace(HOURLY, polled=NOW + 5 * HOUR), Poll(arrivals=ago(1), known=19), 5, "1 of 20 entries were new"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_each_situation_has_its_wait_and_its_reason_in_words(case: Case) -> None:
    result = plan(case.rhythm, case.poll, fixed=case.fixed)

    assert (result.next_poll - NOW) / MINUTE == pytest.approx(case.minutes, rel=0.06)
    assert case.words in result.reason


def test_a_feed_with_four_times_the_items_is_polled_twice_as_often() -> None:
    busy = replace(HOURLY, hours=(40.0,) * 24)

    assert wait(busy, Poll()) * 2 == pytest.approx(wait(HOURLY, Poll()), abs=timedelta(seconds=1))


def test_a_feed_that_sleeps_at_night_is_hardly_polled_at_night() -> None:
    office = tuple(30.0 if 8 <= hour < 18 else 0.0 for hour in range(24))
    rhythm = replace(HOURLY, hours=office)
    midnight = NOW.replace(hour=22)

    by_day = plan(rhythm, Poll()).next_poll - NOW
    by_night = plan(replace(rhythm, polled=midnight), Poll(), now=midnight).next_poll - midnight

    assert by_day < 15 * MINUTE
    assert by_night > 2 * by_day


def test_a_poll_before_the_working_day_is_not_put_off_past_its_start() -> None:
    office = replace(HOURLY, hours=tuple(100.0 if 8 <= hour < 18 else 0.0 for hour in range(24)))
    early = NOW.replace(hour=7, minute=30)

    assert plan(replace(office, polled=early), Poll(), now=early).next_poll < early.replace(hour=8, minute=15)


def test_an_hour_counts_only_as_far_as_it_lies_ahead() -> None:
    morning = replace(HOURLY, hours=(0.0,) * 13 + (100.0,) * 11)

    def wait_at(minute: int) -> timedelta:
        now = NOW.replace(minute=minute)
        return plan(replace(morning, polled=now), Poll(), now=now).next_poll - now

    assert wait_at(50) < wait_at(10)


def test_the_hours_beside_a_busy_one_are_watched_too() -> None:
    noon = replace(HOURLY, hours=(0.0,) * 12 + (100.0,) + (0.0,) * 11)

    def wait_at(hour: int) -> timedelta:
        now = NOW.replace(hour=hour)
        return plan(replace(noon, polled=now), Poll(), now=now).next_poll - now

    assert wait_at(13) < wait_at(14)


def test_dates_without_a_time_count_for_the_hour_in_which_they_came() -> None:
    at_midnight = Poll(arrivals=(NOW.replace(hour=0),) * 5, known=15)

    learned = plan(replace(HOURLY, polled=NOW - MINUTE), at_midnight).rhythm

    assert learned.hours[11] > HOURLY.hours[11]
    assert learned.hours[0] < HOURLY.hours[0]


def test_a_clock_that_jumped_back_by_decades_teaches_nothing_wrong() -> None:
    learned = plan(replace(HOURLY, polled=NOW.replace(year=2106)), Poll(known=20)).rhythm

    assert learned == replace(HOURLY, polled=NOW)


def run(rhythm: Rhythm, published: list[datetime], *, window: int, days: float) -> tuple[Rhythm, list[Plan]]:
    """Poll a feed whose document holds the newest `window` items, for some days from NOW on."""
    random, now, plans = Random(1), NOW, []
    while now < NOW + days * DAY:
        present = sorted(at for at in published if at <= now)[-window:]
        new = tuple(at for at in present if rhythm.polled is None or at > rhythm.polled)
        poll = Poll(arrivals=new, known=len(present) - len(new))
        plans.append(plan_next_poll(rhythm, poll, settings=SETTINGS, now=now, random=random.random))
        rhythm, now = plans[-1].rhythm, plans[-1].next_poll
    return rhythm, plans


def test_a_steady_feed_is_polled_at_its_pace_and_loses_nothing() -> None:
    random = Random(1)
    published = [NOW + (random.random() * 7 - 2) * DAY for _ in range(7 * 24)]  # one an hour

    _, plans = run(Rhythm(), published, window=20, days=5)

    assert 55 < len(plans) / 5 < 90  # a poll every 20 minutes would be 72 a day
    assert not any(found.gap for found in plans)


def test_a_feed_that_falls_asleep_is_let_sleep_and_one_that_wakes_is_followed() -> None:
    asleep, plans = run(HOURLY, [NOW - DAY], window=20, days=90)

    assert plans[-1].next_poll - plans[-2].next_poll > 5 * HOUR

    awake = [NOW + 5 * MINUTE * count for count in range(2 * 288)]
    _, plans = run(replace(asleep, polled=NOW), awake, window=20, days=2)

    assert plans[-1].next_poll - plans[-2].next_poll < 15 * MINUTE
    assert sum(found.gap is not None for found in plans) <= 1


# --- gaps ------------------------------------------------------------------------------------------------------------


def test_a_rolled_over_feed_reports_the_time_of_which_items_may_be_missing() -> None:
    assert plan(HOURLY, ROLLED).gap == (NOW - 20 * MINUTE, NOW - 19 * MINUTE)


def test_a_gap_begins_with_the_last_usable_answer_not_with_the_last_failure() -> None:
    failed = plan(HOURLY, Poll(error="timeout"), now=NOW - 10 * MINUTE).rhythm

    assert plan(failed, ROLLED).gap == (NOW - 20 * MINUTE, NOW - 19 * MINUTE)


@pytest.mark.parametrize(
    ("rhythm", "poll"),
    [
        pytest.param(Rhythm(), ROLLED, id="first poll"),
        pytest.param(HOURLY, replace(ROLLED, known=1), id="one entry is known"),
        pytest.param(HOURLY, Poll(), id="unchanged"),
        pytest.param(HOURLY, Poll(error="html"), id="error"),
        pytest.param(plan(Rhythm(), Poll(), now=NOW - HOUR).rhythm, ROLLED, id="the first document was empty"),
        pytest.param(HOURLY, Poll(arrivals=ago(3, 30)), id="ids changed: an entry is older than the last poll"),
        pytest.param(replace(HOURLY, polled=NOW + HOUR), ROLLED, id="clock jumped back"),
    ],
)
def test_there_is_no_gap_where_nothing_shows_a_loss(rhythm: Rhythm, poll: Poll) -> None:
    assert plan(rhythm, poll).gap is None


def test_an_emptied_document_does_not_make_a_feed_forget_that_it_had_items() -> None:
    emptied = plan(HOURLY, Poll(), now=NOW - MINUTE).rhythm

    assert plan(emptied, Poll(arrivals=ago(0.5))).gap == (NOW - MINUTE, NOW - 0.5 * MINUTE)


def test_time_that_fell_into_a_gap_was_not_observed() -> None:
    slept = replace(HOURLY, polled=NOW - 30 * DAY)

    rate = plan(slept, ROLLED).rhythm.items_per_day

    assert rate > HOURLY.items_per_day / 3


# --- errors ----------------------------------------------------------------------------------------------------------

PASSING = ["dns", "refused", "timeout", "protocol", "proxy", "http-5xx"]
LASTING = ["http-4xx", "gone", "tls", "html", "not-a-feed", "empty", "blocked", "redirect", "too-large", "crashed"]


def failing(kind: str, times: int, *, chance: float) -> timedelta:
    rhythm = HOURLY
    for _ in range(times - 1):
        rhythm = plan(rhythm, Poll(error=kind)).rhythm
    return wait(rhythm, Poll(error=kind), chance=chance)


@pytest.mark.parametrize(
    ("kinds", "failures", "shortest", "longest"),
    [
        (PASSING, 1, 5 * MINUTE, 10 * MINUTE),
        (PASSING, 2, 5 * MINUTE, 20 * MINUTE),
        (PASSING, 5, 5 * MINUTE, 160 * MINUTE),
        (PASSING, 50, 5 * MINUTE, 6 * HOUR),
        (["busy"], 1, 15 * MINUTE, 30 * MINUTE),
        (["busy"], 50, 15 * MINUTE, DAY),
        (LASTING, 1, HOUR, 2 * HOUR),
        (LASTING, 3, HOUR, 8 * HOUR),
        (LASTING, 50, HOUR, DAY),
    ],
)
def test_errors_back_off_by_class_with_full_jitter(
    kinds: list[str], failures: int, shortest: timedelta, longest: timedelta
) -> None:
    for kind in kinds:
        assert failing(kind, failures, chance=0.0) == shortest
        assert failing(kind, failures, chance=1.0) == longest


def test_a_feed_is_never_given_up() -> None:
    dead = replace(HOURLY, failures=10**6)

    assert wait(dead, Poll(error="gone"), chance=1.0) == DAY


def test_a_feed_that_recovers_returns_to_its_rhythm_at_once() -> None:
    rhythm = HOURLY
    for kind in ["timeout", "http-5xx", "dns"] * 5:
        rhythm = plan(rhythm, Poll(error=kind)).rhythm
    assert rhythm.failures == 15

    recovered = plan(rhythm, Poll(known=20))

    assert recovered.rhythm.failures == 0
    assert recovered.next_poll - NOW == wait(HOURLY, Poll(known=20))


# --- what only the operator can decide -------------------------------------------------------------------------------

MOVED = Poll(known=20, moved_to="https://kurier.example/new-feed")
GONE = Poll(error="gone")
FINE = Poll(known=20)


@pytest.mark.parametrize(
    ("polls", "words"),
    [
        pytest.param([MOVED] * 2, "", id="twice moved may be a mistake"),
        pytest.param([MOVED] * 3, "moved for good to https://kurier.example/new-feed", id="moved three times"),
        pytest.param([MOVED] * 5, "at 5 polls in a row", id="the notice stands"),
        pytest.param([MOVED] * 3 + [Poll(error="timeout")], "new-feed: put that", id="it stands while the feed fails"),
        pytest.param([MOVED] * 2 + [replace(MOVED, moved_to="https://evil.example/")], "", id="another address"),
        pytest.param([MOVED, MOVED, FINE, MOVED], "", id="moved with a break"),
        pytest.param([MOVED] * 3 + [FINE], "", id="moved back"),
        pytest.param([MOVED, MOVED, Poll(error="timeout"), MOVED], "moved for good", id="a timeout is no break"),
        pytest.param([GONE] * 2, "", id="twice gone may be a mistake"),
        pytest.param([GONE] * 3, "gone for good (410)", id="gone three times"),
        pytest.param([GONE, GONE, Poll(error="timeout"), GONE], "", id="gone with a break"),
        pytest.param([GONE] * 9 + [FINE], "", id="back from the dead"),
    ],
)
def test_410_and_permanent_redirects_are_reported_at_the_third_poll_in_a_row(polls: list[Poll], words: str) -> None:
    rhythm, notice = HOURLY, ""
    for poll in polls:
        result = plan(rhythm, poll)
        rhythm, notice = result.rhythm, result.notice

    assert words in notice
    assert bool(words) == bool(notice)


# --- jitter ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rhythm", "poll", "fixed", "shortest", "longest"),
    [
        pytest.param(HOURLY, Poll(), None, 18 * MINUTE, 22 * MINUTE, id="between the bounds: a tenth both ways"),
        pytest.param(HOURLY, ROLLED, None, 5 * MINUTE, 5.5 * MINUTE, id="at the minimum: upwards"),
        pytest.param(SILENT, Poll(), None, 5.4 * HOUR, 6 * HOUR, id="at the maximum: downwards"),
        pytest.param(HOURLY, Poll(freshness=HOUR), None, 60 * MINUTE, 66 * MINUTE, id="at a hint: upwards"),
        pytest.param(HOURLY, Poll(freshness=9 * HOUR), None, 5.4 * HOUR, 6 * HOUR, id="at a clamped hint: downwards"),
        pytest.param(HOURLY, Poll(), HOUR, 54 * MINUTE, 66 * MINUTE, id="fixed: a tenth both ways"),
    ],
)
def test_jitter_spreads_ten_thousand_feeds_evenly_within_the_bounds(
    rhythm: Rhythm, poll: Poll, fixed: timedelta | None, shortest: timedelta, longest: timedelta
) -> None:
    random = Random(1)
    waits = [wait(rhythm, poll, fixed=fixed, chance=random.random()) for _ in range(10_000)]

    tolerance = timedelta(seconds=1)
    assert min(waits) >= shortest - tolerance
    assert max(waits) <= longest + tolerance
    tenths = [0] * 11
    for found in waits:
        tenths[int((found - shortest) / (longest - shortest) * 10)] += 1
    assert min(tenths[:10]) > 700  # 1000 in each tenth, were it perfectly even


def test_where_the_bounds_leave_no_room_the_minimum_holds() -> None:
    narrow = FetchSettings(min_interval=HOUR, max_interval=HOUR)

    waits = {plan(HOURLY, Poll(), settings=narrow, chance=chance).next_poll - NOW for chance in (0.0, 0.5, 1.0)}

    assert waits == {HOUR}


def test_feeds_turned_away_together_do_not_return_together() -> None:
    random = Random(1)
    poll = Poll(error="busy", retry_after=NOW + 2 * HOUR)
    waits = [wait(HOURLY, poll, chance=random.random()) for _ in range(1000)]

    assert min(waits) >= 2 * HOUR
    assert max(waits) - min(waits) > 10 * MINUTE


# --- after a start, a long sleep, a clock jump ----------------------------------------------------------------------


def spread(*planned: tuple[datetime | None, datetime | None], longest: timedelta = DAY) -> list[timedelta]:
    polls = spread_polls(list(planned), settings=SETTINGS, now=NOW, random=Random(1).random, longest=longest)
    return [next_poll - NOW for next_poll in polls]


@pytest.mark.parametrize(
    ("next_poll", "polled", "expected"),
    [
        pytest.param(None, None, timedelta(0), id="never polled"),
        pytest.param(NOW - 9 * DAY, NOW - 9 * DAY, timedelta(0), id="overdue after a long sleep"),
        pytest.param(NOW, NOW - HOUR, timedelta(0), id="due now"),
        pytest.param(NOW + HOUR, NOW - HOUR, HOUR, id="not yet due"),
        pytest.param(NOW + HOUR, None, HOUR, id="planned though never polled"),
        pytest.param(NOW + DAY, NOW - HOUR, DAY, id="backed off for a day"),
        pytest.param(NOW + 2 * DAY, NOW - HOUR, timedelta(0), id="absurdly far: no plan reaches that far"),
        pytest.param(NOW + 20 * HOUR, NOW + 14 * HOUR, timedelta(0), id="polled in the future: the clock jumped back"),
        pytest.param(NOW + HOUR, NOW + MINUTE, HOUR, id="a clock that is set by a minute is no jump"),
    ],
)
def test_each_planned_poll_is_kept_or_due(
    next_poll: datetime | None, polled: datetime | None, expected: timedelta
) -> None:
    assert spread((next_poll, polled)) == [expected]


def test_a_fixed_interval_of_a_week_is_not_absurd() -> None:
    assert spread((NOW + 7 * DAY, NOW), longest=7 * DAY) == [7 * DAY]


def test_a_max_interval_of_a_week_is_not_absurd() -> None:
    week = FetchSettings(max_interval=7 * DAY)

    assert spread_polls([(NOW + 7 * DAY, NOW)], settings=week, now=NOW, random=Random(1).random) == [NOW + 7 * DAY]


def test_a_small_list_is_polled_at_once() -> None:
    assert set(spread(*[(None, None)] * 99)) == {timedelta(0)}


def test_many_due_feeds_spread_over_the_minimum_interval_and_the_others_stay() -> None:
    later = (NOW + HOUR, NOW)
    waits = spread(*[(NOW - DAY, NOW - 2 * DAY), later] * 5000)

    assert set(waits[1::2]) == {HOUR}
    minutes = [int(found / MINUTE) for found in waits[::2]]
    assert all(900 < minutes.count(minute) < 1100 for minute in range(5))
    assert len(minutes) == sum(minutes.count(minute) for minute in range(5))


# --- headers ---------------------------------------------------------------------------------------------------------

DATE = "Mon, 03 Apr 2017 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="nothing said"),
        pytest.param({"cache-control": "max-age=600"}, 600, id="max-age"),
        pytest.param({"cache-control": 'Public , Max-Age="600"'}, 600, id="case, spaces, quotes"),
        pytest.param({"cache-control": "max-age=600", "age": "500"}, 100, id="what passed in caches is subtracted"),
        pytest.param({"cache-control": "max-age=600", "age": "700"}, None, id="stale already"),
        pytest.param({"cache-control": "max-age=600", "age": "old"}, 600, id="an age that is none"),
        pytest.param({"cache-control": "max-age=600, max-age=9"}, 600, id="the first of two"),
        pytest.param({"cache-control": "s-maxage=600"}, None, id="meant for shared caches"),
        pytest.param({"cache-control": "max-age=0"}, None, id="zero"),
        pytest.param({"cache-control": "max-age=-5"}, None, id="negative"),
        pytest.param({"cache-control": "max-age=soon"}, None, id="no number"),
        pytest.param({"cache-control": "max-age=٣"}, None, id="digits of another script"),
        pytest.param({"cache-control": "max-age=" + "9" * 5000}, 2**31, id="a number without end"),
        pytest.param({"cache-control": "no-cache, max-age=600"}, None, id="no-cache"),
        pytest.param({"cache-control": "max-age=600, no-store"}, None, id="no-store"),
        pytest.param({"expires": "Mon, 03 Apr 2017 13:00:00 GMT", "date": DATE}, 3600, id="Expires"),
        pytest.param({"expires": "Mon, 03 Apr 2017 13:00:00 GMT"}, 3600, id="Expires without Date"),
        pytest.param(
            {"expires": "Mon, 03 Apr 2017 20:10:00 GMT", "date": "Mon, 03 Apr 2017 20:00:00 GMT"},
            600,
            id="a server whose clock is wrong",
        ),
        pytest.param(
            {"cache-control": "max-age=60", "expires": "Mon, 03 Apr 2017 13:00:00 GMT", "date": DATE},
            60,
            id="max-age wins over Expires",
        ),
        pytest.param({"expires": "Sunday, 03-Apr-17 13:00:00 GMT", "date": DATE}, 3600, id="RFC 850"),
        pytest.param({"expires": "Mon Apr  3 13:00:00 2017", "date": DATE}, 3600, id="asctime"),
        pytest.param({"expires": "Mon, 03 Apr 2017 13:00:00 -0000", "date": DATE}, 3600, id="an unknown zone is UTC"),
        pytest.param({"expires": "0"}, None, id="Expires 0"),
        pytest.param({"expires": "-1"}, None, id="Expires -1"),
        pytest.param({"expires": "Mon, 31 Feb 2017 13:00:00 GMT"}, None, id="a day that is not"),
        pytest.param({"expires": "Thu, 19 Nov 1981 08:52:00 GMT", "date": DATE}, None, id="Expires long past"),
    ],
)
def test_freshness_follows_rfc_9111(headers: Mapping[str, str], seconds: float | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)

    assert read_freshness(headers, now=NOW) == expected


# --- what is stored and said ----------------------------------------------------------------------------------------


def test_a_rhythm_survives_storage() -> None:
    hints = Hints(min_interval=HOUR, skip_hours=frozenset({1, 2}), skip_days=frozenset({6}))
    rhythm = replace(HOURLY, failures=3, moved=1, moved_to=MOVED.moved_to, gone=2, hints=hints)

    assert load_rhythm(dump_rhythm(rhythm)) == rhythm
    assert load_rhythm(dump_rhythm(Rhythm())) == Rhythm()


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", "null", '{"polled": 5}', '{"polled": "yesterday"}'])
def test_a_rhythm_that_cannot_be_read_begins_anew(text: str) -> None:
    assert load_rhythm(text) == Rhythm()


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=40), "40 s"),
        (timedelta(seconds=90), "90 s"),
        (5 * MINUTE, "5 min"),
        (80 * MINUTE, "1 h 20 min"),
        (6 * HOUR, "6 h"),
        (DAY, "24 h"),
        (2 * DAY, "2 days"),
    ],
)
def test_a_span_is_said_as_an_operator_says_it(span: timedelta, words: str) -> None:
    assert in_words(span) == words


@pytest.mark.parametrize(
    ("per_day", "words"),
    [(240.0, "about 240 items a day"), (0.2, "about 6 items a month"), (0.01, "hardly any items")],
)
def test_a_rate_is_said_in_the_unit_that_fits(per_day: float, words: str) -> None:
    rhythm = replace(HOURLY, hours=(per_day * 10 / 24,) * 24)

    assert words in plan(rhythm, Poll()).reason


# --- in every situation ----------------------------------------------------------------------------------------------


def any_poll(random: Random, now: datetime) -> Poll:
    """Make up anything that a poll may see, sensible or not."""
    some = [timedelta(seconds=1), MINUTE, HOUR, DAY, 400 * DAY]
    hints = Hints(
        min_interval=random.choice([None, *some]),
        skip_hours=frozenset(random.sample(range(24), random.choice([0, 0, 8, 23, 24]))),
        skip_days=frozenset(random.sample(range(7), random.choice([0, 0, 2, 7]))),
    )
    return Poll(
        error=random.choice(["", "", "", "", *PASSING, *LASTING, "busy"]),
        arrivals=tuple(now - random.random() * random.choice(some) for _ in range(random.choice([0, 0, 1, 20, 2000]))),
        known=random.choice([0, 1, 20]),
        hints=random.choice([None, hints]),
        freshness=random.choice([None, *some]),
        retry_after=random.choice([None, None, None, now - DAY, *(now + span for span in some)]),
        moved_to=random.choice(["", "https://kurier.example/elsewhere"]),
    )


@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_the_next_poll_lies_between_the_minimum_and_a_day(seed: int) -> None:
    random = Random(seed)
    rhythm, now = Rhythm(), NOW
    fixed = random.choice([None, 2 * MINUTE, 3 * HOUR])
    lowest = min(SETTINGS.min_interval, 0.9 * fixed) if fixed else SETTINGS.min_interval
    for _ in range(300):
        poll = any_poll(random, now)
        result = plan_next_poll(rhythm, poll, settings=SETTINGS, fixed=fixed, now=now, random=random.random)
        delay = result.next_poll - now
        assert lowest <= delay <= DAY
        if not poll.error and poll.retry_after is None:
            assert delay <= (1.1 * fixed if fixed else SETTINGS.max_interval)
        if poll.retry_after is not None:
            assert delay >= min(poll.retry_after - now, DAY)
        assert result.reason
        rhythm = load_rhythm(dump_rhythm(result.rhythm))
        assert rhythm != Rhythm()
        # Mostly on time, now and then after a long sleep or with a clock that jumped back.
        now = result.next_poll + random.choice([timedelta(0)] * 8 + [40 * DAY, -3 * DAY])
