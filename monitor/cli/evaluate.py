"""`monitor evaluate`: how often the program was right, by the operator's own judgements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.table import Table

from monitor.cli.common import count_of, make_console, print_json, progress_bar, read_config, read_database
from monitor.evaluation import Agreement, Link, measure, read_links
from monitor.model import Judgement
from monitor.store import Transaction

# What a topic's `strictness` may be, in steps worth telling apart.
_STEPS = [step / 100 for step in range(-10, 11, 2)]


def evaluate_stories(option: str | None, *, as_json: bool) -> None:
    """Print, for each topic that was judged, precision and recall as decided and with other settings of strictness."""
    config = read_config(option)
    with read_database(config) as tx, progress_bar() as progress:
        task = progress.add_task("reading", total=len(config.topics))
        judged = []
        for topic in config.topics:
            if tx is not None and (judgements := tx.judgements(topic.name)):
                judged.append((topic.name, topic.strictness, judgements, _links(tx, topic.name)))
            progress.advance(task)
    if as_json:
        print_json([_topic_json(name, judgements, links, now) for name, now, judgements, links in judged])
        return
    if not judged:
        click.echo(
            "Nothing was judged yet: monitor label ITEM --same STORY, or --different STORY, monitor merge, split."
        )
    for name, now, judgements, links in judged:
        _print_topic(name, judgements, links, now)


def _links(tx: Transaction, topic: str) -> list[Link]:
    records = tx.stories(topic=topic)
    placements = {item: placement.reason for record in records for item, placement in record.placements.items()}
    mergers = [reason for record in records for reason in record.mergers.values() if "items" in reason]
    return read_links(placements, mergers)


def _print_topic(name: str, judgements: Sequence[Judgement], links: Sequence[Link], now: float) -> None:
    decided = measure(judgements, links)
    pairs = decided.joined_same + decided.parted_same, decided.joined_different + decided.parted_different
    click.echo(
        f"{name}: {count_of(len(judgements), 'judgement')} on {count_of(sum(pairs), 'pair')} of items, "
        f"{pairs[0]} of one story and {pairs[1]} of two"
    )
    table = Table("Strictness", "Precision", "Recall", "Wrongly joined", "Wrongly parted", box=None, pad_edge=False)
    for step in _STEPS:
        agreement = measure(judgements, links, strictness=step - now)
        mark = " (as it is)" if step == now else ""
        wrong = agreement.joined_different, agreement.parted_same
        table.add_row(f"{step:+.2f}{mark}", _figure(agreement.precision), _figure(agreement.recall), *map(str, wrong))
    make_console().print(table)
    click.echo(
        "Set strictness in this [[topic]]: higher keeps more apart, lower joins more. Other rows are estimates.\n"
    )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _topic_json(name: str, judgements: Sequence[Judgement], links: Sequence[Link], now: float) -> dict[str, Any]:
    return {
        "topic": name,
        "judgements": len(judgements),
        "strictness": now,
        "decided": _agreement_json(measure(judgements, links)),
        "estimates": [
            {"strictness": step} | _agreement_json(measure(judgements, links, strictness=step - now)) for step in _STEPS
        ],
    }


def _agreement_json(agreement: Agreement) -> dict[str, Any]:
    return {
        "precision": agreement.precision,
        "recall": agreement.recall,
        "wrongly_joined": agreement.joined_different,
        "wrongly_parted": agreement.parted_same,
    }
