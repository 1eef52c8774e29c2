"""The listener over real connections: who is let in, what is served, and what happens when the port is taken."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.health import STATUSES
from monitor.model import Secret, Status, Validators, Web
from monitor.pipeline import PollResult
from monitor.store import PollRecord, Store
from monitor.web import Handlers, Listener, Meters, Vitals
from tests.makers import (
    NOW,
    claim_messages,
    make_alert,
    make_channel,
    make_feed,
    make_item,
    make_match,
    make_member,
    make_placement,
)

TOKEN = "correct-horse"
PATHS = ["/metrics", "/healthz", "/readyz", "/nothing"]


@dataclass(slots=True)
class Site:
    """A listener on a port of its own."""

    listener: Listener
    meters: Meters
    port: int
    vitals: Vitals = field(default_factory=lambda: Vitals(synced=True, waits={"scheduler": timedelta(0)}))

    @property
    def settings(self) -> Web:
        return Web(port=self.port)

    async def get(self, path: str, headers: Mapping[str, str] | None = None, host: str = "127.0.0.1") -> Page:
        """Ask for a path, on a new connection."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{host}:{self.port}{path}", headers=headers) as response,
        ):
            return Page(response.status, dict(response.headers), await response.text())

    async def numbers(self) -> dict[str, float]:
        """Read /metrics: each sample by its name and labels as they are written."""
        page = await self.get("/metrics")
        assert page.status == 200
        samples = (sample for family in text_string_to_metric_families(page.text) for sample in family.samples)
        return {_name(sample.name, sample.labels): sample.value for sample in samples}


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    text: str


def _name(name: str, labels: Mapping[str, str]) -> str:
    return name + "".join(f" {value}" for value in labels.values())


def free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@asynccontextmanager
async def open_site(store: Store, settings: Web | None = None) -> AsyncIterator[Site]:
    """Serve a store, with no token unless `settings` have one."""
    meters = Meters()
    handlers = Handlers(store, meters, vitals=lambda: opened.vitals, clock=lambda: NOW)
    async with Listener(handlers, meters) as listener:
        opened = Site(listener, meters, free_port())
        await listener.listen(replace(settings or Web(), port=opened.port))
        yield opened


@pytest.fixture
async def site(store: Store) -> AsyncIterator[Site]:
    async with open_site(store) as opened:
        yield opened


def damage(folder: Path) -> None:
    """Overwrite a database with what is none."""
    for part in folder.glob("monitor.db*"):
        part.write_bytes(b"no database " * 1000)


# --- who is let in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Bearer", 401),
        ("Bearer wrong", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Basic {TOKEN}", 401),
        ("Bearer \xff\xfe", 401),
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN}", 200),
    ],
    ids=[
        "none",
        "an empty one",
        "a wrong one",
        "a longer one",
        "another scheme",
        "bytes",
        "the right one",
        "small letters",
    ],
)
async def test_with_a_token_nothing_is_served_without_it(
    store: Store, path: str, authorization: str, status: int
) -> None:
    async with open_site(store, Web(token=Secret(TOKEN))) as site:
        page = await site.get(path, {"Authorization": authorization} if authorization else None)
        assert page.status == (404 if status == 200 and path == "/nothing" else status)
        assert ("WWW-Authenticate" in page.headers) == (status == 401)
        assert TOKEN not in page.text


async def test_a_token_in_the_address_opens_nothing(store: Store) -> None:
    async with open_site(store, Web(token=Secret(TOKEN))) as site:
        assert (await site.get(f"/metrics?token={TOKEN}")).status == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:8642", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:8642", 200),
        ("[::1]", 200),
        ("rebound.example:8642", 421),
        ("localhost.rebound.example", 421),
        ("127.0.0.1.rebound.example", 421),
        ("10.0.0.1", 421),
        ("", 421),
    ],
)
@pytest.mark.parametrize("path", PATHS[:3])
async def test_without_a_token_only_this_machine_may_be_asked_for(
    site: Site, path: str, host: str, status: int
) -> None:
    """A page whose name is made to lead to 127.0.0.1 (DNS rebinding) still sends that name as Host."""
    assert (await site.get(path, {"Host": host})).status == status


async def test_a_token_makes_any_host_good(store: Store) -> None:
    """Behind a reverse proxy the Host is the public name."""
    async with open_site(store, Web(token=Secret(TOKEN))) as site:
        page = await site.get("/healthz", {"Host": "monitor.example", "Authorization": f"Bearer {TOKEN}"})
        assert page.status == 200


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_is_inert_and_tells_no_versions(site: Site, path: str) -> None:
    headers = (await site.get(path)).headers
    assert headers["Server"] == "monitor"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


# --- the port ---------------------------------------------------------------------------------------------------------


async def test_a_port_in_use_is_told_once_and_taken_when_it_is_free(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_site(store) as first, open_site(store) as second:
        for _ in range(3):
            await second.listener.listen(first.settings)
        assert "another program uses this address" in second.listener.fault
        assert capsys.readouterr().out.count("nothing is served, monitoring goes on") == 1
        await first.listener.listen(Web(host=""))
        await second.listener.listen(first.settings)
        assert second.listener.fault == ""
        second.port = first.port
        assert (await second.get("/healthz")).status == 200


@pytest.mark.parametrize(
    ("host", "words"),
    [("192.0.2.1", "this machine has no such address"), ("no.such.host.invalid", "")],
    ids=["another's address", "no address"],
)
async def test_an_address_that_cannot_be_served_is_told(store: Store, host: str, words: str) -> None:
    async with open_site(store) as site:
        await site.listener.listen(Web(host=host, port=site.port))
        assert site.listener.fault
        assert words in site.listener.fault
        await site.listener.listen(site.settings)
        assert site.listener.fault == ""


async def test_a_new_address_or_token_takes_effect_and_ends_old_connections(site: Site) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{site.port}/healthz"
        async with session.get(url) as response:
            assert response.status == 200
        old, site.port = site.port, free_port()
        await site.listener.listen(site.settings)
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(url)
        assert (await site.get("/healthz")).status == 200
        await site.listener.listen(replace(site.settings, token=Secret(TOKEN)))
        assert (await site.get("/healthz")).status == 401
        await site.listener.listen(Web(host=""))
        site.port = old
        with pytest.raises(aiohttp.ClientConnectionError):
            await site.get("/healthz")


async def test_it_serves_on_ipv6_too(store: Store) -> None:
    async with open_site(store, Web(host="::1")) as site:
        assert (await site.get("/healthz", host="[::1]")).status == 200


# --- what is served ---------------------------------------------------------------------------------------------------


async def test_a_process_that_serves_is_healthy(site: Site) -> None:
    site.vitals = Vitals()
    page = await site.get("/healthz")
    assert (page.status, page.text) == (200, "ok\n")


@pytest.mark.parametrize(
    ("vitals", "status", "words"),
    [
        (Vitals(), 503, "starting: the feeds of feeds.toml are not in the database yet"),
        (Vitals(synced=True, waits={"store": timedelta(seconds=60)}), 200, "ready"),
        (Vitals(synced=True, waits={"store": timedelta(seconds=61), "delivery": timedelta(0)}), 503, "store: no progress for 61 s"),
    ],
    ids=["starting", "at work", "stuck"],
)  # fmt: skip
async def test_ready_is_what_is_at_work(site: Site, vitals: Vitals, status: int, words: str) -> None:
    site.vitals = vitals
    page = await site.get("/readyz")
    assert (page.status, page.text) == (status, f"{words}\n")


async def test_without_its_database_it_is_not_ready_and_counts_on(site: Site, store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        tx.sync_feeds([make_feed()], now=NOW)
    store.close()
    damage(tmp_path)
    page = await site.get("/readyz")
    assert page.status == 503
    assert "not a whole database" in page.text
    numbers = await site.numbers()
    assert numbers["monitor_database_up"] == 0
    assert numbers["monitor_polls_total failed"] == 0
    assert "monitor_feeds ok" not in numbers


async def test_polls_and_what_they_bring_are_counted(site: Site) -> None:
    changed = PollResult("Kurier", "changed", new=3, matched=2, new_stories=1, updated_stories=1, size=2048)
    for result in (changed, PollResult("Kurier", "unchanged"), PollResult("Gazeta", "failed", error="refused")):
        site.meters.count_poll(result, seconds=0.3)
    numbers = await site.numbers()
    assert {name: numbers[f"monitor_{name}"] for name in _COUNTED} == _COUNTED


_COUNTED = {
    "polls_total changed": 1,
    "polls_total unchanged": 1,
    "polls_total failed": 1,
    "poll_duration_seconds_count": 3,
    "poll_duration_seconds_bucket 0.25": 0,
    "poll_duration_seconds_bucket 0.5": 3,
    "document_bytes_total": 2048,
    "items_total": 3,
    "items_matched_total": 2,
    "stories_opened_total": 1,
    "stories_updated_total": 1,
}


def fill(store: Store) -> None:
    """Two feeds, one of them failing and 90 s overdue; of three messages one is sent, one waits and one is dead."""
    feeds = [make_feed("kurier.example"), make_feed("gazeta.example")]
    with store.write() as tx:
        tx.sync_feeds(feeds, now=NOW)
        good = PollRecord(now=NOW, next_poll=NOW + timedelta(hours=1), rhythm="", reason="", validators=Validators())
        tx.save_poll(1, good)
        tx.save_poll(
            2, replace(good, next_poll=NOW - timedelta(seconds=90), validators=None, error_kind="dns", error="no")
        )
        (item,) = tx.add_items(1, [make_item()], matched=True)
        story = tx.add_story("chechnya", first_seen=NOW)
        tx.add_member(story, replace(make_member(), id=item), match=make_match(), placement=make_placement(), now=NOW)
        channels = [make_channel("desk", "json://127.0.0.1:9/a", "json://127.0.0.1:9/b"), make_channel("press")]
        tx.add_alert(make_alert(story, channels=("desk", "press")), channels, now=NOW - timedelta(minutes=5))
        tx.mark_failed([1], error="refused", next_attempt=NOW)
        (first, *_) = claim_messages(tx, now=NOW, lease=timedelta(0), limit=1, settled_before=NOW)
        tx.mark_sent(first, now=NOW)
        tx.mark_dead([3], error="refused")


async def test_what_the_database_holds_is_told(site: Site, store: Store) -> None:
    fill(store)
    numbers = await site.numbers()
    feeds_told = {status: numbers[f"monitor_feeds {status}"] for status in STATUSES}
    assert feeds_told == dict.fromkeys(STATUSES, 0) | {"ok": 1, "failing": 1}
    assert numbers["monitor_poll_overdue_seconds"] == 90
    desk = {status: numbers[f"monitor_deliveries desk {status}"] for status in Status}
    assert desk == dict.fromkeys(Status, 0) | {Status.SENT: 1, Status.PENDING: 1}
    assert numbers["monitor_deliveries press dead"] == 1
    assert numbers["monitor_delivery_attempts_total desk sent"] == 1
    assert numbers["monitor_delivery_attempts_total desk failed"] == 1
    assert numbers["monitor_delivery_attempts_total press failed"] == 1
    assert numbers["monitor_outbox_messages"] == 1
    assert numbers["monitor_outbox_oldest_age_seconds"] == 300
    assert numbers["monitor_last_progress_timestamp_seconds scheduler"] == NOW.timestamp()
    assert numbers["monitor_database_up"] == 1


async def test_an_empty_outbox_has_no_age(site: Site) -> None:
    numbers = await site.numbers()
    assert numbers["monitor_outbox_messages"] == 0
    assert numbers["monitor_outbox_oldest_age_seconds"] == 0


async def test_the_lag_of_the_event_loop_is_measured(site: Site) -> None:
    async with asyncio.timeout(10):
        while (await site.numbers())["monitor_event_loop_lag_seconds_count"] < 1:
            pass


async def test_openmetrics_is_spoken_to_those_who_ask_for_it(site: Site) -> None:
    page = await site.get("/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})
    assert page.headers["Content-Type"].startswith("application/openmetrics-text")
    assert page.text.endswith("# EOF\n")


# --- Prometheus -------------------------------------------------------------------------------------------------------

RULES = Path(__file__).parents[1] / "docs/examples/prometheus-rules.yml"


def promtool(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run Prometheus' own checker."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    return subprocess.run([program, *arguments], input=text, capture_output=True, text=True, timeout=60, check=False)


async def test_promtool_finds_nothing_to_say_about_the_numbers(site: Site) -> None:
    page = await site.get("/metrics")
    checked = await asyncio.to_thread(promtool, "check", "metrics", text=page.text)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


async def test_the_example_rules_ask_for_numbers_that_are_served(site: Site, store: Store) -> None:
    fill(store)
    asked = set(re.findall(r"monitor_\w+", RULES.read_text(encoding="utf-8")))
    page = (await site.get("/metrics")).text
    assert {name for name in asked if f"\n{name}" not in page} == set()


def test_promtool_accepts_the_example_rules() -> None:
    checked = promtool("check", "rules", str(RULES))
    assert checked.returncode == 0, checked.stdout + checked.stderr
