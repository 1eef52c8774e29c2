"""Entries of one document -> keys: which entry is which, now and at the next poll."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from monitor.model import Entry
from monitor.normalise.url import canonical_url, fold_permalink

_LONG_TEXT = 120  # characters of a summary
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """How an entry is known again within its feed.

    `key` begins with its kind: `g:` a GUID, `u:` a canonical URL, `h:` a hash of the text. `alias` (`a:`) is a hash
    of the text, of URL and text where the text is short, or empty: an entry whose GUID changed, while what a reader
    sees did not, is the same entry. `url` is canonical, or empty.
    """

    key: str
    alias: str
    url: str


def identify_entries(entries: Sequence[Entry], *, base: str) -> list[Identity]:
    """Give each entry its key: the GUID, else the canonical URL, else a hash of title and summary.

    A GUID that entries with different links share, or a URL that entries with different titles share, tells nothing
    apart and is passed over. Keys repeat where a document holds an entry twice. Cheap: no text is cleaned.
    """
    guids = [fold_permalink(entry.guid.strip()) for entry in entries]
    urls = [canonical_url(entry.link, base=base) for entry in entries]
    seen_under: defaultdict[str, set[str]] = defaultdict(set)
    for entry, guid, url in zip(entries, guids, urls, strict=True):
        seen_under[f"g:{guid}"].add(url or entry.title)
        seen_under[f"u:{url}"].add(entry.title)
    return [
        Identity(
            key=_choose_key(entry, guid and f"g:{guid}", url and f"u:{url}", seen_under),
            alias=_choose_alias(entry, url),
            url=url,
        )
        for entry, guid, url in zip(entries, guids, urls, strict=True)
    ]


def _choose_alias(entry: Entry, url: str) -> str:
    """Know an entry again whose GUID has changed: by its words, if they are many, else by its URL and words.

    A site that moves gives all its entries new GUIDs and new URLs at once; a long text stays what it was. Short ones
    ("Weather", no summary) do recur, and only their page tells them apart.
    """
    if len(entry.summary) >= _LONG_TEXT:
        return _digest("a:", entry.title, entry.summary)
    return url and _digest("a:", url, entry.title, entry.summary)


def _choose_key(entry: Entry, guid: str, url: str, seen_under: defaultdict[str, set[str]]) -> str:
    for candidate in (guid, url):
        if candidate and len(seen_under[candidate]) == 1:
            return candidate if len(candidate) <= _LONGEST_KEY else _digest(candidate[:2], candidate)
    return _digest("h:", entry.title, entry.summary)


def _digest(prefix: str, *texts: str) -> str:
    whole = "\0".join(" ".join(text.split()) for text in texts)
    return prefix + blake2b(whole.encode("utf-8", "replace"), digest_size=20).hexdigest()
