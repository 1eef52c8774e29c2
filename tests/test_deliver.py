"""Deliveries reach their channels, each alone; what fails is tried again and told in words that hold no secret."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import datetime, time, timedelta
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from textwrap import dedent
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog
from structlog.testing import capture_logs
from structlog.typing import EventDict

from monitor.deliver import DeliveryCounts, check_channel_url, deliver_due, find_medium, send_message
from monitor.deliver.outbox import BACKOFF_BASE, BACKOFF_CAP, GIVE_UP_AFTER, LEASE, LEAST_ATTEMPTS, POLL, retry_at
from monitor.deliver.services import SEND_TIMEOUT, _scrub
from monitor.errors import DeliveryError, StoreBusy, StoreError
from monitor.model import (
    Channel,
    Config,
    Delivery,
    Event,
    Format,
    Medium,
    Message,
    Quiet,
    Rule,
    Schedule,
    Secret,
    Source,
    Status,
    Template,
)
from monitor.render import render_alert
from monitor.rhythm import BURST_WINDOW
from monitor.store import DeliveryRecord, Store, Transaction, open_store
from monitor.store.outbox import PER_TARGET
from tests.makers import NOW, make_alert, make_channel, make_feed, make_item, make_match, make_member, make_placement
from tests.sinks import DROP, HANG, HttpSink, SmtpSink

HELLO = Message("New: Привет", "First line.\n\n• Outlet\nhttps://outlet.example/1")
TINY = timedelta(milliseconds=200)
AT_ONCE = timedelta(0)
TOKEN = "s3cretT0kenOfTheDesk"  # what must never be seen


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with HttpSink() as server:
        yield server


@pytest.fixture
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def everything_logged() -> Iterator[StringIO]:
    """What a program that logs all there is would see of the libraries' logs."""
    seen, root = StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(seen), root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield seen
    root.removeHandler(handler)
    root.setLevel(level)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another thread
            await asyncio.sleep(0.005)


# --- check_channel_url ---------------------------------------------------------------------------------------------

GOOD_URLS = [
    "print://",
    "json://127.0.0.1:8080/hook",
    "ntfy://some-topic",
    "mailto://user:password@example.org?to=desk@example.org",
    "tgram://123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHI/12345",
    "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
]
BAD_URLS = {
    "no scheme": (TOKEN, "starts with its service's name"),
    "empty": ("", "starts with its service's name"),
    "a slip of the pen": (f"tgam://{TOKEN}", "knows no service 'tgam://': did you mean tgram://?"),
    "nothing like it": (f"qqqqqqqq://{TOKEN}", "knows no service 'qqqqqqqq://'"),
    "a page on the web": (f"https://example.org/{TOKEN}", "a webhook of your own is json:// or jsons://"),
    "a bad token": (f"tgram://{TOKEN}/1", "this Telegram URL lacks a part or has a bad one; its form is tgram://{bot_"),
    "one form only": ("dapnet://", "its form is dapnet://{user}:{password}@{targets}"),
    "unreadable": (f"mailto://{TOKEN} {TOKEN}@@@:::", "this E-Mail URL lacks a part"),
    "a library that is not there": (f"mqtt://{TOKEN}/t", "mqtt:// cannot be used here, it needs paho-mqtt"),
    "another system": ("windows://", "windows:// cannot be used here, it needs "),
}


@pytest.mark.parametrize("url", GOOD_URLS)
def test_a_url_that_apprise_takes_is_good(url: str) -> None:
    assert check_channel_url(Secret(url)) == ""


@pytest.mark.parametrize(("url", "words"), BAD_URLS.values(), ids=BAD_URLS)
def test_a_url_that_apprise_does_not_take_is_explained_without_showing_it(
    url: str, words: str, everything_logged: StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    fault = check_channel_url(Secret(url))
    assert words in fault
    assert TOKEN.lower() not in (fault + everything_logged.getvalue() + "".join(capfd.readouterr())).lower()


# --- find_medium ---------------------------------------------------------------------------------------------------

MEDIA = {
    "mail": ("mailto://u:p@example.org?to=d@example.org", Format.HTML, 250, 28_672, True),
    "a mail of plain text": ("mailto://u:p@example.org?to=d@example.org&format=text", Format.TEXT, 250, 28_672, True),
    "Telegram": ("tgram://123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHI/12345", Format.HTML, 0, 3_584, False),
    "Signal": ("signal://localhost:8080/+15551234567/+15557654321", Format.TEXT, 0, 28_672, False),
    "Slack": ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", Format.MARKDOWN, 250, 30_625, False),
    "Discord counts the title as text": ("discord://4174216298/JHMHI8qBe7bk2ZwO", Format.TEXT, 0, 1_750, False),
    "ntfy counts bytes": ("ntfys://topic", Format.TEXT, 200, 1_300, False),
    "Mattermost": ("mmosts://mm.example/3ccdd113474722377935511fc85d3dd4", Format.TEXT, 0, 3_500, False),
    "Zulip": ("zulip://bot@org/a6d7f8a9a6d7f8a9a6d7f8a9a6d7f8a9/stream", Format.TEXT, 60, 8_750, True),
    "a webhook": ("json://localhost", Format.TEXT, 250, 28_672, False),
    "a capital scheme": ("NTFY://topic", Format.TEXT, 200, 1_300, False),
}


@pytest.mark.parametrize(("url", "form", "title", "body", "threads"), MEDIA.values(), ids=MEDIA)
def test_each_service_has_its_format_and_its_limits(
    url: str, form: Format, title: int, body: int, *, threads: bool
) -> None:
    medium = find_medium(Secret(url))
    assert (medium.format, medium.title_limit, medium.body_limit, medium.threads) == (form, title, body, threads)
    assert url.lower().startswith(f"{medium.scheme}://")


def test_a_url_that_went_bad_has_no_format() -> None:
    with pytest.raises(DeliveryError, match=r"did you mean ntfy://\?") as caught:
        find_medium(Secret("ntfyy://topic"))
    assert caught.value.permanent


# --- send_message --------------------------------------------------------------------------------------------------


async def test_a_webhook_gets_title_and_body_as_they_are(sink: HttpSink) -> None:
    await send_message(Secret(sink.url("json", "/hook")), HELLO)
    (post,) = sink.received["/hook"]
    assert (post.json["title"], post.json["message"]) == (HELLO.title, HELLO.body)


async def test_a_mail_is_plain_text_with_the_title_as_its_subject() -> None:
    async with SmtpSink() as sink:
        await send_message(Secret(sink.url("reader@example.org")), Message("New: Привет <b>", "a <b>\nb"))
    (mail,) = sink.mails
    assert (mail["Subject"], mail["To"], mail.get_content_type()) == (
        "New: Привет <b>",
        "reader@example.org",
        "text/plain",
    )
    assert mail.get_content().splitlines() == ["a <b>", "b"]


async def test_mails_about_one_story_are_one_thread_and_those_about_another_are_not() -> None:
    def make(story: int, *, reply: bool) -> Message:
        return Message(f"Story {story}", "Told.", thread=f"{story}.20170401", reply=reply)

    messages = [make(1, reply=False), make(1, reply=True), make(2, reply=False), Message("All quiet", "Nothing.")]
    async with SmtpSink() as sink:
        for message in messages:
            await send_message(Secret(sink.url("reader@example.org") + "&+X-Desk=night"), message)
    one, two = "<story.1.20170401@monitor.invalid>", "<story.2.20170401@monitor.invalid>"
    assert [(mail["Subject"], mail["References"], mail["In-Reply-To"]) for mail in sink.mails] == [
        ("Story 1", one, None),
        ("Story 1", one, one),
        ("Story 2", two, None),
        ("All quiet", None, None),
    ]
    assert {mail["X-Desk"] for mail in sink.mails} == {"night"}
    assert len({mail["Message-ID"] for mail in sink.mails}) == 4


async def test_a_refused_recipient_is_no_delivery() -> None:
    async with SmtpSink() as sink:
        sink.refusal = "550 no such user"
        with pytest.raises(DeliveryError, match=r"E-Mail: Sending email to .* failed") as caught:
            await send_message(Secret(sink.url("reader@example.org")), HELLO)
    assert not caught.value.permanent
    assert "reader" not in str(caught.value)


async def test_print_shows_the_message_on_whatever_standard_output_is_now() -> None:
    with redirect_stdout(StringIO()) as out:
        await send_message(Secret("print://"), HELLO)
        await send_message(Secret("print://"), Message("", "1 update"))
    assert out.getvalue() == f"\n{HELLO.title}\n{'─' * len(HELLO.title)}\n{HELLO.body}\n\n1 update\n"


async def test_a_terminal_without_the_characters_gets_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(raw, encoding="latin-1"))
    await send_message(Secret("print://"), Message("Чечня", "voilà"))
    assert raw.getvalue() == "\n?????\n?????\nvoilà\n".encode("latin-1")


async def test_a_closed_standard_output_is_no_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(DeliveryError, match="Print"):
        await send_message(Secret("print://"), HELLO)


ANSWERS = {
    400: True,
    401: True,
    403: True,
    404: True,
    410: True,
    408: False,
    413: False,
    429: False,
    500: False,
    502: False,
    503: False,
}
SERVICES = ["json", "ntfy", "gotify", "mmost", "xml"]


@pytest.mark.parametrize("scheme", SERVICES)
@pytest.mark.parametrize(("status", "permanent"), ANSWERS.items())
async def test_an_answer_tells_whether_a_retry_can_help(
    sink: HttpSink, scheme: str, status: int, *, permanent: bool
) -> None:
    sink.default = status
    with pytest.raises(DeliveryError, match=f"answered {status} [A-Z]") as caught:
        await send_message(Secret(sink.url(scheme, "/AbcdefghiJklmno1")), HELLO)
    assert (caught.value.permanent, caught.value.status) == (permanent, status)


@pytest.mark.parametrize("options", ["", "?redirect=yes"])
async def test_a_redirect_is_not_followed(sink: HttpSink, options: str) -> None:
    sink.answers["/hook"] = 307
    with pytest.raises(DeliveryError, match="answered 307 Temporary Redirect"):
        await send_message(Secret(sink.url("json", f"/hook{options}")), HELLO)
    assert "/redirected" not in sink.received


@pytest.mark.parametrize("option", ["retry=3&wait=0.01", "optional=yes"])
async def test_a_url_cannot_hide_its_failure_or_retry_on_its_own(sink: HttpSink, option: str) -> None:
    sink.default = 500
    with pytest.raises(DeliveryError):
        await send_message(Secret(sink.url("json", f"/hook?{option}")), HELLO)
    assert len(sink.received["/hook"]) == 1


async def test_a_connection_closed_without_an_answer_is_no_delivery(sink: HttpSink) -> None:
    sink.default = DROP
    with pytest.raises(DeliveryError, match="JSON: A Connection error") as caught:
        await send_message(Secret(sink.url("json")), HELLO)
    assert not caught.value.permanent


async def test_a_service_that_hangs_is_given_up_in_time(sink: HttpSink) -> None:
    sink.default = HANG
    with pytest.raises(DeliveryError, match=r"JSON has not answered within 0\.2 s") as caught:
        await send_message(Secret(sink.url("json")), HELLO, timeout=TINY)
    assert not caught.value.permanent


def test_a_service_that_hangs_does_not_keep_the_program_from_exiting(sink: HttpSink) -> None:
    sink.default = HANG
    program = """
        import asyncio, datetime, sys
        from monitor.deliver import send_message
        from monitor.model import Message, Secret
        asyncio.run(send_message(Secret(sys.argv[1]), Message("t", "b"), timeout=datetime.timedelta(seconds=0.2)))
    """
    command = [sys.executable, "-c", dedent(program), sink.url("json", "/hook?rto=600")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "JSON has not answered within 0.2 s" in ended.stderr


async def test_a_webhook_that_takes_longer_than_apprise_waits_is_waited_for(sink: HttpSink) -> None:
    sink.default = HANG
    task = asyncio.create_task(send_message(Secret(sink.url("json", "/hook?rto=0.05")), HELLO))
    await until(lambda: bool(sink.received["/hook"]))
    await asyncio.wait({task}, timeout=TINY.total_seconds())
    sink.release()
    await task


async def test_a_url_that_went_bad_is_a_permanent_error() -> None:
    with pytest.raises(DeliveryError, match="did you mean tgram") as caught:
        await send_message(Secret(f"tgam://{TOKEN}"), HELLO)
    assert caught.value.permanent


async def test_a_long_message_is_split_and_not_refused(sink: HttpSink) -> None:
    """Mattermost takes 4,000 characters."""
    await send_message(Secret(sink.url("mmost", "/3ccdd113474722377935511fc85d3dd4")), Message("t", "word " * 900))
    (posts,) = sink.received.values()
    assert not any("icon_url" in post.json for post in posts)  # a third party would learn who reads what when
    texts = [str(post.json["text"]) for post in posts]
    assert len(texts) > 1
    assert all(len(text) <= 4000 for text in texts)
    assert "".join(texts).count("word") == 900


SECRET_URLS = {
    "password": "json://{token}:{token}@127.0.0.1:{port}/{token}?+X-Key={token}&-p={token}",
    "escaped": "json://u%40x:pass%2F{token}@127.0.0.1:{port}/",
    "xml": "xml://{token}:{token}@127.0.0.1:{port}/{token}",
    "form": "form://{token}:{token}@127.0.0.1:{port}/{token}?-key={token}",
    "ntfy": "ntfy://{token}:{token}@127.0.0.1:{port}/{token}",
    "gotify": "gotify://127.0.0.1:{port}/{token}",
    "apprise": "apprise://127.0.0.1:{port}/{token}",
    "mattermost": "mmost://127.0.0.1:{port}/3ccdd113474722377935511fc85d3dd4",
    "signal": "signal://{token}:{token}@127.0.0.1:{port}/15550100123/15550100124",
    "matrix": "matrix://{token}:{token}@127.0.0.1:{port}/%23{token}",
    "home assistant": "hassio://127.0.0.1:{port}/{token}{token}",
    "nextcloud": "ncloud://{token}:{token}@127.0.0.1:{port}/{token}",
    "synology": "synology://127.0.0.1:{port}/{token}",
    "rocket.chat": "rocket://{token}:{token}@127.0.0.1:{port}/%23{token}",
}


@pytest.mark.parametrize("answer", [401, 500, DROP])
@pytest.mark.parametrize("form", SECRET_URLS.values(), ids=SECRET_URLS)
async def test_no_part_of_a_url_is_ever_seen(
    sink: HttpSink, form: str, answer: int | str, everything_logged: StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    url = Secret(form.format(token=TOKEN, port=sink.port))
    assert check_channel_url(url) == ""
    sink.default = answer
    with pytest.raises(DeliveryError) as caught:
        await send_message(url, HELLO)
    seen = f"{caught.value}{caught.value!r}{everything_logged.getvalue()}{''.join(capfd.readouterr())}".lower()
    for secret in (TOKEN, "3ccdd113474722377935511fc85d3dd4", "5550100", str(sink.port)):
        assert secret.lower() not in seen


async def test_no_part_of_a_mail_login_is_ever_seen(everything_logged: StringIO) -> None:
    async with SmtpSink() as sink:  # it knows no logins, and says so
        url = Secret(f"mailto://{TOKEN}:{TOKEN}@127.0.0.1:{sink.port}?from={TOKEN}@example.org&to={TOKEN}@example.org")
        with pytest.raises(DeliveryError, match=r"E-Mail: Connection error") as caught:
            await send_message(url, HELLO)
    assert TOKEN.lower() not in f"{caught.value}{everything_logged.getvalue()}".lower()


SCRUBBED = {
    "as written": ("json://u:pass%2Fword@host/path", "no pass%2Fword for path", "no *** for ***"),
    "decoded": ("json://u:pass%2Fword@host/path", "no pass/word", "no ***/***"),
    "in capitals": ("json://host/SecretRoom", "secretroom SECRETROOM", "*** ***"),
    "pieces of pieces": ("json://room/roomkey", "roomkey room", "*** ***"),
    "as a whole": ("json://u:p@a.b/c?d=e", "at u:p@a.b/c?d=e", "at ***"),
    "the service's name": ("gotify://host/token", "gotify refused", "gotify refused"),
    "nothing to hide": ("print://", "anything", "anything"),
}


@pytest.mark.parametrize(("url", "text", "shown"), SCRUBBED.values(), ids=SCRUBBED)
def test_what_apprise_logged_is_told_without_the_url(url: str, text: str, shown: str) -> None:
    assert _scrub(text, Secret(url)) == shown


# --- retry_at ------------------------------------------------------------------------------------------------------

WINDOWS = {1: 30, 2: 60, 3: 120, 7: 1920, 8: 3600, 9: 3600, 1000: 3600}


@pytest.mark.parametrize(("attempts", "seconds"), WINDOWS.items())
def test_the_wait_is_drawn_from_the_upper_half_of_a_window_that_doubles_up_to_an_hour(
    attempts: int, seconds: int
) -> None:
    for drawn, part in ((0.0, 0.5), (0.5, 0.75), (1.0, 1.0)):
        again = retry_at(attempts, first_attempt=NOW, now=NOW, random=lambda drawn=drawn: drawn)  # type: ignore[misc]
        assert again == NOW + timedelta(seconds=seconds * part)


def test_a_refusal_that_looks_permanent_waits_about_an_hour_from_the_first_time_on() -> None:
    for drawn, minutes in ((0.0, 30), (1.0, 60)):
        again = retry_at(1, first_attempt=NOW, now=NOW, permanent=True, random=lambda drawn=drawn: drawn)  # type: ignore[misc]
        assert again == NOW + timedelta(minutes=minutes)


def test_the_waits_differ() -> None:
    assert len({retry_at(9, first_attempt=NOW, now=NOW) for _ in range(9)}) > 1


GIVEN_UP = {
    "12 tries and 24 hours": (LEAST_ATTEMPTS, GIVE_UP_AFTER, True),
    "a moment before": (LEAST_ATTEMPTS, GIVE_UP_AFTER - timedelta(seconds=1), False),
    "the program was off": (LEAST_ATTEMPTS - 1, 3 * GIVE_UP_AFTER, False),
}


@pytest.mark.parametrize(("attempts", "tried_for", "given_up"), GIVEN_UP.values(), ids=GIVEN_UP)
@pytest.mark.parametrize("permanent", [False, True])
def test_it_is_given_up_after_24_hours_and_12_tries(
    attempts: int, tried_for: timedelta, *, given_up: bool, permanent: bool
) -> None:
    again = retry_at(attempts, first_attempt=NOW, now=NOW + tried_for, permanent=permanent)
    assert (again is None) == given_up


# --- deliver_due ---------------------------------------------------------------------------------------------------


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time

    def advance(self, by: timedelta) -> None:
        self.time += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


def configure(*channels: Channel, **changes: Any) -> Callable[[], Config]:
    config = Config(
        path=Path("feeds.toml"), database=Secret("sqlite://"), feeds=(), topics=(), channels=channels, rules=()
    )
    return lambda: replace(config, **changes)


def tell(store: Store, *titles: str, channels: tuple[Channel, ...], **changes: Any) -> None:
    """Put an alert of a new story for each title into the outbox."""
    with store.write() as tx:
        tx.sync_feeds([make_feed()], now=NOW)
        (feed,) = tx.planned_polls()
        for title in titles:
            (item,) = tx.add_items(feed, [make_item(title)], matched=True)
            story = tx.add_story("chechnya", first_seen=NOW)
            member = make_member(item, title=title)
            tx.add_member(story, member, match=make_match(), placement=make_placement(), now=NOW)
            tx.save_sources(story, [Source(owners=("kurier.example",), members=(item,))])
            names = tuple(channel.name for channel in channels)
            tx.add_alert(replace(make_alert(story, channels=names), **changes), channels, now=NOW)


def outbox(store: Store) -> list[DeliveryRecord]:
    with store.read() as tx:
        return tx.delivery_records()[::-1]


def statuses(store: Store) -> list[Status]:
    return [record.status for record in outbox(store)]


async def test_what_is_due_is_rendered_sent_and_marked(
    store: Store, sink: HttpSink, clock: Clock, logs: list[EventDict]
) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "Men abducted in Argun", channels=(channel,))
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=1)
    (post,) = sink.received["/a"]
    assert post.json["title"] == "New: Men abducted in Argun"
    assert post.text.startswith("New story. 1 source: ")
    (record,) = outbox(store)
    assert (record.status, record.attempts, record.sent, record.last_error) == (Status.SENT, 1, NOW, "")
    (line,) = logs
    assert line == {
        "event": "delivered", "log_level": "info", "channel": "desk", "url": 1, "story": 1, "attempts": 1,
    }  # fmt: skip


async def test_nothing_due_is_nothing_done(store: Store, clock: Clock) -> None:
    assert await deliver_due(store, configure(), now=clock) == DeliveryCounts()


async def test_a_young_alert_is_left_to_gather_further_events(store: Store, sink: HttpSink, clock: Clock) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "Men abducted in Argun", channels=(channel,))
    settled = timedelta(seconds=30)
    assert await deliver_due(store, configure(channel), now=clock, settled=settled) == DeliveryCounts()
    clock.advance(settled)
    assert await deliver_due(store, configure(channel), now=clock, settled=settled) == DeliveryCounts(sent=1)


async def test_one_channel_url_gets_its_messages_in_order(store: Store, sink: HttpSink, clock: Clock) -> None:
    titles = [f"Story {number:02}" for number in range(4 * PER_TARGET + 1)]
    channel = replace(make_channel("desk", sink.url("json", "/a")), burst=len(titles))
    tell(store, *titles, channels=(channel,))
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=len(titles))
    assert [post.json["title"] for post in sink.received["/a"]] == [f"New: {title}" for title in titles]


async def test_many_hung_channel_urls_delay_no_other(store: Store, sink: HttpSink, clock: Clock) -> None:
    """More of them than Apprise's own pool has threads; and what comes in meanwhile arrives meanwhile."""
    hung = make_channel("hung", *(sink.url("json", f"/hung{number}?rto=600") for number in range(20)))
    well = make_channel("well", sink.url("json", "/well"))
    sink.answers |= {f"/hung{number}": HANG for number in range(20)}
    tell(store, "First", "Second", channels=(hung, well))
    task = asyncio.create_task(deliver_due(store, configure(hung, well), now=clock, timeout=timedelta(minutes=1)))
    await until(lambda: len(sink.received["/well"]) == 2)
    await until(lambda: all(sink.received[f"/hung{number}"] for number in range(20)))
    tell(store, "Third", channels=(well,))
    await until(lambda: len(sink.received["/well"]) == 3)
    assert not task.done()
    assert {len(sink.received[f"/hung{number}"]) for number in range(20)} == {1}
    task.cancel()
    await until(task.done)


async def test_each_url_of_a_channel_is_delivered_and_retried_alone(store: Store, sink: HttpSink, clock: Clock) -> None:
    channel = make_channel("desk", *(sink.url("json", path) for path in ("/a", "/b", "/c")))
    sink.answers["/b"] = 500
    tell(store, "Men abducted in Argun", channels=(channel,))
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=2, failed=1)
    assert statuses(store) == [Status.SENT, Status.FAILED, Status.SENT]
    sink.answers["/b"] = 200
    clock.advance(BACKOFF_BASE)
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=1)
    assert [len(sink.received[path]) for path in ("/a", "/b", "/c")] == [1, 2, 1]


async def test_a_message_that_is_refused_does_not_hold_back_the_next(
    store: Store, sink: HttpSink, clock: Clock
) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "First", "Second", channels=(channel,))
    sink.answers["/a"] = 500
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(failed=2)


@pytest.mark.parametrize("answer", [429, 503, DROP])
async def test_a_channel_url_that_is_down_is_tried_once_and_all_arrives_in_one_summary(
    store: Store, sink: HttpSink, clock: Clock, answer: int | str
) -> None:
    titles = [f"Story {number:02}" for number in range(PER_TARGET + 3)]
    channel = replace(make_channel("desk", sink.url("json", "/a")), burst=len(titles))
    tell(store, *titles, channels=(channel,))
    sink.answers["/a"] = answer
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(failed=1)
    assert len(sink.received["/a"]) == 1
    assert [record.attempts for record in outbox(store)] == [1, *[0] * (len(titles) - 1)]
    assert len({record.next_attempt for record in outbox(store)}) == 1
    sink.received.clear()
    sink.answers["/a"] = 200
    clock.advance(BACKOFF_BASE)
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=len(titles))
    (summary,) = sink.received["/a"]
    assert summary.json["title"] == "After an outage: 8 stories"
    assert re.findall(r"Story \d\d", summary.text) == titles


async def test_after_24_hours_of_failures_a_delivery_is_dead(
    store: Store, sink: HttpSink, clock: Clock, logs: list[EventDict]
) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    sink.answers["/a"] = 503
    tell(store, "Men abducted in Argun", channels=(channel,))
    while clock.time <= NOW + GIVE_UP_AFTER:
        await deliver_due(store, configure(channel), now=clock)
        clock.advance(BACKOFF_CAP)
    (record,) = outbox(store)
    assert (record.status, record.last_error) == (Status.DEAD, "JSON answered 503 Service Unavailable")
    assert record.attempts == 25
    assert [line["log_level"] for line in logs] == ["warning"] * 24 + ["error"]
    assert logs[-1]["event"] == "delivery given up"
    clock.advance(GIVE_UP_AFTER)
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts()


async def test_a_refusal_that_looks_permanent_is_retried_for_24_hours_too(
    store: Store, sink: HttpSink, clock: Clock, logs: list[EventDict]
) -> None:
    """A webhook that is deployed anew says 404 for a while, and then takes the message."""
    channel = make_channel("desk", sink.url("json", "/a"))
    sink.answers["/a"] = 404
    tell(store, "Men abducted in Argun", channels=(channel,))
    for _ in range(24):
        assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(failed=1)
        assert outbox(store)[0].next_attempt >= clock.time + BACKOFF_CAP / 2
        clock.advance(BACKOFF_CAP)
    assert {line["log_level"] for line in logs} == {"error"}
    sink.answers["/a"] = 200
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=1)


async def test_a_program_that_was_off_for_days_has_not_tried_meanwhile(
    store: Store, sink: HttpSink, clock: Clock
) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    sink.answers["/a"] = 503
    tell(store, "Men abducted in Argun", channels=(channel,))
    await deliver_due(store, configure(channel), now=clock)
    clock.advance(3 * GIVE_UP_AFTER)
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(failed=1)


async def test_a_token_that_changes_while_messages_are_sent_is_used_from_the_next_on(
    store: Store, sink: HttpSink, clock: Clock
) -> None:
    old, new = (configure(make_channel("desk", sink.url("json", path)))() for path in ("/old", "/new"))
    tell(store, "First", "Second", channels=old.channels)
    sink.answers["/old"] = HANG
    config = old
    task = asyncio.create_task(deliver_due(store, lambda: config, now=clock))
    await until(lambda: bool(sink.received["/old"]))
    config = new
    sink.release()
    assert await task == DeliveryCounts(sent=2)
    assert {path: len(posts) for path, posts in sink.received.items()} == {"/old": 1, "/new": 1}


async def test_a_slow_service_that_takes_the_message_gets_it_once(store: Store, sink: HttpSink, clock: Clock) -> None:
    """It may use the time of the messages after it."""
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "First", channels=(channel,))
    sink.answers["/a"] = HANG
    timeout = timedelta(seconds=0.5)
    task = asyncio.create_task(deliver_due(store, configure(channel), now=clock, timeout=timeout))
    await until(lambda: bool(sink.received["/a"]))
    await asyncio.wait({task}, timeout=1.2 * timeout.total_seconds())
    sink.release()
    assert await task == DeliveryCounts(sent=1)
    assert len(sink.received["/a"]) == 1


async def test_a_slow_service_is_given_up_before_its_lease_ends(store: Store, sink: HttpSink, clock: Clock) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "First", "Second", channels=(channel,))
    sink.answers["/a"] = HANG
    counts = await deliver_due(store, configure(channel), now=clock, timeout=timedelta(seconds=0.1))
    assert counts == DeliveryCounts(failed=1)
    assert [record.last_error for record in outbox(store)] == ["JSON has not answered within 0.5 s", ""]


async def test_no_message_is_begun_that_its_lease_might_not_outlast(
    store: Store, sink: HttpSink, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "First", "Second", channels=(channel,))
    left = []

    async def send_slowly(_url: Secret, _message: Message, *, timeout: timedelta) -> None:  # noqa: ASYNC109 - as it is
        left.append(timeout)
        clock.advance(timeout - TINY)

    monkeypatch.setattr("monitor.deliver.outbox.send_message", send_slowly)
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=2)
    assert left == [LEASE - SEND_TIMEOUT] * 2, "the second was given back, and claimed anew"


async def test_a_changed_token_is_used_for_what_was_waiting(store: Store, sink: HttpSink, clock: Clock) -> None:
    tell(store, "Story", channels=(make_channel("desk", sink.url("json", "/a"), sink.url("json", "/old")),))
    changed = make_channel("desk", sink.url("json", "/a"), sink.url("json", "/new"))
    assert await deliver_due(store, configure(changed), now=clock) == DeliveryCounts(sent=2)
    assert {path: len(posts) for path, posts in sink.received.items()} == {"/a": 1, "/new": 1}


async def test_urls_that_change_places_keep_their_deliveries(store: Store, sink: HttpSink, clock: Clock) -> None:
    urls = [sink.url("json", "/a"), sink.url("json", "/b")]
    sink.answers["/b"] = 500
    tell(store, "Story", channels=(make_channel("desk", *urls),))
    assert await deliver_due(store, configure(make_channel("desk", *urls)), now=clock) == DeliveryCounts(
        sent=1, failed=1
    )
    sink.answers["/b"] = 200
    clock.advance(BACKOFF_BASE)
    assert await deliver_due(store, configure(make_channel("desk", *urls[::-1])), now=clock) == DeliveryCounts(sent=1)
    assert {path: len(posts) for path, posts in sink.received.items()} == {"/a": 1, "/b": 2}


async def test_a_channel_that_was_taken_out_is_waited_for(store: Store, sink: HttpSink, clock: Clock) -> None:
    channel = make_channel("desk", sink.url("json", "/a"), sink.url("json", "/b"))
    tell(store, "Story", channels=(channel,))
    assert await deliver_due(store, configure(), now=clock) == DeliveryCounts(failed=2)
    assert "channel 'desk' is no longer in feeds.toml" in outbox(store)[0].last_error
    clock.advance(BACKOFF_BASE)
    shorter = make_channel("desk", sink.url("json", "/a"))
    assert await deliver_due(store, configure(shorter), now=clock) == DeliveryCounts(sent=1, failed=1)
    assert "channel 'desk' has no URL number 2" in outbox(store)[1].last_error
    clock.advance(BACKOFF_CAP)
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=1)


async def test_a_stopping_program_sends_what_is_on_its_way_and_gives_back_the_rest(
    store: Store, sink: HttpSink, clock: Clock
) -> None:
    stopping = asyncio.Event()
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "First", "Second", channels=(channel,))
    sink.answers["/a"] = HANG
    task = asyncio.create_task(deliver_due(store, configure(channel), now=clock, stopping=stopping))
    await until(lambda: bool(sink.received["/a"]))
    stopping.set()
    sink.release()
    assert await task == DeliveryCounts(sent=1)
    assert statuses(store) == [Status.SENT, Status.PENDING]
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=1)


async def test_a_program_that_dies_while_sending_repeats_what_was_on_its_way_and_no_more(
    store: Store, sink: HttpSink, clock: Clock
) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "First", "Second", channels=(channel,))
    sink.answers["/a"] = HANG
    task = asyncio.create_task(deliver_due(store, configure(channel), now=clock))
    await until(lambda: bool(sink.received["/a"]))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    sink.answers["/a"] = 200
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts()
    clock.advance(LEASE)
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=2)
    assert [post.json["title"] for post in sink.received["/a"]] == ["New: First", "New: First", "New: Second"]


async def test_a_message_that_trips_the_program_stops_no_other(
    store: Store, sink: HttpSink, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "First", "Second", channels=(channel,))

    def trip(delivery: Delivery, channel: Channel, *, timezone: ZoneInfo, medium: Medium) -> Message:
        if delivery.story.title == "First":
            raise KeyError(TOKEN)
        return render_alert(delivery, channel, timezone=timezone, medium=medium)

    monkeypatch.setattr("monitor.deliver.outbox.render_alert", trip)
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=1, failed=1)
    assert outbox(store)[0].last_error.startswith("a fault of the program, please report it: KeyError in trip, line ")


async def test_a_template_that_fails_is_logged_and_the_message_sent_without_it(
    store: Store, sink: HttpSink, clock: Clock, logs: list[EventDict]
) -> None:
    channel = replace(make_channel("desk", sink.url("json", "/a")), template=Template("desk.j2", "{{ titles }}"))
    tell(store, "First", channels=(channel,))
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=1)
    assert "First" in sink.texts("/a")[0]
    (fault,) = (entry for entry in logs if entry["log_level"] == "error")
    assert (fault["channel"], fault["error"]) == ("desk", "desk.j2, line 1: 'titles' is undefined")


async def test_operators_are_told_of_a_template_that_fails_once(store: Store, sink: HttpSink, clock: Clock) -> None:
    channel = replace(make_channel("desk", sink.url("json", "/a")), template=Template("desk.j2", "{{ titles }}"))
    config = configure(channel, make_channel("ops", sink.url("json", "/ops")), operators=("ops",))
    tell(store, "First", "Second", channels=(channel,))
    await deliver_due(store, config, now=clock)
    (told,) = sink.received["/ops"]
    assert told.json["title"] == "The template of channel desk is broken"
    assert "desk.j2, line 1: 'titles' is undefined" in sink.texts("/ops")[0].replace("\u200b", "")


async def test_a_fault_in_apprise_is_a_failed_delivery(
    store: Store, sink: HttpSink, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "First", channels=(channel,))

    def trip(*_args: object, **_kwargs: object) -> None:
        raise KeyError(TOKEN)

    monkeypatch.setattr("monitor.deliver.services.Apprise.notify", trip)
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(failed=1)
    assert "KeyError" in outbox(store)[0].last_error


async def test_a_database_that_refuses_the_mark_is_told_and_the_message_repeated(
    store: Store, sink: HttpSink, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "First", channels=(channel,))

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise StoreError("no space left")

    with monkeypatch.context() as patch, pytest.raises(StoreError, match="no space left"):
        patch.setattr("monitor.store.engine.Transaction.mark_sent", refuse)
        await deliver_due(store, configure(channel), now=clock)
    clock.advance(LEASE)
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=1)
    assert len(sink.received["/a"]) == 2


class BusyTransactions:
    """A database that another process holds at the first `times` calls of a method; each is then `told`."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, method: str, times: float, *, told: Callable[[], None] = lambda: None
    ) -> None:
        real = getattr(Transaction, method)
        self.calls = 0

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            told()
            if self.calls <= times:
                raise StoreBusy("locked")
            return real(*args, **kwargs)

        monkeypatch.setattr(Transaction, method, call)
        monkeypatch.setattr("monitor.deliver.outbox.POLL", POLL / 100)


@pytest.mark.parametrize(("answer", "method"), [(200, "mark_sent"), (500, "mark_failed")])
async def test_a_mark_that_meets_a_busy_database_is_made_later(
    store: Store, sink: HttpSink, clock: Clock, monkeypatch: pytest.MonkeyPatch, answer: int, method: str
) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "First", channels=(channel,))
    sink.answers["/a"] = answer
    database = BusyTransactions(monkeypatch, method, 2)
    counts = await deliver_due(store, configure(channel), now=clock)
    assert counts == (DeliveryCounts(sent=1) if answer == 200 else DeliveryCounts(failed=1))
    assert (database.calls, len(sink.received["/a"])) == (3, 1)


async def test_a_database_that_stays_busy_is_told_when_the_lease_ends(
    store: Store, sink: HttpSink, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel("desk", sink.url("json", "/a"))
    tell(store, "First", channels=(channel,))
    database = BusyTransactions(
        monkeypatch, "mark_sent", float("inf"), told=lambda: clock.advance(timedelta(seconds=50))
    )
    with pytest.raises(StoreBusy):
        await deliver_due(store, configure(channel), now=clock)
    assert clock.time >= NOW + LEASE
    assert database.calls == 4


async def test_a_mark_that_fails_repeats_no_message_of_another_channel_url(
    store: Store, sink: HttpSink, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel("desk", sink.url("json", "/slow"), sink.url("json", "/refused"))
    tell(store, "First", channels=(channel,))
    sink.answers |= {"/slow": HANG, "/refused": 500}
    refused = asyncio.Event()

    def refuse(*_args: object, **_kwargs: object) -> None:
        loop.call_soon_threadsafe(refused.set)
        raise StoreError("damaged")

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(Transaction, "mark_failed", refuse)
    task = asyncio.create_task(deliver_due(store, configure(channel), now=clock))
    await refused.wait()
    await until(lambda: bool(sink.received["/slow"]))
    await asyncio.wait({task}, timeout=TINY.total_seconds())
    sink.release()
    with pytest.raises(StoreError, match="damaged"):
        await task
    assert statuses(store)[0] is Status.SENT


async def test_a_claim_that_meets_a_busy_database_stops_nothing_on_its_way(
    store: Store, sink: HttpSink, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel("desk", sink.url("json", "/a"), sink.url("json", "/b"))
    tell(store, "First", channels=(channel,))
    sink.answers["/a"] = HANG
    task = asyncio.create_task(deliver_due(store, configure(channel), now=clock))
    await until(lambda: statuses(store) == [Status.SENDING, Status.SENT] and bool(sink.received["/a"]))
    database = BusyTransactions(monkeypatch, "due_lanes", 2)
    await until(lambda: database.calls > 2)
    sink.release()
    assert await task == DeliveryCounts(sent=2)


async def test_a_claim_that_meets_a_busy_database_with_nothing_on_its_way_is_told(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    BusyTransactions(monkeypatch, "due_lanes", 1)
    with pytest.raises(StoreBusy):
        await deliver_due(store, configure(), now=clock)


def test_the_lease_outlasts_everything_that_is_claimed_of_one_url() -> None:
    assert LEASE > PER_TARGET * SEND_TIMEOUT


async def test_no_secret_reaches_the_log_or_the_database(
    store: Store, sink: HttpSink, clock: Clock, capfd: pytest.CaptureFixture[str]
) -> None:
    channel = make_channel(
        "desk", sink.url("json", f"/{TOKEN}", login=f"{TOKEN}:{TOKEN}@"), "json://127.0.0.1:1/" + TOKEN
    )
    sink.default = 401
    tell(store, "Story", channels=(channel,))
    structlog.reset_defaults()
    assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(failed=2)
    printed = "".join(capfd.readouterr())
    assert "delivery failed" in printed
    assert TOKEN not in printed
    assert TOKEN not in "".join(record.last_error for record in outbox(store))


# --- rhythm ----------------------------------------------------------------------------------------------------------


def titles_of(sink: HttpSink, path: str = "/a") -> list[str]:
    """Give the titles of what arrived since this was last asked."""
    titles = [post.json["title"] for post in sink.received[path]]
    sink.received[path].clear()
    return titles


async def test_a_digest_is_held_and_then_one_message(store: Store, sink: HttpSink, clock: Clock) -> None:
    desk, press = make_channel("desk", sink.url("json", "/a")), make_channel("press", sink.url("json", "/b"))
    rule = Rule(topics=("chechnya",), channels=("desk",), digest=Schedule("daily", time(8)))
    config = configure(desk, press, rules=(rule,), timezone=ZoneInfo("Europe/Paris"))
    tell(store, "First", "Second", channels=(desk,), digest=True)
    tell(store, "Third", channels=(press,))
    assert await deliver_due(store, config, now=clock) == DeliveryCounts(sent=1)
    assert statuses(store) == [Status.HELD, Status.HELD, Status.SENT]
    assert outbox(store)[0].next_attempt == NOW + timedelta(hours=21), "08:00 in Paris is 06:00 UTC in summer"
    clock.advance(timedelta(hours=20, minutes=59))
    assert await deliver_due(store, config, now=clock) == DeliveryCounts()
    clock.advance(timedelta(hours=9))
    assert await deliver_due(store, config, now=clock) == DeliveryCounts(sent=2), "a missed one is sent at the start"
    assert titles_of(sink) == ["Digest: 2 stories"]


async def test_quiet_hours_end_with_one_summary_and_what_is_urgent_passes(
    store: Store, sink: HttpSink, clock: Clock
) -> None:
    desk = replace(make_channel("desk", sink.url("json", "/a")), quiet=Quiet(time(8), time(12)))
    tell(store, "First", "Second", channels=(desk,))
    tell(store, "Third", channels=(desk,), urgent=True)
    assert await deliver_due(store, configure(desk), now=clock) == DeliveryCounts(sent=1)
    assert titles_of(sink) == ["New: Third"]
    assert statuses(store) == [Status.HELD, Status.HELD, Status.SENT]
    clock.advance(timedelta(hours=3))
    assert await deliver_due(store, configure(desk), now=clock) == DeliveryCounts(sent=2)
    assert titles_of(sink) == ["During the quiet hours: 2 stories"]


async def test_what_is_held_goes_by_the_configuration_as_it_is_now(store: Store, sink: HttpSink, clock: Clock) -> None:
    desk = replace(make_channel("desk", sink.url("json", "/a")), quiet=Quiet(time(8), time(12)))
    tell(store, "First", channels=(desk,))
    for channel, sent in ((desk, 0), (desk, 0), (replace(desk, quiet=None), 1)):
        assert await deliver_due(store, configure(channel), now=clock) == DeliveryCounts(sent=sent)
        with store.write() as tx:
            tx.review_held(now=clock())


async def test_a_burst_is_one_summary_and_a_restart_does_not_forget_it(
    tmp_path: Path, sink: HttpSink, clock: Clock
) -> None:
    desk = replace(make_channel("desk", sink.url("json", "/a")), burst=2)
    told = []
    for batch in (["First", "Second"], ["Third"], ["Fourth", "Fifth"]):
        store = open_store(Secret(f"sqlite:///{tmp_path}/burst.db"))
        tell(store, *batch, channels=(desk,))
        await deliver_due(store, configure(desk), now=clock)
        store.close()
        told.append(titles_of(sink))
    assert told == [["New: First", "New: Second"], [], []]
    clock.advance(BURST_WINDOW)
    store = open_store(Secret(f"sqlite:///{tmp_path}/burst.db"))
    assert await deliver_due(store, configure(desk), now=clock) == DeliveryCounts(sent=3)
    store.close()
    assert titles_of(sink) == ["Many at once: 3 stories"]


@pytest.mark.parametrize("answer", [429, 500, DROP])
async def test_after_an_outage_there_is_one_summary_and_other_channels_wait_for_nothing(
    store: Store, sink: HttpSink, clock: Clock, answer: int | str
) -> None:
    desk, press = make_channel("desk", sink.url("json", "/a")), make_channel("press", sink.url("json", "/b"))
    sink.answers["/a"] = answer
    for minutes in range(0, 120, 10):
        tell(store, f"Story {minutes:03}", channels=(desk, press))
        await deliver_due(store, configure(desk, press), now=clock)
        assert titles_of(sink, "/b") == [f"New: Story {minutes:03}"]
        clock.advance(timedelta(minutes=10))
    titles_of(sink)
    sink.answers["/a"] = 200
    clock.advance(BACKOFF_CAP)
    await deliver_due(store, configure(desk, press), now=clock)
    assert titles_of(sink) == ["After an outage: 12 stories"]
    assert set(statuses(store)) == {Status.SENT}


async def test_what_is_told_of_one_story_stays_in_order(store: Store, sink: HttpSink, clock: Clock) -> None:
    desk = make_channel("desk", sink.url("json", "/a"))
    sink.answers["/a"] = 500
    tell(store, "First", channels=(desk,))
    await deliver_due(store, configure(desk), now=clock)
    with store.write() as tx:
        tx.add_alert(make_alert(1, Event.CORROBORATED), [desk], now=NOW)
    sink.answers["/a"] = 200
    assert await deliver_due(store, configure(desk), now=clock) == DeliveryCounts(), "it would overtake the first"
    clock.advance(BACKOFF_BASE)
    titles_of(sink)
    assert await deliver_due(store, configure(desk), now=clock) == DeliveryCounts(sent=2)
    assert len(titles_of(sink)) == 1, "both are told in one message"


async def test_a_summary_that_a_service_does_not_like_is_told_singly(
    store: Store, sink: HttpSink, clock: Clock
) -> None:
    desk = replace(make_channel("desk", sink.url("json", "/a")), burst=1)
    tell(store, "First", "Second", channels=(desk,))
    sink.answers["/a"] = 400
    assert await deliver_due(store, configure(desk), now=clock) == DeliveryCounts(failed=2)
    assert titles_of(sink) == ["Many at once: 2 stories"]
    sink.answers["/a"] = 200
    clock.advance(BACKOFF_CAP)
    assert await deliver_due(store, configure(desk), now=clock) == DeliveryCounts(sent=2)
    assert titles_of(sink) == ["New: First", "New: Second"]


async def fail_for_a_day(store: Store, config: Callable[[], Config], clock: Clock) -> None:
    """Deliver every hour until what is due now has been given up."""
    end = clock.time + GIVE_UP_AFTER + BACKOFF_CAP
    while clock.time <= end:
        await deliver_due(store, config, now=clock)
        clock.advance(BACKOFF_CAP)


async def test_operators_hear_once_of_what_was_given_up_and_through_another_channel(
    store: Store, sink: HttpSink, clock: Clock
) -> None:
    desk, ops = make_channel("desk", sink.url("json", "/a")), make_channel("ops", sink.url("json", "/ops"))
    config = configure(desk, ops, operators=("desk", "ops"))
    sink.answers["/a"] = 503
    for title in ("First", "Second"):
        tell(store, title, channels=(desk,))
        await fail_for_a_day(store, config, clock)
    assert statuses(store) == [Status.DEAD, Status.DEAD]
    assert titles_of(sink, "/ops") == ["Channel desk takes no messages"]
    assert set(titles_of(sink)) == {"New: First", "New: Second"}
    sink.answers["/a"] = 200
    tell(store, "Third", channels=(desk,))
    await deliver_due(store, config, now=clock)
    sink.answers["/a"] = 503
    tell(store, "Fourth", channels=(desk,))
    await fail_for_a_day(store, config, clock)
    assert titles_of(sink, "/ops") == ["Channel desk takes no messages"], "it had worked again"


async def test_a_broken_channel_is_not_told_that_it_is_broken(store: Store, sink: HttpSink, clock: Clock) -> None:
    desk = make_channel("desk", sink.url("json", "/a"))
    sink.answers["/a"] = 503
    tell(store, "First", channels=(desk,))
    await fail_for_a_day(store, configure(desk, operators=("desk",)), clock)
    assert set(titles_of(sink)) == {"New: First"}
    assert statuses(store) == [Status.DEAD]
