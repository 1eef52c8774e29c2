"""The path of one item: from a feed on a real server to an alert in a real outbox."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from monitor import pipeline as pipeline_module
from monitor.errors import StoreBusy, StoreError
from monitor.match import match_topics
from monitor.model import Channel, Config, Event, Feed, FetchSettings, Item, Rule, Secret, Topic
from monitor.pipeline import PollResult, open_pipeline
from monitor.reading import Reader
from monitor.schedule import load_rhythm
from monitor.store import Store
from tests.makers import NOW, claim_messages, make_channel, make_network
from tests.servers import FeedServer

AGENCY = (
    "More than thirty men were taken from their homes at night, relatives told the paper, and are held in a former "
    "barracks outside the town. A spokesman for the ministry called the report a joke."
)
ARGUN = ("Police in Chechnya detain gay men in Argun", AGENCY)
REPRINT = ("Gay men detained in Argun, Chechnya: police", AGENCY)
HOTLINE = ("Activists open a hotline for gay men fleeing Chechnya", "A network in Saint Petersburg pays for tickets.")
IN_OWN_WORDS = (
    ARGUN,
    ("Thirty gay men detained by police in Argun, witnesses say", "Neighbours saw vans at night and heard shouting."),
    ("Argun police detain gay men at night, lawyers say", "No charge was brought; an attorney waits at the gate."),
)
FOOTBALL = ("Grozny lose at home", "Two late goals decided the match.")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader() -> AsyncIterator[Reader]:
    """One worker process for all tests: it keeps nothing between documents."""
    async with Reader(1) as opened:
        yield opened


@dataclass
class Newsroom:
    """A program under test, with a clock that the test turns."""

    server: FeedServer
    store: Store
    reader: Reader
    config: Config
    now: datetime = NOW

    def publish(
        self,
        feed: str,
        *texts: tuple[str, str],
        age: timedelta | None = timedelta(hours=1),
        guid: str = "g",
        page: str = "news",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Let a feed hold these titles and summaries, each with a date of so long before now (None: without one)."""
        date = f"<pubDate>{format_datetime(self.now - age)}</pubDate>" if age is not None else ""
        items = "".join(
            f"<item><title>{title}</title><description>{summary}</description>{date}"
            f"<guid isPermaLink='false'>{guid}-{title}</guid><link>https://{feed}.example/{page}/{abs(hash(title))}</link></item>"
            for title, summary in texts
        )
        body = f"<rss version='2.0'><channel><title>{feed.title()}</title>{items}</channel></rss>"
        self.server.serve(f"/{feed}", body.encode(), headers=headers)

    def make_feed(self, name: str) -> Feed:
        url = self.server.url(f"/{name}")
        return Feed(url=url, address=Secret(url), owner=f"{name}.example")

    async def poll(self, *, everything: bool = True, config: Config | None = None) -> dict[str, PollResult]:
        """Poll what is due, and give the results by the feed's name; a minute passes."""
        opened = open_pipeline(config or self.config, store=self.store, reader=self.reader, clock=lambda: self.now)
        async with opened as pipeline:
            await pipeline.sync_feeds(everything=everything)
            results = {result.feed: result async for result in pipeline.poll_due()}
        self.now += timedelta(minutes=1)
        return results

    def alerts(self) -> list[tuple[Event, ...]]:
        """What is in the outbox, oldest first; a look at it counts as a delivery, so that the next event is apart."""
        with self.store.write() as tx:
            claim_messages(tx, now=self.now, lease=timedelta(days=9), limit=99, settled_before=self.now)
            return [record.events for record in reversed(tx.delivery_records())]

    def stories(self) -> list[set[str]]:
        """The titles of each story."""
        with self.store.read() as tx:
            return [{member.item.title for member in record.story.members} for record in tx.stories()]


@pytest.fixture
async def newsroom(store: Store, reader: Reader, tmp_path: Path) -> AsyncIterator[Newsroom]:
    """Two feeds, a topic, a channel and a rule."""
    async with FeedServer() as server:
        room = Newsroom(server, store, reader, config=Config(tmp_path / "feeds.toml", Secret(""), (), (), (), ()))
        room.config = replace(
            room.config,
            feeds=(room.make_feed("kurier"), room.make_feed("vestnik")),
            topics=(Topic("chechnya", "(chechnya OR argun) AND gay"),),
            channels=(make_channel(),),
            rules=(Rule(topics=("chechnya",), channels=("desk",)),),
            fetch=FetchSettings(allow_private=(make_network("127.0.0.0/8"),)),
        )
        for feed in ("kurier", "vestnik"):
            room.publish(feed, FOOTBALL)
        yield room


async def test_an_item_travels_from_its_feed_to_the_outbox(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN, FOOTBALL)
    results = await newsroom.poll()
    assert replace(results["Kurier"], size=0) == PollResult("Kurier", "changed", new=2, matched=1, new_stories=1)
    assert replace(results["Vestnik"], size=0) == PollResult("Vestnik", "changed", new=1)
    assert results["Kurier"].size > results["Vestnik"].size > 0
    assert newsroom.alerts() == [(Event.NEW,)]
    with newsroom.store.read() as tx:
        (record,) = tx.stories()
        (item,) = record.matches
        assert {hit.word for hit in record.matches[item].hits} == {"Chechnya", "Argun", "gay"}
        assert record.placements[item].reason
        (delivery,) = tx.delivery_records()
        assert delivery.reason["new"].startswith("Kurier has “")


async def test_entries_that_cannot_be_read_are_logged(newsroom: Newsroom) -> None:
    items = '[7, {"id": "a", "title": "Grozny lose at home"}, {}]'
    body = f'{{"version": "https://jsonfeed.org/version/1.1", "title": "Kurier", "items": {items}}}'
    newsroom.server.serve("/kurier", body.encode())
    with capture_logs() as logged:
        results = await newsroom.poll()
    assert results["Kurier"].new == 1
    (warning,) = (line for line in logged if line["event"] == "entries skipped")
    assert (warning["feed"], warning["log_level"], warning["reasons"]) == ("Kurier", "warning", 2)
    assert warning["first"].startswith("entry 1: ")


async def test_a_story_told_twice_alerts_once_and_a_second_source_corroborates(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN)
    await newsroom.poll()
    assert newsroom.alerts() == [(Event.NEW,)]
    newsroom.publish("kurier", ARGUN, ("Argun police detain more gay men", "More than thirty men were taken."))
    await newsroom.poll()
    assert newsroom.alerts() == [(Event.NEW,)], "the same outlet corroborates nothing"
    newsroom.publish(
        "vestnik",
        ("Thirty gay men detained by police in Argun, witnesses say", "Neighbours saw the men taken away in vans."),
    )
    await newsroom.poll()
    assert newsroom.alerts() == [(Event.NEW,), (Event.CORROBORATED,)]
    assert len(newsroom.stories()) == 1


async def test_a_story_that_grows_is_told_at_each_threshold_once(newsroom: Newsroom) -> None:
    feeds = ("kurier", "vestnik", "post")
    rule = Rule(topics=("chechnya",), channels=("desk",), on=frozenset({Event.NEW, Event.GROWTH}), growth=(2, 3))
    newsroom.config = replace(newsroom.config, feeds=tuple(map(newsroom.make_feed, feeds)), rules=(rule,))
    told: list[list[tuple[Event, ...]]] = []
    newsroom.publish("post", FOOTBALL)
    await newsroom.poll()
    for feed, text in zip(feeds, IN_OWN_WORDS, strict=True):
        newsroom.publish(feed, text)
        await newsroom.poll()
        told.append(newsroom.alerts())
        with newsroom.store.write() as tx:
            after = newsroom.now + timedelta(days=9)  # the lease of the claim before has ended
            (sent,) = claim_messages(tx, now=after, lease=timedelta(minutes=1), limit=9, settled_before=newsroom.now)
            tx.mark_sent(sent, now=newsroom.now)
    new, growth = (Event.NEW,), (Event.GROWTH,)
    assert told == [[new], [new, growth], [new, growth, growth]]
    newsroom.publish(
        "post", (f"{ARGUN[0]}, officials say", "A ministry in Moscow denies all that was reported so far.")
    )
    await newsroom.poll()
    assert newsroom.alerts() == told[-1], "as many sources as before"


async def test_a_reprint_does_not_corroborate(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN)
    newsroom.publish("vestnik", REPRINT)
    await newsroom.poll()
    assert newsroom.alerts() == [(Event.NEW,)]
    assert newsroom.stories() == [{ARGUN[0], REPRINT[0]}]


async def test_several_events_of_one_cycle_are_one_alert(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN)
    newsroom.publish("vestnik", ("Thirty gay men detained by police in Argun, witnesses say", "Neighbours saw vans."))
    await newsroom.poll()
    assert newsroom.alerts() == [(Event.NEW, Event.CORROBORATED)]


async def test_a_story_is_named_by_its_first_report_wherever_that_stands_in_the_document(newsroom: Newsroom) -> None:
    """Documents list the newest first; without dates, the last is taken for the oldest."""
    newsroom.publish("kurier", REPRINT, ARGUN)
    await newsroom.poll()
    with newsroom.store.read() as tx:
        assert [record.story.title for record in tx.stories()] == [ARGUN[0]]


async def test_another_event_of_the_topic_is_another_story(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN, HOTLINE)
    await newsroom.poll()
    assert len(newsroom.stories()) == 2
    assert newsroom.alerts() == [(Event.NEW,), (Event.NEW,)]


async def test_an_unchanged_feed_is_not_read_again(newsroom: Newsroom) -> None:
    await newsroom.poll()
    results = await newsroom.poll()
    assert {result.outcome for result in results.values()} == {"unchanged"}
    assert newsroom.server.requests[-1].headers["if-none-match"]


async def test_a_server_that_hides_news_behind_a_304_is_found_out_within_a_day(newsroom: Newsroom) -> None:
    """It is then asked for all of its document, for a month; nobody who told the truth is."""
    newsroom.config = replace(newsroom.config, feeds=newsroom.config.feeds[:1])
    etag = {"ETag": '"never changes"'}
    newsroom.publish("kurier", FOOTBALL, headers=etag)
    await newsroom.poll()
    newsroom.publish("kurier", FOOTBALL, ARGUN, headers=etag)
    assert (await newsroom.poll())["Kurier"].outcome == "unchanged", "a 304, which is believed at first"
    newsroom.now += timedelta(days=1)
    assert (await newsroom.poll())["Kurier"].matched == 1
    newsroom.publish("kurier", FOOTBALL, ARGUN, HOTLINE, headers=etag)
    assert (await newsroom.poll())["Kurier"].matched == 1
    assert "if-none-match" not in newsroom.server.requests[-1].headers
    with newsroom.store.read() as tx:
        assert not tx.feed_health()[0].believed
    newsroom.now += timedelta(days=30)
    assert (await newsroom.poll())["Kurier"].outcome == "unchanged"
    with newsroom.store.read() as tx:
        assert tx.feed_health()[0].believed, "the server may have been mended"


async def test_a_server_that_tells_the_truth_is_believed_again_after_its_test(newsroom: Newsroom) -> None:
    await newsroom.poll()
    newsroom.now += timedelta(days=1)
    before = len(newsroom.server.requests)
    await newsroom.poll()
    assert len(newsroom.server.requests) == before + 4, "two feeds, each asked with conditions and without"
    await newsroom.poll()
    assert len(newsroom.server.requests) == before + 6
    with newsroom.store.read() as tx:
        assert all(health.believed for health in tx.feed_health())


async def test_an_interval_that_was_shortened_holds_at_once(newsroom: Newsroom) -> None:
    """What failed waits for its back-off all the same: the server may have asked for it."""
    newsroom.server.serve("/vestnik", status=503, headers={"Retry-After": "20000"})
    await newsroom.poll()
    polled = newsroom.now
    fixed = [replace(feed, interval=timedelta(minutes=10)) for feed in newsroom.config.feeds]
    newsroom.config = replace(newsroom.config, feeds=tuple(fixed))
    newsroom.now = polled + timedelta(minutes=8)
    assert await newsroom.poll(everything=False) == {}
    newsroom.now = polled + timedelta(minutes=10)
    assert list(await newsroom.poll(everything=False)) == ["Kurier"]


async def test_a_feed_is_left_alone_in_the_hours_and_days_that_it_excludes(newsroom: Newsroom) -> None:
    """What the document says of it reaches the schedule, which obeys it (test_schedule)."""
    skips = "<skipHours><hour>9</hour><hour>10</hour></skipHours><skipDays><day>Sunday</day></skipDays>"
    body = f"<rss version='2.0'><channel><title>Kurier</title>{skips}<item><title>One</title></item></channel></rss>"
    newsroom.server.serve("/kurier", body.encode())
    await newsroom.poll()
    with newsroom.store.read() as tx:
        hints = load_rhythm(tx.feed_health()[0].rhythm).hints
    assert hints.skip_hours == {9, 10}
    assert hints.skip_days == {6}


async def test_only_what_is_due_is_polled(newsroom: Newsroom) -> None:
    await newsroom.poll()
    assert await newsroom.poll(everything=False) == {}
    newsroom.now += timedelta(hours=7)
    assert len(await newsroom.poll(everything=False)) == 2


async def test_a_feeds_first_poll_alerts_only_of_the_last_day(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN, age=timedelta(hours=30))
    newsroom.publish("vestnik", HOTLINE, age=timedelta(hours=20))
    await newsroom.poll()
    assert len(newsroom.stories()) == 2, "older items are stored"
    assert newsroom.alerts() == [(Event.NEW,)]


async def test_an_undated_item_is_backfill_at_the_first_poll_and_news_later(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN, age=None)
    await newsroom.poll()
    assert newsroom.alerts() == []
    newsroom.publish("kurier", ARGUN, HOTLINE, age=None)
    await newsroom.poll()
    assert newsroom.alerts() == [(Event.NEW,)]


async def test_backfill_is_told_when_news_joins_it(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN, age=timedelta(hours=30))
    await newsroom.poll()
    newsroom.publish(
        "vestnik", ("Thirty gay men detained by police in Argun, witnesses say", "Neighbours saw the vans.")
    )
    await newsroom.poll()
    assert newsroom.alerts() == [(Event.NEW, Event.CORROBORATED)]


async def test_a_feed_that_changes_all_its_guids_repeats_nothing(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN, HOTLINE)
    await newsroom.poll()
    before = newsroom.alerts()
    newsroom.publish("kurier", ARGUN, HOTLINE, guid="another")
    results = await newsroom.poll()
    assert results["Kurier"].new == 0
    assert newsroom.alerts() == before


async def test_a_feed_that_moves_its_pages_repeats_nothing(newsroom: Newsroom) -> None:
    """New GUIDs and new links: a text that a feed has already brought is known by its words."""
    newsroom.publish("kurier", ARGUN)
    await newsroom.poll()
    newsroom.publish("kurier", ARGUN, guid="another", page="moved")
    assert (await newsroom.poll())["Kurier"].new == 0


async def test_late_reports_of_one_event_are_one_story_whatever_their_dates(newsroom: Newsroom) -> None:
    """First-seen is the truth: its feed was polled on that date, and did not have it."""
    await newsroom.poll()
    newsroom.publish("kurier", ARGUN, age=timedelta(days=30))
    newsroom.publish("vestnik", REPRINT, age=timedelta(days=25))
    await newsroom.poll()
    assert len(newsroom.stories()) == 1
    assert newsroom.alerts() == [(Event.NEW,)]


async def test_a_bumped_date_repeats_nothing(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN)
    await newsroom.poll()
    newsroom.publish("kurier", ARGUN, age=timedelta(0))
    await newsroom.poll()
    assert newsroom.alerts() == [(Event.NEW,)]


async def test_a_restart_takes_the_open_stories_up_again(newsroom: Newsroom) -> None:
    """Each poll here is a pipeline of its own: the index is built anew from the store."""
    newsroom.publish("kurier", ARGUN)
    await newsroom.poll()
    newsroom.publish("vestnik", REPRINT)
    await newsroom.poll()
    assert len(newsroom.stories()) == 1


async def test_two_programs_over_one_store_share_their_stories(newsroom: Newsroom) -> None:
    """The index of a running program takes in what another has stored meanwhile."""
    newsroom.publish("kurier", HOTLINE)
    opened = open_pipeline(newsroom.config, store=newsroom.store, reader=newsroom.reader, clock=lambda: newsroom.now)
    async with opened as running:
        await running.sync_feeds(everything=True)
        assert [result async for result in running.poll_due()]
        newsroom.publish("kurier", HOTLINE, ARGUN)
        await newsroom.poll()
        newsroom.publish("vestnik", REPRINT)
        await running.sync_feeds(everything=True)
        assert [result async for result in running.poll_due()]
    assert sorted(len(titles) for titles in newsroom.stories()) == [1, 2]


async def test_what_the_operator_merged_from_another_process_counts_without_a_restart(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN, HOTLINE)
    opened = open_pipeline(newsroom.config, store=newsroom.store, reader=newsroom.reader, clock=lambda: newsroom.now)
    async with opened as pipeline:
        await pipeline.sync_feeds(everything=True)
        _ = [result async for result in pipeline.poll_due()]
        with newsroom.store.write() as tx:
            argun, hotline = sorted(tx.stories(), key=lambda record: HOTLINE[0] == record.story.title)
            tx.merge_stories(hotline.story.id, argun.story.id, now=newsroom.now)
        newsroom.publish("vestnik", REPRINT)
        await pipeline.sync_feeds(everything=True)
        _ = [result async for result in pipeline.poll_due()]
    assert newsroom.stories() == [{ARGUN[0], HOTLINE[0], REPRINT[0]}]


PART = (
    "Secret prison for gay men found in Argun, Chechnya",
    "Former detainees describe a secret prison in a barracks.",
)
OTHER_PART = (
    "Gay men from Chechnya speak of torture",
    "They were beaten in former barracks by guards, two of them said.",
)
WHOLE = (
    "Secret prison in Argun: gay men from Chechnya tell of torture",
    "Guards beat former detainees, who were held in a secret prison in former barracks in Argun, they say.",
)


@pytest.fixture
async def parted(newsroom: Newsroom, any_store: Store) -> Newsroom:
    """One event told as two stories, each of them an alert that waits, and a third feed that has yet to tell it all."""
    newsroom.store = any_store
    newsroom.config = replace(
        newsroom.config,
        feeds=tuple(newsroom.make_feed(name) for name in ("kurier", "vestnik", "glas")),
        topics=(Topic("chechnya", "chechnya OR argun OR chechen*"),),
    )
    places = ("Oslo", "Lima", "Kyoto", "Dakar", "Perth", "Quito", "Turku", "Cusco", "Malmo")
    songs = [
        (f"{place}: choir number {at} sings", f"A {place}ian hall heard Chechen songs.")
        for at, place in enumerate(places)
    ]
    newsroom.publish("kurier", PART)
    newsroom.publish("vestnik", OTHER_PART)
    newsroom.publish("glas", *songs, age=timedelta(hours=30))
    await newsroom.poll()
    assert {PART[0]} in newsroom.stories()
    assert {OTHER_PART[0]} in newsroom.stories()
    newsroom.publish("glas", *songs, WHOLE)
    return newsroom


async def test_two_stories_that_prove_to_be_one_are_merged_and_told_once(parted: Newsroom) -> None:
    await parted.poll()
    assert {PART[0], OTHER_PART[0], WHOLE[0]} in parted.stories()
    assert parted.alerts() == [(Event.NEW, Event.CORROBORATED)], "of the two alerts that waited one is left"
    with parted.store.read() as tx:
        (record,) = (record for record in tx.stories() if record.mergers)
        ((absorbed, reason),) = record.mergers.items()
        assert tx.merged_into(absorbed) == record.story.id < absorbed
        assert reason["score"] >= reason["threshold"]
        assert reason["item"] == max(record.placements)
        assert len(record.story.sources) == 3


async def test_a_merger_that_was_rolled_back_leaves_no_trace(parted: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor in the memory of the program, which then merges them again, and of another that runs beside it."""

    def fail(*_: Any, **__: Any) -> None:
        raise StoreError("the disk is full")

    opened = [
        open_pipeline(parted.config, store=parted.store, reader=parted.reader, clock=lambda: parted.now)
        for _ in range(2)
    ]
    async with opened[0] as one, opened[1] as other:
        before = parted.stories()
        await one.sync_feeds(everything=True)
        with monkeypatch.context() as broken, pytest.raises(StoreError, match="disk is full"):
            broken.setattr(pipeline_module, "independent_sources", fail)
            _ = [result async for result in one.poll_due()]
        assert parted.stories() == before
        parted.now += pipeline_module.LEASE
        _ = [result async for result in one.poll_due()]
        assert {PART[0], OTHER_PART[0], WHOLE[0]} in parted.stories()
        parted.publish("vestnik", OTHER_PART, (OTHER_PART[0] + " again", OTHER_PART[1]))
        await other.sync_feeds(everything=True)
        _ = [result async for result in other.poll_due()]
    assert {PART[0], OTHER_PART[0], WHOLE[0], OTHER_PART[0] + " again"} in parted.stories()


async def test_a_program_learns_of_a_merger_that_another_made(parted: Newsroom) -> None:
    config = replace(parted.config, feeds=parted.config.feeds[:2])
    opened = open_pipeline(config, store=parted.store, reader=parted.reader, clock=lambda: parted.now)
    async with opened as running:
        parted.publish("kurier", PART, ("Mayor of Argun opens a bridge", "Trucks may cross the river again."))
        await running.sync_feeds(everything=True)
        _ = [result async for result in running.poll_due()]
        await parted.poll()
        assert {PART[0], OTHER_PART[0], WHOLE[0]} in parted.stories()
        parted.publish("vestnik", OTHER_PART, (OTHER_PART[0] + " again", OTHER_PART[1]))
        await running.sync_feeds(everything=True)
        _ = [result async for result in running.poll_due()]
    assert {PART[0], OTHER_PART[0], WHOLE[0], OTHER_PART[0] + " again"} in parted.stories()


async def test_a_muted_story_is_told_no_more_until_it_is_heard_again(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN)
    await newsroom.poll()
    with newsroom.store.write() as tx:
        tx.mute_story(1, since=newsroom.now)
    newsroom.publish("vestnik", ("Thirty gay men detained by police in Argun, witnesses say", "Neighbours saw vans."))
    await newsroom.poll()
    assert newsroom.alerts() == [(Event.NEW,)]
    with newsroom.store.write() as tx:
        tx.mute_story(1, since=None)
    newsroom.publish("kurier", ARGUN, ("Argun police detain more gay men", "More than thirty men were taken."))
    await newsroom.poll()
    assert len(newsroom.stories()) == 1
    assert newsroom.alerts() == [(Event.NEW,), (Event.CORROBORATED,)]


async def test_a_story_closes_after_its_window(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN)
    await newsroom.poll()
    newsroom.now += timedelta(days=8)
    newsroom.publish("vestnik", REPRINT)
    await newsroom.poll()
    assert len(newsroom.stories()) == 2


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"", "empty", "empty"),
        (b"<html><head><title>Hello</title></head><body>No feed here</body></html>", "html", "HTML page"),
        (b"what is this", "not-a-feed", "feed"),
    ],
    ids=["empty", "html", "noise"],
)
async def test_a_feed_that_is_none_fails_alone_and_is_explained(
    newsroom: Newsroom, body: bytes, kind: str, words: str
) -> None:
    newsroom.server.serve("/kurier", body)
    newsroom.publish("vestnik", ARGUN)
    results = await newsroom.poll()
    failed = results[newsroom.server.url("/kurier")]
    assert failed.outcome == "failed"
    assert words in failed.error
    assert newsroom.alerts() == [(Event.NEW,)]
    with newsroom.store.read() as tx:
        broken, working = tx.feed_health()
        assert (broken.last_error_kind, broken.last_success) == (kind, None)
        assert working.last_error == ""
        assert broken.next_poll is not None
        assert broken.next_poll > newsroom.now


async def test_a_broken_feed_recovers_with_all_it_has(newsroom: Newsroom) -> None:
    newsroom.server.serve("/kurier", status=503, headers={"Retry-After": "600"})
    failed = (await newsroom.poll())[newsroom.server.url("/kurier")]
    assert "503" in failed.error
    newsroom.publish("kurier", ARGUN)
    assert (await newsroom.poll())["Kurier"].matched == 1
    with newsroom.store.read() as tx:
        assert tx.feed_health()[0].last_error == ""


async def test_a_transaction_that_fails_is_repeated_whole(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Validators are kept with the items, or not at all: what was fetched and not stored is fetched again."""
    newsroom.publish("kurier", ARGUN)
    newsroom.config = replace(newsroom.config, feeds=newsroom.config.feeds[:1])
    opened = open_pipeline(newsroom.config, store=newsroom.store, reader=newsroom.reader, clock=lambda: newsroom.now)
    async with opened as running:

        def fail(*_: Any, **__: Any) -> None:
            raise StoreError("the disk is full")

        await running.sync_feeds(everything=True)
        with monkeypatch.context() as broken, pytest.raises(StoreError, match="disk is full"):
            broken.setattr(pipeline_module, "decide_alerts", fail)
            _ = [result async for result in running.poll_due()]
        assert newsroom.stories() == []
        newsroom.now += pipeline_module.LEASE
        (result,) = [result async for result in running.poll_due()]
    assert replace(result, size=0) == PollResult("Kurier", "changed", new=1, matched=1, new_stories=1)
    assert newsroom.alerts() == [(Event.NEW,)]
    assert all("if-none-match" not in request.headers for request in newsroom.server.requests)


async def test_a_fault_of_ours_fails_its_feed_alone(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    newsroom.publish("vestnik", ARGUN)

    def trip(item: Item, *arguments: Any, **named: Any) -> Any:
        if item.title == FOOTBALL[0]:
            raise ZeroDivisionError
        return match_topics(item, *arguments, **named)

    monkeypatch.setattr(pipeline_module, "match_topics", trip)
    results = await newsroom.poll()
    assert results["Vestnik"].matched == 1
    assert "a fault of this program" in results[newsroom.server.url("/kurier")].error
    with newsroom.store.read() as tx:
        assert [health.last_error_kind for health in tx.feed_health()] == ["crashed", ""]


async def test_what_another_program_stored_meanwhile_is_not_stored_again(newsroom: Newsroom) -> None:
    """Two programs may poll one feed: the one that was faster has its items, the other loses nothing."""
    newsroom.publish("kurier", ARGUN)
    newsroom.config = replace(newsroom.config, feeds=newsroom.config.feeds[:1])
    opened = open_pipeline(newsroom.config, store=newsroom.store, reader=newsroom.reader, clock=lambda: newsroom.now)
    async with opened as slow:
        await slow.sync_feeds()
        (state,) = await slow.claim_feeds(1)
        newsroom.now += pipeline_module.LEASE
        await newsroom.poll()
        assert replace(await slow.poll_feed(state), size=0) == PollResult("Kurier", "changed")
    assert newsroom.alerts() == [(Event.NEW,)]


async def test_a_poll_that_meets_a_busy_database_is_due_again_at_once(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_pipeline(newsroom.config, store=newsroom.store, reader=newsroom.reader, clock=lambda: newsroom.now)
    async with opened as running:

        def fail(*_: Any, **__: Any) -> None:
            raise StoreBusy("another process has held the database")

        await running.sync_feeds()
        states = await running.claim_feeds(9)
        with monkeypatch.context() as broken, pytest.raises(StoreBusy):
            broken.setattr(pipeline_module, "plan_next_poll", fail)
            await running.poll_contained(states[0])
        assert [state.url for state in await running.claim_feeds(9)] == [states[0].url]


async def test_a_round_that_is_broken_off_gives_its_feeds_back(newsroom: Newsroom) -> None:
    """Ctrl-C on `monitor once`: what was not polled is due again, for the next one."""

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    newsroom.server.script("/kurier", hang)
    opened = open_pipeline(newsroom.config, store=newsroom.store, reader=newsroom.reader, clock=lambda: newsroom.now)
    async with opened as running:
        await running.sync_feeds()
        polls = running.poll_due()
        assert (await anext(polls)).feed == "Vestnik"
        assert await running.claim_feeds(9) == []
        await polls.aclose()
        assert [state.url for state in await running.claim_feeds(9)] == [newsroom.server.url("/kurier")]


async def test_a_start_takes_over_what_a_killed_program_had_claimed(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.publish("kurier", ARGUN)
    await newsroom.poll()
    opened = open_pipeline(newsroom.config, store=newsroom.store, reader=newsroom.reader, clock=lambda: newsroom.now)
    async with opened as running:
        await running.sync_feeds(everything=True)
        assert len(await running.claim_feeds(9)) == 2
        assert newsroom.alerts() == [(Event.NEW,)]
        await running.sync_feeds()
        assert await running.claim_feeds(9) == [], "the claims of a program that runs are left to it"
        for rows in ("feeds", "outbox"):
            monkeypatch.setattr(f"monitor.store.{rows}.is_gone", lambda _: True)
        await running.sync_feeds()
        assert len(await running.claim_feeds(9)) == 2
    with newsroom.store.write() as tx:
        assert claim_messages(tx, now=newsroom.now, lease=timedelta(1), limit=9, settled_before=newsroom.now)


async def test_what_the_window_left_behind_leaves_memory(newsroom: Newsroom) -> None:
    newsroom.publish("kurier", ARGUN)
    opened = open_pipeline(newsroom.config, store=newsroom.store, reader=newsroom.reader, clock=lambda: newsroom.now)
    async with opened as running:
        for text in (ARGUN, HOTLINE):
            newsroom.publish("kurier", text)
            await running.sync_feeds(everything=True)
            assert [result async for result in running.poll_due()]
            newsroom.now += timedelta(days=8)
        assert len(running._indexes["chechnya"].index) == 1


async def test_texts_are_encoded_while_others_may_still_write(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes milliseconds each, and a feed may bring hundreds: no other program should wait for that."""

    class Watching:
        size = 4

        def __init__(self) -> None:
            self.vectors: dict[str, Any] = {}
            self.others_could_write: list[bool] = []

        def encode(self, text: str) -> Any:
            if text not in self.vectors:
                self.others_could_write.append(can_write(newsroom.store.place))
                self.vectors[text] = np.ones(self.size, np.float32) / 2
            return self.vectors[text]

    encoder = Watching()
    monkeypatch.setattr(pipeline_module, "load_encoder", lambda: encoder)
    newsroom.publish("kurier", ARGUN, HOTLINE)
    await newsroom.poll()
    assert encoder.others_could_write == [True, True]


def can_write(place: str) -> bool:
    """Try to take the write lock, as another program would, without waiting."""
    with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


async def test_another_programs_feeds_are_left_to_it(newsroom: Newsroom) -> None:
    await newsroom.poll()
    other = replace(newsroom.config, feeds=(newsroom.make_feed("other"),))
    newsroom.publish("other", FOOTBALL)
    opened = open_pipeline(newsroom.config, store=newsroom.store, reader=newsroom.reader, clock=lambda: newsroom.now)
    async with opened as running:
        await newsroom.poll(config=other)
        newsroom.now += timedelta(days=1)
        assert await running.claim_feeds(9) == []


async def test_a_first_round_of_many_feeds_is_spread(newsroom: Newsroom) -> None:
    many = replace(newsroom.config, feeds=tuple(newsroom.make_feed(f"feed{number}") for number in range(150)))
    opened = open_pipeline(many, store=newsroom.store, reader=newsroom.reader, clock=lambda: newsroom.now)
    async with opened as running:
        due_at_once = await running.sync_feeds(spread=True)
        assert due_at_once < 10
        newsroom.now += many.fetch.min_interval
        assert len(await running.claim_feeds(200)) == 150


async def test_channels_that_share_an_alert_get_a_delivery_each(newsroom: Newsroom) -> None:
    channels: tuple[Channel, ...] = (
        make_channel("desk"),
        make_channel("press", "json://127.0.0.1:1", "json://127.0.0.1:2"),
    )
    rules = (Rule(topics=("chechnya",), channels=("desk", "press")),)
    newsroom.config = replace(newsroom.config, channels=channels, rules=rules)
    newsroom.publish("kurier", ARGUN)
    await newsroom.poll()
    assert len(newsroom.alerts()) == 3
