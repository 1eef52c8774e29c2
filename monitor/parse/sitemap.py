"""Sitemap text -> Document: the articles of a news sitemap, for the many outlets that have no other feed."""

from __future__ import annotations

import html
import re
from datetime import datetime
from xml.etree.ElementTree import Element

from monitor.errors import ParseError
from monitor.model import Document, Entry
from monitor.parse.dates import read_timestamp
from monitor.parse.entries import keep_entries
from monitor.parse.refusal import printable
from monitor.parse.tree import build_tree

# Atomic groups (?>...) keep a thousand comments from being tried in every grouping.
_ROOT = re.compile(r"(?:(?><!--.*?-->)|(?><\?.*?\?>)|\s++)*+<(?:\w+:)?(urlset|sitemapindex)[\s>/]", re.DOTALL)
_NAMED_AT_MOST = 5


def read_sitemap(text: str) -> Document | None:
    """Read a news sitemap (sitemaps.org, with Google's `news:news` in its entries); None where it is no sitemap.

    Pages without `news:news` are passed over. The namespace's address is not looked at: some outlets write another.

    Raises:
        ParseError: kind `not-a-feed`, for a sitemap without news, or one of sitemaps, which are named.
    """
    found = _ROOT.match(text)
    if found is None:
        return None
    tree = build_tree(text)
    if tree is None:
        raise ParseError("not-a-feed", "a sitemap that is cut, broken or far too large")
    if found[1] == "sitemapindex":
        raise ParseError("not-a-feed", _describe_index(tree.root))
    pages = tree.root.findall("{*}url")
    articles = [page for page in pages if page.find("{*}news") is not None]
    if not articles:
        message = f"a sitemap of {len(pages)} pages without news instead of a feed: none has the element <news:news>"
        raise ParseError("not-a-feed", message)
    entries, skipped = keep_entries(articles, date=_published, read=_entry)
    return Document(
        kind="sitemap",
        title=html.escape(_text(articles[0], "news/publication/name"), quote=False),
        lang="",
        entries=entries,
        skipped=skipped,
    )


def _entry(page: Element) -> Entry:
    return Entry(
        link=_text(page, "loc"),
        title=html.escape(_text(page, "news/title"), quote=False),
        lang=_text(page, "news/publication/language"),
        published=_published(page),
        updated=read_timestamp(_text(page, "lastmod")),
    )


def _published(page: Element) -> datetime | None:
    return read_timestamp(_text(page, "news/publication_date"))


def _text(page: Element, path: str) -> str:
    return (page.findtext("/".join(f"{{*}}{name}" for name in path.split("/"))) or "").strip()


def _describe_index(root: Element) -> str:
    """Name the sitemaps that it lists, those with `news` in their address first: one of them may be a feed."""
    listed = [address for sitemap in root.findall("{*}sitemap") if (address := printable(_text(sitemap, "loc")))]
    listed.sort(key=lambda address: "news" not in address.lower())
    more = f" and {len(listed) - _NAMED_AT_MOST} more" if len(listed) > _NAMED_AT_MOST else ""
    return f"a list of {len(listed)} sitemaps instead of a feed: {', '.join(listed[:_NAMED_AT_MOST])}{more}"
