"""`monitor label`, `merge`, `split`, `mute`: the operator's word on stories, stored and respected from then on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from monitor.cli.common import count_of, opened_store, read_config, utc_now
from monitor.corrections import join_item, merge_stories, mute_story, part_item, split_story
from monitor.errors import CorrectionError
from monitor.model import Config
from monitor.store import Transaction, has_database


def label_item(option: str | None, item: int, *, same: int | None, different: int | None) -> None:
    """Judge that an item tells a story, or that it does not."""
    if (same is None) == (different is None):
        raise click.UsageError("say either --same STORY or --different STORY")
    with _correcting(read_config(option)) as tx:
        if same is not None:
            source = join_item(tx, item, same, now=utc_now())
            moved = "was there already" if source.id == same else f"was moved there from story {source.id}"
            click.echo(f"Item {item} belongs to story {same}, and {moved}.")
        elif different is not None:
            new = part_item(tx, item, different, now=utc_now())
            moved = f"is story {new} now" if new else "was not in it"
            click.echo(f"Item {item} does not belong to story {different}, and {moved}.")


def merge(option: str | None, survivor: int, other: int) -> None:
    """Make one story of two."""
    with _correcting(read_config(option)) as tx:
        merge_stories(tx, survivor, other, now=utc_now())
        story = tx.story(survivor)
    click.echo(f"Story {survivor} has {count_of(len(story.members), 'item')} now; story {other} is part of it.")


def split(option: str | None, story: int, items: Sequence[int], *, tell: bool) -> None:
    """Make two stories of one."""
    config = read_config(option)
    with _correcting(config) as tx:
        new = split_story(tx, story, items, now=utc_now(), tell=config if tell else None)
        told = any(record.story == new for record in tx.delivery_records()) if tell else False
    what = f"{count_of(len(set(items)), 'item')} of story {story} became story {new}"
    if not tell:
        click.echo(f"{what}. Whoever was told of {story} counts as told of it; --tell would tell it as new.")
    else:
        click.echo(f"{what}. {'It is told now.' if told else 'No alert rule has anything to tell of it yet.'}")


def mute(option: str | None, story: int, *, undo: bool) -> None:
    """Tell no more of a story, or again."""
    with _correcting(read_config(option)) as tx:
        found = mute_story(tx, story, since=None if undo else utc_now())
    words = "is told again when it grows" if undo else f"is told no more (monitor mute {story} --undo takes it back)"
    click.echo(f"Story {story}, “{found.title}”, {words}.")


@contextmanager
def _correcting(config: Config) -> Iterator[Transaction]:
    if not has_database(config.database):
        raise CorrectionError("there is no database yet, so there are no stories: monitor once polls the feeds")
    with opened_store(config) as store, store.write() as tx:
        yield tx
