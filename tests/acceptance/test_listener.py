"""What `monitor run` serves over HTTP, while it works and while it is reloaded."""

from __future__ import annotations

import signal
import socket
from contextlib import closing
from http.client import HTTPConnection

from tests.acceptance.program import ARREST, Installation, NotifySocket, rss, wait_until
from tests.servers import FeedServer
from tests.sinks import HttpSink


def free_port() -> int:
    """Find a port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(port: int, path: str, *, token: str = "") -> tuple[int, str]:
    """Ask the daemon; status 0 stands for nobody who answers."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except ConnectionError:
            return 0, ""


def web(port: int, token: str = "") -> str:
    """Write the table that asks for it."""
    return f'[web]\nlisten = "127.0.0.1:{port}"\ntoken = "{token}"'


def test_the_daemon_tells_its_numbers_and_whether_it_is_ready(
    monitor: Installation, outlets: FeedServer, desk: HttpSink
) -> None:
    """From the first poll to the message; then a reload moves it to another port and locks it."""
    port, other = free_port(), free_port()
    feeds = {"Kurier": outlets.serve("/kurier", rss(ARREST)), "Gazeta": outlets.serve("/gazeta", status=500)}
    channels = {"desk": desk.url("json", "/desk")}
    monitor.configure(feeds, channels, more=web(port))
    with monitor.start("run") as service:
        wait_until(lambda: get(port, "/readyz") == (200, "ready\n"), "it is ready")
        assert get(port, "/healthz") == (200, "ok\n")
        service.wait_for_log("event=delivered")

        def numbers() -> set[str]:
            return set(get(port, "/metrics")[1].splitlines())

        expected = {
            'monitor_polls_total{outcome="changed"} 1.0',
            'monitor_polls_total{outcome="failed"} 1.0',
            "monitor_items_matched_total 1.0",
            "monitor_stories_opened_total 1.0",
            'monitor_feeds{status="failing"} 1.0',
            'monitor_deliveries{channel="desk",status="sent"} 1.0',
            'monitor_delivery_attempts_total{channel="desk",result="sent"} 1.0',
            "monitor_outbox_messages 0.0",
        }
        wait_until(lambda: expected <= numbers(), "the numbers tell of it")
        loops = {line.split()[0] for line in numbers() if line.startswith("monitor_last_progress")}
        assert loops == {
            f'monitor_last_progress_timestamp_seconds{{loop="{loop}"}}' for loop in ("scheduler", "delivery", "store")
        }

        monitor.configure(feeds, channels, more=web(other, "correct-horse"))
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: get(other, "/readyz")[0] == 401, "it has moved")
        assert get(port, "/readyz")[0] == 0
        assert get(other, "/readyz", token="correct-horse")[0] == 200
        assert service.stop() < 10
    assert "correct-horse" not in service.log


def test_a_port_that_is_taken_stops_nothing(
    monitor: Installation, outlets: FeedServer, desk: HttpSink, systemd: NotifySocket
) -> None:
    systemd.listen()
    with closing(socket.create_server(("127.0.0.1", 0))) as squatter:
        more = web(squatter.getsockname()[1])
        monitor.configure(
            {"Kurier": outlets.serve("/kurier", rss(ARREST))}, {"desk": desk.url("json", "/desk")}, more=more
        )
        with monitor.start("run", environ={"NOTIFY_SOCKET": str(systemd.path)}) as service:
            service.wait_for_log("another program uses this address")
            systemd.wait_for("[web] serves nothing")
            service.wait_for_log("event=delivered")
            service.stop()
