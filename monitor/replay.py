"""Stored items, an edited configuration -> the alerts that would appear and disappear; nothing is polled or sent.

The items go, poll by poll in the order in which they were stored, through the pipeline's own stages over a database in
memory. What these put into its outbox is then held against what was told, by the items that each alert tells of.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from monitor.fetch import Fetcher
from monitor.model import Config, Event, Feed, Judgement, Match, Member, Secret
from monitor.pipeline import LEASE, Pipeline, is_backfill
from monitor.reading import Reader
from monitor.store import Mute, Store, StoredItem, Telling, Transaction, open_store

# So many items are read at once, however many the days have.
BATCH = 500
# What is compared. Items are replayed with the words that are stored: how these came about is not played again.
COMPARED = frozenset({Event.NEW, Event.CORROBORATED, Event.GROWTH})
# The rows of this database are few, those of items that match, and nothing of them is left on the disk.
_IN_MEMORY = Secret("sqlite://")


@dataclass(frozen=True, slots=True)
class Plan:
    """What the configuration would change: alerts that would appear or disappear, and how many would stay.

    Of `items` that were replayed, `matched` are wanted by a topic. The alerts are in order of topic, channel and time.
    """

    items: int
    matched: int
    appear: tuple[Telling, ...]
    disappear: tuple[Telling, ...]
    stay: int


def plan_alerts(config: Config, store: Store, *, since: datetime, advance: Callable[[int, int], object]) -> Plan:
    """Replay what was seen since then, and compare it with what was told; the store is only read.

    The replay begins earlier by the longest window of a topic, so that it knows the stories that were open then.
    `advance` is told after each poll how many items are through, and of how many.

    Raises:
        StoreError: the database refused.
    """
    start = since - max((topic.window for topic in config.topics), default=timedelta(0))
    with store.read() as tx:
        stock, told = tx.stock(since=start), tx.tellings(since=start)
    matched = items = 0
    with closing(open_store(_IN_MEMORY)) as memory:
        replay = _open_replay(config, store, memory, now=start)
        for poll in _stored_polls(store, since=start, last=stock.last):
            matched += replay.play(poll)
            items += len(poll)
            advance(items, stock.count)
        with memory.read() as tx:
            planned = tx.tellings(since=start)
    return Plan(items, matched, *compare_tellings(told, planned, since=since))


def compare_tellings(
    told: Sequence[Telling], planned: Sequence[Telling], *, since: datetime
) -> tuple[tuple[Telling, ...], tuple[Telling, ...], int]:
    """Give what of `planned` was not told, what of `told` is not planned, and how many are in both, since then.

    Two are one alert if topic, channel and event are the same and their stories share an item. A story that was told
    before `since` is in both too, but not counted.
    """
    pairs = _pair_tellings(told, planned)
    paired = set(pairs.values())
    disappear = [telling for place, telling in enumerate(told) if place not in pairs]
    appear = [telling for place, telling in enumerate(planned) if place not in paired]
    stay = _decided_since(since, [told[place] for place in pairs])
    return _decided_since(since, appear), _decided_since(since, disappear), len(stay)


def _decided_since(since: datetime, tellings: Sequence[Telling]) -> tuple[Telling, ...]:
    dated = [(telling.decided, telling) for telling in tellings if telling.decided and telling.event in COMPARED]
    ordered = sorted(dated, key=lambda entry: (entry[1].topic, entry[1].channel, entry[0]))
    return tuple(telling for decided, telling in ordered if decided >= since)


def _pair_tellings(told: Sequence[Telling], planned: Sequence[Telling]) -> dict[int, int]:
    """Pair the places of what is one alert in both lists, each once; those that share most items come first."""
    holders: defaultdict[tuple[str, str, Event, int], list[int]] = defaultdict(list)
    for place, telling in enumerate(told):
        for item in telling.items:
            holders[telling.topic, telling.channel, telling.event, item].append(place)
    shared: Counter[tuple[int, int]] = Counter()
    for place, telling in enumerate(planned):
        for item in telling.items:
            for other in holders.get((telling.topic, telling.channel, telling.event, item), ()):
                shared[other, place] += 1
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for one, other in sorted(shared, key=lambda pair: (-shared[pair], pair)):
        if one not in pairs and other not in taken:
            pairs[one] = other
            taken.add(other)
    return pairs


def _stored_polls(store: Store, *, since: datetime, last: int) -> Iterator[list[StoredItem]]:
    """Give the items that each poll brought, in the order of the polls; none is longer than its feed's document."""
    items = _stored_items(store, since=since, last=last)
    for _, poll in groupby(items, key=lambda stored: (stored.feed, stored.item.seen)):
        yield list(poll)


def _stored_items(store: Store, *, since: datetime, last: int) -> Iterator[StoredItem]:
    after = 0
    while True:
        with store.read() as tx:
            batch = tx.stored_items(after=after, last=last, since=since, limit=BATCH)
        if not batch:
            return
        yield from batch
        after = batch[-1].id


@dataclass(slots=True)
class _Replay:
    """A pipeline over a database in memory, with the operator's corrections, at the time of the poll that is replayed.

    `feeds` are those of the configuration that are enabled, by their URLs, each with its row's id in memory.
    """

    memory: Store
    feeds: dict[str, tuple[int, Feed]]
    first_seen: dict[str, datetime]
    judgements: dict[int, list[tuple[str, Judgement]]]
    mutes: deque[Mute]
    backfill: timedelta
    now: datetime
    pipeline: Pipeline = field(init=False)
    copied: set[int] = field(default_factory=set)

    def play(self, poll: Sequence[StoredItem]) -> int:
        """Let the stages have what one poll brought; gives how many items matched."""
        if poll[0].feed not in self.feeds:
            return 0
        feed_id, feed = self.feeds[poll[0].feed]
        self.now = poll[0].item.seen
        # As they came out of the document: their ids go by what matched at the time.
        stored = sorted(poll, key=lambda entry: (entry.item.when, entry.id))
        found = self.pipeline.match_items([entry.item for entry in stored], feed)
        matched = [(entry, matches) for entry, (_, matches) in zip(stored, found, strict=True) if matches]
        if matched:
            with self.memory.write() as tx:
                tx.copy_items(feed_id, {entry.id: entry.item for entry, _ in matched})
                self._heed_corrections(tx, [entry.id for entry, _ in matched])
                self.pipeline.tell_stories(tx, self._members(matched, feed), now=self.now)
                tx.count_as_sent(now=self.now)
        return len(matched)

    def _members(
        self, matched: Sequence[tuple[StoredItem, list[Match]]], feed: Feed
    ) -> list[tuple[Member, list[Match]]]:
        first_poll = self.now == self.first_seen[feed.url]
        oldest_news = self.now - self.backfill if first_poll else None
        members = []
        for entry, matches in matched:
            # What matched at the time has its word on this, which holds though older items were dropped since.
            backfill = is_backfill(entry.item, oldest_news) if entry.backfill is None else entry.backfill
            members.append((Member(entry.id, entry.item, feed.name, feed.owner, backfill=backfill), matches))
        return members

    def _heed_corrections(self, tx: Transaction, items: Sequence[int]) -> None:
        """Keep to judgements on the new items from the start, and to what was muted from then on."""
        self.copied.update(items)
        for item in items:
            for topic, judged in self.judgements.get(item, ()):
                if {judged.one, judged.other} <= self.copied:
                    tx.judge(topic, [(judged.one, judged.other)], same=judged.same, now=self.now)
        while self.mutes and self.mutes[0].since <= self.now:
            mute = self.mutes.popleft()
            for item in mute.items & self.copied:
                story = tx.topics_of(item).get(mute.topic)
                if story is not None:
                    tx.mute_story(story, since=mute.since)


def _open_replay(config: Config, store: Store, memory: Store, *, now: datetime) -> _Replay:
    with store.read() as tx:
        names = {health.url: health.name for health in tx.feed_health()}
        judgements: defaultdict[int, list[tuple[str, Judgement]]] = defaultdict(list)
        for topic in config.topics:
            for judged in tx.judgements(topic.name):
                judgements[judged.one].append((topic.name, judged))
                judgements[judged.other].append((topic.name, judged))
        first_seen, mutes = tx.first_seen(), deque(tx.mutes())
    feeds = {
        feed.url: replace(feed, name=feed.name or names.get(feed.url) or feed.url)
        for feed in config.feeds
        if feed.enabled
    }
    with memory.write() as tx:
        tx.sync_feeds(list(feeds.values()), now=now)
        states = tx.claim_feeds(now=now, lease=LEASE, limit=len(feeds))
    replay = _Replay(
        memory=memory,
        feeds={state.url: (state.id, feeds[state.url]) for state in states},
        first_seen=first_seen,
        judgements=judgements,
        mutes=mutes,
        backfill=config.fetch.backfill,
        now=now,
    )
    # Neither is opened: what is stored is neither fetched nor parsed again.
    fetcher, reader = Fetcher(config.fetch, contact=config.contact), Reader(1)
    replay.pipeline = Pipeline(config, store=memory, fetcher=fetcher, reader=reader, clock=lambda: replay.now)
    return replay
