"""Raw entries -> Entry: as many as a document may have, each on its own, the broken ones named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from monitor.model import Entry

Raw = TypeVar("Raw")
# The largest real feeds measured hold a few hundred; whole archives are published as one document now and then.
MOST_ENTRIES = 2_000
_NAMED_AT_MOST = 20
_NEVER = datetime.min.replace(tzinfo=UTC)


def keep_entries(
    raw: Sequence[Raw],
    *,
    date: Callable[[Raw], datetime | None],
    read: Callable[[Raw], Entry],
    unparsed: int = 0,
) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Read each raw entry, in the document's order; of more than `MOST_ENTRIES` the newest, undated ones last.

    `unparsed` counts those that the document held besides. Returns the entries, and in words what was left out, why.
    """
    places: Sequence[int] = range(len(raw))
    skipped: list[str] = []
    if len(raw) > MOST_ENTRIES:
        held = len(raw) + unparsed
        skipped.append(f"{held - MOST_ENTRIES} of {held} entries: only the newest {MOST_ENTRIES} are read")
        newest = sorted(places, key=lambda place: date(raw[place]) or _NEVER, reverse=True)
        places = sorted(newest[:MOST_ENTRIES])
    entries: list[Entry] = []
    for place in places:
        try:
            entry = read(raw[place])
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
            skipped.append(f"entry {place + 1}: {error}")
            continue
        if entry.guid or entry.link or entry.title or entry.summary:
            entries.append(entry)
        else:
            skipped.append(f"entry {place + 1}: it has neither title, text, link nor identifier")
    if len(skipped) > _NAMED_AT_MOST:
        skipped[_NAMED_AT_MOST:] = [f"and {len(skipped) - _NAMED_AT_MOST} more"]
    return tuple(entries), tuple(skipped)
