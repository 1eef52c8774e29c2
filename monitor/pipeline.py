"""Joins the stages: one poll of one feed, from its address to alerts in the outbox, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import random

from monitor.cluster import StoryIndex, assign_story, independent_sources, load_encoder, merge_rivals
from monitor.decide import decide_alerts
from monitor.errors import FetchError, ParseError, StoreError
from monitor.fetch import Fetcher
from monitor.log import get_logger
from monitor.match import compile_topic, match_topics
from monitor.model import Config, Feed, Item, Match, Member, NotModified, Reading, Response
from monitor.reading import Reader
from monitor.schedule import Hints, Poll, dump_rhythm, load_rhythm, plan_next_poll, read_freshness, spread_polls
from monitor.store import FeedState, KnownItems, PollRecord, Store, Transaction
from monitor.trust import form_request, weigh_answer

# A claimed feed is polled by nobody else for this long. It covers the longest timeout, the wait for a free connection
# and the parser's deadline; what a program that was killed had claimed is given back at the next start of any.
LEASE = timedelta(minutes=10)

log = get_logger()

_Found = tuple[Item, list[Match]]


@dataclass(frozen=True, slots=True)
class PollResult:
    """What one poll brought. `outcome` is changed, unchanged or failed; the numbers count items and stories.

    `size` is in bytes of the document, decompressed; 0 where none came.
    """

    feed: str
    outcome: str
    new: int = 0
    matched: int = 0
    new_stories: int = 0
    updated_stories: int = 0
    error: str = ""
    size: int = 0


@dataclass(slots=True)
class _TopicIndex:
    """A topic's open stories in memory, and the newest membership it has seen.

    `seen_in` is the transaction in which it was last brought up to date.
    """

    index: StoryIndex
    newest: int = 0
    seen_in: Transaction | None = None


@dataclass(frozen=True, slots=True)
class _Answered:
    """A poll that brought a usable answer, on its way into the store. `feed` has its name; `reading` is None for a 304."""

    state: FeedState
    feed: Feed
    answer: Response | NotModified
    reading: Reading | None
    known: KnownItems
    found: list[_Found]


@dataclass(slots=True)
class _Growth:
    """What a poll does to stories: those that it opened, and of all that it touched the new members worth an alert."""

    opened: set[int] = field(default_factory=set)
    fresh: dict[int, dict[int, Match]] = field(default_factory=dict)

    def add(self, story: int, member: Member, match: Match) -> None:
        self.fresh.setdefault(story, {}).update({} if member.backfill else {member.id: match})

    def merge(self, survivor: int, absorbed: int) -> None:
        self.fresh.setdefault(survivor, {}).update(self.fresh.pop(absorbed, {}))
        self.opened.discard(absorbed)


@asynccontextmanager
async def open_pipeline(
    config: Config, *, store: Store, reader: Reader, clock: Callable[[], datetime]
) -> AsyncIterator[Pipeline]:
    """Open a pipeline for one configuration; its connections are closed at the end."""
    async with Fetcher(config.fetch, contact=config.contact) as fetcher:
        yield Pipeline(config, store=store, fetcher=fetcher, reader=reader, clock=clock)


class Pipeline:
    """The stages, joined for one configuration. A new configuration is a new pipeline over the same store."""

    def __init__(
        self, config: Config, *, store: Store, fetcher: Fetcher, reader: Reader, clock: Callable[[], datetime]
    ) -> None:
        self._config = config
        self._store = store
        self._fetcher = fetcher
        self._reader = reader
        self._clock = clock
        self._feeds = {feed.url: feed for feed in config.feeds}
        self._by_name = {topic.name: topic for topic in config.topics}
        self._topics = [compile_topic(topic, config.feeds) for topic in config.topics]
        self._encoder = load_encoder()
        self._indexes: dict[str, _TopicIndex] = {}

    async def sync_feeds(self, *, spread: bool = False, everything: bool = False) -> int:
        """Make the store's feeds follow the configuration; tell how many are due.

        What a program that was killed had claimed, feeds and deliveries, is due again. With `spread`, what is due is spread out and what a clock jump has put far off is brought back; with
        `everything`, every feed is due at once.
        """
        return await self._store.run(partial(self._sync_feeds, spread=spread, everything=everything))

    async def claim_feeds(self, limit: int, *, due_before: datetime | None = None) -> list[FeedState]:
        """Take up to `limit` feeds that are due.

        What another program with another configuration has put into the store is left to it.
        """
        claimed = await self._store.transact(partial(self._claim_feeds, limit=limit, due_before=due_before))
        return [state for state in claimed if state.url in self._feeds]

    async def poll_due(self) -> AsyncGenerator[PollResult, None]:
        """Poll every feed that is due now, a bounded number at a time, and give each result as it comes."""
        started, most = self._clock(), 2 * self._config.fetch.concurrency
        running: dict[asyncio.Task[PollResult], int] = {}
        try:
            while True:
                due = await self.claim_feeds(most - len(running), due_before=started) if len(running) < most else []
                running |= {asyncio.create_task(self.poll_contained(state)): state.id for state in due}
                if not running:
                    return
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for poll in done:
                    result = poll.result()
                    del running[poll]
                    yield result
        finally:
            for poll in running:
                poll.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            if running:
                await self._store.transact(lambda tx: tx.release_feeds(list(running.values())))

    async def poll_feed(self, state: FeedState) -> PollResult:
        """Take one feed through all the stages. A failure of the feed is a result; only a StoreError is raised."""
        feed = self._feeds[state.url]
        try:
            validators, test = form_request(state.validators, state.trust, now=self._clock())
            answer = await self._fetcher.fetch(feed, validators, test=test)
            known = await self._known_items(answer, state)
            reading = await self._read(answer, feed, known)
        except (FetchError, ParseError) as error:
            result = await self._store.transact(partial(self._record_failure, state=state, feed=feed, error=error))
        else:
            feed = replace(feed, name=_name(feed, state, reading))
            found = await self._match(feed, reading)
            poll = _Answered(state, feed, answer, reading, known, found)
            result = await self._store.transact(partial(self._record_answer, poll=poll))
            result = replace(result, size=len(answer.body) if isinstance(answer, Response) else 0)
            if reading is not None and reading.skipped:
                log.warning("entries skipped", feed=result.feed, reasons=len(reading.skipped), first=reading.skipped[0])
        _log_poll(result)
        return result

    async def poll_contained(self, state: FeedState) -> PollResult:
        """Poll one feed as `poll_feed` does, and make a result of a fault in our own code too.

        Raises:
            StoreError: the database refused. What may pass by itself gives the feed back, to be polled again at once.
        """
        try:
            return await self.poll_feed(state)
        except StoreError as error:
            if error.retry:
                with suppress(StoreError):
                    await self._store.transact(lambda tx: tx.release_feeds([state.id]))
            raise
        except Exception:
            # The one broad catch: a fault in our own code on one feed must not stop the others.
            log.exception("poll crashed; please report this", feed=state.url)
            fault = ParseError("crashed", "a fault of this program, please report it: its log has the traceback")
            return await self._store.transact(
                partial(self._record_failure, state=state, feed=self._feeds[state.url], error=fault)
            )

    def _sync_feeds(self, *, spread: bool, everything: bool) -> int:
        now = self._clock()
        with self._store.write() as tx:
            tx.release_abandoned_feeds()
            tx.release_abandoned_deliveries(now=now)
            tx.review_held(now=now)
            tx.sync_feeds(self._config.feeds, now=now)
            planned = tx.planned_polls()
            due = [next_poll for next_poll, _ in planned.values()]
            if everything:
                due = [now] * len(planned)
            elif spread:
                longest = max([timedelta(days=1), *(feed.interval for feed in self._config.feeds if feed.interval)])
                settings = self._config.fetch
                due = spread_polls(list(planned.values()), settings=settings, now=now, random=random, longest=longest)
            tx.move_polls(
                {feed: when for (feed, (old, _)), when in zip(planned.items(), due, strict=True) if when != old}
            )
        return sum(when <= now for when in due)

    def _claim_feeds(self, tx: Transaction, *, limit: int, due_before: datetime | None) -> list[FeedState]:
        return tx.claim_feeds(now=self._clock(), lease=LEASE, limit=limit, due_before=due_before)

    async def _known_items(self, answer: Response | NotModified, state: FeedState) -> KnownItems:
        if isinstance(answer, NotModified) or not state.last_success:
            return KnownItems()
        return await self._store.transact(lambda tx: tx.known_items(state.id, now=self._clock()))

    async def _read(self, answer: Response | NotModified, feed: Feed, known: KnownItems) -> Reading | None:
        if isinstance(answer, NotModified):
            return None
        return await self._reader.read(answer, lang=feed.lang, known=known.names, now=self._clock())

    async def _match(self, feed: Feed, reading: Reading | None) -> list[_Found]:
        """Match the new items, and do all else that takes long before the transaction, which lets nobody write."""
        if reading is None or not reading.new:
            return []
        return await self._store.run(partial(self.match_items, reading.new, feed))

    def match_items(self, items: Sequence[Item], feed: Feed) -> list[_Found]:
        """Give each item with its matches, and prepare those that have any for the comparison with open stories."""
        found = [(item, match_topics(item, self._topics, feed=feed)) for item in items]
        topics = {match.topic for _, matches in found for match in matches}
        if topics - self._indexes.keys():
            with self._store.read() as tx:
                for topic in topics:
                    self._current_index(tx, topic, now=self._clock())
        for item, matches in found:
            if matches:
                self._indexes[matches[0].topic].index.prepare(item)
        return found

    def _record_answer(self, tx: Transaction, *, poll: _Answered) -> PollResult:
        """Keep a good answer: its items, their stories, the alerts, and only then the validators, all or nothing."""
        now, state, reading = self._clock(), poll.state, poll.reading
        result = PollResult(feed=poll.feed.name, outcome="unchanged")
        if reading is not None:
            if not state.name:
                tx.name_feed(state.id, poll.feed.name)
            tx.save_present(state.id, [name for name in reading.known if name in poll.known.overdue], now=now)
            result = self._store_items(tx, poll, now=now)
        record = self._plan(state, poll.feed, _good_poll(poll.answer, reading, now=now), now=now)
        trust = weigh_answer(state.trust, poll.answer, new_items=result.new, now=now)
        good = replace(record, validators=poll.answer.validators, trust=trust)
        tx.save_poll(state.id, replace(good, parsed=reading is not None, brought_items=result.new > 0))
        return result

    def _record_failure(
        self, tx: Transaction, *, state: FeedState, feed: Feed, error: FetchError | ParseError
    ) -> PollResult:
        now = self._clock()
        record = self._plan(state, feed, _failed_poll(error), now=now)
        tx.save_poll(state.id, replace(record, error_kind=error.kind, error=str(error)))
        return PollResult(feed=_name(feed, state, None), outcome="failed", error=str(error))

    def _store_items(self, tx: Transaction, poll: _Answered, *, now: datetime) -> PollResult:
        """Store the new items, and tell the stories of those that match."""
        state, feed, found = poll.state, poll.feed, poll.found
        if now >= state.leased_until:  # another program may have been faster
            stored = tx.stored_keys(state.id, [item.key for item, _ in found])
            found = [(item, matches) for item, matches in found if item.key not in stored]
        oldest_news = None if state.last_success else now - self._config.fetch.backfill
        matched = [(item, matches) for item, matches in found if matches]
        tx.add_items(state.id, [item for item, matches in found if not matches], matched=False)
        ids = tx.add_items(state.id, [item for item, _ in matched], matched=True)
        members = [
            (Member(item_id, item, feed.name, feed.owner, backfill=is_backfill(item, oldest_news)), matches)
            for item_id, (item, matches) in zip(ids, matched, strict=True)
        ]
        opened, updated = self.tell_stories(tx, members, now=now)
        return PollResult(
            feed=feed.name,
            outcome="changed",
            new=len(found),
            matched=len(matched),
            new_stories=opened,
            updated_stories=updated,
        )

    def tell_stories(
        self, tx: Transaction, members: Sequence[tuple[Member, list[Match]]], *, now: datetime
    ) -> tuple[int, int]:
        """Put each stored item into a story of each topic that wants it, and decide what to tell of them.

        Gives how many stories were opened, and how many older ones grew.
        """
        topics = {match.topic for _, matches in members for match in matches}
        indexes = {topic: self._current_index(tx, topic, now=now) for topic in topics}
        growth = _Growth()
        for member, matches in members:
            for match in matches:
                self._join_story(tx, member, match, indexes[match.topic], growth, now=now)
        for story, matches_by_item in growth.fresh.items():
            self._decide(tx, story, matches_by_item, now=now)
        return len(growth.opened), len(growth.fresh) - len(growth.opened)

    def _join_story(
        self, tx: Transaction, member: Member, match: Match, current: _TopicIndex, growth: _Growth, *, now: datetime
    ) -> None:
        """Put a member into the story it continues, or open one, and merge the stories that it proves to be one."""
        placement = assign_story(member, current.index, now=now)
        story = placement.story
        if story is None:
            story = tx.add_story(match.topic, first_seen=member.item.when)
            growth.opened.add(story)
        current.newest = tx.add_member(story, member, match=match, placement=placement, now=now)
        current.index.add(member, story)
        growth.add(story, member, match)
        for merger in merge_rivals(placement, story, current.index, choose=tx.choose_survivor):
            survivor, absorbed = merger.stories
            reason = {"item": member.id, **merger.reason}
            current.newest = tx.merge_stories(survivor, absorbed, now=now, reason=reason)
            growth.merge(survivor, absorbed)

    def _current_index(self, tx: Transaction, topic: str, *, now: datetime) -> _TopicIndex:
        """Give a topic's index, in step with the store: built at first use, then fed what others added or moved.

        Within a transaction that writes nobody else adds any: one look is enough. Should it fail, the indexes are
        dropped, since they hold members that the store does not; the next poll rebuilds them.
        """
        window, strictness = self._by_name[topic].window, self._by_name[topic].strictness
        index = StoryIndex(window=window, encoder=self._encoder, strictness=strictness)
        current = self._indexes.setdefault(topic, _TopicIndex(index))
        if current.seen_in is not tx:
            tx.on_rollback(self._indexes.clear)
            current.index.forget(now - window)
            for joined in tx.members_since(topic, after=current.newest, since=now - window):
                current.index.add(joined.member, joined.story)
                current.newest = joined.id
            current.index.heed(tx.judgements(topic))
            current.seen_in = tx
        return current

    def _decide(self, tx: Transaction, story_id: int, fresh: Mapping[int, Match], *, now: datetime) -> None:
        """Work out a story's independent sources, decide whom to tell, and put the alerts into the outbox."""
        record = tx.story(story_id)
        story = replace(record, sources=independent_sources(record.members))
        tx.save_sources(story.id, story.sources)
        for alert in decide_alerts(story, self._config.rules, told=tx.told(story.id), fresh=fresh):
            tx.add_alert(alert, self._config.channels, now=now)

    def _plan(self, state: FeedState, feed: Feed, poll: Poll, *, now: datetime) -> PollRecord:
        """Say when the feed is due again, and why."""
        rhythm = load_rhythm(state.rhythm)
        plan = plan_next_poll(rhythm, poll, settings=self._config.fetch, fixed=feed.interval, now=now, random=random)
        return PollRecord(
            now=now,
            next_poll=plan.next_poll,
            rhythm=dump_rhythm(plan.rhythm),
            reason=plan.reason,
            notice=plan.notice,
            gap=plan.gap,
        )


def _name(feed: Feed, state: FeedState, reading: Reading | None) -> str:
    return feed.name or state.name or (reading.title if reading else "") or feed.url


def _log_poll(result: PollResult) -> None:
    if result.outcome == "failed":
        log.warning("poll failed", feed=result.feed, error=result.error)
    else:
        log.info("polled", feed=result.feed, outcome=result.outcome, new=result.new, matched=result.matched)


def is_backfill(item: Item, oldest_news: datetime | None) -> bool:
    """Tell whether an item of a feed's first poll was old already; one without a date may be of any age.

    For later polls, `oldest_news` is None.
    """
    return oldest_news is not None and (item.published is None or item.when < oldest_news)


def _good_poll(answer: Response | NotModified, reading: Reading | None, *, now: datetime) -> Poll:
    """What the schedule wants to know of a usable answer."""
    return Poll(
        arrivals=tuple(item.when for item in reading.new) if reading else (),
        known=len(reading.known) if reading else 0,
        hints=Hints(reading.min_interval, reading.skip_hours, reading.skip_days) if reading else None,
        freshness=read_freshness(answer.headers, now=now),
        moved_to=answer.moved_to,
    )


def _failed_poll(error: FetchError | ParseError) -> Poll:
    """What the schedule wants to know of a failure."""
    return Poll(error=error.kind, retry_after=error.retry_after if isinstance(error, FetchError) else None)
