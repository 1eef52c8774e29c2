"""The store keeps what it is given, whole or not at all, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, update

from monitor.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreReadOnly, StoreTooNew
from monitor.model import Event, Judgement, Notice, NoticeKind, Secret, Status, Told, Trust, Validators
from monitor.store import KnownItems, PollRecord, Store, Transaction, engine, open_store
from monitor.store.lease import is_gone, own_name
from monitor.store.schema import REVISION, Base, DeliveryRow, FeedRow
from tests.makers import (
    add_stories,
    claim_messages,
    make_alert,
    make_channel,
    make_feed,
    make_item,
    make_match,
    make_member,
    make_placement,
)

LEASE = timedelta(minutes=2)


def add_feed(tx: Transaction, now: datetime, host: str = "kurier.example") -> int:
    """Add one feed, poll it once, and give its id."""
    tx.sync_feeds([make_feed(host)], now=now)
    (state,) = tx.claim_feeds(now=now, lease=LEASE, limit=1)
    return state.id


def make_poll(now: datetime, **changes: Any) -> PollRecord:
    """A poll after which the feed is due at once."""
    return replace(PollRecord(now=now, next_poll=now, rhythm="", reason="every 10 min"), **changes)


def add_story(tx: Transaction, now: datetime, *, members: int = 1) -> int:
    """Add a story of so many items from one feed."""
    feed = add_feed(tx, now)
    ids = tx.add_items(feed, [make_item(key=f"g:{number}") for number in range(members)], matched=True)
    story = tx.add_story("chechnya", first_seen=now)
    for item in ids:
        tx.add_member(story, make_member(item), match=make_match(), placement=make_placement(), now=now)
    return story


def test_a_failed_transaction_leaves_nothing(any_store: Store, now: datetime) -> None:
    with pytest.raises(RuntimeError, match="pulled"), any_store.write() as tx:
        add_story(tx, now)
        raise RuntimeError("the plug is pulled")
    with any_store.read() as tx:
        assert tx.feed_health() == []
        assert tx.stories() == []


def test_items_come_back_as_they_were_stored(any_store: Store, now: datetime) -> None:
    item = replace(
        make_item("Заголовок — «Курьер»"), alias="a:1", published=now - timedelta(hours=3), author="AFP", lang="ru"
    )
    with any_store.write() as tx:
        feed = add_feed(tx, now)
        (item_id,) = tx.add_items(feed, [item], matched=True)
        story = tx.add_story("chechnya", first_seen=now)
        member = replace(make_member(item_id), item=item, backfill=True)
        tx.add_member(story, member, match=make_match(), placement=make_placement(), now=now)
    with any_store.read() as tx:
        (record,) = tx.stories()
        (kept,) = record.story.members
        assert kept == replace(member, feed="https://kurier.example/rss")
        assert record.matches == {item_id: make_match()}
        assert record.placements == {item_id: make_placement(story)}
        assert (record.first_seen, record.last_seen) == (now - timedelta(hours=3), now)


def test_ids_of_matched_items_follow_the_order_of_the_items(any_store: Store, now: datetime) -> None:
    titles = [f"Title {number}" for number in range(50)]
    with any_store.write() as tx:
        feed = add_feed(tx, now)
        ids = tx.add_items(feed, [make_item(title) for title in titles], matched=True)
        assert (ids, len(ids)) == (sorted(ids), 50)
        assert tx.add_items(feed, [], matched=False) == []
        assert len(tx.known_items(feed, now=now).names) == 50


def test_items_whose_presence_was_not_recorded_for_a_day_are_told(any_store: Store, now: datetime) -> None:
    later = now + timedelta(days=1, seconds=1)
    with any_store.write() as tx:
        feed = add_feed(tx, now)
        tx.add_items(feed, [replace(make_item("old", key="old", seen=now), alias="a:old")], matched=False)
        tx.add_items(feed, [make_item("new", key="new", seen=later)], matched=False)
        known = tx.known_items(feed, now=later)
        assert known == KnownItems(frozenset({"old", "a:old", "new"}), overdue=frozenset({"old", "a:old"}))
        tx.save_present(feed, ["old"], now=later)
        assert not tx.known_items(feed, now=later).overdue


async def test_works_that_share_a_transaction_fail_alone(store: Store, now: datetime) -> None:
    """One that fails is undone whole; the others are kept, though they had to be done again."""
    undone: list[str] = []

    def add(name: str, tx: Transaction, *, broken: bool = False) -> str:
        tx.on_rollback(lambda: undone.append(name))
        tx.sync_feeds([make_feed(name)], now=now)
        return name[: 1 // (not broken)]

    works = [partial(add, "a.example"), partial(add, "b.example", broken=True), partial(add, "c.example")]
    outcomes = await asyncio.gather(*map(store.transact, works), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [str, ZeroDivisionError, str]
    assert undone == ["a.example", "b.example", "b.example"]
    with store.read() as tx:
        assert [health.url for health in tx.feed_health()] == [
            make_feed(name).url for name in ("a.example", "c.example")
        ]


async def test_a_database_that_is_busy_is_asked_once_for_all_that_wait(store: Store) -> None:
    asked: list[int] = []

    def meet_lock(number: int, _: Transaction) -> None:
        asked.append(number)
        raise StoreBusy("another process has held the database")

    works = [partial(meet_lock, number) for number in range(3)]
    outcomes = await asyncio.gather(*map(store.transact, works), return_exceptions=True)
    assert ([type(outcome) for outcome in outcomes], asked) == ([StoreBusy] * 3, [0])


async def test_a_work_that_was_cancelled_while_it_waited_is_not_done(store: Store) -> None:
    done: list[int] = []
    begun, gate = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        begun.set()
        gate.wait(10)

    first = asyncio.create_task(store.transact(hold))
    assert await asyncio.to_thread(begun.wait, 10)
    second, third = (asyncio.create_task(store.transact(partial(_note, done, number))) for number in (2, 3))
    await asyncio.sleep(0)  # both wait for their turn now
    second.cancel()
    gate.set()
    await asyncio.wait([first, second, third])
    assert (second.cancelled(), done) == (True, [3])


def _note(done: list[int], number: int, _: Transaction) -> None:
    done.append(number)


def test_a_claimed_feed_is_nobody_elses_until_the_lease_ends(any_store: Store, now: datetime) -> None:
    feeds = [make_feed(f"{number}.example") for number in range(3)]
    with any_store.write() as tx:
        tx.sync_feeds(feeds, now=now)
        _, second, third = tx.planned_polls()
        tx.move_polls({second: now - timedelta(hours=1), third: now + timedelta(hours=1)})
        assert [state.url for state in tx.claim_feeds(now=now, lease=LEASE, limit=9)] == [feeds[1].url, feeds[0].url]
        assert tx.claim_feeds(now=now, lease=LEASE, limit=9) == []
        assert len(tx.claim_feeds(now=now + LEASE, lease=LEASE, limit=9)) == 2
        tx.release_feeds([second])
        assert [state.id for state in tx.claim_feeds(now=now, lease=LEASE, limit=9)] == [second]


def test_what_a_program_had_claimed_is_given_back_once_it_runs_no_more(any_store: Store, now: datetime) -> None:
    """A running program's claims, and those of other machines, are left to it."""
    with any_store.write() as tx:
        tx.add_alert(make_alert(add_story(tx, now)), [make_channel()], now=now)
        claim: dict[str, Any] = {"lease": LEASE, "limit": 9, "settled_before": now}
        assert len(claim_messages(tx, now=now, **claim)) == 1
        tx.release_abandoned_feeds()
        tx.release_abandoned_deliveries(now=now)
        assert (tx.claim_feeds(now=now, lease=LEASE, limit=9), claim_messages(tx, now=now, **claim)) == ([], [])
        with subprocess.Popen([sys.executable, "-c", ""]) as program:
            program.wait()
        for holder, given_back in (("elsewhere:1", 0), (f"{socket.gethostname()}:{program.pid}", 1)):
            tx.session.execute(update(FeedRow).values(leased_by=holder))
            tx.session.execute(update(DeliveryRow).values(leased_by=holder))
            tx.release_abandoned_feeds()
            tx.release_abandoned_deliveries(now=now)
            assert len(tx.claim_feeds(now=now, lease=LEASE, limit=9)) == given_back
            assert len(claim_messages(tx, now=now, **claim)) == given_back


@pytest.mark.parametrize(
    ("holder", "gone"),
    [
        ("", False),
        ("nonsense", False),
        (own_name(), False),
        ("elsewhere:999999999", False),
        (f"{socket.gethostname()}:1", False),
    ],
    ids=["nobody", "nonsense", "this program", "another machine", "another user's"],
)
def test_a_holder_is_gone_only_when_that_is_certain(holder: str, gone: bool) -> None:  # noqa: FBT001 (a case's value)
    assert is_gone(holder) is gone


def test_a_program_of_another_user_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", refuse)
    assert not is_gone(f"{socket.gethostname()}:1")


def test_planned_polls_can_be_moved(any_store: Store, now: datetime) -> None:
    with any_store.write() as tx:
        tx.sync_feeds([make_feed(), make_feed("resting.example", enabled=False)], now=now)
        assert tx.planned_polls() == {1: (now, None)}
        tx.move_polls({1: now + timedelta(days=1)})
        assert tx.claim_feeds(now=now, lease=LEASE, limit=9) == []


def test_a_feed_that_leaves_and_comes_back_keeps_its_state(any_store: Store, now: datetime) -> None:
    """A feed taken out of feeds.toml rests; put back, its old items are not new."""
    validators = Validators(etag='"1"', last_modified="Sat, 01 Apr 2017 09:00:00 GMT", body_hash="ab")
    with any_store.write() as tx:
        feed = add_feed(tx, now)
        tx.add_items(feed, [make_item()], matched=False)
        tx.save_poll(feed, make_poll(now, rhythm="weekly", validators=validators))
        tx.sync_feeds([], now=now)
        assert tx.claim_feeds(now=now, lease=LEASE, limit=9) == []
        tx.sync_feeds([make_feed()], now=now)
        (state,) = tx.claim_feeds(now=now, lease=LEASE, limit=9)
        assert (state.id, state.validators, state.rhythm) == (feed, validators, "weekly")
        assert state.last_success == state.last_polled == now


def test_a_disabled_feed_is_not_polled(any_store: Store, now: datetime) -> None:
    with any_store.write() as tx:
        tx.sync_feeds([make_feed(enabled=False)], now=now)
        assert tx.claim_feeds(now=now, lease=LEASE, limit=9) == []
        assert not tx.feed_health()[0].active


def test_a_feed_without_a_name_takes_the_documents_title_until_it_is_given_one(any_store: Store, now: datetime) -> None:
    with any_store.write() as tx:
        tx.name_feed(add_feed(tx, now), "Kurier")
        tx.sync_feeds([make_feed()], now=now)
        assert tx.feed_health()[0].name == "Kurier"
        tx.sync_feeds([make_feed(name="The Courier")], now=now)
        assert tx.feed_health()[0].name == "The Courier"


def test_a_failure_is_shown_until_the_next_success_and_touches_nothing_else(any_store: Store, now: datetime) -> None:
    validators, later = Validators(etag='"1"'), now + LEASE
    trust = Trust(believed=False, until=later)
    with any_store.write() as tx:
        feed = add_feed(tx, now)
        good = make_poll(now, validators=validators, trust=trust, parsed=True, brought_items=True, gap=(now, later))
        tx.save_poll(feed, good)
        tx.save_poll(feed, make_poll(later, error_kind="dns", error="no such host"))
        health = tx.feed_health()[0]
        assert (health.last_error, health.last_error_kind, health.last_success) == ("no such host", "dns", now)
        assert (health.last_item, health.gap, health.last_polled) == (now, (now, later), later)
        (state,) = tx.claim_feeds(now=later, lease=LEASE, limit=1)
        assert (state.validators, state.trust) == (validators, trust)
        tx.save_poll(feed, make_poll(later, validators=validators))
        assert (tx.feed_health()[0].last_error, tx.feed_health()[0].last_success) == ("", later)


def test_unmatched_items_are_pruned_only_when_they_left_the_document(any_store: Store, now: datetime) -> None:
    """An item that its feed still holds would be new again, and alert, if it were dropped."""
    later = now + timedelta(days=40)
    with any_store.write() as tx:
        story = add_story(tx, now)
        feed = tx.claim_feeds(now=now + LEASE, lease=LEASE, limit=1)[0].id
        stays = [make_item("stays", key="stays"), replace(make_item("alias", key="alias"), alias="a:1")]
        tx.add_items(feed, [make_item("left", key="left"), *stays], matched=False)
        assert tx.prune_items(unmatched_before=later - timedelta(days=30), limit=100) == 0, "not parsed since"
        tx.save_present(feed, ["stays", "a:1"], now=later)
        tx.save_poll(feed, make_poll(later, parsed=True))
        assert tx.prune_items(unmatched_before=later - timedelta(days=30), limit=100) == 1
        assert tx.known_items(feed, now=now).names == {"stays", "alias", "a:1", "g:0"}
        assert tx.story(story).members


def test_items_that_must_stay_do_not_keep_others_from_being_pruned(any_store: Store, now: datetime) -> None:
    """A full step of items that may not be dropped yet stands before one that may."""
    later = now + timedelta(days=40)
    cutoff = later - timedelta(days=30)
    with any_store.write() as tx:
        tx.sync_feeds([make_feed("dead.example"), make_feed("live.example")], now=now)
        dead, live = (state.id for state in tx.claim_feeds(now=now, lease=LEASE, limit=2))
        tx.add_items(dead, [make_item(f"{number}") for number in range(3)], matched=False)
        tx.save_poll(dead, make_poll(now + timedelta(days=1), parsed=True))
        tx.add_items(live, [make_item("left", seen=now + timedelta(days=2))], matched=False)
        tx.save_poll(live, make_poll(later, parsed=True))
        assert tx.prune_items(unmatched_before=cutoff, limit=3) == 1
        assert (len(tx.known_items(dead, now=now).names), len(tx.known_items(live, now=now).names)) == (3, 0)


def test_a_story_that_was_never_told_is_pruned_and_its_items_with_it(any_store: Store, now: datetime) -> None:
    """An item that a told story of another topic holds as well stays."""
    later = now + timedelta(days=400)
    with any_store.write() as tx:
        told = add_story(tx, now, members=2)
        tx.add_alert(make_alert(told), [make_channel()], now=now)
        untold = tx.add_story("other", first_seen=now)
        (first, _) = (member.id for member in tx.story(told).members)
        feed = tx.claim_feeds(now=now + LEASE, lease=LEASE, limit=1)[0].id
        (alone,) = tx.add_items(feed, [make_item("alone", key="alone")], matched=True)
        for item in (first, alone):
            tx.add_member(untold, make_member(item), match=make_match("other"), placement=make_placement(), now=now)
        assert tx.prune_stories(before=now, limit=9) == 0, "not old enough"
        assert tx.prune_stories(before=later, limit=9) == 1
        assert [record.story.id for record in tx.stories()] == [told]
        tx.save_poll(feed, make_poll(later, parsed=True))
        assert tx.prune_items(unmatched_before=later - timedelta(days=30), limit=9) == 1
        assert tx.known_items(feed, now=now).names == {"g:0", "g:1"}


def test_a_merged_story_keeps_its_number_its_title_and_what_was_told_of_both(any_store: Store, now: datetime) -> None:
    with any_store.write() as tx:
        (first, second, third) = add_stories(tx, now, 1, 2, 1)
        tx.add_alert(make_alert(1, Event.NEW), [make_channel()], now=now)
        tx.add_alert(make_alert(2, Event.CORROBORATED), [make_channel()], now=now)
        tx.merge_stories(3, 2, now=now + timedelta(hours=2))
        tx.merge_stories(1, 3, now=now + timedelta(hours=3))
    with any_store.read() as tx:
        (record,) = tx.stories()
        assert record.story.members[0].id == first[0]
        assert {member.id for member in record.story.members} == {*first, *second, *third}
        assert (record.first_seen, record.last_seen) == (now, now + timedelta(hours=1))
        assert tx.told(1) == {Told("desk", Event.NEW), Told("desk", Event.CORROBORATED)}
        assert {tx.merged_into(2), tx.merged_into(3)} == {1}
        assert tx.merged_into(1) is None


@pytest.mark.parametrize(("muted", "is_muted"), [((1, 2), True), ((1,), False), ((2,), False), ((), False)])
def test_a_merged_story_is_muted_if_both_were(
    muted: tuple[int, ...],
    is_muted: bool,  # noqa: FBT001 (a case's value)
    any_store: Store,
    now: datetime,
) -> None:
    with any_store.write() as tx:
        add_stories(tx, now, 1, 1)
        for story in muted:
            tx.mute_story(story, since=now)
        tx.merge_stories(1, 2, now=now)
    with any_store.read() as tx:
        assert tx.story(1).muted is is_muted


def test_members_that_were_moved_stand_last_and_leave_the_times_right(any_store: Store, now: datetime) -> None:
    with any_store.write() as tx:
        (first, second) = add_stories(tx, now, 3, 1)
        tx.move_members(first[2:], into=2, now=now + timedelta(days=1))
        tx.inherit_told(2, [Told("desk", Event.NEW, sources=3)])
    with any_store.read() as tx:
        ends = {record.story.id: record.last_seen for record in tx.stories()}
        assert ends == {1: now + timedelta(hours=1), 2: now + timedelta(hours=2)}
        assert [member.id for member in tx.story(2).members] == [*second, *first[2:]]
        assert tx.told(2) == {Told("desk", Event.NEW, sources=3)}


def test_what_moved_is_told_to_programs_that_know_it_elsewhere(any_store: Store, now: datetime) -> None:
    with any_store.write() as tx:
        (first, second) = add_stories(tx, now, 2, 1)
        seen = tx.members_since("chechnya", after=0, since=now)[-1].id
        newest = tx.move_members(first[:1], into=2, now=now)
        (moved,) = tx.members_since("chechnya", after=seen, since=now)
        assert (moved.id, moved.story, moved.member.id) == (newest, 2, first[0])
        newest = tx.merge_stories(2, 1, now=now)
        (moved,) = tx.members_since("chechnya", after=moved.id, since=now)
        assert (moved.id, moved.story, moved.member.id) == (newest, 2, first[1])
        assert tx.move_members(second, into=2, now=now) == newest, "nothing moves where it is"


SENT, SENDING, FAILED, WAITING, DEAD = Status.SENT, Status.SENDING, Status.FAILED, Status.PENDING, Status.DEAD
NEW, BOTH = (Event.NEW,), (Event.NEW, Event.CORROBORATED)


@pytest.mark.parametrize(
    ("survivor", "absorbed", "left"),
    [
        pytest.param((NEW, SENT), (NEW, WAITING), [(NEW, SENT)], id="what was told is not told again"),
        pytest.param((NEW, WAITING), (NEW, SENT), [(NEW, SENT)], id="nor where only the absorbed story was told"),
        pytest.param((NEW, WAITING), (NEW, WAITING), [(NEW, WAITING)], id="of two that wait, one is told"),
        pytest.param((NEW, WAITING), (NEW, SENDING), [(NEW, SENDING)], id="what is on its way is as good as told"),
        pytest.param((NEW, SENDING), (NEW, SENT), [(NEW, SENDING), (NEW, SENT)], id="and cannot be called back"),
        pytest.param((NEW, FAILED), (NEW, WAITING), [(NEW, FAILED)], id="what failed goes on being tried"),
        pytest.param((NEW, DEAD), (NEW, WAITING), [(NEW, DEAD), (NEW, WAITING)], id="what was given up was not heard"),
        pytest.param(
            (NEW, SENT), (BOTH, WAITING), [(NEW, SENT), ((Event.CORROBORATED,), WAITING)], id="the rest is still told"
        ),
        pytest.param(
            ((Event.GROWTH,), SENT),
            ((Event.GROWTH,), WAITING),
            [((Event.GROWTH,), SENT), ((Event.GROWTH,), WAITING)],
            id="what may be told again is",
        ),
    ],
)
def test_after_a_merger_each_url_hears_each_event_once(
    survivor: tuple[tuple[Event, ...], Status],
    absorbed: tuple[tuple[Event, ...], Status],
    left: list[tuple[tuple[Event, ...], Status]],
    any_store: Store,
    now: datetime,
) -> None:
    with any_store.write() as tx:
        add_stories(tx, now, 1, 1)
        for story, (events, status) in enumerate([survivor, absorbed], start=1):
            alert = tx.add_alert(make_alert(story, *events), [make_channel()], now=now)
            tx.session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.alert_id == alert)
                .values(status=status, leased_until=now + LEASE if status is SENDING else None)
            )
        tx.session.expire_all()
        tx.merge_stories(1, 2, now=now)
    with any_store.read() as tx:
        assert [(record.events, record.status) for record in reversed(tx.delivery_records())] == left
        assert {record.story for record in tx.delivery_records()} == {1}
        assert all(set(record.reason) == set(record.events) for record in tx.delivery_records())


def test_after_a_merger_a_channel_that_knew_of_neither_story_hears_of_it(any_store: Store, now: datetime) -> None:
    """Two channels, one alert: only the one that was told by the other story is left out."""
    desk, press = make_channel("desk"), make_channel("press")
    with any_store.write() as tx:
        add_stories(tx, now, 1, 1)
        tx.add_alert(make_alert(1), [desk], now=now)
        (delivery,) = claim_messages(tx, now=now, lease=LEASE, limit=9, settled_before=now)
        tx.mark_sent(delivery, now=now)
        tx.add_alert(make_alert(2, channels=("desk", "press")), [desk, press], now=now)
        tx.merge_stories(1, 2, now=now)
        (delivery,) = claim_messages(tx, now=now, lease=LEASE, limit=9, settled_before=now)
        (told,) = delivery.deliveries
        assert (told.channel, told.events, told.story.id) == ("press", (Event.NEW,), 1)
        assert {entry.channel for entry in tx.told(1)} == {"desk", "press"}


@pytest.mark.parametrize(
    ("told", "promised", "survivor"),
    [
        pytest.param(2, 1, 2, id="the one that was told first"),
        pytest.param(None, 2, 2, id="else the one that will be told"),
        pytest.param(None, None, 1, id="else the older one"),
    ],
)
def test_the_story_whose_number_people_know_survives(
    told: int | None, promised: int | None, survivor: int, any_store: Store, now: datetime
) -> None:
    with any_store.write() as tx:
        add_stories(tx, now, 1, 1)
        if told:
            tx.add_alert(make_alert(told), [make_channel()], now=now)
            (delivery,) = claim_messages(tx, now=now, lease=LEASE, limit=9, settled_before=now)
            tx.mark_sent(delivery, now=now)
        if promised:
            tx.add_alert(make_alert(promised), [make_channel()], now=now)
        assert tx.choose_survivor(1, 2) == tx.choose_survivor(2, 1) == (survivor, 3 - survivor)


def test_why_stories_became_one_is_kept(any_store: Store, now: datetime) -> None:
    with any_store.write() as tx:
        add_stories(tx, now, 1, 1, 1)
        tx.merge_stories(2, 3, now=now, reason={"score": 0.5})
        tx.merge_stories(1, 2, now=now)
    with any_store.read() as tx:
        (record,) = tx.stories()
        assert record.mergers == {2: {}, 3: {"score": 0.5}}


def test_a_story_that_took_up_another_is_pruned_with_it(any_store: Store, now: datetime) -> None:
    with any_store.write() as tx:
        add_stories(tx, now, 1, 1)
        tx.merge_stories(1, 2, now=now)
        assert tx.prune_stories(before=now + timedelta(days=1), limit=1) == 1
        assert tx.prune_stories(before=now + timedelta(days=1), limit=1) == 0


def test_of_two_judgements_on_a_pair_the_last_counts(any_store: Store, now: datetime) -> None:
    with any_store.write() as tx:
        (items,) = add_stories(tx, now, 3)
        tx.judge("chechnya", [(items[1], items[0]), (items[0], items[2])], same=True, now=now)
        tx.judge("chechnya", [(items[0], items[1])], same=False, now=now)
    with any_store.read() as tx:
        assert tx.judgements("chechnya") == [
            Judgement(items[0], items[2], same=True),
            Judgement(items[0], items[1], same=False),
        ]
        assert tx.judgements("sport") == []


def test_judgements_that_no_longer_hold_are_withdrawn_and_others_stay(any_store: Store, now: datetime) -> None:
    with any_store.write() as tx:
        (items,) = add_stories(tx, now, 3)
        tx.judge("chechnya", [(items[0], items[1])], same=False, now=now)
        tx.judge("chechnya", [(items[1], items[2])], same=True, now=now)
        tx.withdraw_judgements("chechnya", [items[1]], [items[0], items[2]], same=False)
    with any_store.read() as tx:
        assert tx.judgements("chechnya") == [Judgement(items[1], items[2], same=True)]


def test_the_index_catches_up_from_where_it_was(any_store: Store, now: datetime) -> None:
    with any_store.write() as tx:
        story = add_story(tx, now, members=3)
        everything = tx.members_since("chechnya", after=0, since=now - timedelta(days=7))
        assert [joined.story for joined in everything] == [story] * 3
        assert tx.members_since("chechnya", after=everything[1].id, since=now - timedelta(days=7)) == everything[2:]
        assert tx.members_since("other", after=0, since=now) == []
        assert tx.members_since("chechnya", after=0, since=now + timedelta(hours=1)) == [], "the story has closed"


def test_events_of_one_cycle_are_one_alert(any_store: Store, now: datetime) -> None:
    channel = make_channel()
    with any_store.write() as tx:
        story = add_story(tx, now)
        first = tx.add_alert(replace(make_alert(story), sources=1), [channel], now=now)
        second = replace(make_alert(story, Event.CORROBORATED), sources=2)
        assert tx.add_alert(second, [channel], now=now) == first
        assert tx.told(story) == {Told("desk", event, sources=2) for event in (Event.NEW, Event.CORROBORATED)}
        (delivery,) = claim_messages(tx, now=now, lease=LEASE, limit=9, settled_before=now)
        (told,) = delivery.deliveries
        assert told.events == (Event.NEW, Event.CORROBORATED)
        assert told.reason == {"new": "because new", "corroborated": "because corroborated"}


def test_growth_that_goes_on_before_it_was_told_is_one_event_with_both_reasons(any_store: Store, now: datetime) -> None:
    channel = make_channel()
    with any_store.write() as tx:
        story = add_story(tx, now)
        for sources in (5, 20):
            alert = make_alert(story, Event.GROWTH)
            tx.add_alert(replace(alert, sources=sources, reason={"growth": f"{sources} sources"}), [channel], now=now)
        (delivery,) = claim_messages(tx, now=now, lease=LEASE, limit=9, settled_before=now)
        (told,) = delivery.deliveries
        assert (told.events, told.reason) == ((Event.GROWTH,), {"growth": "5 sources; 20 sources"})
        assert tx.told(story) == {Told("desk", Event.GROWTH, sources=20)}


def test_an_alert_on_its_way_takes_no_more_events(any_store: Store, now: datetime) -> None:
    channel = make_channel()
    with any_store.write() as tx:
        story = add_story(tx, now)
        first = tx.add_alert(make_alert(story), [channel], now=now)
        claim_messages(tx, now=now, lease=LEASE, limit=9, settled_before=now)
        assert tx.add_alert(make_alert(story, Event.CORROBORATED), [channel], now=now) != first


def test_alerts_to_different_channels_stay_apart(any_store: Store, now: datetime) -> None:
    channels = [make_channel("desk"), make_channel("press")]
    with any_store.write() as tx:
        story = add_story(tx, now)
        first = tx.add_alert(make_alert(story, channels=("desk",)), channels, now=now)
        second = tx.add_alert(make_alert(story, channels=("desk", "press")), channels, now=now)
        assert first != second


def test_each_url_of_a_channel_is_its_own_delivery(any_store: Store, now: datetime) -> None:
    channel = make_channel("desk", "json://127.0.0.1:1/", "json://127.0.0.1:2/")
    with any_store.write() as tx:
        tx.add_alert(make_alert(add_story(tx, now)), [channel, make_channel("unused")], now=now)
        claimed = claim_messages(tx, now=now, lease=LEASE, limit=9, settled_before=now)
        assert [(one.ordinal, one.target) for one in claimed] == [
            (n, url.fingerprint) for n, url in enumerate(channel.urls)
        ]
        tx.mark_sent(claimed[0], now=now)
        tx.mark_failed(claimed[1].ids, error="refused", next_attempt=now + timedelta(minutes=1))
        assert tx.delivery_counts() == {Status.SENT: 1, Status.FAILED: 1}
        assert [record.last_error for record in tx.delivery_records()] == ["refused", ""]
        assert tx.delivery_failures() == {"desk": "refused"}


def test_a_delivery_is_taken_again_when_its_lease_ran_out(any_store: Store, now: datetime) -> None:
    """At least once: a program that died while sending must not have sent."""
    with any_store.write() as tx:
        tx.add_alert(make_alert(add_story(tx, now)), [make_channel()], now=now)
        claim = {"lease": LEASE, "limit": 9, "settled_before": now}
        assert len(claim_messages(tx, now=now, **claim)) == 1  # type: ignore[arg-type]  # mypy joins the values' types
        assert claim_messages(tx, now=now, **claim) == []  # type: ignore[arg-type]  # the same
        assert len(claim_messages(tx, now=now + LEASE, **claim)) == 1  # type: ignore[arg-type]  # the same


def test_a_delivery_waits_until_it_has_settled_and_is_due(any_store: Store, now: datetime) -> None:
    later = now + timedelta(hours=1)
    with any_store.write() as tx:
        tx.add_alert(make_alert(add_story(tx, now)), [make_channel()], now=now)
        assert claim_messages(tx, now=now, lease=LEASE, limit=9, settled_before=now - timedelta(seconds=1)) == []
        (delivery,) = claim_messages(tx, now=now, lease=LEASE, limit=9, settled_before=now)
        tx.mark_failed(delivery.ids, error="503", next_attempt=later)
        assert claim_messages(tx, now=now, lease=LEASE, limit=9, settled_before=now) == []
        (again,) = claim_messages(tx, now=later, lease=LEASE, limit=9, settled_before=now)
        assert (again.attempts, again.first_attempt) == (1, now)


def test_a_url_that_is_being_sent_to_gets_nothing_more(any_store: Store, now: datetime) -> None:
    """Messages to one URL go one after the other, and a claim is small enough for its lease."""
    with any_store.write() as tx:
        stories = [tx.add_story("chechnya", first_seen=now) for _ in range(8)]
        items = [make_item(key=f"g:{number}") for number in range(8)]
        members = tx.add_items(add_feed(tx, now), items, matched=True)
        for story, item in zip(stories, members, strict=True):
            tx.add_member(story, make_member(item), match=make_match(), placement=make_placement(), now=now)
            tx.add_alert(make_alert(story), [make_channel()], now=now)
        claimed = claim_messages(tx, now=now, lease=LEASE, limit=99, settled_before=now)
        assert [one.deliveries[0].story.id for one in claimed] == stories[:5]
        tx.mark_sent(claimed[0], now=now)
        assert claim_messages(tx, now=now, lease=LEASE, limit=99, settled_before=now) == []
        for delivery in claimed[1:]:
            tx.mark_sent(delivery, now=now)
        assert len(claim_messages(tx, now=now, lease=LEASE, limit=99, settled_before=now)) == 3


def test_a_delivery_that_was_not_tried_is_given_back_as_it_was(any_store: Store, now: datetime) -> None:
    later = now + timedelta(hours=1)
    with any_store.write() as tx:
        tx.add_alert(make_alert(add_story(tx, now)), [make_channel()], now=now)
        for attempts, status in enumerate([Status.PENDING, Status.FAILED]):
            (delivery,) = claim_messages(tx, now=later, lease=LEASE, limit=9, settled_before=now)
            tx.postpone(delivery.ids, until=later)
            (record,) = tx.delivery_records()
            assert (record.status, record.attempts, record.next_attempt) == (status, attempts, later)
            tx.mark_failed(delivery.ids, error="503", next_attempt=later)


def test_what_was_given_up_can_be_tried_again(any_store: Store, now: datetime) -> None:
    with any_store.write() as tx:
        tx.add_alert(make_alert(add_story(tx, now)), [make_channel()], now=now)
        (delivery,) = claim_messages(tx, now=now, lease=LEASE, limit=9, settled_before=now)
        tx.mark_dead(delivery.ids, error="404")
        assert claim_messages(tx, now=now + LEASE, lease=LEASE, limit=9, settled_before=now) == []
        assert tx.revive_deliveries(now=now) == 1
        (again,) = claim_messages(tx, now=now + LEASE, lease=LEASE, limit=9, settled_before=now)
        assert (again.attempts, again.first_attempt) == (0, now + LEASE)


def test_a_notice_is_told_once_a_day_unless_it_says_something_else(any_store: Store, now: datetime) -> None:
    notice, channels = Notice(NoticeKind.CONFIG, {"path": "feeds.toml", "problems": ["3: bad"]}), [make_channel()]
    other = Notice(NoticeKind.CONFIG, {"path": "feeds.toml", "problems": ["4: worse"]})
    tomorrow = now + timedelta(days=1)
    with any_store.write() as tx:
        assert not tx.add_notice(notice, [], now=now), "nobody is to be told"
        assert tx.add_notice(notice, channels, now=now)
        assert not tx.add_notice(notice, channels, now=now + timedelta(hours=23))
        assert tx.add_notice(other, channels, now=now)
        assert tx.add_notice(notice, channels, now=tomorrow)
        claimed = claim_messages(tx, now=tomorrow, lease=LEASE, limit=9, settled_before=tomorrow)
        assert [parcel.notice for parcel in claimed] == [notice, other, notice]
        assert tx.delivery_records() == [], "a notice is no alert"


def test_a_naive_time_is_refused(any_store: Store, now: datetime) -> None:
    with pytest.raises(Exception, match="without a zone"), any_store.write() as tx:
        tx.add_story("chechnya", first_seen=now.replace(tzinfo=None))


async def test_work_runs_off_the_event_loop_one_piece_after_another(store: Store) -> None:
    import asyncio  # noqa: PLC0415
    import threading  # noqa: PLC0415

    names = await asyncio.gather(*(store.run(lambda: threading.current_thread().name) for _ in range(5)))
    assert len(set(names)) == 1
    assert names[0].startswith("store")


async def test_closing_drops_what_is_queued(store: Store) -> None:
    """A program that is told to stop waits for the piece at work, not for all that were to follow."""
    import asyncio  # noqa: PLC0415
    import threading  # noqa: PLC0415

    gate, ran = threading.Event(), list[str]()
    at_work = asyncio.create_task(store.run(gate.wait))
    queued = asyncio.create_task(store.run(lambda: ran.append("queued")))
    await asyncio.sleep(0)  # both are handed to the thread
    closing = asyncio.create_task(asyncio.to_thread(store.close))
    try:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(queued), 5)
    finally:
        gate.set()
    await asyncio.gather(at_work, closing)
    assert ran == []


# --- opening -------------------------------------------------------------------------------------------------------


def test_sqlite_is_opened_in_wal_mode_with_foreign_keys_and_patience(store: Store) -> None:
    with store.read() as tx:
        connection = tx.session.connection()
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 4_000, "synchronous": 1}


def test_a_new_database_can_be_read_by_its_owner_alone(tmp_path: Path, store: Store) -> None:
    """It tells what is being watched; WAL and shared memory take the file's mode."""
    with store.write() as tx:
        tx.sync_feeds([make_feed()], now=datetime.fromisoformat("2017-04-01T00:00:00+00:00"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("monitor.db*")}
    assert modes == dict.fromkeys(("monitor.db", "monitor.db-wal", "monitor.db-shm"), 0o600)


def test_the_migrations_make_the_tables_that_the_models_describe(any_store: Store) -> None:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    with any_store.read() as tx:
        context = MigrationContext.configure(tx.session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == REVISION


def test_a_second_start_finds_what_the_first_left(tmp_path: Path, now: datetime) -> None:
    url = Secret(f"sqlite:///{tmp_path}/monitor.db")
    for expected in (0, 1):
        store = open_store(url)
        with store.write() as tx:
            assert len(tx.stories()) == expected
            if not expected:
                add_story(tx, now)
        store.close()


def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    open_store(Secret(f"sqlite:///{path}")).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew, match=r"newer version of monitor.*upgrade monitor"):
        open_store(Secret(f"sqlite:///{path}"))


@pytest.mark.parametrize(
    "content", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 4096], ids=["text", "rubbish"]
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "monitor.db"
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match=r"monitor\.db: this file is not a whole database; put a backup"):
        open_store(Secret(f"sqlite:///{path}"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreReadOnly, match=r"nowhere/monitor\.db: .*folder must exist"):
        open_store(Secret(f"sqlite:///{tmp_path}/nowhere/monitor.db"))


def test_a_read_only_database_is_named(tmp_path: Path) -> None:
    """Opened by URI as read-only: root, who runs the tests, may write any file."""
    path = tmp_path / "monitor.db"
    open_store(Secret(f"sqlite:///{path}")).close()
    store = open_store(Secret(f"sqlite:///file:{path}?mode=ro&uri=true"))
    with pytest.raises(StoreReadOnly, match="cannot be opened for writing"), store.write() as tx:
        tx.add_story("chechnya", first_seen=datetime.fromisoformat("2017-04-01T00:00:00+00:00"))
    store.close()


def test_a_full_disk_is_named_and_loses_nothing(tmp_path: Path, now: datetime) -> None:
    """SQLite's own limit on pages answers as a full disk does (SQLITE_FULL)."""
    store = open_store(Secret(f"sqlite:///{tmp_path}/monitor.db"))
    with store.write() as tx:
        kept = add_story(tx, now)
    with pytest.raises(StoreFull, match="no space left"), store.write() as tx:
        pages = tx.session.connection().exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.session.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
        feed = tx.claim_feeds(now=now + LEASE, lease=LEASE, limit=1)[0].id
        items = [replace(make_item(f"{number}"), summary="x" * 10_000) for number in range(100)]
        tx.add_items(feed, items, matched=False)
    with store.write() as tx:
        assert [record.story.id for record in tx.stories()] == [kept]
        tx.session.connection().exec_driver_sql("PRAGMA max_page_count = 1000000")
        assert tx.add_story("chechnya", first_seen=now) > kept
    store.close()


def test_a_locked_database_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "monitor.db"
    open_store(Secret(f"sqlite:///{path}")).close()
    monkeypatch.setattr(engine, "BUSY_TIMEOUT", timedelta(milliseconds=50))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    store = open_store(Secret(f"sqlite:///{path}"))
    with pytest.raises(StoreBusy, match="another process has held the database"), store.write() as tx:
        tx.stories()
    holder.execute("ROLLBACK")
    with store.write() as tx:
        assert tx.stories() == []
    store.close()
    holder.close()


def test_two_programs_that_start_together_migrate_once(tmp_path: Path) -> None:
    code = f"from monitor.model import Secret; from monitor.store import open_store; open_store(Secret('sqlite:///{tmp_path}/monitor.db')).close()"
    programs = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [program.wait(timeout=60) for program in programs] == [0, 0, 0]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("monitor.db", "is not a URL; write sqlite:///monitor.db"),
        ("oracel://host/name", "there is no such kind, oracel"),
        ("postgresql+asyncpg://user:hunter2@host/name", r"needs the Python package asyncpg"),
        ("postgresql://user:hunter2@127.0.0.1:1/name", "database refused"),
    ],
    ids=["no-url", "unknown", "no-driver", "no-server"],
)
def test_a_bad_database_url_is_explained_without_its_password(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        open_store(Secret(url))
    assert "hunter2" not in str(caught.value)


def test_the_place_is_shown_without_a_password() -> None:
    made = create_engine("postgresql://user:hunter2@host/name")
    assert Store(made).place == "postgresql://user:***@host/name"


def test_a_disk_that_is_full_from_the_start_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file of the WAL can be made SQLite answers "disk I/O error", which sounds like a dying disk."""

    def refuse(*_: Any) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
        raise error

    monkeypatch.setattr(engine, "_prepare_sqlite", refuse)
    with pytest.raises(StoreFull, match=r"no space left .*df -h"):
        open_store(Secret(f"sqlite:///{tmp_path}/monitor.db"))
