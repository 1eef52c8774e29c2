"""What was counted since the start, and what the database holds -> the numbers of /metrics; the only prometheus_client.

Names follow prometheus.io/docs/practices/naming. No number is kept for a single feed: ten thousand of them would
drown a small Prometheus, and their names are nobody else's business. Channels are few, and named.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor import __version__
from monitor.health import STATUSES, judge_feed
from monitor.model import Status
from monitor.pipeline import PollResult
from monitor.schedule import load_rhythm
from monitor.store import ChannelTotal, Transaction
from monitor.web.readiness import Vitals

OUTCOMES = ("changed", "unchanged", "failed")
# A poll takes milliseconds from a cache nearby, and up to [fetch] timeout, 20 s, at a slow server.
_POLL_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80)
_LAG_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
LAG_EVERY = timedelta(seconds=0.5)
_NOTHING = timedelta(0)


class Meters:
    """Counters of this process, from 0 at each start, in a registry of their own."""

    def __init__(self) -> None:
        self._polls = Counter("monitor_polls", "Polls of feeds, by outcome.", ["outcome"], registry=None)
        for outcome in OUTCOMES:
            self._polls.labels(outcome)
        self._duration = Histogram(
            "monitor_poll_duration_seconds",
            "Time from a poll's start to its result in the database, waiting for a free connection included.",
            buckets=_POLL_BUCKETS,
            registry=None,
        )
        self._bytes = Counter("monitor_document_bytes", "Bytes of documents fetched, decompressed.", registry=None)
        self._items = Counter("monitor_items", "New items.", registry=None)
        self._matched = Counter("monitor_items_matched", "New items that match a topic.", registry=None)
        self._opened = Counter("monitor_stories_opened", "New stories.", registry=None)
        self._updated = Counter("monitor_stories_updated", "Additions to known stories.", registry=None)
        self._lag = Histogram(
            "monitor_event_loop_lag_seconds",
            "How much later than asked the event loop wakes: everything waits as long.",
            buckets=_LAG_BUCKETS,
            registry=None,
        )

    def count_poll(self, result: PollResult, *, seconds: float) -> None:
        """Count one poll, and what it brought."""
        self._polls.labels(result.outcome).inc()
        self._duration.observe(seconds)
        self._bytes.inc(result.size)
        self._items.inc(result.new)
        self._matched.inc(result.matched)
        self._opened.inc(result.new_stories)
        self._updated.inc(result.updated_stories)

    async def measure_lag(self) -> None:
        """Observe, until cancelled, how late the event loop is."""
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + LAG_EVERY.total_seconds()
            await asyncio.sleep(LAG_EVERY.total_seconds())
            self._lag.observe(max(clock() - due, 0))

    @property
    def collectors(self) -> Sequence[Collector]:
        """What a registry collects from."""
        counters = (self._polls, self._bytes, self._items, self._matched, self._opened, self._updated)
        return (*counters, self._duration, self._lag)


@dataclass(frozen=True, slots=True)
class Stock:
    """What the database says at one moment: feeds by status, deliveries by channel and status.

    `overdue` is how long the feed has waited that has waited longest beyond its time.
    """

    feeds: Mapping[str, int]
    overdue: timedelta
    deliveries: Sequence[ChannelTotal]


def take_stock(tx: Transaction, *, now: datetime) -> Stock:
    """Count what is stored."""
    feeds, overdue = Tally(dict.fromkeys(STATUSES, 0)), _NOTHING
    for health in tx.feed_health():
        feeds[judge_feed(health, items_per_day=load_rhythm(health.rhythm).items_per_day, now=now).status] += 1
        if health.active and health.next_poll is not None:
            overdue = max(overdue, now - health.next_poll)
    return Stock(feeds=feeds, overdue=overdue, deliveries=tx.channel_totals())


def write_metrics(
    meters: Meters, stock: Stock | None, vitals: Vitals, *, accept: str, now: datetime
) -> tuple[bytes, str]:
    """Write all numbers in the format that `accept`, a header, asks for; gives them and their content type.

    `stock` is None where the database did not answer.
    """
    registry = CollectorRegistry()
    for collector in (*meters.collectors, _Families([*_service(stock, vitals, now=now), *_stock(stock, now=now)])):
        registry.register(collector)
    ProcessCollector(registry=registry)
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


@dataclass(frozen=True, slots=True, eq=False)  # a registry keeps its collectors by identity
class _Families(Collector):
    """Numbers that are there already."""

    families: Sequence[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.families


def _service(stock: Stock | None, vitals: Vitals, *, now: datetime) -> Iterator[Metric]:
    build = GaugeMetricFamily("monitor_build_info", "The version that runs.", labels=["version"])
    build.add_metric([__version__], 1)
    yield build
    yield GaugeMetricFamily("monitor_database_up", "Whether the database answered just now.", value=stock is not None)
    last = GaugeMetricFamily(
        "monitor_last_progress_timestamp_seconds", "When a loop of the daemon last came on.", labels=["loop"]
    )
    for loop, wait in vitals.waits.items():
        last.add_metric([loop], (now - wait).timestamp())
    yield last


def _stock(stock: Stock | None, *, now: datetime) -> Iterator[Metric]:
    if stock is None:
        return
    feeds = GaugeMetricFamily("monitor_feeds", "Feeds, by status as `monitor feeds` tells it.", labels=["status"])
    for status, count in stock.feeds.items():
        feeds.add_metric([status], count)
    yield feeds
    yield GaugeMetricFamily(
        "monitor_poll_overdue_seconds",
        "For how long the feed has been due that has waited longest, polls under way included.",
        value=stock.overdue.total_seconds(),
    )
    deliveries = GaugeMetricFamily(
        "monitor_deliveries", "Messages to channel addresses, by channel and status.", labels=["channel", "status"]
    )
    attempts = CounterMetricFamily(
        "monitor_delivery_attempts", "Attempts to deliver, by channel and result.", labels=["channel", "result"]
    )
    for total in stock.deliveries:
        for status in Status:
            deliveries.add_metric([total.channel, status], total.count.get(status, 0))
        attempts.add_metric([total.channel, "sent"], total.sent)
        attempts.add_metric([total.channel, "failed"], total.refused)
    yield deliveries
    yield attempts
    oldest = min((total.oldest_waiting for total in stock.deliveries if total.oldest_waiting), default=now)
    yield GaugeMetricFamily(
        "monitor_outbox_messages",
        "Messages that wait to be sent, or to be sent again.",
        value=sum(total.waiting for total in stock.deliveries),
    )
    yield GaugeMetricFamily(
        "monitor_outbox_oldest_age_seconds",
        "Age of the oldest message that waits; 0 where none does.",
        value=max(now - oldest, _NOTHING).total_seconds(),
    )
