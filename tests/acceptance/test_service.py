"""`monitor run` as systemd runs it: its signals, its reloads, and a kill -9 where it hurts most."""

from __future__ import annotations

import asyncio
import re
import signal

from tests.acceptance.program import ARREST, ARREST_AGAIN, STADIUM, Installation, NotifySocket, rss, wait_until
from tests.servers import FeedServer
from tests.sinks import HANG, HttpSink

# `HH:MM:SSZ` ends the time; then come the level, the event and its fields, values with blanks in quotes.
LOG_LINE = re.compile(r'timestamp=\S+Z level=\w+ event=(\w+|"[^"]+")( \w+=(\S*|"[^"]*"))*')


def path(url: str) -> str:
    """Give the path of a loopback address."""
    return "/" + url.split("/", 3)[3]


def polls(outlets: FeedServer, url: str) -> int:
    """Count how often a feed was asked for."""
    return sum(request.path == path(url) for request in outlets.requests)


async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Answer nothing until the client leaves."""
    await reader.read()


def test_the_service_tells_how_it_fares_and_stops_in_time_whatever_hangs(
    monitor: Installation, outlets: FeedServer, desk: HttpSink, systemd: NotifySocket
) -> None:
    """One feed answers, one fails, one hangs; one channel answers, one hangs. Also: the database is in WAL mode."""
    desk.answers["/press"] = HANG
    feeds = {
        "Kurier": outlets.serve("/kurier", rss(ARREST)),
        "Gazeta": outlets.serve("/gazeta", status=500),
        "Bote": outlets.script("/bote", hang),
    }
    monitor.configure(feeds, {"desk": desk.url("json", "/desk"), "press": desk.url("json", "/press")})
    systemd.listen()
    with monitor.start("run", environ={"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "1000000"}) as service:
        systemd.wait_for("READY=1")
        systemd.wait_for("STATUS=feeds that answer: 0 of 3")
        service.wait_for_log("event=delivered")
        wait_until(lambda: desk.received["/press"], "the press is sent to")
        assert service.stop(signal.SIGTERM) < 10
        systemd.wait_for("STOPPING=1")
    assert systemd.heard[0] == "READY=1"
    assert systemd.heard.count("WATCHDOG=1") > 10
    assert [ARREST.title in text for text in desk.texts("/desk")] == [True]
    told, waiting = sorted(monitor.deliveries(), key="sent".__ne__)
    assert told == "sent"
    assert waiting in {"sending", "failed"}
    assert monitor.ask("PRAGMA journal_mode") == ["wal"]
    assert service.printed == ""
    lines = service.log.splitlines()
    assert [line for line in lines if not LOG_LINE.fullmatch(line)] == []
    events = [line.split("event=")[1] for line in lines]
    assert events[0].startswith("started feeds=3 topics=2 database=")
    assert events[-1] == "stopped"
    once = [
        "polled feed=Kurier outcome=changed new=1 matched=1",
        '"poll failed" feed=Gazeta error="500 Internal Server Error from 127.0.0.1: the server has failed"',
        "delivered channel=desk url=1 story=1 attempts=1",
    ]
    assert [events.count(event) for event in once] == [1, 1, 1]


def test_a_reload_takes_up_what_changed_and_loses_nothing(
    monitor: Installation, outlets: FeedServer, desk: HttpSink, systemd: NotifySocket
) -> None:
    kurier = outlets.serve("/kurier", rss(ARREST))
    gazeta = outlets.serve("/gazeta", rss(STADIUM))
    bote = outlets.serve("/bote", rss(ARREST_AGAIN))
    channels = {"desk": desk.url("json", "/desk")}
    monitor.configure({"Kurier": kurier}, channels)
    systemd.listen()
    with monitor.start("run", environ={"NOTIFY_SOCKET": str(systemd.path)}) as service:
        reload = service.process.send_signal
        service.wait_for_log("event=polled")

        # A bad file changes nothing, though it names another feed; each problem is logged with its line.
        monitor.configure({"Gazeta": gazeta}, channels, query="chechnya AND (gay", more="[fetsh]\ntimeout = 5")
        text = monitor.config.read_text(encoding="utf-8")
        reload(signal.SIGHUP)
        service.wait_for_log("bad configuration, the one before stays in use", times=2)
        for found in ("[fetsh]", "chechnya AND (gay"):
            line = next(number for number, line in enumerate(text.splitlines(), start=1) if found in line)
            assert f"{monitor.config}:{line}: " in service.log
        systemd.wait_for(f"the configuration before stays in use, for the new one is bad: {monitor.config}:")
        systemd.wait_for(" (and 1 more)")

        # The topic is gone for a while, and then back with one more feed; its alert is told once, not anew.
        monitor.configure({"Kurier": kurier}, channels, query="")
        reload(signal.SIGHUP)
        service.wait_for_log('event="configuration reloaded"')
        wait_until(lambda: monitor.deliveries() == ["sent"], "the alert of before the reload is sent")
        monitor.configure({"Kurier": kurier, "Gazeta": gazeta, "Bote": bote}, channels)  # noticed without a signal
        service.wait_for_log('event="configuration reloaded"', times=2)
        wait_until(lambda: monitor.deliveries() == ["sent"] * 3, "the alerts of the new feeds are sent")
        assert service.stop(signal.SIGINT) < 10
    first, *others = desk.texts("/desk")
    assert ARREST.title in first
    assert sorted((STADIUM.title in text, ARREST_AGAIN.title in text) for text in others) == [
        (False, True),
        (True, False),
    ]
    assert [polls(outlets, feed) for feed in (kurier, gazeta, bote)] == [1, 1, 1]
    assert monitor.ask("SELECT count(*) FROM story") == [2]


def test_no_alert_is_lost_by_kills_at_the_worst_moments(
    monitor: Installation, outlets: FeedServer, desk: HttpSink, systemd: NotifySocket
) -> None:
    """Nor does the service wait for a systemd that hangs."""
    systemd.fill()
    environ = {"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "1000000"}
    feeds = {"Kurier": outlets.serve("/kurier", rss(ARREST)), "Gazeta": outlets.script("/gazeta", hang)}
    monitor.configure(feeds, {"desk": desk.url("json", "/desk"), "press": desk.url("json", "/press")})

    # One feed's alerts are committed and not sent yet, the other feed is being fetched.
    with monitor.start("run", environ=environ) as service:
        wait_until(lambda: monitor.deliveries() == ["pending"] * 2, "the alerts are committed")
        wait_until(lambda: polls(outlets, feeds["Gazeta"]), "the other feed is asked for")
        assert len(monitor.processes()) > 1
        service.kill()
        wait_until(lambda: not monitor.processes(), "its workers are gone", seconds=10)
    assert not desk.texts("/desk") + desk.texts("/press")

    # The desk has taken its message and not answered yet; the press has answered.
    desk.answers["/desk"] = HANG
    with monitor.start("run", environ=environ) as service:
        wait_until(lambda: desk.received["/desk"], "the desk is sent to")
        wait_until(lambda: "sent" in monitor.deliveries(), "the press has been told")
        service.kill()
    assert sorted(monitor.deliveries()) == ["sending", "sent"]

    desk.answers["/desk"] = 200
    outlets.serve("/gazeta", rss(STADIUM))
    with monitor.start("run", environ=environ) as service:
        wait_until(lambda: monitor.deliveries() == ["sent"] * 4, "everybody has been told of both")
        service.stop()
    assert [ARREST.title in text for text in desk.texts("/desk")] == [True, True, False]
    assert [ARREST.title in text for text in desk.texts("/press")] == [True, False]
    assert [polls(outlets, url) for url in feeds.values()] == [1, 3]
