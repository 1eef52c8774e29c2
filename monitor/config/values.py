"""The text of one value -> the value; what is wrong with it is a ValueError in the operator's words.

Each message goes on from the value, as in `"10 minutes" is not a duration`, and never repeats it: it may be a secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import time, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import NamedTuple, TypeVar
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from monitor.config.fill import REFERENCE
from monitor.language import is_language_tag
from monitor.model import Network, Quiet, Schedule, Secret

E = TypeVar("E", bound=StrEnum)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_CENTURY = timedelta(days=36525)  # a longer one makes dates that datetime does not have
_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# What monitor.fetch speaks; through each of them the proxy resolves names.
_PROXY_SCHEMES = ("socks5h", "socks5", "http")
# RFC 9110 section 5.6.2: what a header's name is made of.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# A web address up to its path: what stands before the host (a user, a password), and the host with its port.
AUTHORITY = re.compile(r"(https?://)(?:([^/?#]*)@)?([^/?#]*)", re.IGNORECASE)


class Address(NamedTuple):
    """Where the pages are served; an empty host turns them off."""

    host: str
    port: int


def suggest(name: str, known: Iterable[str]) -> str:
    """Give `; did you mean "..."?` for the known name nearest to a mistaken one, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def parse_text(text: str) -> str:
    """Read a name or other short text: not empty, on one line."""
    if not text.strip():
        raise ValueError("is empty")
    if _CONTROL.search(text):
        raise ValueError("holds a line break or another control character")
    return text


def parse_optional_text(text: str) -> str:
    """Read a short text that may be empty."""
    return parse_text(text) if text else ""


def parse_duration(text: str) -> timedelta:
    """Read `90s`, `15m`, `6h` or `7d`: at most a century."""
    found = re.fullmatch(r"(\d{1,10})([smhd])", text, re.ASCII)
    if not found:
        raise ValueError("is not a duration: write a number and a unit, such as 90s, 15m, 6h or 7d")
    duration = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if duration > _CENTURY:
        raise ValueError("is longer than a century")
    return duration


def parse_positive_duration(text: str) -> timedelta:
    """Read a duration that is longer than nothing."""
    duration = parse_duration(text)
    if not duration:
        raise ValueError("is too short: write at least 1s")
    return duration


def parse_interval(text: str) -> timedelta:
    """Read how often a feed may be polled: no more than once a minute, lest a server shut us out."""
    duration = parse_duration(text)
    if duration < timedelta(minutes=1):
        raise ValueError("is too short: no feed is asked more often than every 1m")
    return duration


def parse_size(text: str) -> int:
    """Read `8MiB` as bytes."""
    found = re.fullmatch(r"(\d{1,12}) ?(B|KiB|MiB|GiB)", text, re.ASCII)
    if not found or int(found[1]) == 0:
        raise ValueError("is not a size: write a number and a unit, such as 512KiB or 8MiB")
    return int(found[1]) * _BYTES[found[2]]


def _parse_time(text: str) -> time:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text, re.ASCII)
    if not found:
        raise ValueError("is not a time of day: write 24 hours with two digits each, such as 08:00 or 22:30")
    return time(int(found[1]), int(found[2]))


def parse_quiet(text: str) -> Quiet | None:
    """Read `22:00-07:00`; nothing for an empty text."""
    if not text:
        return None
    parts = [_parse_time(part) for part in text.split("-")]
    if len(parts) != 2 or parts[0] == parts[1]:  # noqa: PLR2004 - a start and an end
        raise ValueError("is not a span of time: write a start and another end, such as 22:00-07:00")
    return Quiet(start=parts[0], end=parts[1])


def parse_schedule(text: str) -> Schedule:
    """Read `hourly`, `daily 08:00` or `weekly mon 08:00`."""
    match text.split():
        case ["hourly"]:
            return Schedule(every="hourly")
        case ["daily", at]:
            return Schedule(every="daily", at=_parse_time(at))
        case ["weekly", day, at] if day in _DAYS:
            return Schedule(every="weekly", at=_parse_time(at), weekday=_DAYS.index(day))
    raise ValueError("is not a schedule: write hourly, daily 08:00 or weekly mon 08:00 (mon tue wed thu fri sat sun)")


def parse_digest(text: str) -> Schedule | None:
    """Read a schedule; nothing for an empty text."""
    return parse_schedule(text) if text else None


def parse_network(text: str) -> Network:
    """Read an IP network, or one address."""
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(
            "is not a network: write it such as 10.0.0.0/8, with no address bits after the mask"
        ) from error


def parse_zone(text: str) -> ZoneInfo:
    """Read a time zone of the IANA database."""
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:  # OSError: the name of a folder of zones, such as Europe
        near = suggest(text, available_timezones())
        raise ValueError(f"is no time zone that this machine knows: write it such as Europe/Paris{near}") from error


def parse_language(text: str) -> str:
    """Read a language code (BCP 47: ISO 639 letters, a region or script perhaps), such as `en` or `pt-BR`."""
    if not is_language_tag(text):
        raise ValueError("is no language code: write two small letters (ISO 639), such as en, ru or ar")
    return text


def parse_choice(choices: type[E], text: str) -> E:
    """Read one of an enumeration's values."""
    try:
        return choices(text)
    except ValueError as error:
        raise ValueError(f"is not known here: write one of {', '.join(choices)}{suggest(text, choices)}") from error


def _split_url(text: str) -> SplitResult:
    if re.search(r"\s", text) or _CONTROL.search(text):
        raise ValueError("holds a space, a line break or another control character")
    try:
        url = urlsplit(text)
        url.port  # noqa: B018 - reading it checks it
    except ValueError as error:
        raise ValueError("is no URL: its host or port cannot be read") from error
    return url


def parse_feed_url(text: str) -> Secret:
    """Read the address of a feed: http or https, with a host."""
    url = _split_url(text)
    if url.scheme not in {"http", "https"}:
        raise ValueError("is no web address: it must begin with https:// or http://")
    if not url.hostname:
        raise ValueError("has no host: write it such as https://www.example.org/feed")
    return Secret(text)


def parse_proxy(text: str) -> Secret:
    """Read a proxy's URL; an empty text means none."""
    if not text:
        return Secret("")
    url = _split_url(text)
    if url.scheme not in _PROXY_SCHEMES:
        raise ValueError(
            f"has a scheme that cannot be used: write {', '.join(_PROXY_SCHEMES)}; "
            "socks5h://127.0.0.1:9050 suits Tor, for with it no name is looked up outside the proxy"
        )
    if not url.hostname or not url.port:
        raise ValueError("lacks its host or its port: write it such as socks5h://127.0.0.1:9050")
    return Secret(text)


def can_isolate(proxy: Secret) -> bool:
    """Tell whether a proxy can keep feeds apart by their user names: SOCKS 5, with none given."""
    url = urlsplit(proxy.reveal())
    return url.scheme in {"socks5h", "socks5"} and url.username is None


def parse_header_name(text: str) -> str:
    """Read the name of an HTTP header."""
    if not _HEADER_NAME.fullmatch(text):
        raise ValueError("stands under a name that no header can have: letters, digits and dashes only")
    return text


def parse_header_value(text: str) -> Secret:
    """Read the value of an HTTP header: one line."""
    if _CONTROL.search(text):
        raise ValueError("holds a line break or another control character")
    return Secret(text)


def parse_database(text: str) -> Secret:
    """Read a database URL of a kind that the store speaks. A database in memory would forget what was told."""
    if re.fullmatch(r"postgresql(\+psycopg)?://.+", text):
        return Secret(text)
    found = re.fullmatch(r"sqlite(?:\+pysqlite)?:///([^?]+)(\?.*)?", text)
    if not found:
        raise ValueError("is no database: write sqlite:///monitor.db or postgresql://user@host/name")
    if found[1] == ":memory:":
        raise ValueError("forgets everything at every start, and would tell it again: write sqlite:///monitor.db")
    return Secret(text)


def parse_listen(text: str) -> Address:
    """Read `127.0.0.1:8642` or `[::1]:8642`; an empty text turns the pages off."""
    if not text:
        return Address("", 0)
    found = re.fullmatch(r"(?:\[([^\]\s]+)\]|([^:\s\[\]]+)):(\d{1,5})", text, re.ASCII)
    if not found or int(found[3]) > 65535:  # noqa: PLR2004 - the last port
        raise ValueError("is no address to listen on: write 127.0.0.1:8642, or nothing to have no pages")
    return Address(found[1] or found[2], int(found[3]))


def show_url(written: str) -> str:
    """Give a feed's address fit to be shown: `${NAME}` stays as written, another user or password becomes ***."""
    found = AUTHORITY.match(written)
    if not found or not found[2] or not REFERENCE.sub("", found[2]).strip(":"):
        return written
    return f"{found[1]}***@{written[found.start(3) :]}"


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine and nobody else can reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
