"""Parsing and normalising over thousands of documents that other projects collected; they are not in this repository."""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.errors import ParseError
from monitor.model import Response, Validators
from monitor.reading import read_response

DATA = Path(os.environ.get("MONITOR_DATA") or Path(__file__).parents[2] / "shared" / "data") / "feeds"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
# Snapshots that a person would not call a feed: compressed bodies, as they are before fetching unpacks them.
PACKED = b"\x1f\x8b"
LONGEST_READ = 5.0

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no corpora: set MONITOR_DATA, or lay them at {DATA}")


def documents(*, kind: str) -> list[Path]:
    return sorted(path for path in DATA.glob(f"*/{kind}/**/*") if path.is_file())


def read(body: bytes) -> int:
    """Read a document and give the number of its items; -1 where it is refused."""
    response = Response(base="https://h.example/feed", status=200, headers={}, body=body, validators=Validators())
    try:
        return len(read_response(response, lang="", known=frozenset(), now=NOW).new)
    except ParseError:
        return -1


def test_real_feeds_give_items() -> None:
    bodies = {path: path.read_bytes() for path in documents(kind="real")}
    counts = {path.name: read(body) for path, body in bodies.items() if not body.startswith(PACKED)}
    without = sorted(name for name, count in counts.items() if count <= 0)
    share = 1 - len(without) / len(counts)
    assert share >= 0.99, f"{share:.1%} of {len(counts)} feeds give items; none from {without}"
    assert sum(counts.values()) > 1_000, f"{sum(counts.values())} items of {len(counts)} feeds"


def test_no_document_of_a_test_suite_crashes_or_hangs() -> None:
    outcomes: Counter[str] = Counter()
    slow: list[str] = []
    for path in documents(kind="synthetic"):
        started = time.monotonic()
        items = read(path.read_bytes())
        if time.monotonic() - started > LONGEST_READ:
            slow.append(path.name)
        outcomes["refused" if items < 0 else "empty" if items == 0 else "with items"] += 1
    assert not slow, f"took more than {LONGEST_READ} s: {slow}"
    assert outcomes["with items"] > outcomes.total() * 0.3, f"outcomes of {outcomes.total()} documents: {outcomes}"
