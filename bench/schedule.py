"""Simulate feeds with real-looking rhythms and compare rules for when to poll: requests, delay, items lost.

    python bench/schedule.py                             # 200 feeds, 60 days
    python bench/schedule.py --feeds 1000 --days 365     # the full run: five minutes of CPU time
    python bench/schedule.py --vary                      # also with other constants than the chosen ones

Every feed is an invented outlet: a kind (newsroom, blog, daily batch, sleeper, wire, firehose), a rate, a time zone,
working hours, weekends, bursts of breaking news, and a document that holds its newest N entries. An item is lost when
N newer ones appear before the next poll. The rules are given the same feeds and never wait for a worker, so only the
choice of the next poll is compared. What peers do was read in their published sources:

- miniflux, scheduler "entry_frequency" (internal/model/feed.go, internal/storage/feed.go): one week divided by the
  number of entries that the mean gap of the last week's entries gives, within 5 min and 24 h; its other scheduler,
  the default, waits a fixed 60 min.
- Media Cloud rss-fetcher (fetcher/tasks.py, fetcher/config.py): starts at 6 h; 67 % of the entries known or more, or
  nothing new: 10 min longer (60 where nothing was new for 31 days), up to 24 h; under 33 %: an hour shorter, or back
  to 6 h from above, down to 10 min.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate, groupby

from monitor import schedule
from monitor.model import FetchSettings

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
WARM_UP_DAYS = 8  # published before the first poll, so that documents are full
EPOCH = datetime(2025, 1, 6, tzinfo=UTC)  # a Monday
SETTINGS = FetchSettings()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of outlet: its share of all, items a day (median, spread of its logarithm), sizes of its document."""

    share: float
    rate: float
    spread: float
    windows: tuple[int, ...]


KINDS = {
    "newsroom": Kind(0.40, 12.0, 0.9, (10, 15, 20, 25, 30, 50)),
    "blog": Kind(0.33, 0.5, 1.0, (10, 10, 20, 25)),
    "batch": Kind(0.08, 10.0, 0.6, (10, 20, 30, 50)),
    "sleeper": Kind(0.10, 0.5, 0.8, (5, 10, 20)),
    "wire": Kind(0.06, 90.0, 0.5, (20, 30, 50, 100)),
    "firehose": Kind(0.03, 500.0, 0.5, (15, 20, 30, 50)),
}


@dataclass(frozen=True, slots=True)
class Outlet:
    """When an invented outlet publishes, in seconds from the first poll on, and how many entries its document holds."""

    published: list[float]
    window: int


def invent_outlet(seed: int, number: int, *, days: int) -> Outlet:
    """Make up an outlet; the same seed and number give the same one."""
    rng = random.Random(f"{seed}:{number}")
    name = rng.choices(list(KINDS), [kind.share for kind in KINDS.values()])[0]
    kind = KINDS[name]
    rate = kind.rate * math.exp(rng.gauss(0, kind.spread))
    hours = _working_hours(rng)
    weekend = rng.choice((1.0, 0.8, 0.5, 0.3, 0.1))
    batch_hour = rng.uniform(5, 20)
    awake = True
    published: list[float] = []
    for day in range(-WARM_UP_DAYS, days):
        if name == "sleeper" and rng.random() < 1 / 40:
            awake = not awake
        if not awake:
            continue
        start = day * DAY
        items = _poisson(rng, rate * (weekend if day % 7 >= 5 else 1))
        if name == "batch":
            batch = start + batch_hour * HOUR + rng.gauss(0, 10 * MINUTE)
            published += [batch + rng.uniform(0, 2 * MINUTE) for _ in range(items)]
            continue
        published += [
            start + (hour + rng.random()) * HOUR for hour in rng.choices(range(24), cum_weights=hours, k=items)
        ]
        if name != "sleeper" and rng.random() < 1 / 25:  # breaking news: many items within an hour or so
            news = start + (rng.choices(range(24), cum_weights=hours)[0] + rng.random()) * HOUR
            length = rng.uniform(0.3, 1.5) * HOUR
            published += [news + rng.expovariate(1 / length) for _ in range(_poisson(rng, min(60, 6 + rate)))]
    return Outlet(sorted(published), rng.choice(kind.windows))


def _working_hours(rng: random.Random) -> list[float]:
    """Cumulative weights of the hours of the day (GMT): a bell around some time, never quite nothing at night."""
    peak, width, night = rng.uniform(0, 24), rng.uniform(2.5, 6), rng.choice((0.02, 0.05, 0.2))
    return list(
        accumulate(night + math.exp(-(((hour - peak + 12) % 24 - 12) ** 2) / (2 * width**2)) for hour in range(24))
    )


def _poisson(rng: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    count, product, limit = 0, rng.random(), math.exp(-mean)
    while product > limit:
        count, product = count + 1, product * rng.random()
    return count


# --- rules: each is made anew for every feed, and told what a poll saw says how many seconds to wait -----------------

Rule = Callable[[float, list[float], int], float]  # now, times of the new entries, entries known before -> wait


def miniflux() -> Rule:
    """Follow the mean gap of the last week's entries."""
    stored: list[float] = []

    def wait(now: float, new: list[float], _known: int) -> float:
        stored.extend(new)
        first = bisect_left(stored, now - 7 * DAY)
        span = stored[-1] - stored[first] if len(stored) - first > 1 else 0.0
        if not span:
            return DAY
        weekly = math.ceil(7 * DAY / (span / (len(stored) - first - 1)))
        return min(max(7 * DAY / weekly, 5 * MINUTE), DAY)

    return wait


def media_cloud() -> Rule:
    """Adjust by the share of entries that were known."""
    minutes, last_new, first = 360, 0.0, True

    def wait(now: float, new: list[float], known: int) -> float:
        nonlocal minutes, last_new, first
        last_new = now if new else last_new
        known_share = known / (known + len(new)) if new else 1.0
        if first:
            first = False
        elif known_share >= 0.67:
            step = 60 if not new and now - last_new > 32 * DAY else 10
            minutes = min(minutes + step, 24 * 60)
        elif known_share < 0.33:
            minutes = 360 if minutes > 360 else max(minutes - 60, 10)
        return minutes * MINUTE

    return wait


def ours(**constants: object) -> Rule:
    """Ask monitor.schedule, with some of its constants replaced."""
    rhythm, rng = schedule.Rhythm(), random.Random(1)
    for name, value in constants.items():
        setattr(schedule, name, value)

    def wait(now: float, new: list[float], known: int) -> float:
        nonlocal rhythm
        at = EPOCH + timedelta(seconds=now)
        arrivals = tuple([EPOCH + timedelta(seconds=published) for published in new])
        poll = schedule.Poll(arrivals=arrivals, known=known)
        plan = schedule.plan_next_poll(rhythm, poll, settings=SETTINGS, now=at, random=rng.random)
        rhythm = plan.rhythm
        return (plan.next_poll - at).total_seconds()

    return wait


CHOSEN: dict[str, object] = {name: getattr(schedule, name) for name in ("PACE", "MEMORY", "EVENNESS")}
# --- the simulation --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Score:
    """What a rule cost and brought; `delays` counts items by tenths of a minute, `by_feed` has each feed's mean."""

    requests: int = 0
    lost: int = 0
    delays: Counter[int] = field(default_factory=Counter)
    by_feed: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: Score) -> None:
        """Add another's figures to these."""
        self.requests += other.requests
        self.lost += other.lost
        self.delays.update(other.delays)
        self.by_feed += other.by_feed
        self.seconds += other.seconds


def follow(outlet: Outlet, days: int, *, make: Callable[[], Rule]) -> Score:
    """Poll one outlet by one rule for all the days."""
    score, end, rule = Score(), days * DAY, make()
    published, window = outlet.published, outlet.window
    now, seen = 0.0, -1
    while now < end:
        score.requests += 1
        count = bisect_right(published, now, max(seen, 0))
        oldest = max(count - window, 0)  # the document holds published[oldest:count]
        new = published[max(oldest, seen) : count]
        if seen >= 0:
            score.lost += max(oldest - seen, 0)
            score.delays.update([int((now - at) / 6) for at in new])
        known, seen = count - oldest - len(new), count
        now += rule(now, new, known)
    return score


def follow_fixed(outlet: Outlet, days: int, *, minutes: int) -> Score:
    """Give what `follow` would give for a wait that is always the same, without walking through all polls."""
    step = minutes * MINUTE
    score = Score(requests=math.ceil(days * DAY / step))
    during = outlet.published[bisect_right(outlet.published, 0.0) :]
    for poll, group in groupby(during, key=lambda at: math.ceil(at / step)):
        if poll >= score.requests:
            break
        new = list(group)
        score.lost += max(len(new) - outlet.window, 0)
        score.delays.update([int((poll * step - at) / 6) for at in new[-outlet.window :]])
    return score


Follow = Callable[[Outlet, int], Score]  # outlet, days -> what the rule cost and brought

PEERS: dict[str, Follow] = {
    "fixed 5 min (the floor)": partial(follow_fixed, minutes=5),
    "fixed 15 min": partial(follow_fixed, minutes=15),
    "miniflux, default (60 min)": partial(follow_fixed, minutes=60),
    "miniflux, entry_frequency": partial(follow, make=miniflux),
    "Media Cloud": partial(follow, make=media_cloud),
    "monitor": partial(follow, make=partial(ours, **CHOSEN)),
}
OTHERWISE: dict[str, list[object]] = {
    "PACE": [timedelta(minutes=minutes) for minutes in (10, 15, 30, 45)],
    "MEMORY": [timedelta(days=days) for days in (4, 20, 40)],
    "EVENNESS": [0.0, 0.1, 0.5, 1.0],
}
VARIANTS: dict[str, Follow] = {
    f"monitor, {name} = {value}": partial(follow, make=partial(ours, **{**CHOSEN, name: value}))
    for name, values in OTHERWISE.items()
    for value in values
}


def follow_all(number: int, *, seed: int, days: int, rules: dict[str, Follow]) -> dict[str, Score]:
    """Poll outlet `number` by every rule."""
    outlet = invent_outlet(seed, number, days=days)
    scores = {}
    for name, by_rule in rules.items():
        started = time.process_time()
        score = scores[name] = by_rule(outlet, days)
        score.seconds = time.process_time() - started
        if items := score.delays.total():
            score.by_feed.append(sum(delay * count for delay, count in score.delays.items()) / items / 10)
    return scores


def quantile(counts: Counter[int], share: float) -> float:
    """Give the minutes within which this share of the items was seen."""
    left = share * counts.total()
    for delay in sorted(counts):
        left -= counts[delay]
        if left <= 0:
            return delay / 10
    return math.nan


def main() -> None:
    """Run the simulation and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--feeds", type=int, default=200)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--vary", action="store_true", help="also try other constants")
    options = parser.parse_args()
    rules = PEERS | (VARIANTS if options.vary else {})
    scores = {name: Score() for name in rules}
    work = partial(follow_all, seed=options.seed, days=options.days, rules=rules)
    with ProcessPoolExecutor(options.jobs) as pool:
        for result in pool.map(work, range(options.feeds), chunksize=4):
            for name, score in result.items():
                scores[name].add(score)
    print(f"{options.feeds} feeds, {options.days} days, seed {options.seed}; delays in minutes")
    head = ("rule", "polls/feed/day", "polls/item", "median", "p90", "per feed", "lost", "lost %", "CPU s")
    print("{:38}{:>15}{:>11}{:>8}{:>8}{:>10}{:>9}{:>8}{:>8}".format(*head))
    for name, score in scores.items():
        items = score.delays.total()
        print(
            f"{name:38}{score.requests / options.feeds / options.days:15.1f}{score.requests / items:11.2f}"
            f"{quantile(score.delays, 0.5):8.1f}{quantile(score.delays, 0.9):8.1f}"
            f"{sorted(score.by_feed)[len(score.by_feed) // 2]:10.1f}"
            f"{score.lost:9}{100 * score.lost / (score.lost + items):8.2f}{score.seconds:8.0f}"
        )


if __name__ == "__main__":
    main()
