"""A good feeds.toml -> what in it cannot do what was meant, each with its line; only what is certain is said."""

from __future__ import annotations

import re
from collections.abc import Iterator

from monitor.config.document import Document
from monitor.config.fill import REFERENCE
from monitor.errors import Problem
from monitor.match import compile_topic
from monitor.match.reach import explain_silence
from monitor.model import Config, Detail, Event, Rule
from monitor.normalise import fold_feed_address
from monitor.render import LANGUAGES, spoken_language


def find_doubts(config: Config, document: Document) -> list[Problem]:
    """Name what is right and yet leads to nobody or to nothing; `document` is the file that `config` was read from."""
    doubts = (
        *_untold(config, document),
        *_idle_rules(config, document),
        *_twice(config, document),
        *_channels(config, document),
    )
    return sorted([*doubts, *_queries(config, document)])


def _untold(config: Config, document: Document) -> Iterator[Problem]:
    """Name what leads to nobody."""
    if not config.rules:
        yield Problem(0, "there is no [[alert]]: nobody is told anything")
        return
    topics = {topic for rule in config.rules for topic in rule.topics}
    channels = {channel for rule in config.rules for channel in rule.channels}
    channels |= {channel for heartbeat in config.heartbeats for channel in heartbeat.channels}
    for place, topic in enumerate(config.topics):
        if topic.name not in topics:
            line = document.line(("topic", place, "name"))
            yield Problem(line, f"topic '{topic.name}' is in no [[alert]]: nobody is told of it")
    for place, channel in enumerate(config.channels):
        if channel.name not in channels.union(config.operators):
            line = document.line(("channel", place, "name"))
            yield Problem(line, f"channel '{channel.name}' is in no [[alert]]: nothing is sent to it")


def _idle_rules(config: Config, document: Document) -> Iterator[Problem]:
    """Name keys of alerts that wait for an event which the alert does not tell."""
    default = Rule((), ())
    for place, rule in enumerate(config.rules):
        for key, event in (("growth", Event.GROWTH), ("min_sources", Event.NEW)):
            if getattr(rule, key) != getattr(default, key) and event not in rule.on:
                line = document.line(("alert", place, key))
                yield Problem(line, f'{key} is set, but "{event}" is not in on: it has no effect')


def _twice(config: Config, document: Document) -> Iterator[Problem]:
    """Name feeds that are one under two addresses: its items would be stored and counted twice."""
    met: dict[str, int] = {}
    for place, feed in enumerate(config.feeds):
        other = met.setdefault(fold_feed_address(feed.address.reveal()), place)
        if other != place and feed.enabled and config.feeds[other].enabled:
            line = document.line(("feed", place, "url"))
            yield Problem(line, f"{feed.url} looks like the feed of line {document.line(('feed', other, 'url'))}")


def _channels(config: Config, document: Document) -> Iterator[Problem]:
    """Name channels in a language that messages are not written in, and templates that say nothing."""
    for place, channel in enumerate(config.channels):
        if channel.template and channel.detail is Detail.DISCREET:
            line = document.line(("channel", place, "template"))
            yield Problem(line, f"channel '{channel.name}' is discreet: its template has no effect")
        if not channel.lang.startswith(spoken_language(channel.lang)):
            line = document.line(("channel", place, "lang"))
            known = ", ".join(sorted(LANGUAGES))
            yield Problem(
                line, f"messages to channel '{channel.name}' are in English: there is {known}, no {channel.lang}"
            )


def _queries(config: Config, document: Document) -> Iterator[Problem]:
    """Name topics that nothing can match, and operators in small letters: few items have those words."""
    for place, topic in enumerate(config.topics):
        line = document.line(("topic", place, "query"))
        for reason in explain_silence(compile_topic(topic, config.feeds), config.feeds):
            yield Problem(line, f"topic '{topic.name}': {reason}")
        unquoted = re.sub(r'"[^"]*"', " ", topic.query)
        for word in dict.fromkeys(re.findall(r"\b(?:and|or|not)\b", unquoted)):
            words = f"'{word}' in the query of topic '{topic.name}' is a word to be found; the operator is"
            yield Problem(line, f"{words} {word.upper()}")


def holds_secrets(document: Document) -> bool:
    """Tell whether feeds.toml itself holds what others must not read: a channel's address, a token, a header."""
    tables = document.tables
    addresses = [
        address
        for channel in tables.get("channel", [])
        for address in [channel.get("url", ""), *channel.get("urls", [])]
        if not address.endswith("://")  # print:// and the like say nothing
    ]
    headers = [value for feed in tables.get("feed", []) for value in feed.get("headers", {}).values()]
    written = [*addresses, *headers, tables.get("web", {}).get("token", "")]
    return any(value and not REFERENCE.search(value) for value in written)
