"""An item or a link, the store, the configuration -> what every stage made of it, as it was decided and as it is now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from monitor.decide import explain_holds
from monitor.domain import registrable_domain
from monitor.health import Verdict, judge_feed, never_polled
from monitor.match import CompiledTopic, compile_topic
from monitor.match.explain import Explanation, explain_match
from monitor.model import Config, Feed, FeedHealth, Judgement, Match, Placement, Secret, Told
from monitor.normalise import canonical_url
from monitor.schedule import load_rhythm
from monitor.store import DeliveryRecord, ItemRecord, StoryRecord, Transaction

# How a feed fares while it may miss what it should bring.
_MISSING = {"new", "disabled", "failing", "gone", "rolling"}


@dataclass(frozen=True, slots=True)
class Membership:
    """An item's place in a story of one topic, with what was decided then, and what became of the story since.

    `neighbours` are the items that `placement.reason` names, by id. `judgements` are those on this item. `inherited`
    is what channels heard of these members while they were in another story. `deliveries` come oldest first; `holds`
    say in words what keeps channels from hearing more.
    """

    record: StoryRecord
    match: Match
    placement: Placement
    backfill: bool
    neighbours: Mapping[int, ItemRecord]
    judgements: tuple[Judgement, ...]
    inherited: tuple[Told, ...]
    deliveries: tuple[DeliveryRecord, ...]
    holds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopicVerdict:
    """What a topic made of an item: its place in a story, if it has one, and what today's query says.

    `today` is None where the topic left feeds.toml.
    """

    topic: str
    today: Explanation | None
    membership: Membership | None


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """An item, and what each topic made of it."""

    record: ItemRecord
    topics: tuple[TopicVerdict, ...]


@dataclass(frozen=True, slots=True)
class FeedVerdict:
    """How a feed fares that might have brought a page, and did not.

    `since` is when its polls that are remembered began. `missed`: it may have missed the page. `gap` is the time of
    which items may be missing, if that lies within the polls that are remembered.
    """

    health: FeedHealth
    verdict: Verdict
    since: datetime | None
    missed: bool
    gap: tuple[datetime, datetime] | None


def canonical_addresses(link: str) -> tuple[str, ...]:
    """Give the addresses under which a link may be stored, by http and by https; none of what is no web address."""
    url = canonical_url(link, base="")
    return tuple(f"{scheme}:{url.partition(':')[2]}" for scheme in ("https", "http")) if url else ()


def explain_item(tx: Transaction, record: ItemRecord, config: Config) -> ItemVerdict:
    """Say what each topic made of an item: those of feeds.toml in their order, then those that have left it."""
    stories = tx.topics_of(record.id)
    feed = _feed_of(record, config.feeds)
    compiled = {topic.name: compile_topic(topic, config.feeds) for topic in config.topics}
    return ItemVerdict(
        record,
        tuple(
            TopicVerdict(
                topic,
                _explain_today(record, compiled.get(topic), feed=feed),
                _explain_membership(tx, record.id, stories[topic], config) if topic in stories else None,
            )
            for topic in dict.fromkeys([*compiled, *stories])
        ),
    )


def explain_absence(tx: Transaction | None, url: str, config: Config, *, now: datetime) -> list[FeedVerdict]:
    """Say of each feed of a page's site why the page may not have come: those at its domain, or that brought its like.

    The site is the registrable domain; of an address without one it is the host.
    """
    site = _site(url)
    healths = tx.feed_health() if tx else []
    brought = tx.feeds_of_site(site) if tx else set()
    met = {health.url for health in healths}
    healths += [never_polled(feed) for feed in config.feeds if feed.url not in met]
    return [
        _judge_absence(health, config, now=now)
        for health in healths
        if health.url in brought or _site(health.url) == site
    ]


def _explain_today(record: ItemRecord, compiled: CompiledTopic | None, *, feed: Feed) -> Explanation | None:
    return explain_match(record.item, compiled, feed=feed) if compiled else None


def _explain_membership(tx: Transaction, item: int, story: int, config: Config) -> Membership:
    (record,) = tx.stories([story])
    placement = record.placements[item]
    told = tx.told(story)
    deliveries = tx.delivery_records(story=story)[::-1]
    heard = {(delivery.channel, event) for delivery in deliveries for event in delivery.events}
    nearest = [near["item"] for near in placement.reason.get("nearest", [])]
    return Membership(
        record=record,
        match=record.matches[item],
        placement=placement,
        backfill=next(member.backfill for member in record.story.members if member.id == item),
        neighbours={neighbour.id: neighbour for neighbour in tx.items(nearest)},
        judgements=_judgements_on(item, tx.judgements(record.story.topic)),
        inherited=tuple(
            sorted(
                (entry for entry in told if (entry.channel, entry.event) not in heard),
                key=lambda entry: (entry.channel, entry.event),
            )
        ),
        deliveries=tuple(deliveries),
        holds=tuple(explain_holds(record.story, config.rules, told=told)),
    )


def _judgements_on(item: int, judgements: Iterable[Judgement]) -> tuple[Judgement, ...]:
    return tuple(judgement for judgement in judgements if item in (judgement.one, judgement.other))


def _feed_of(record: ItemRecord, feeds: Sequence[Feed]) -> Feed:
    """Give an item's feed as its topics saw it: by the name that it has in the store."""
    gone = Feed(url=record.feed_url, address=Secret(""), owner=record.owner)
    return replace(next((feed for feed in feeds if feed.url == record.feed_url), gone), name=record.feed)


def _judge_absence(health: FeedHealth, config: Config, *, now: datetime) -> FeedVerdict:
    pace = load_rhythm(health.rhythm).items_per_day
    verdict = judge_feed(health, items_per_day=pace, now=now, zone=config.timezone)
    forgotten = now - config.unmatched_retention
    since = max(health.added, forgotten) if health.added else None
    gap = health.gap if health.gap and health.gap[1] >= forgotten else None
    return FeedVerdict(health, verdict, since, missed=verdict.status in _MISSING or gap is not None, gap=gap)


def _site(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:  # brackets that hold no address
        return ""
    return registrable_domain(host) or host
