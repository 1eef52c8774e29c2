"""A feed's Rhythm and what its last Poll saw -> Plan: when to poll it next, and why."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from monitor.model import FetchSettings

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

# The three numbers of the adaptation were chosen with bench/schedule.py, which also shows what others would do.
#
# A feed that brings one item an hour is polled every 20 minutes, any other feed by the square root of its rate: for a
# given number of requests this makes the sum of all items' delays least (Sia, Cho and Cho, "Efficient Monitoring
# Algorithm for Fast News Alerts", IEEE TKDE 19(7), 2007). 15 min costs a quarter more requests, 30 min saves three tenths.
PACE = timedelta(minutes=20)
# What was seen fades by 1/e in ten days, a half-life of one week; 4 to 40 days make no difference of note.
MEMORY = timedelta(days=10)
# Share of the average that every hour of the day is given, so that an unusual hour is not slept through.
EVENNESS = 0.2

JITTER = 0.1
# Fewer due feeds than this are all polled at once: they are no load, and the operator is waiting for the first result.
SMALL_LIST = 100
# A 410 or a permanent redirect is believed at this many polls in a row.
INSISTENCE = 3

# Errors that pass by themselves are retried soon, and at least as often as a dormant feed, because the fault may be
# our own network's. All others (4xx, TLS, a page instead of a feed, ...) mostly last, yet such feeds do come back:
# Media Cloud saw it of 404, unknown hosts and HTML, and raised its limit from 4 failures to 30 before it gave it up.
_PASSING = frozenset({"dns", "refused", "timeout", "protocol", "proxy", "http-5xx"})
_FIRST_RETRY_BUSY = timedelta(minutes=15)
_FIRST_RETRY_LASTING = HOUR

_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Hints:
    """What a document says of its own update times: RSS `ttl`, `skipHours` and `skipDays`, `sy:updatePeriod`.

    `skip_hours` are hours of the day in GMT (0-23), `skip_days` weekdays in GMT (Monday is 0).
    """

    min_interval: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is remembered of a feed between polls; the default is a feed that was never polled.

    `polled` is when it last gave a usable answer and `window` how many entries its document then held. `hours` counts
    its items by hour of the day (GMT), older ones less; `observed` is the time that the counts stand for, in days,
    faded alike. `failures`, `moved` and `gone` count polls in a row: errors, permanent redirects to `moved_to`, 410s.
    """

    polled: datetime | None = None
    window: int = 0
    hours: tuple[float, ...] = (0.0,) * 24
    observed: float = 0.0
    failures: int = 0
    moved: int = 0
    moved_to: str = ""
    gone: int = 0
    hints: Hints = Hints()

    @property
    def items_per_day(self) -> float:
        """How many items the feed brings a day, recent weeks counting most."""
        return sum(self.hours) / max(self.observed, 1.0)


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll saw.

    `error` is the kind of the FetchError or ParseError, empty for a usable answer; `arrivals` the times of the items
    that were new (`Item.when`), `known` how many entries were not. `hints` is None where no document came (304,
    error): the last ones stand. `freshness` is what `read_freshness` made of the headers.
    """

    error: str = ""
    arrivals: tuple[datetime, ...] = ()
    known: int = 0
    hints: Hints | None = None
    freshness: timedelta | None = None
    retry_after: datetime | None = None
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """When to poll next, what to remember until then, and why, in words.

    Items published within `gap` may have rolled out of the document unseen. `notice` is what the operator should
    know and act on; it stands for as long as it is true.
    """

    next_poll: datetime
    rhythm: Rhythm
    reason: str
    gap: tuple[datetime, datetime] | None = None
    notice: str = ""


def plan_next_poll(
    rhythm: Rhythm,
    poll: Poll,
    *,
    settings: FetchSettings,
    now: datetime,
    random: Callable[[], float],
    fixed: timedelta | None = None,
) -> Plan:
    """Decide when a feed that was polled `now` is polled again.

    `fixed` is the feed's own `interval`: it wins over everything but errors and Retry-After. `random` gives [0, 1);
    its jitter keeps feeds apart that once were polled together. The wait is at most a day after an error or a
    Retry-After, else between `min_interval` and `max_interval`, or within a tenth of `fixed`.
    """
    chance = random()
    gap = _find_gap(rhythm, poll)
    learned = _learn(rhythm, poll, gap, now=now)
    if poll.error:
        wait, reason = _back_off(poll.error, learned.failures, settings=settings, chance=chance)
    elif fixed is not None:
        wait = fixed * (1 + JITTER * (2 * chance - 1))
        reason = f"fixed in feeds.toml: every {in_words(fixed)}"
        if gap:
            reason = f"{reason}, though {_overlap_in_words(poll, gap)}"
    else:
        wait, reason = _adapt(rhythm, learned, poll, gap, settings=settings, now=now, chance=chance)
    if poll.retry_after is not None and now + wait < poll.retry_after:
        # The jitter is added: a server that turned a thousand feeds away must not meet them all in the same second.
        wait = min((poll.retry_after - now) * (1 + JITTER * chance), DAY)
        reason = f"{reason}; the server asks to be left alone for {in_words(wait)}"
    return Plan(next_poll=now + wait, rhythm=learned, reason=reason, gap=gap, notice=_notice(learned))


def read_freshness(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """Tell for how long a response stays fresh by its headers (lower-case names): before that a poll brings nothing.

    RFC 9111: max-age (5.2.2.1) wins over Expires (5.3), which counts from Date (4.2.1); Age is subtracted (4.2.3);
    of several the first counts, and what cannot be read is stale (4.2.1). `no-cache`, `no-store` and stale give None.
    """
    directives: dict[str, str] = {}
    for directive in headers.get("cache-control", "").lower().split(","):
        name, _, value = directive.strip().partition("=")
        directives.setdefault(name.strip(), value.strip().strip('"'))
    if "no-cache" in directives or "no-store" in directives:
        return None
    if "max-age" in directives:
        lifetime = _seconds(directives["max-age"])
    else:
        expires, date = _http_date(headers.get("expires", "")), _http_date(headers.get("date", ""))
        lifetime = expires - (date or now) if expires else _NOTHING
    fresh = lifetime - _seconds(headers.get("age", ""))
    return fresh if fresh > _NOTHING else None


def spread_polls(
    planned: Sequence[tuple[datetime | None, datetime | None]],
    *,
    settings: FetchSettings,
    now: datetime,
    random: Callable[[], float],
    longest: timedelta = DAY,
) -> list[datetime]:
    """Set right when feeds are polled after a start, a long sleep or a clock jump; the order is kept.

    `planned` has each feed's next poll and last poll, None where there was none. What is due, a hundred feeds or
    more, is spread over `min_interval`; fewer are due now. A last poll in the future, or a next one that lies further
    off than any plan (a day, `max_interval` or `longest`, the largest fixed interval), comes of a clock that jumped
    back: the feed is due.
    """
    horizon = now + max(longest, settings.max_interval) * (1 + JITTER)
    clock_slack = now + settings.min_interval

    def waits(next_poll: datetime | None, polled: datetime | None) -> bool:
        return next_poll is not None and now < next_poll <= horizon and (polled is None or polled <= clock_slack)

    waiting = [next_poll if waits(next_poll, polled) else None for next_poll, polled in planned]
    width = settings.min_interval if waiting.count(None) >= SMALL_LIST else _NOTHING
    return [next_poll or now + width * random() for next_poll in waiting]


def dump_rhythm(rhythm: Rhythm) -> str:
    """Write a rhythm as JSON, for the feed's row."""
    return json.dumps(
        {
            "polled": rhythm.polled.isoformat() if rhythm.polled else None,
            "window": rhythm.window,
            "hours": [round(count, 4) for count in rhythm.hours],
            "observed": round(rhythm.observed, 4),
            "failures": rhythm.failures,
            "moved": rhythm.moved,
            "moved_to": rhythm.moved_to,
            "gone": rhythm.gone,
            "ttl": rhythm.hints.min_interval.total_seconds() if rhythm.hints.min_interval else None,
            "skip_hours": sorted(rhythm.hints.skip_hours),
            "skip_days": sorted(rhythm.hints.skip_days),
        }
    )


def load_rhythm(text: str) -> Rhythm:
    """Read what `dump_rhythm` wrote; anything else gives a new rhythm, which costs a feed no more than a few polls."""
    try:
        stored = json.loads(text)
        return Rhythm(
            polled=datetime.fromisoformat(stored["polled"]) if stored["polled"] else None,
            window=int(stored["window"]),
            hours=tuple(float(stored["hours"][hour]) for hour in range(24)),
            observed=float(stored["observed"]),
            failures=int(stored["failures"]),
            moved=int(stored["moved"]),
            moved_to=str(stored["moved_to"]),
            gone=int(stored["gone"]),
            hints=Hints(
                min_interval=timedelta(seconds=stored["ttl"]) if stored["ttl"] else None,
                skip_hours=frozenset(stored["skip_hours"]),
                skip_days=frozenset(stored["skip_days"]),
            ),
        )
    except (ValueError, TypeError, LookupError):
        return Rhythm()


def in_words(span: timedelta) -> str:
    """Write a time span as an operator says it: `40 s`, `5 min`, `1 h 20 min`, `2 days`."""
    if span < timedelta(seconds=100):
        return f"{round(span.total_seconds())} s"
    if span >= 2 * DAY:
        return f"{round(span / DAY)} days"
    hours, minutes = divmod(round(span / timedelta(minutes=1)), 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes))


# --- what a poll teaches --------------------------------------------------------------------------------------------


def _find_gap(rhythm: Rhythm, poll: Poll) -> tuple[datetime, datetime] | None:
    """Give the time of which items may be lost: from the last usable answer to the oldest entry now present.

    There is none while an entry is known from before, nor where the oldest "new" one is older than the last answer:
    then the feed changed its ids.
    """
    if poll.known or not poll.arrivals or not rhythm.window or rhythm.polled is None:
        return None
    oldest = min(poll.arrivals)
    return (rhythm.polled, oldest) if oldest > rhythm.polled else None


def _learn(rhythm: Rhythm, poll: Poll, gap: tuple[datetime, datetime] | None, *, now: datetime) -> Rhythm:
    """Add what this poll saw to what is remembered."""
    if poll.error:
        gone = rhythm.gone + 1 if poll.error == "gone" else 0
        return replace(rhythm, failures=rhythm.failures + 1, gone=gone)
    arrivals = sorted(poll.arrivals)
    if rhythm.polled is not None:
        since = min(rhythm.polled, now)  # the clock may have jumped back
    else:
        # The newer half only: one old entry that is kept on top would make any feed look slow.
        arrivals = arrivals[len(arrivals) // 2 :]
        since = arrivals[0] if arrivals else now
    kept = _kept(now - since)
    hours = [count * kept for count in rhythm.hours]
    for arrival in arrivals:
        # Many dates are the day's or the draft's: what is new came after the last poll, whatever it says. Yet what
        # says that it is weeks old tells little of today's pace.
        hours[max(arrival, since).hour] += _kept(now - arrival)
    covered = 1 - _kept(now - gap[1]) if gap else 1 - kept
    return Rhythm(
        polled=now,
        window=len(poll.arrivals) + poll.known or rhythm.window,
        hours=tuple(hours),
        observed=rhythm.observed * kept + (MEMORY / DAY) * covered,
        moved=(rhythm.moved if poll.moved_to == rhythm.moved_to else 0) + 1 if poll.moved_to else 0,
        moved_to=poll.moved_to,
        hints=poll.hints or rhythm.hints,
    )


def _kept(age: timedelta) -> float:
    """What is left in memory of something of this age."""
    return math.exp(-age / MEMORY)


# --- from what is known to a wait -----------------------------------------------------------------------------------


def _adapt(
    rhythm: Rhythm,
    learned: Rhythm,
    poll: Poll,
    gap: tuple[datetime, datetime] | None,
    *,
    settings: FetchSettings,
    now: datetime,
    chance: float,
) -> tuple[timedelta, str]:
    """Follow the feed's pace, no faster than it asks for, unless its entries roll over; within the operator's bounds."""
    low, high = settings.min_interval, settings.max_interval
    wait, reason = _pace(learned, longest=high, now=now), _rate_in_words(learned.items_per_day)
    asked, by_what = max(
        (learned.hints.min_interval or _NOTHING, "the feed's ttl or updatePeriod"),
        (poll.freshness or _NOTHING, "the server's cache headers"),
    )
    floor = min(max(asked, low), high)
    if wait < floor:
        wait, reason = floor, f"{reason}; slowed down by {by_what if asked > low else 'min_interval'}"
    until_half = _until_half_is_new(rhythm, poll, gap, now=now)
    rolling = until_half < wait
    if rolling:
        # What would be lost weighs more than a wish to be polled seldom, which is often a template's default.
        wait, floor, reason = max(until_half, low), low, _overlap_in_words(poll, gap)
    reason = f"{reason}: in {in_words(wait)}"
    # Jitter that bends away from the bounds: [floor, 1.1 floor] at the one, [0.9 high, high] at the other.
    wait = max(floor * (1 + JITTER * chance), wait * (1 + JITTER * (2 * chance - 1)))
    wait = max(min(wait, high * (1 - JITTER * (1 - chance))), low)
    if rolling:
        return wait, reason
    return _skip_hours(wait, reason, learned.hints, settings=settings, now=now, chance=chance)


def _until_half_is_new(
    rhythm: Rhythm, poll: Poll, gap: tuple[datetime, datetime] | None, *, now: datetime
) -> timedelta:
    """Give the wait after which, at the speed just seen, half of the entries will be known and half new.

    Media Cloud aims for the same overlap (33-67 % known), in steps of an hour. After a loss it is nothing.
    """
    fresh = len(poll.arrivals)
    if gap:
        return _NOTHING
    if not fresh or rhythm.polled is None:
        return timedelta.max
    return (now - rhythm.polled) * (fresh + poll.known) / (2 * fresh)


def _pace(rhythm: Rhythm, *, longest: timedelta, now: datetime) -> timedelta:
    """Walk through the coming hours, each at its own speed, the root of its items per hour, until one PACE is done."""
    even = EVENNESS * rhythm.items_per_day / 24
    observed = max(rhythm.observed, 1.0)
    left, waited, end = PACE / HOUR, 0.0, longest / HOUR
    hour, span = now.hour, 1 - now.minute / 60
    while waited < end:
        # Neighbouring hours lend a quarter each: items do not keep to the clock.
        around = rhythm.hours[hour - 1] + 2 * rhythm.hours[hour] + rhythm.hours[(hour + 1) % 24]
        speed = math.sqrt(even + (1 - EVENNESS) * around / 4 / observed)
        if speed * span >= left:
            return min((waited + left / speed) * HOUR, longest)
        left -= speed * span
        waited += span
        hour, span = (hour + 1) % 24, 1.0
    return longest


def _skip_hours(
    wait: timedelta, reason: str, hints: Hints, *, settings: FetchSettings, now: datetime, chance: float
) -> tuple[timedelta, str]:
    """Postpone to the next hour that the document does not exclude, though never beyond `max_interval`."""

    def excluded(when: datetime) -> bool:
        return when.hour in hints.skip_hours or when.weekday() in hints.skip_days

    due = now + wait
    if not excluded(due):
        return wait, reason
    starts = (due.replace(minute=0, second=0, microsecond=0) + HOUR * ahead for ahead in range(1, 7 * 24 + 1))
    start = next((start for start in starts if not excluded(start)), None)
    if start is None:
        return wait, f"{reason}; the feed excludes every hour, which is ignored"
    postponed = min(start - now + settings.min_interval * chance, settings.max_interval)
    return postponed, f"{reason}; the feed's skipHours or skipDays put it off by {in_words(postponed - wait)}"


def _back_off(kind: str, failures: int, *, settings: FetchSettings, chance: float) -> tuple[timedelta, str]:
    """Double the span at each failure and pick from all of it (full jitter): a revived server meets no herd."""
    if kind in _PASSING:
        first, longest = settings.min_interval, min(settings.max_interval, DAY)
    else:
        first, longest = _FIRST_RETRY_BUSY if kind == "busy" else _FIRST_RETRY_LASTING, DAY
    wait = first + (min(first * 2 ** min(failures, 20), longest) - first) * chance
    times = "1 failure" if failures == 1 else f"{failures} failures in a row"
    return wait, f"{kind}, {times}: again in {in_words(wait)}, later at least every {in_words(longest)}"


def _notice(rhythm: Rhythm) -> str:
    """Say what only the operator can decide; nothing is obeyed, so that a hijacked or broken server moves no feed."""
    if rhythm.gone >= INSISTENCE:
        return (
            f"the server has said at {rhythm.gone} polls in a row that the feed is gone for good (410): "
            "find its new address or remove it; it is still tried at least once a day"
        )
    if rhythm.moved >= INSISTENCE:
        return (
            f"the server has said at {rhythm.moved} polls in a row that the feed moved for good "
            f"to {rhythm.moved_to}: put that address into feeds.toml if you trust it"
        )
    return ""


def _overlap_in_words(poll: Poll, gap: tuple[datetime, datetime] | None) -> str:
    fresh = len(poll.arrivals)
    if gap:
        return f"all {fresh} entries were new and items may be lost"
    return f"{fresh} of {fresh + poll.known} entries were new"


def _rate_in_words(per_day: float) -> str:
    if per_day >= 1:
        return f"about {per_day:.0f} items a day"
    if per_day * 30 >= 1:
        return f"about {per_day * 30:.0f} items a month"
    return "hardly any items"


# --- headers --------------------------------------------------------------------------------------------------------


def _seconds(text: str) -> timedelta:
    """Read delta-seconds (RFC 9111 section 1.2.2: what is too large counts as 2^31); what is none is 0."""
    if not (text.isascii() and text.isdigit()):
        return _NOTHING
    return timedelta(seconds=min(int(text[:11]), 2**31))


def _http_date(text: str) -> datetime | None:
    """Read an HTTP date (RFC 9110 section 5.6.7) or give None; `Expires: 0` is common and means stale."""
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
