"""RSS text -> when its publisher asks not to be polled: `skipHours` and `skipDays`, which feedparser does not keep."""

from __future__ import annotations

import re

_HOURS = re.compile(r"<skiphours\b[^<>]*>", re.IGNORECASE)
_DAYS = re.compile(r"<skipdays\b[^<>]*>", re.IGNORECASE)
_LONGEST_LIST = 2_000
_HOUR = re.compile(r"<hour>\s*([01]?\d|2[0-4])\s*</hour>")
_DAY = re.compile(r"<day>\s*(mon|tue|wed|thu|fri|sat|sun)[a-z]*\s*</day>")
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIRST_ITEM = re.compile(r"<item[\s>]", re.IGNORECASE)


def read_skips(text: str) -> tuple[frozenset[int], frozenset[int]]:
    """Give the hours (GMT, 0-23) and the days (Monday is 0) that the channel excludes, outside of its items.

    Midnight is 24 in RSS 0.91 and 0 since 0.92 (backend.userland.com/skipHoursDays).
    """
    first = _FIRST_ITEM.search(text)
    around = text[: first.start()] + text[text.rfind("</item>") :] if first else text
    hours, days = _HOUR.findall(_find_list(around, _HOURS)), _DAY.findall(_find_list(around, _DAYS))
    return frozenset(int(hour) % 24 for hour in hours), frozenset(map(_WEEK.index, days))


def _find_list(text: str, start: re.Pattern[str]) -> str:
    """Give what the element holds, in lower case; cut, so that an element without an end costs nothing."""
    found = start.search(text)
    return text[found.end() :][:_LONGEST_LIST].lower().partition("</skip")[0] if found else ""
