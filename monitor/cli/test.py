"""`monitor test CHANNEL`: one test message to each URL of a channel, and what each answers."""

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext, redirect_stdout
from difflib import get_close_matches

import click

from monitor.cli.common import print_json, read_config
from monitor.deliver import find_medium, send_message
from monitor.errors import DeliveryError
from monitor.log import configure_logging
from monitor.model import Channel, Config
from monitor.render import render_test


def test_channel(option: str | None, name: str, *, as_json: bool) -> None:
    """Send and report; exit with 1 if any URL did not take the message."""
    configure_logging(level="error")
    channel = _find_channel(read_config(option), name)
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        answers = asyncio.run(_send_to_all(channel))
    if as_json:
        print_json([{"channel": name, "url": place, "error": error} for place, error in answers])
    else:
        for place, error in answers:
            click.echo(f"{name}, URL {place}: {error or 'accepted'}")
    if any(error for _, error in answers):
        sys.exit(1)


def _find_channel(config: Config, name: str) -> Channel:
    names = [channel.name for channel in config.channels]
    if name not in names:
        near = get_close_matches(name, names, n=1)
        hint = f": did you mean '{near[0]}'?" if near else f"; there are: {', '.join(names) or 'none'}"
        raise click.UsageError(f"there is no channel '{name}' in {config.path}{hint}")
    return config.channels[names.index(name)]


async def _send_to_all(channel: Channel) -> list[tuple[int, str]]:
    """Send to all URLs at once; give each its place, from 1, and what was wrong, or nothing."""
    results = await asyncio.gather(
        *(send_message(url, render_test(channel, medium=find_medium(url))) for url in channel.urls),
        return_exceptions=True,
    )
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, DeliveryError):
            raise result
    return [(place, str(result) if result else "") for place, result in enumerate(results, start=1)]
