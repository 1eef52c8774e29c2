"""What really leaves for each service when a stranger has written the title: nothing that it would act upon."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from monitor.deliver import find_medium, send_message
from monitor.model import Channel, Delivery, Event, Member, Message, Secret, Source, Story
from monitor.render import render_alert
from tests.hostile import ACTIVE, HOSTILE
from tests.makers import NOW, make_item
from tests.sinks import HttpSink, SmtpSink

LINK = "https://outlet.example/story"
SHOWN_LINKS = (f'<a href="{LINK}">{LINK}</a>', f"<{LINK}>", LINK)


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpSink]:
    """A server that stands for all services, those with a fixed address too."""
    with HttpSink() as server:
        server.words = b"ok"  # Slack's answer
        home = f"http://127.0.0.1:{server.port}"
        monkeypatch.setattr(NotifySlack, "webhook_url", home)
        monkeypatch.setattr(NotifyDiscord, "notify_url", home)
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"{home}/bot")
        yield server


def make_message(text: str, url: Secret) -> Message:
    """A message whose story, outlet, topic and words are all this text."""
    item = replace(make_item(text), url=LINK, lang="en")
    story = Story(1, text, (Member(1, item, text, "owner"),), (Source(("owner",), (1,)),))
    delivery = Delivery(1, 1, story, text, (Event.NEW,), {}, "desk", 0, "", 0, NOW, NOW, words=(text,))
    return render_alert(delivery, Channel("desk", ()), timezone=ZoneInfo("UTC"), medium=find_medium(url))


def without_link(text: str) -> str:
    for shown in SHOWN_LINKS:
        text = text.replace(shown, "")
    return text


def assert_inert(text: str) -> None:
    """Nothing on any line is active, and no line begins as markup does."""
    for line in re.split("\r?\n", without_link(text)):
        assert not ACTIVE.search(line)
        assert not re.match(r"\s*([#>=+-]|\d+[.)])", line)


# An Apprise URL, and where its service finds what it shows.
SERVICES = {
    "webhook": ("json://{host}/hook", ("title", "message")),
    "ntfy": ("ntfy://{host}/topic", ("title", "message")),
    "Gotify": ("gotify://{host}/AbCdEf1234567", ("title", "message")),
    "Mattermost": ("mmost://{host}/3ccdd113474722377935511fc85d3dd4", ("text",)),
    "Rocket.Chat": (f"rocket://{'A' * 13}/{'b' * 39}@{{host}}/%23room", ("text",)),
    "Matrix": ("matrix://AbCdEf1234567@{host}/?mode=matrix", ("text",)),
    "Signal": ("signal://{host}/+15551234567/+15557654321", ("message",)),
    "Discord": ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV", ("content",)),
    "Slack": ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", ("title", "text")),
}


@pytest.mark.parametrize(("form", "fields"), SERVICES.values(), ids=SERVICES)
async def test_a_chat_or_webhook_gets_nothing_to_act_upon(sink: HttpSink, form: str, fields: tuple[str, ...]) -> None:
    url = Secret(form.format(host=f"127.0.0.1:{sink.port}"))
    for text in HOSTILE.values():
        await send_message(url, make_message(text, url))
    posts = [post.json for posts in sink.received.values() for post in posts]
    assert len(posts) == len(HOSTILE)
    for post in posts:
        told = post["attachments"][0] if form.startswith("slack") else post
        assert LINK in told[fields[-1]]
        for field in fields:
            assert_inert(told[field])


async def test_telegram_gets_no_tag_but_our_link(sink: HttpSink) -> None:
    url = Secret("tgram://123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHI/12345")
    for text in HOSTILE.values():
        await send_message(url, make_message(text, url))
    (posts,) = sink.received.values()
    assert len(posts) == len(HOSTILE)
    for post in posts:
        text = post.json["text"]
        assert SHOWN_LINKS[0] in text
        assert "<" not in without_link(text)
        assert_inert(unescape(without_link(text)))


async def test_a_mail_has_no_header_tag_or_link_but_ours() -> None:
    async with SmtpSink() as sink:
        url = Secret(sink.url("reader@example.org"))
        for text in HOSTILE.values():
            await send_message(url, make_message(text, url))
    assert len(sink.mails) == len(HOSTILE)
    assert len({tuple(mail.keys()) for mail in sink.mails}) == 1
    for mail in sink.mails:
        assert mail["To"] == "reader@example.org"
        assert not ACTIVE.search(str(mail["Subject"]))
        plain, markup = (part.get_content() for part in mail.iter_parts() if isinstance(part, EmailMessage))
        assert LINK in plain
        assert_inert(plain)
        bare = without_link(markup.replace("<br>", "\n"))
        assert "<" not in bare
        assert_inert(unescape(bare))
