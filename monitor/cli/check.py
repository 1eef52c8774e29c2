"""`monitor check`: what is wrong with the configuration, all of it at once."""

from __future__ import annotations

import sys

import click

from monitor.cli.common import read_config
from monitor.errors import ConfigError


def check_config(option: str | None) -> None:
    """Print every problem and exit with 2, or say what the configuration holds."""
    try:
        config = read_config(option)
    except ConfigError as error:
        click.echo("\n".join(error.lines()))
        sys.exit(2)
    counted = [
        _plural(len(config.feeds), "feed"),
        _plural(len(config.topics), "topic"),
        _plural(len(config.channels), "channel"),
        _plural(len(config.rules), "alert rule"),
    ]
    click.echo(f"{config.path}: no problems: {', '.join(counted)}.")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
