"""Filled-in tables -> what is wrong between them: names that stand twice or refer to nothing, queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.config.document import Document, Finding, KeyPath
from monitor.config.schema import header
from monitor.config.values import show_url, suggest
from monitor.errors import QueryError
from monitor.match import compile_topic
from monitor.model import Feed, Secret, Topic

# Which lists name what: table, key, the tables that they name.
_REFERENCES = (
    ("monitor", "operators", "channel"),
    ("topic", "feeds", "feed"),
    ("alert", "topics", "topic"),
    ("alert", "channels", "channel"),
    ("heartbeat", "channels", "channel"),
)
# How many characters of a query are repeated on either side of its fault.
_EXCERPT = 30


def check_references(document: Document, filled: Mapping[str, Any]) -> Iterator[Finding]:
    """Find them also where other keys are wrong, so that one run tells everything."""
    for table in ("feed", "topic", "channel"):
        names = [(path, text) for path, text in _texts(filled, table, "name")]
        yield from _find_twice(document, names, f"another {header(table)} has this name")
    urls = [(path, show_url(text)) for path, text in _texts(document.tables, "feed", "url")]
    yield from _find_twice(document, urls, "another [[feed]] has this url (a user or password makes no difference)")
    for table, key, kind in _REFERENCES:
        known = _known(filled, kind)
        for path, text in _texts(filled, table, key):
            if text not in known:
                yield Finding(path, _missing(document, path, kind))
    yield from _check_queries(document, filled)
    for table in ("feed", "topic"):
        if not filled.get(table):
            yield Finding((), f"there is no {header(table)}: nothing to {'read' if table == 'feed' else 'look for'}")


def _texts(tables: Mapping[str, Any], table: str, key: str) -> Iterator[tuple[KeyPath, str]]:
    """Give every text under a key of one kind of table, with its path; what is of another type is told elsewhere."""
    entries = tables.get(table)
    numbered = enumerate(entries) if isinstance(entries, list) else [(None, entries)]
    for place, entry in numbered:
        value = entry.get(key) if isinstance(entry, dict) else None
        path: KeyPath = (table, key) if place is None else (table, place, key)
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, list):
            yield from (((*path, number), text) for number, text in enumerate(value) if isinstance(text, str))


def _known(tables: Mapping[str, Any], kind: str) -> dict[str, None]:
    """Give the names that a list may use: a feed goes by its tags too."""
    keys = ("name", "tags") if kind == "feed" else ("name",)
    return dict.fromkeys(text for key in keys for _, text in _texts(tables, kind, key))


def _find_twice(document: Document, values: list[tuple[KeyPath, str]], words: str) -> Iterator[Finding]:
    first: dict[str, KeyPath] = {}
    for path, value in values:
        other = first.setdefault(value, path)
        if other != path:
            yield Finding(path, f"{path[-1]}: {words}: see line {document.line(other)}")


def _missing(document: Document, path: KeyPath, kind: str) -> str:
    """Suggest from what stands in the file, where a `${NAME}` is not filled in."""
    key = next(step for step in reversed(path) if isinstance(step, str))
    written = str(document.written(path))
    what = "feed or tag" if kind == "feed" else kind
    return f'{key}: there is no {what} "{written}"{suggest(written, _known(document.tables, kind))}'


def _check_queries(document: Document, filled: Mapping[str, Any]) -> Iterator[Finding]:
    """Compile each query, with the tags that it may ask for."""
    tags = tuple(tag for _, tag in _texts(filled, "feed", "tags"))
    feeds = [Feed(url="", address=Secret(""), owner="", tags=tags)]
    for path, query in _texts(filled, "topic", "query"):
        try:
            compile_topic(Topic(name="", query=query), feeds)
        except QueryError as error:
            yield _explain_query(path, error, str(document.written(path)))


def _explain_query(path: KeyPath, error: QueryError, query: str) -> Finding:
    """Show where a query goes wrong, unless something was filled in: then the places are not those of the file."""
    if "${" in query:
        return Finding(path, "query: cannot be read once its ${NAME} is filled in")
    before, after = query[: error.position], query[error.position :]
    head, tail = before[-_EXCERPT:], after[:_EXCERPT]
    excerpt = f"{'...' if head != before else ''}{head}>>{tail}{'...' if tail != after else ''}"
    return Finding(path, f"query: {error} (at >> in: {' '.join(excerpt.split())})", error.position)
