"""Date strings -> UTC: those that the parser's own handlers leave unread."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

# Beginnings of month names, January first; alternatives after a slash, `-` where the language adds nothing new. A
# name is found by its longest beginning here. Croatian and Czech are left out: `listopad` is October in one and
# November in the other.
_MONTHS = """
jan/ene/gen/oca/янв/січ/sty/يناير/جانفي/ژانویه
feb/fév/fev/şub/фев/лют/lut/فبراير/فيفري/فوریه
mar/mär/mrz/мар/бер/مارس
apr/avr/abr/nis/апр/кві/kwi/أبريل/ابريل/أفريل/آوریل
may/mai/mag/мая/май/тра/maj/مايو/ماي/مه
jun/juin/giu/haz/июн/чер/cze/يونيو/جوان/ژوئن
jul/juil/lug/tem/июл/лип/lip/يوليو/جويلية/ژوئیه
aug/aoû/aou/ago/ağu/авг/сер/sie/أغسطس/اغسطس/أوت/اوت
sep/set/eyl/сен/вер/wrz/سبتمبر/سپتامبر
oct/okt/ott/out/eki/окт/жов/paź/أكتوبر/اكتوبر/اکتبر
nov/kas/ноя/лис/lis/نوفمبر/نوامبر
dec/déc/dez/dic/ara/дек/гру/gru/ديسمبر/دسامبر
"""
_MONTH_OF = {
    name: month for month, line in enumerate(_MONTHS.split(), start=1) for name in line.split("/") if name != "-"
}
_LONGEST_NAME = max(map(len, _MONTH_OF))
# Zones by name that the parser takes for UTC without a word. Ambiguous ones (IST, AST) are left out.
_ZONES = {"MSK": 3, "МСК": 3, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "WET": 0, "WEST": 1, "BST": 1, "TRT": 3}
NAMED_ZONE = re.compile(rf"\b(?:{'|'.join(_ZONES)})\b")
_TIME = r"(?:\D{1,9}?(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2}))?)?"
_ZONE = r"\s*(?:GMT|UTC)?\s*(?:(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?)?"
_NAMED = re.compile(
    r"(?P<day>\d{1,2})(?:er|[.ºª])?\s*(?:de\s)?\s*(?P<month>[^\W\d_]{2,20})\.?,?\s*(?:de\s|del\s)?\s*(?P<year>\d{4})"
    + _TIME
    + _ZONE,
    re.IGNORECASE,
)
# Day first, as everywhere that dots are written; with slashes it may be either, and is left alone.
_DOTTED = re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})" + _TIME + _ZONE, re.IGNORECASE)
_LONGEST_DATE = 100


def read_timestamp(text: str) -> datetime | None:
    """Read an ISO 8601 date or time (RFC 3339, W3C profile), else what `read_date` reads; no zone means UTC."""
    try:
        read = datetime.fromisoformat(text)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return read_date(text)


def read_date(text: str) -> datetime | None:
    """Read a date with a month name in a language of the region, or `31.12.2017 23:59`; None where it is neither.

    A date without a zone is taken for UTC, as the parser does: it may be half a day off, and the time at which an
    item was first seen bounds it.
    """
    if len(text) > _LONGEST_DATE:
        return None
    found = _NAMED.search(text) or _DOTTED.search(text)
    if found is None:
        return None
    month = _read_month(found["month"])
    try:
        local = datetime(
            int(found["year"]),
            month,
            int(found["day"]),
            int(found["hour"] or 0),
            int(found["minute"] or 0),
            int(found["second"] or 0),
            tzinfo=_read_zone(found),
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):  # the 31st of February; a zone beyond a day
        return None


def _read_month(name: str) -> int:
    if name.isdecimal():
        return int(name)
    folded = name.lower()
    return next((_MONTH_OF[folded[:n]] for n in range(_LONGEST_NAME, 1, -1) if folded[:n] in _MONTH_OF), 0)


def _read_zone(found: re.Match[str]) -> timezone:
    if found["sign"]:
        offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
        return timezone(-offset if found["sign"] == "-" else offset)
    name = NAMED_ZONE.search(found.string)
    return timezone(timedelta(hours=_ZONES[name[0]])) if name else UTC
