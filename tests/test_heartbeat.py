"""Proof of life, and the operators' news of a bad file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from monitor.heartbeat import put_heartbeats
from monitor.model import Config, Heartbeat, Schedule, Secret, Topic
from monitor.store import Store
from tests.acceptance.program import ARREST, Installation, rss, wait_until
from tests.makers import add_stories, make_channel
from tests.servers import FeedServer
from tests.sinks import HttpSink

DAILY = Heartbeat(("desk",), Schedule("daily", time(9, 30)))


def make_config(*heartbeats: Heartbeat) -> Config:
    return Config(
        Path("feeds.toml"),
        Secret(""),
        feeds=(),
        topics=(Topic("chechnya", "chechnya"),),
        channels=(make_channel("desk"), make_channel("press")),
        rules=(),
        heartbeats=heartbeats,
    )


def put(store: Store, config: Config, at: datetime) -> int:
    with store.write() as tx:
        return put_heartbeats(tx, config, now=at)


def test_a_heartbeat_is_sent_at_its_time_and_once(store: Store, now: datetime) -> None:
    """It is 9:00. One that is new in feeds.toml begins with its next time, and tells of what came since."""
    config = make_config(DAILY)
    at = [now + timedelta(minutes=minutes) for minutes in (0, 29, 30, 31, 24 * 60 + 29, 24 * 60 + 31)]
    with store.write() as tx:
        put_heartbeats(tx, config, now=at[0])
        add_stories(tx, now + timedelta(minutes=5), 2, 1)
    assert [put(store, config, moment) for moment in at] == [0, 0, 1, 0, 0, 1]


def test_of_missed_heartbeats_one_is_sent(store: Store, now: datetime) -> None:
    config = make_config(DAILY)
    put(store, config, now)
    late = now + timedelta(days=3)
    assert [put(store, config, late), put(store, config, late + timedelta(minutes=1))] == [1, 0]


def test_two_heartbeats_of_one_time_are_both_sent(store: Store, now: datetime) -> None:
    config = make_config(DAILY, replace(DAILY, channels=("press",)))
    put(store, config, now)
    assert put(store, config, now + timedelta(hours=1)) == 2
    with store.read() as tx:
        lanes = tx.due_lanes(
            now=now + timedelta(hours=2), settled_before=now + timedelta(hours=2), recent_since=now, limit=9
        )
    assert sorted(lane.channel for lane in lanes) == ["desk", "press"]


@pytest.fixture
def monitor(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_a_heartbeat_says_how_all_is(monitor: Installation, desk_sink: HttpSink) -> None:
    """Through the real command: its first look is days ago, as its database says."""
    with FeedServer.threaded() as outlets:
        feeds = {"Kurier": outlets.serve("/kurier", rss(ARREST)), "Gazeta": outlets.serve("/gazeta", status=500)}
        beat = '[[heartbeat]]\nchannels = ["desk"]\nat = "hourly"'
        monitor.configure(feeds, {"desk": desk_sink.url("json", "/desk")}, more=beat)
        monitor.once()
        shift(monitor, hours=2)
        monitor.once()
    heartbeat = desk_sink.texts("/desk")[-1]
    assert heartbeat.startswith("1 story on 2 topics since ")
    assert "\n1 of 2 feeds healthy." in heartbeat
    assert "Failing: Gazeta" in heartbeat


def shift(monitor: Installation, *, hours: int) -> None:
    """Make the last heartbeat as old as that."""
    with closing(sqlite3.connect(monitor.database)) as connection, connection:
        ((name, value),) = connection.execute("SELECT name, value FROM state WHERE name LIKE 'heartbeat%'")
        older = (datetime.fromisoformat(value) - timedelta(hours=hours)).isoformat()
        connection.execute("UPDATE state SET value = ? WHERE name = ?", (older, name))


def test_the_operators_are_told_of_a_bad_file_once(monitor: Installation, desk_sink: HttpSink) -> None:
    """Through the channel of the good one; the same faults again tell nothing."""
    with FeedServer.threaded() as outlets:
        feeds = {"Kurier": outlets.serve("/kurier", rss())}
        channels = {"ops": desk_sink.url("json", "/ops")}
        monitor.configure(feeds, channels)
        text = '[monitor]\noperators = ["ops"]\n\n' + monitor.config.read_text(encoding="utf-8")
        monitor.config.write_text(text, encoding="utf-8")
        with monitor.start("run") as service:
            service.wait_for_log("event=polled")
            for times in (1, 2):
                monitor.config.write_text(text + "\n[fetsh]\n" + "#" * times, encoding="utf-8")
                service.wait_for_log("bad configuration, the one before stays in use", times=times)
            wait_until(lambda: desk_sink.texts("/ops"), "the operators are told")
            service.stop()
    (told,) = desk_sink.texts("/ops")
    assert "the last good one stays in force" in told
    assert "fetsh" in told
    assert monitor.ask("SELECT count(*) FROM notice") == [1]


def test_bad_news_of_a_file_that_was_mended_meanwhile_is_not_sent(monitor: Installation, desk_sink: HttpSink) -> None:
    """The operators' channel was down in between."""
    desk_sink.answers["/ops"] = 503
    with FeedServer.threaded() as outlets:
        monitor.configure({"Kurier": outlets.serve("/kurier", rss())}, {"ops": desk_sink.url("json", "/ops")})
        text = '[monitor]\noperators = ["ops"]\n\n' + monitor.config.read_text(encoding="utf-8")
        monitor.config.write_text(text, encoding="utf-8")
        with monitor.start("run") as service:
            service.wait_for_log("event=polled")
            monitor.config.write_text(text + "\n[fetsh]\n", encoding="utf-8")
            wait_until(lambda: monitor.deliveries() == ["failed"], "the operators cannot be told")
            monitor.config.write_text(text, encoding="utf-8")
            service.wait_for_log('event="configuration reloaded"')
            service.stop()
    assert monitor.deliveries() == []


@pytest.fixture
def desk_sink() -> Iterator[HttpSink]:
    with HttpSink() as sink:
        yield sink
