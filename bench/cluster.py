"""Score story clustering on labelled news, ours at one fixed setting beside peers' rules each at its own best one.

    python bench/cluster.py DATA                # DATA holds basil.jsonl, vietnamese.jsonl, … (or a folder clustering/)
    python bench/cluster.py DATA --sizes 1000 10000 100000
    python bench/cluster.py DATA --encoder      # also with the sentence encoder, where it is installed (minutes)
    python bench/cluster.py DATA --held-out     # also each set with settings fitted on the others (a minute)

Each set is one stream in file order, one pass, all items live and undated: no rule may use time. In file order most
sets have an event's items side by side; `shuffled` scatters them over the whole set (three orders, their mean), which
is harder than news, where an event's items come within days. `dated` lets the items come and stories close by their
dates, as the program does (a set without dates stays as it is), and `days shuffled` scatters the items of each day (of
each fifty, without dates). A `dense` day is all sets but sg_multilingual, shuffled
into one stream; `mean` is over the five sets of issue 4 (uci has coarse topics and
titles only: it is shown, not counted). B-cubed and pairwise figures: monitor/cluster/scores.py. The peers:

- token_set: join the story of the nearest title by rapidfuzz's token_set_ratio, if it is above the threshold;
- IDF cosine: the same by the cosine of title words, weighted by how rare they are so far;
- NewsBlur (apps/rss_feeds/models.py, in words): the same title, or a share of the significant words of titles.
"""

from __future__ import annotations

import argparse
import json
import random
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from math import log
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.fuzz import token_set_ratio
from rapidfuzz.process import cdist

from monitor.cluster import Encoder, Gathering, StoryIndex, assign_story, load_encoder
from monitor.cluster import assign as settings
from monitor.cluster.scores import b_cubed, pairwise
from monitor.model import Item, Member
from monitor.text import fold, words

Row = dict[str, Any]
Floats = NDArray[np.float32]

COUNTED = ("basil", "vietnamese", "ecbplus", "allsides", "sg_multilingual")
DENSE = ("allsides", "basil", "ecbplus", "vietnamese", "uci")
START = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = timedelta(days=365)
LIVE = timedelta(days=7)
BLOCK = 50
ORDERS = range(3)
THRESHOLDS = (0.33, 0.35, 0.37, 0.39, 0.41)
MERGES = (0.0, 0.015, 0.03, 0.045, 1.0)  # 1: none are merged


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--encoder", action="store_true")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    options = parser.parse_args()
    folder = options.data / "clustering" if (options.data / "clustering").is_dir() else options.data
    sets = {path.stem: _load(path) for path in sorted(folder.glob("*.jsonl"))}
    shuffled = [row | {"cluster": (name, row["cluster"])} for name in DENSE for row in sets.get(name, [])]
    random.Random(1).shuffle(shuffled)
    print(f"{'method':22} {'set':16} {'items':>6} | B³ P    R     F1    | pair P   R     F1    | items/s")
    _ours("ours", sets, dense=shuffled, encoder=None)
    counted = {label: rows for label, rows in sets.items() if label in COUNTED}
    _shuffled(counted)
    _dated(counted)
    if options.held_out:
        _held_out(counted)
    if options.encoder:
        _ours("ours, encoder", sets, dense=[], encoder=load_encoder())
    for name, likeness, thresholds in (
        ("token_set", _token_set, np.arange(0.4, 0.9, 0.02)),
        ("IDF cosine", _idf_cosine, np.arange(0.1, 0.7, 0.02)),
        ("NewsBlur overlap", _overlap, np.arange(0.2, 0.9, 0.04)),
    ):
        _peer(name, sets, likeness, thresholds)
    _speed(shuffled, options.sizes)


def _load(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _members(rows: Sequence[Row]) -> Iterator[Member]:
    for number, row in enumerate(rows, 1):
        yield _member(number, row, seen=START + timedelta(seconds=number))


def _member(number: int, row: Row, *, seen: datetime) -> Member:
    item = Item(row["id"], row["url"], row["title"], row["summary"], row["lang"], None, seen)
    return Member(number, item, row["source"], row["source"])


def _stream(rows: Sequence[Row], *, encoder: Encoder | None) -> list[int]:
    return _gather(_members(rows), StoryIndex(window=WINDOW, encoder=encoder))


def _gather(members: Iterable[Member], index: StoryIndex) -> list[int]:
    gathering = Gathering(index)
    stories = [gathering.put(member, now=member.item.seen)[0] for member in members]
    return [gathering.survivor(story) for story in stories]


def _ours(name: str, sets: dict[str, list[Row]], *, dense: list[Row], encoder: Encoder | None) -> None:
    figures = {}
    for label, rows in [*sets.items(), *([("dense", dense)] if dense else [])]:
        start = time.process_time()
        stories = _stream(rows, encoder=encoder)
        figures[label] = _print(name, label, stories, rows, speed=len(rows) / (time.process_time() - start))
    _print_mean(name, [figures[label] for label in COUNTED if label in figures])


def _shuffled(sets: dict[str, list[Row]]) -> None:
    means = []
    for label, rows in sets.items():
        orders = [random.Random(seed).sample(rows, len(rows)) for seed in ORDERS]
        means.append(_mean([_score(_stream(order, encoder=None), order) for order in orders]))
        _print_line("ours, shuffled", label, len(rows), means[-1], 0)
    _print_mean("ours, shuffled", means)


def _dated(sets: dict[str, list[Row]]) -> None:
    """Let items come at their dates, in the order of the file and with those of a day in any order."""
    in_order, scattered = [], []
    for label, rows in sets.items():
        in_order.append(_score(_gather_dated(rows), rows))
        _print_line("ours, dated", label, len(rows), in_order[-1], 0)
        orders = [_shuffle_days(rows, random.Random(seed)) for seed in ORDERS]
        scattered.append(_mean([_score(_gather_dated(order), order) for order in orders]))
        _print_line("ours, days shuffled", label, len(rows), scattered[-1], 0)
    _print_mean("ours, dated", in_order)
    _print_mean("ours, days shuffled", scattered)


def _gather_dated(rows: Sequence[Row]) -> list[int]:
    if not any(row["published"] for row in rows):
        return _stream(rows, encoder=None)
    members = (_member(number, row, seen=_date(row)) for number, row in enumerate(rows, 1))
    return _gather(members, StoryIndex(window=LIVE))


def _date(row: Row) -> datetime:
    when = datetime.fromisoformat(row["published"]) if row["published"] else START
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _shuffle_days(rows: Sequence[Row], chance: random.Random) -> list[Row]:
    dated = any(row["published"] for row in rows)
    keys = [
        (_date(row).toordinal() if dated else number // BLOCK, chance.random(), number)
        for number, row in enumerate(rows)
    ]
    return [rows[number] for _, _, number in sorted(keys)]


def _held_out(sets: dict[str, list[Row]]) -> None:
    """Score each set at the threshold and the margin of mergers that are best for the mean F1 of the other sets."""
    grid = {
        pair: {label: _score_with(rows, *pair) for label, rows in sets.items()} for pair in product(THRESHOLDS, MERGES)
    }
    figures = []
    for label, rows in sets.items():
        others = [other for other in sets if other != label]
        best = max(grid, key=lambda pair: sum(grid[pair][other][2] for other in others))
        figures.append(grid[best][label])
        _print_line(f"held out ({best[0]:.2f}, {best[1]:.3f})", label, len(rows), figures[-1], 0)
    _print_mean("held out", figures)


def _score_with(rows: Sequence[Row], threshold: float, merge: float) -> list[float]:
    with patch.multiple(settings, THRESHOLD=threshold, MERGE=merge):
        return _score(_stream(rows, encoder=None), rows)


def _peer(name: str, sets: dict[str, list[Row]], likeness: Callable[[list[Row]], Floats], thresholds: Any) -> None:
    """Try every threshold on all sets, and print the sets at the one with the best mean."""
    counted = {label: rows for label, rows in sets.items() if label in COUNTED}
    tables = {label: likeness(rows) for label, rows in counted.items()}

    def mean(threshold: float) -> float:
        scores = [b_cubed(_nearest(tables[label], threshold), _labels(rows)) for label, rows in counted.items()]
        return sum(score.f1 for score in scores) / len(scores)

    best = max(thresholds.tolist(), key=mean)
    figures = [
        _print(f"{name} ({best:.2f})", label, _nearest(tables[label], best), rows) for label, rows in counted.items()
    ]
    _print_mean(name, figures)


def _nearest(table: Floats, threshold: float) -> list[int]:
    """Let each item join the story of its nearest predecessor."""
    stories: list[int] = []
    for at in range(len(table)):
        near = int(table[at, :at].argmax()) if at else 0
        stories.append(stories[near] if at and table[at, near] >= threshold else at)
    return stories


def _token_set(rows: list[Row]) -> Floats:
    titles = [fold(row["title"]) for row in rows]
    return np.asarray(cdist(titles, titles, scorer=token_set_ratio) / 100, np.float32)


def _idf_cosine(rows: list[Row]) -> Floats:
    """Give the cosine of titles by their words, each weighed by how few titles had it until then."""
    bags = [set(words(fold(row["title"]))) for row in rows]
    frequencies: Counter[str] = Counter()
    table = np.zeros((len(rows), len(rows)), np.float32)
    for at, bag in enumerate(bags):
        weight = {
            word: max(0.0, log((at + 1) / (frequencies[word] + 0.5))) ** 2 for word in set().union(*bags[: at + 1])
        }
        norms = [sum(map(weight.__getitem__, other)) for other in bags[: at + 1]]
        table[at, :at] = [
            sum(map(weight.__getitem__, bag & other)) / max(1e-9, norm * norms[at]) ** 0.5
            for other, norm in zip(bags[:at], norms[:at], strict=True)
        ]
        frequencies.update(bag)
    return table


def _overlap(rows: list[Row]) -> Floats:
    """Give the share of the shorter title's words of four letters and more that both titles have."""
    bags = [{word for word in words(fold(row["title"])) if len(word) > 3} for row in rows]
    table = np.zeros((len(rows), len(rows)), np.float32)
    for at, bag in enumerate(bags):
        table[at, :at] = [len(bag & other) / max(1, min(len(bag), len(other))) for other in bags[:at]]
    return table


def _labels(rows: Sequence[Row]) -> list[Any]:
    return [row["cluster"] for row in rows]


def _print(name: str, label: str, stories: list[int], rows: Sequence[Row], *, speed: float = 0) -> list[float]:
    figures = _score(stories, rows)
    _print_line(name, label, len(rows), figures, speed)
    return figures


def _score(stories: list[int], rows: Sequence[Row]) -> list[float]:
    scores = (b_cubed(stories, _labels(rows)), pairwise(stories, _labels(rows)))
    return [figure for score in scores for figure in (score.precision, score.recall, score.f1)]


def _print_mean(name: str, figures: list[list[float]]) -> None:
    if figures:
        _print_line(name, "mean of five", 0, _mean(figures), 0)


def _mean(figures: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) / len(figures) for column in zip(*figures, strict=True)]


def _print_line(name: str, label: str, items: int, figures: list[float], speed: float) -> None:
    numbers = [f"{figure:.3f}" for figure in figures]
    shown = f"{' '.join(numbers[:3])} | {' '.join(numbers[3:])}"
    print(f"{name:22} {label:16} {items or '':>6} | {shown} | {f'{speed:.0f}' if speed else ''}", flush=True)


def _speed(rows: list[Row], sizes: Sequence[int]) -> None:
    """Time the placing of a thousand items among many invented ones, made by mixing the words of the real."""
    print(f"\n{'open items':>10} | items/s (one core, CPU time) | kB an open item")
    for size in sizes:
        invented = partial(_invent, rows, random.Random(2))
        tracemalloc.start()
        index = StoryIndex(window=WINDOW)
        for member in _members([invented(number) for number in range(size)]):
            index.add(member, member.id)
        memory = tracemalloc.get_traced_memory()[0] / size / 1024
        tracemalloc.stop()
        fresh = [
            replace(member, id=size + member.id)
            for member in _members([invented(size + number) for number in range(1_000)])
        ]
        start = time.process_time()
        for member in fresh:
            assign_story(member, index, now=member.item.seen)
            index.add(member, member.id)
        print(f"{size:>10} | {1_000 / (time.process_time() - start):>29.0f} | {memory:.1f}", flush=True)


def _invent(rows: list[Row], chance: random.Random, number: int) -> Row:
    """Mix two real items, and strew in names that were never seen, as news does."""
    one, other = chance.sample(rows, 2)
    made = {}
    for part in ("title", "summary"):
        pool = f"{one[part]} {other[part]}".split() or ["-"]
        length = max(1, min(50, len(one[part].split())))
        made[part] = " ".join(
            f"Name{chance.randrange(10**6)}" if chance.random() < 0.05 else chance.choice(pool) for _ in range(length)
        )
    return {**one, **made, "id": str(number), "url": f"https://outlet.example/{number}"}


if __name__ == "__main__":
    main()
