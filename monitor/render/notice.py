"""Notice -> Message: what the operators, or those who wait for a proof of life, are told of the program itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from monitor.model import Channel, Detail, Medium, Message, Notice, NoticeKind
from monitor.render.alert import OUTLET_LENGTH
from monitor.render.layout import Draft, lay_out
from monitor.render.words import Words, find_words

_ERROR_LENGTH = 300
_NAMED = 8
_PROBLEMS = 10
# With fewer feeds healthy than this share, nothing was heard because nothing was read: that is no quiet.
_MOST = 0.9


def render_notice(notice: Notice, channel: Channel, *, timezone: ZoneInfo, medium: Medium) -> Message:
    """Say what a notice says and what to do about it; no more than `detail` allows. Times are in `timezone`."""
    words = find_words(channel.lang)
    if channel.detail is Detail.DISCREET:
        text = words.say("1 notice")
        return lay_out(Draft(text, (text,) if medium.title_limit else ()), words, medium)
    return lay_out(_DRAFTS[notice.kind](notice.facts, words, timezone), words, medium)


def render_test(channel: Channel, *, medium: Medium) -> Message:
    """Say that a channel works, and no more than its `detail` allows."""
    words = find_words(channel.lang)
    if channel.detail is Detail.DISCREET:
        text = words.say("Test")
        return lay_out(Draft(text, (text,) if medium.title_limit else ()), words, medium)
    title = words.say("Test of channel {name}", name=words.quote(channel.name, OUTLET_LENGTH))
    explained = words.say("This is a test. Whoever reads it will get this channel's alerts here.")
    return lay_out(Draft(title, (explained,)), words, medium)


def _draft_heartbeat(facts: Mapping[str, Any], words: Words, timezone: ZoneInfo) -> Draft:
    stories, topics, feeds, healthy = (facts[name] for name in ("stories", "topics", "feeds", "healthy"))
    counted = words.count("{n} story", "{n} stories", stories)
    health = words.count("{n} of {feeds} feeds healthy", "{n} of {feeds} feeds healthy", healthy, feeds=feeds)
    line = words.count(
        "{stories} on {n} topic since {time}.",
        "{stories} on {n} topics since {time}.",
        topics,
        stories=counted,
        time=_time(facts["since"], words, timezone),
    )
    trouble = (
        (words.say("Silent: {names}", names=_name_feeds(facts["silent"], words)), facts["silent"]),
        (words.say("Failing: {names}", names=_name_feeds(facts["failing"], words)), facts["failing"]),
        (words.say("Items may be missing: {names}", names=_name_feeds(facts["rolling"], words)), facts["rolling"]),
    )
    return Draft(
        title=f"{counted if stories or healthy < _MOST * feeds else words.say('All quiet')} · {health}",
        opening=(line, f"{health}."),
        closing=tuple(text for text, names in trouble if names),
    )


def _draft_dead(facts: Mapping[str, Any], words: Words, timezone: ZoneInfo) -> Draft:
    channel = words.quote(facts["channel"], OUTLET_LENGTH)
    given_up = words.count(
        "{n} message to URL {url} of this channel was given up; the first is of {time}.",
        "{n} messages to URL {url} of this channel were given up; the first is of {time}.",
        facts["deliveries"],
        url=facts["url"],
        time=_time(facts["since"], words, timezone),
    )
    answer = words.say("The last answer: {error}", error=words.quote(facts["error"], _ERROR_LENGTH))
    todo = words.say("Mend it and try with “monitor test”; then send what waits with “monitor alerts retry”.")
    return Draft(words.say("Channel {name} takes no messages", name=channel), (given_up, answer), closing=(todo,))


def _draft_config(facts: Mapping[str, Any], words: Words, _timezone: ZoneInfo) -> Draft:
    problems = [str(problem) for problem in facts["problems"]]
    return Draft(
        words.count("{n} problem in feeds.toml", "{n} problems in feeds.toml", len(problems)),
        (words.say("The file was not taken up; the last good one stays in force."),),
        items=tuple((f"• {words.quote(problem, _ERROR_LENGTH)}",) for problem in problems),
        most=_PROBLEMS,
        dense=True,
    )


def _draft_store(facts: Mapping[str, Any], words: Words, timezone: ZoneInfo) -> Draft:
    since = words.say("Since {time} nothing can be kept.", time=_time(facts["since"], words, timezone))
    return Draft(words.say("The database refuses"), (since, words.quote(str(facts["error"]), _ERROR_LENGTH)))


def _draft_template(facts: Mapping[str, Any], words: Words, _timezone: ZoneInfo) -> Draft:
    name = words.quote(str(facts["channel"]), OUTLET_LENGTH)
    title = words.say("The template of channel {name} is broken", name=name)
    return Draft(title, (words.quote(f"{facts['path']}: {facts['error']}", _ERROR_LENGTH),))


def _time(iso: str, words: Words, timezone: ZoneInfo) -> str:
    return words.time(datetime.fromisoformat(iso), timezone)


def _name_feeds(names: list[str], words: Words) -> str:
    shown = [words.quote(name, OUTLET_LENGTH) for name in names[:_NAMED]]
    if rest := len(names) - len(shown):
        shown.append(words.count("{n} other", "{n} others", rest))
    return words.list(shown)


_DRAFTS: Mapping[NoticeKind, Callable[[Mapping[str, Any], Words, ZoneInfo], Draft]] = {
    NoticeKind.HEARTBEAT: _draft_heartbeat,
    NoticeKind.DEAD: _draft_dead,
    NoticeKind.CONFIG: _draft_config,
    NoticeKind.STORE: _draft_store,
    NoticeKind.TEMPLATE: _draft_template,
}
