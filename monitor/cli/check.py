"""`monitor check`: what is wrong with the configuration, all of it at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from monitor.cli.common import count_of, read_config
from monitor.errors import ConfigError
from monitor.model import Config, Event


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
    for key, today in _without_effect(config):
        click.echo(f"note: {key} has no effect in this release: {today}.")


def _without_effect(config: Config) -> Iterator[tuple[str, str]]:
    """Name what the file asks for and this release does not do yet, and what happens instead."""
    if any(channel.quiet for channel in config.channels):
        yield "quiet", "alerts are sent at any hour"
    if any(rule.digest for rule in config.rules):
        yield "digest", "each alert is sent by itself, at once"
    if any({Event.GROWTH, Event.REVISED} & rule.on for rule in config.rules):
        yield 'on = "growth" or "revised"', "only new and corroborated are told"
    if any(channel.lang != "en" for channel in config.channels):
        yield "a channel's lang", "the fixed words of messages are English"
    if config.heartbeats:
        yield "[[heartbeat]]", "no proof of life is sent"
    if config.operators:
        yield "operators", "the daemon's troubles are in its log and in monitor feeds"
