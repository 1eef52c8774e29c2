"""`monitor check`: what is wrong with the configuration, all of it at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import click

from monitor.cli.common import count_of, read_config
from monitor.errors import ConfigError
from monitor.model import Channel, Config, Event, Web


def check_config(option: str | None) -> None:
    """Print every problem and exit with 2, or say what the configuration holds."""
    try:
        config = read_config(option)
    except ConfigError as error:
        click.echo("\n".join(error.lines()))
        sys.exit(2)
    counted = [
        count_of(len(config.feeds), "feed"),
        count_of(len(config.topics), "topic"),
        count_of(len(config.channels), "channel"),
        count_of(len(config.rules), "alert rule"),
    ]
    click.echo(f"{config.path}: no problems: {', '.join(counted)}.")
    for note in (*_untold(config), *_small_operators(config), *_without_effect(config)):
        click.echo(f"note: {note}.")


def _untold(config: Config) -> Iterator[str]:
    """Name what leads to nobody."""
    if not config.rules:
        yield "there is no [[alert]]: nobody is told anything"
        return
    topics = {topic for rule in config.rules for topic in rule.topics}
    channels = {channel for rule in config.rules for channel in rule.channels}
    channels |= {channel for heartbeat in config.heartbeats for channel in heartbeat.channels}
    for topic in config.topics:
        if topic.name not in topics:
            yield f"topic '{topic.name}' is in no [[alert]]: nobody is told of it"
    for channel in config.channels:
        if channel.name not in channels.union(config.operators):
            yield f"channel '{channel.name}' is in no [[alert]]: nothing is sent to it"


def _small_operators(config: Config) -> Iterator[str]:
    """Name operators in small letters: they are words to be found, and few items have them."""
    for topic in config.topics:
        unquoted = re.sub(r'"[^"]*"', " ", topic.query)
        for word in dict.fromkeys(re.findall(r"\b(?:and|or|not)\b", unquoted)):
            yield f"'{word}' in the query of topic '{topic.name}' is a word to be found; the operator is {word.upper()}"


def _without_effect(config: Config) -> Iterator[str]:
    """Name what the file asks for and this release does not do yet, and what happens instead."""
    asked = {
        "quiet: alerts are sent at any hour": any(channel.quiet for channel in config.channels),
        "burst: each alert is a message": any(channel.burst != _BURST for channel in config.channels),
        "a channel's lang: the fixed words of messages are English": any(c.lang != "en" for c in config.channels),
        "digest: each alert is sent by itself, at once": any(rule.digest for rule in config.rules),
        "urgent: all alerts are sent at once": any(rule.urgent for rule in config.rules),
        '"growth" and "revised" in on: only new and corroborated are told': any(
            {Event.GROWTH, Event.REVISED} & rule.on for rule in config.rules
        ),
        "[[heartbeat]]: no proof of life is sent": bool(config.heartbeats),
        "operators: the daemon's troubles are in its log and in monitor feeds": bool(config.operators),
        "[web]: no pages are served": bool(config.web.host) and config.web != Web(),
    }
    for words, wanted in asked.items():
        if wanted:
            yield f"no effect in this release: {words}"


_BURST = Channel("", ()).burst
