"""JSON text -> Document: JSON Feed 1.0 and 1.1 (jsonfeed.org), which feedparser does not read."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monitor.model import Document, Entry
from monitor.parse.dates import read_timestamp
from monitor.parse.entries import keep_entries


def read_json(text: str) -> Document | None:
    """Read a JSON Feed; None where the JSON is broken or something else. Unknown and `_` fields are passed over."""
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError):  # ValueError also: a number of too many digits
        return None
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        return None
    if "jsonfeed.org" not in _text(feed.get("version")) and not _text(feed.get("title")):
        return None
    entries, skipped = keep_entries(feed["items"], date=_date, read=_entry)
    return Document(
        kind="json", title=_text(feed.get("title")), lang=_text(feed.get("language")), entries=entries, skipped=skipped
    )


def _entry(item: Any) -> Entry:
    if not isinstance(item, dict):
        raise TypeError("it is no object")
    return Entry(
        guid=_text(item.get("id")),
        link=_text(item.get("url")) or _text(item.get("external_url")),
        title=html.escape(_text(item.get("title")), quote=False),
        summary=_summary(item),
        author=_author(item),
        lang=_text(item.get("language")),
        published=_time(item.get("date_published")),
        updated=_time(item.get("date_modified")),
    )


def _summary(item: Mapping[str, Any]) -> str:
    plain = _text(item.get("summary")) or ("" if _text(item.get("content_html")) else _text(item.get("content_text")))
    return html.escape(plain, quote=False) if plain else _text(item.get("content_html"))


def _author(item: Mapping[str, Any]) -> str:
    """Name the authors; version 1.0 had one `author`, 1.1 has a list of `authors`."""
    authors = item.get("authors")
    people = authors if isinstance(authors, list) else [item.get("author")]
    return ", ".join(name for person in people if isinstance(person, dict) and (name := _text(person.get("name"))))


def _date(item: Any) -> datetime | None:
    return _time(item.get("date_published")) or _time(item.get("date_modified")) if isinstance(item, dict) else None


def _time(value: Any) -> datetime | None:
    return read_timestamp(_text(value))


def _text(value: Any) -> str:
    """Take strings, and numbers where publishers write an `id` as one; anything else is missing."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
