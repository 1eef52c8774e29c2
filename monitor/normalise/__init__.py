"""Entry -> Item: plain text, canonical URL, UTC, language, and the key by which it is known again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from monitor.model import Entry, Item
from monitor.normalise.identity import Identity, identify_entries
from monitor.normalise.language import choose_language
from monitor.normalise.plain import cut_text, plain_text
from monitor.normalise.url import canonical_url, fold_feed_address

__all__ = ["Identity", "canonical_url", "fold_feed_address", "identify_entries", "normalise_entry", "plain_text"]

_TITLE, _SUMMARY, _AUTHOR = 500, 2_000, 200
_TITLE_FROM_SUMMARY = 100
# Before the first news feeds, and beyond every time zone: such dates are defaults and typing errors.
_EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
_FARTHEST = timedelta(hours=24)


def normalise_entry(entry: Entry, identity: Identity, *, base: str, lang: str, declared: str, seen: datetime) -> Item:
    """Clean one entry.

    `base` is the document's address. `lang` is what the operator says of the feed
    and is final; `declared` is what the document says of itself and may be overruled by the text.
    """
    summary = plain_text(entry.summary, limit=_SUMMARY)
    title = plain_text(entry.title, limit=_TITLE) or cut_text(summary, _TITLE_FROM_SUMMARY)
    return Item(
        key=identity.key,
        alias=identity.alias,
        url=identity.url,
        title=title or f"(untitled, {urlsplit(identity.url or base).hostname or 'unknown source'})",
        summary=summary,
        lang=choose_language(f"{title}\n{summary}", given=lang, declared=entry.lang or declared),
        published=_plausible_time(entry, seen),
        seen=seen,
        author=plain_text(entry.author, limit=_AUTHOR),
    )


def _plausible_time(entry: Entry, seen: datetime) -> datetime | None:
    times = (time.astimezone(UTC) for time in (entry.published, entry.updated) if time is not None)
    return next((time for time in times if _EARLIEST <= time <= seen + _FARTHEST), None)
