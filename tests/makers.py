"""Makers of the nouns for tests: everything has a sensible value, a test names what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network

from monitor.model import (
    UTC_ZONE,
    Alert,
    Channel,
    Event,
    Feed,
    Hit,
    Item,
    Match,
    Member,
    Parcel,
    Placement,
    Secret,
    Source,
    Story,
)
from monitor.rhythm import plan_lane
from monitor.store import Transaction
from monitor.store.outbox import PER_TARGET

NOW = datetime(2017, 4, 1, 9, 0, tzinfo=UTC)

# Titles and summaries: the first two tell one event in words so different that they open a story each, the last one
# shows that both are one; between them lie nine of something else, alike among themselves.
ONE_EVENT_IN_PARTS = (
    (
        "Secret prison for gay men found in Argun, Chechnya",
        "Former detainees describe a secret prison in a barracks in Argun.",
    ),
    (
        "Gay men from Chechnya speak of torture",
        "They were beaten in former barracks by guards, two of them told the paper.",
    ),
    *(
        (f"{place}: choir number {number} sings", f"A {place}ian hall heard Chechen songs.")
        for number, place in enumerate(("Oslo", "Lima", "Kyoto", "Dakar", "Perth", "Quito", "Turku", "Cusco", "Malmo"))
    ),
    (
        "Secret prison in Argun: gay men from Chechnya tell of torture",
        "Guards beat former detainees, who were held in a secret prison in former barracks in Argun, they say.",
    ),
)


def make_item(
    title: str = "Men abducted in Argun", *, key: str = "", seen: datetime = NOW, age: timedelta | None = None
) -> Item:
    """An English item; `age` is how long before `seen` it was published (None: the feed gave no date)."""
    return Item(
        key=key or f"u:{title}",
        url=f"https://kurier.example/{abs(hash(title)) % 10_000}",
        title=title,
        summary="Relatives say that officers took them from their homes.",
        lang="en",
        published=None if age is None else seen - age,
        seen=seen,
    )


def make_feed(host: str = "kurier.example", **changes: object) -> Feed:
    """A feed at a host that does not exist."""
    fields: dict[str, object] = {"url": f"https://{host}/rss", "address": Secret(f"https://{host}/rss"), "owner": host}
    return Feed(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own keyword arguments


def make_member(
    number: int = 1, *, owner: str = "kurier.example", title: str = "Men abducted in Argun", backfill: bool = False
) -> Member:
    """A member of a story: item `number` of an outlet."""
    return Member(
        id=number,
        item=make_item(title, key=f"g:{number}"),
        feed=owner.partition(".")[0].title(),
        owner=owner,
        backfill=backfill,
    )


def make_story(*members: Member, story: int = 1, topic: str = "chechnya") -> Story:
    """A story in which every member is an independent source."""
    return Story(
        id=story,
        topic=topic,
        members=members,
        sources=tuple(Source(owners=(member.owner,), members=(member.id,)) for member in members),
    )


def make_match(topic: str = "chechnya") -> Match:
    """A match on one word of the title."""
    return Match(topic=topic, hits=(Hit(term="abducted", where="title", word="abducted"),))


def make_placement(story: int | None = None) -> Placement:
    """A placement with one number to find again."""
    return Placement(story=story, score=0.5, reason={"threshold": 0.2})


def make_channel(name: str = "desk", *urls: str) -> Channel:
    """A channel with one URL unless told otherwise."""
    return Channel(name=name, urls=tuple(Secret(url) for url in urls or ("json://127.0.0.1:9/",)))


def make_alert(story: int = 1, *events: Event, channels: tuple[str, ...] = ("desk",)) -> Alert:
    """An alert of a new story unless told otherwise."""
    chosen = events or (Event.NEW,)
    return Alert(
        story=story,
        topic="chechnya",
        events=chosen,
        channels=channels,
        reason={event.value: f"because {event.value}" for event in chosen},
    )


def make_network(text: str) -> IPv4Network:
    """A network that feeds may lead to."""
    return IPv4Network(text)


def add_stories(tx: Transaction, now: datetime, *sizes: int) -> list[list[int]]:
    """Add stories of so many items an hour apart each, and give the items of each; the stories are 1, 2, …"""
    tx.sync_feeds([make_feed()], now=now)
    (feed,) = tx.planned_polls()
    stories = []
    for number, size in enumerate(sizes, start=1):
        items = [make_item(key=f"g:{number}.{place}", seen=now + timedelta(hours=place)) for place in range(size)]
        ids = tx.add_items(feed, items, matched=True)
        story = tx.add_story("chechnya", first_seen=now)
        for item_id, item in zip(ids, items, strict=True):
            member = replace(make_member(item_id), item=item)
            tx.add_member(story, member, match=make_match(), placement=make_placement(), now=item.seen)
        stories.append(ids)
    return stories


def claim_messages(
    tx: Transaction, *, now: datetime, lease: timedelta, limit: int, settled_before: datetime
) -> list[Parcel]:
    """Claim what is due as the program does, for channels without rhythm."""
    lanes = tx.due_lanes(now=now, settled_before=settled_before, recent_since=now, limit=limit)
    plans = [plan_lane(lane, None, (), timezone=UTC_ZONE, now=now, most=PER_TARGET) for lane in lanes]
    for row, hold in [held for plan in plans for held in plan.held.items()]:
        tx.hold(row, until=hold.until, why=hold.why)
    return [parcel for plan in plans for parcel in tx.claim_parcels(plan.messages, now=now, lease=lease)]
