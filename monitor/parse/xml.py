"""XML text -> Document: RSS 0.9x, 1.0, 2.0 and Atom; with wellformed.py, the only module that knows feedparser."""

from __future__ import annotations

import calendar
import html
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser

from monitor.errors import ParseError
from monitor.model import Document, Entry
from monitor.parse.dates import NAMED_ZONE, read_date
from monitor.parse.entries import MOST_ENTRIES, keep_entries
from monitor.parse.skips import read_skips
from monitor.parse.wellformed import read_wellformed

# What never is in a page; without it feedparser's tolerant parser would take seconds over a megabyte of anything.
_FEED_ROOT = re.compile(r"<(?:[\w-]+:)?(?:rss|feed|rdf|channel|entry)[\s>/]", re.IGNORECASE)
# Atomic groups (?>...) keep a thousand comments from being tried in every grouping.
_PAGE_START = re.compile(
    r"(?:(?><!--.*?-->)|(?><\?.*?\?>)|\s++)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_ENTRY_START = re.compile(r"<(?:\w+:)?(?:item|entry)[\s>]", re.IGNORECASE)
# What feedparser 6.0.14 lets escape from its handlers on broken documents (fuzzed: 200 of 118,000 mutations of the
# corpora), nearly all in modules that nothing here is taken from.
_BREAKAGE = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError)
_ACCESSORY_TAG = re.compile(
    r"</?(?:(?!(?:atom\d*|a\d+|content|dc|feedburner|rdf|rss|sy|xhtml):)[\w-]+:|(?:image|textinput|width|height)\b)[^<>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^<>]*>")
_WORD = re.compile(r"\w")
# sy:updatePeriod of the RSS 1.0 syndication module.
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
# What a feed may ask for: "yearly" and ttl 0 are both found in the wild, and neither is meant.
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=1)


def read_xml(text: str) -> Document | None:
    """Read RSS or Atom, well-formed or not; None where it is neither.

    Raises:
        ParseError: kind `crashed`, when feedparser trips over the document.
    """
    if not _FEED_ROOT.search(text):
        return None
    text, unparsed = _thin_out(text)
    skip_hours, skip_days = read_skips(text)
    try:
        parsed = read_wellformed(text) or _parse(text)
    except _BREAKAGE:
        parsed = _parse_essentials(text)
    version: str = parsed.version
    if not parsed.entries and (not version or _PAGE_START.match(text)):
        return None
    atom = version.startswith("atom")
    entries, skipped = keep_entries(
        parsed.entries,
        date=lambda raw: _time(raw, "published") or _time(raw, "updated"),
        read=lambda raw: _entry(raw, atom=atom),
        unparsed=unparsed,
    )
    return Document(
        kind="atom" if atom else "rdf" if version in {"rss10", "rss090"} else "rss",
        title=_markup(parsed.feed, "title", plain=atom),
        lang=_text(parsed.feed.get("language")),
        entries=entries,
        skipped=skipped,
        min_interval=_min_interval(parsed.feed),
        skip_hours=skip_hours,
        skip_days=skip_days,
    )


def _parse(text: str) -> Any:
    """Hand the text to feedparser.

    It is given a stream, because given bytes it first opens a file of that name; without the address of the document,
    because it would make URLs of plain GUIDs with it; and neither sanitises nor resolves links in markup, which is two
    thirds of its time and is done later on what is kept.
    """
    return feedparser.parse(
        io.BytesIO(text.encode("utf-8", "replace")),
        sanitize_html=False,
        resolve_relative_uris=False,
        response_headers={"content-type": "application/xml; charset=utf-8"},
    )


def _parse_essentials(text: str) -> Any:
    """Try again without the elements that no entry is made of: maps, licences, players and sizes of pictures."""
    try:
        return _parse(_ACCESSORY_TAG.sub("", text))
    except _BREAKAGE as error:
        message = f"the feed is broken in a way that its parser does not survive: {type(error).__name__}: {error}"
        raise ParseError("crashed", message) from error


def _thin_out(text: str) -> tuple[str, int]:
    """Leave out the middle of a document of very many entries, for which parsing would take the whole deadline.

    100,000 entries take seven seconds, nearly all for nothing. Both ends stay, since either may be the newest.
    """
    starts = [entry.start() for entry in _ENTRY_START.finditer(text)]
    unparsed = len(starts) - 2 * MOST_ENTRIES
    if unparsed <= 0:
        return text, 0
    return text[: starts[MOST_ENTRIES]] + text[starts[-MOST_ENTRIES] :], unparsed


def _entry(raw: Any, *, atom: bool) -> Entry:
    guid = _text(raw.get("id"))
    return Entry(
        guid=guid,
        link=_link(raw, guid, atom=atom),
        title=_markup(raw, "title", plain=atom),
        summary=_summary(raw, plain=atom),
        author=_text(raw.get("author")),
        lang=_text(raw.get("language")) or _text(_detail(raw, "title").get("language")),
        published=_time(raw, "published"),
        updated=_time(raw, "updated"),
    )


def _link(raw: Any, guid: str, *, atom: bool) -> str:
    """Choose the entry's page: the original behind a FeedBurner link, else the first alternate (RFC 4287, 4.2.7.2).

    A GUID serves as link where it is one: `isPermaLink` is true by default, also for those that are plain numbers.
    """
    original = _text(raw.get("feedburner_origlink"))
    if original:
        return original
    links = [link for link in raw.get("links", ()) if link.get("rel", "alternate") == "alternate" and link.get("href")]
    pages = [link for link in links if "html" in link.get("type", "html")]
    if atom and links:
        return _text((pages or links)[0]["href"])
    link = _text(raw.get("link"))
    return "" if link == guid and "://" not in link else link


def _summary(raw: Any, *, plain: bool) -> str:
    """Prefer the summary, unless it is without words (an image, say) where the full content has some."""
    markups = [_markup(raw, "summary", plain=plain)]
    markups += [_as_markup(content, content.get("value"), plain=plain) for content in raw.get("content", ())]
    markups.append(_text(raw.get("media_description")))
    return next((markup for markup in markups if _WORD.search(_TAG.sub("", markup))), "")


def _markup(raw: Any, name: str, *, plain: bool) -> str:
    detail = _detail(raw, name)
    if name == "summary" and not detail and raw.get("content"):  # Atom content stands in for a missing summary
        detail = raw["content"][0]
    return _as_markup(detail, raw.get(name), plain=plain)


def _as_markup(detail: Mapping[str, Any], value: Any, *, plain: bool) -> str:
    """Escape what Atom declares to be plain text; RSS declares nothing, and mostly means markup."""
    text = _text(value)
    return html.escape(text, quote=False) if plain and detail.get("type") == "text/plain" else text


def _detail(raw: Any, name: str) -> Mapping[str, Any]:
    detail: Mapping[str, Any] = raw.get(f"{name}_detail") or {}
    return detail


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _time(raw: Any, name: str) -> datetime | None:
    """Read a date that the entry really has; feedparser would give the one for the other, with a warning."""
    if name not in raw:
        return None
    text, parts = _text(dict.get(raw, name)), dict.get(raw, f"{name}_parsed")
    if parts is None or NAMED_ZONE.search(text):
        return read_date(text)
    try:
        return datetime.fromtimestamp(calendar.timegm(parts), UTC)
    except (ValueError, OverflowError):  # the year 0
        return None


def _min_interval(feed: Any) -> timedelta | None:
    """Take the feed's wish: `ttl` in minutes (RSS 2.0), else `sy:updatePeriod` over `sy:updateFrequency`."""
    period = _PERIODS.get(_text(feed.get("sy_updateperiod")).lower())
    try:
        if _text(feed.get("ttl")):
            wish = timedelta(minutes=float(feed["ttl"]))
        elif period:
            wish = period / float(_text(feed.get("sy_updatefrequency")) or 1)
        else:
            return None
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
    return min(wish, _LONGEST) if wish >= _SHORTEST else None
