"""`monitor cluster FILE`: the stories of a JSON Lines file, by the very stages that the daemon uses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import click

from monitor.cluster import Gathering, StoryIndex, load_encoder
from monitor.cluster.scores import b_cubed, pairwise
from monitor.model import Item, Member

# An item without a date counts as of the time of the one before; before the first date there is this one.
_START = datetime(2000, 1, 1, tzinfo=UTC)
_YEARS = range(1900, 9999)  # at the ends of the calendar, a time zone or a window leads out of it
_MANY = 100_000
_TEXTS = ("title", "summary", "source", "lang", "url")


def cluster_file(name: str, *, labels: bool, window: timedelta) -> None:
    """Read items in the order in which they came, print each one's story, or with `labels` how good the stories are."""
    try:
        opened = click.open_file(name, "rb")
    except OSError as error:
        raise click.ClickException(f"{name}: {error.strerror}") from error
    with opened as lines:
        gathered = _gather(_read(lines, name), window=window)
    if labels:
        _print_scores(gathered, name)
        return
    for row, story in gathered:
        click.echo(json.dumps({"id": row["id"], "story": story}, ensure_ascii=False))


def _read(lines: Iterable[bytes], name: str) -> Iterator[dict[str, Any]]:
    """Give each line's object, checked."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode())
        except ValueError as error:
            _refuse(name, number, f"this is no JSON in UTF-8: {error}")
        if not isinstance(row, dict) or "id" not in row or not isinstance(row.get("title"), str):
            _refuse(name, number, 'each line needs at least {"id": …, "title": "…"}')
        for field in _TEXTS:
            if not isinstance(row.get(field) or "", str):
                _refuse(name, number, f'"{field}" is no text')
        row["published"] = _read_time(row.get("published"), name, number)
        yield row


def _read_time(text: Any, name: str, number: int) -> datetime | None:
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        _refuse(name, number, f'"published" is no time as in ISO 8601: {text!r}')
    if when.year not in _YEARS:
        _refuse(name, number, f'"published" is before 1900 or after 9998: {text!r}')
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def _refuse(name: str, number: int, words: str) -> NoReturn:
    raise click.ClickException(f"{name}:{number}: {words}")


def _gather(rows: Iterable[dict[str, Any]], *, window: timedelta) -> list[tuple[dict[str, Any], int]]:
    """Place one item after the other, each seen at its own time, so that files need not be in order of time.

    A later item may show that two stories are one: only after the last is it certain which story an item belongs to.
    Items that the window has left behind are dropped from the index once there are many; of each, its id and label stay.
    """
    gathering = Gathering(StoryIndex(window=window, encoder=load_encoder()))
    now = newest = _START
    placed: list[tuple[dict[str, Any], int]] = []
    for number, row in enumerate(rows, start=1):
        now = row["published"] or now
        newest = max(newest, now)
        if len(gathering.index) > _MANY:
            gathering.index.forget(newest - window)
        story, _ = gathering.put(_member(row, number, when=now), now=now)
        placed.append(({"id": row["id"], "cluster": row.get("cluster")}, story))
    return [(row, gathering.survivor(story)) for row, story in placed]


def _member(row: dict[str, Any], number: int, *, when: datetime) -> Member:
    title, summary, source, lang, url = (row.get(field) or "" for field in _TEXTS)
    item = Item(
        key=str(number), url=url, title=title, summary=summary, lang=lang, published=row["published"], seen=when
    )
    return Member(id=number, item=item, feed=source, owner=source)


def _print_scores(gathered: Iterable[tuple[dict[str, Any], int]], name: str) -> None:
    stories, labels = [], []
    for row, story in gathered:
        if row.get("cluster") is None:
            raise click.ClickException(f'{name}: item {row["id"]} has no "cluster" to score against')
        stories.append(story)
        labels.append(row["cluster"])
    click.echo(f"{len(labels)} items, {len(set(labels))} events, {len(set(stories))} stories")
    click.echo(f"{'':10}{'precision':>10}{'recall':>10}{'F1':>10}")
    for measure, score in (("B-cubed", b_cubed(stories, labels)), ("pairwise", pairwise(stories, labels))):
        click.echo(f"{measure:10}{score.precision:10.3f}{score.recall:10.3f}{score.f1:10.3f}")
