"""RSS text -> when its publisher asks not to be polled: `skipHours` and `skipDays`, which feedparser does not keep."""

from __future__ import annotations

import re

_SKIPS = re.compile(r"<skip(hours|days)\b[^<>]*>(.{0,4000}?)</skip", re.IGNORECASE | re.DOTALL)
_HOUR = re.compile(r"<hour>\s*([01]?\d|2[0-4])\s*</hour>", re.IGNORECASE)
_DAY = re.compile(r"<day>\s*(mon|tue|wed|thu|fri|sat|sun)[a-z]*\s*</day>", re.IGNORECASE)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIRST_ITEM = re.compile(r"<item[\s>]", re.IGNORECASE)


def read_skips(text: str) -> tuple[frozenset[int], frozenset[int]]:
    """Give the hours (GMT, 0-23) and the days (Monday is 0) that the channel excludes, outside of its items.

    Midnight is 24 in RSS 0.91 and 0 since 0.92 (backend.userland.com/skipHoursDays).
    """
    first, end = _FIRST_ITEM.search(text), text.rfind("</item>")
    around = text[: first.start()] + text[end:] if first else text
    hours: set[int] = set()
    days: set[int] = set()
    for what, listed in _SKIPS.findall(around):
        if what.lower() == "hours":
            hours |= {int(hour) % 24 for hour in _HOUR.findall(listed)}
        else:
            days |= {_DAYS.index(day.lower()) for day in _DAY.findall(listed)}
    return frozenset(hours), frozenset(days)
