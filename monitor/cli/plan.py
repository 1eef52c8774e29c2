"""`monitor plan`: which alerts of the last days an edited feeds.toml would add or take away; nothing is sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click
from rich.text import Text

from monitor.cli.common import (
    count_of,
    make_console,
    opened_store,
    print_json,
    progress_bar,
    read_config,
    utc_now,
)
from monitor.log import configure_logging
from monitor.model import Config
from monitor.replay import Plan, plan_alerts
from monitor.store import Telling, has_database

_NOTHING_YET = Plan(items=0, matched=0, appear=(), disappear=(), stay=0)


def show_plan(option: str | None, *, days: int, as_json: bool) -> None:
    """Replay the stored items of the last days through the configuration, and print what would be told otherwise."""
    configure_logging(level="error")
    config = read_config(option)
    plan = _make_plan(config, days=days) if has_database(config.database) else _NOTHING_YET
    if as_json:
        print_json(_plan_json(plan, days=days))
    elif not plan.items:
        click.echo(
            f"There is nothing to replay: no item of the last {count_of(days, 'day')} is stored. monitor once polls the feeds."
        )
    else:
        _print_plan(plan, days=days)


def _make_plan(config: Config, *, days: int) -> Plan:
    with opened_store(config) as store, progress_bar() as progress:
        task = progress.add_task("replaying", total=None)
        return plan_alerts(
            config,
            store,
            since=utc_now() - timedelta(days=days),
            advance=lambda done, total: progress.update(task, completed=done, total=total),
        )


def _print_plan(plan: Plan, *, days: int) -> None:
    """Print a line for each alert that would appear or disappear, by topic and channel, and then the counts."""
    console = make_console()
    lines = [("+", "green", telling) for telling in plan.appear] + [("-", "red", telling) for telling in plan.disappear]
    for sign, colour, telling in sorted(lines, key=lambda line: (line[2].topic, line[2].channel)):
        outlets = count_of(telling.outlets, "outlet")
        words = f"{sign} {telling.channel}  {telling.topic}  {telling.event}  “{telling.title}”  {outlets}"
        console.print(Text(words, style=colour), soft_wrap=True)
    click.echo(
        f"{count_of(len(plan.appear), 'alert')} would appear, {len(plan.disappear)} disappear, {plan.stay} stay "
        f"({count_of(days, 'day')}; {count_of(plan.items, 'item')} replayed, {plan.matched} match)."
    )


def _plan_json(plan: Plan, *, days: int) -> dict[str, Any]:
    return {
        "days": days,
        "items": {"replayed": plan.items, "matched": plan.matched},
        "appear": [_telling_json(telling) for telling in plan.appear],
        "disappear": [_telling_json(telling) | {"story": telling.story} for telling in plan.disappear],
        "stay": plan.stay,
    }


def _telling_json(telling: Telling) -> dict[str, Any]:
    return {
        "topic": telling.topic,
        "channel": telling.channel,
        "event": telling.event.value,
        "title": telling.title,
        "outlets": telling.outlets,
        "items": sorted(telling.items),
        "decided": telling.decided,
    }
