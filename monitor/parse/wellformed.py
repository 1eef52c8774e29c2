"""XML text -> what feedparser would make of it, at a tenth of the cost; None for all but documents without surprises."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element

from feedparser.api import StrictFeedParser
from feedparser.datetimes import _parse_date

from monitor.parse.tree import Tree, build_tree

# The rules below are those of feedparser 6.0.14 (mixin.py, namespaces/, parsers/strict.py) for documents in which an
# element means the same wherever it stands. Whatever might matter in another way is a surprise, and the document goes
# to feedparser. tests/test_wellformed.py compares the two.
_PREFIX_OF: Mapping[str, str] = {uri.lower(): prefix.lower() for uri, prefix in StrictFeedParser.namespaces.items()}
_HANDLED = {
    name.removeprefix(verb) for name in dir(StrictFeedParser) for verb in ("_start_", "_end_") if name.startswith(verb)
}
# feedparser keeps every element under its own name or a synonym: these would pass for what is read here.
_NAMES_READ = {"title", "summary", "description", "published", "issued", "updated", "modified", "date"}
_KEYS_READ = _NAMES_READ | {f"{name}_{part}" for name in _NAMES_READ for part in ("detail", "parsed")}
_KEYS_READ |= {"id", "guid", "link", "links", "content", "author", "language"}
_SPECIAL_PREFIXES = _NAMES_READ | set(_PREFIX_OF.values())
# Formats that feedparser tells by a namespace, whatever the root.
_FORMATS = {
    "http://www.w3.org/2005/atom": "atom10",
    "http://purl.org/rss/1.0/": "rss10",
    "http://my.netscape.com/rdf/simple/0.9/": "rss090",
}

_ENTRIES = {"item", "entry"}
_IDS = {"guid", "id"}
_DATES = {
    **dict.fromkeys(("published", "pubdate", "issued", "dcterms_issued"), "published"),
    **dict.fromkeys(("updated", "modified", "lastbuilddate", "dc_date", "dcterms_modified"), "updated"),
}
_AUTHORS = {"author", "dc_creator", "dc_author", "itunes_author"}
_LANGUAGES = {"language", "dc_language"}
_PACE = {"ttl", "sy_updateperiod", "sy_updatefrequency"}
# Elements of text, and what feedparser takes it for unless they say.
_CONTENTS = {"content": "text/plain", "content_encoded": "text/html"}
_SUMMARIES = {
    "description": "text/html",
    "dc_description": "text/html",
    "media_description": "text/html",
    "summary": "text/plain",
    "itunes_summary": "text/plain",
}
_TYPES = {
    **dict.fromkeys(("text", "plain", "text/plain"), "text/plain"),
    **dict.fromkeys(("html", "text/html"), "text/html"),
}
# What feedparser handles without effect on anything that is read here, as long as there are no elements in it ...
_PASSED = {
    "category", "cloud", "contributor", "copyright", "created", "dc_contributor", "dc_publisher", "dc_rights",
    "dc_subject", "dcterms_created", "enclosure", "expirationdate", "generator", "itunes_block", "itunes_category",
    "itunes_explicit", "itunes_image", "itunes_keywords", "itunes_subtitle", "keywords", "media_category",
    "media_content", "media_credit", "media_keywords", "media_player", "media_rating", "media_restriction",
    "media_thumbnail", "rights", "source",
}  # fmt: skip
_PASSED_IN_FEED = (_PASSED | _IDS | _DATES.keys() | _AUTHORS | _SUMMARIES.keys()) - {"media_description", "source"} | {
    "admin_errorreportsto", "admin_generatoragent", "feedburner_browserfriendly", "info", "itunes_link", "link",
    "managingeditor", "subtitle", "tagline", "webmaster",
}  # fmt: skip
# ... and with these in it.
_PERSON = {"name", "email", "uri", "url", "homepage"}
_BOXES = {"contributor": _PERSON}
_BOXES_IN_FEED = {
    "author": _PERSON,
    "contributor": _PERSON,
    "image": {"title", "link", "url", "width", "height", "description"},
    "itunes_category": {"itunes_category"},
    "itunes_owner": {"itunes_name", "itunes_email"},
    "textinput": {"title", "link", "description", "name"},
}
_MEDIA_BOXES = {"media_group", "media_content"}
# Attributes that mean something on some element: feedparser drops their prefix unless it knows the namespace.
_TELLING = {"href", "url", "uri", "rel", "type", "mode", "ispermalink", "lastmod", "lang"}
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# Slashes that are too many after a scheme, and what only looks like an entity: `?a=1&b;=2`.
_SLASHES = re.compile(r"^([A-Za-z][A-Za-z0-9+-.]*://)/+")
_SEEMING_ENTITY = re.compile(r"&([A-Za-z0-9_]+);")
# Control characters which stand for those that Windows-1252 has in their place.
_UNASSIGNED = {0x81, 0x8D, 0x8F, 0x90, 0x9D}
_WINDOWS = {code: bytes([code]).decode("cp1252") for code in range(0x80, 0xA0) if code not in _UNASSIGNED}

_Fields = dict[str, Any]


class _Surprise(Exception):  # noqa: N818 - no error: the document is for another parser
    """feedparser might understand the document in another way."""


@dataclass(frozen=True, slots=True)
class Wellformed:
    """As much of feedparser's result as is read here, under its names."""

    version: str
    feed: _Fields
    entries: list[_Fields]


def read_wellformed(text: str) -> Wellformed | None:
    """Read a document of which it is certain that feedparser would read the same; None for any other."""
    tree = build_tree(text)
    try:
        return _read_tree(tree) if tree else None
    except _Surprise:
        return None


def _read_tree(tree: Tree) -> Wellformed:
    _check_namespaces(tree)
    root, kind = tree.root, _name(tree.root.tag)
    formats = {_FORMATS[uri.lower()] for _, uri in tree.namespaces if uri.lower() in _FORMATS}
    lang = _lang(root, "")
    channel = root if kind == "feed" else next(iter(root), root)
    if kind in {"feed", "rss"}:
        _require(formats <= {"atom10"} and (kind == "feed" or len(root) == 1))
        version, holder = ("atom10" if kind == "feed" else "rss20"), channel
        feed = _read_feed(channel, {"language": lang})
    else:
        _require(kind == "rdf_rdf" and formats == {"rss10"})
        version, holder = "rss10", root
        feed = _read_feed(channel, {})
        _read_feed(root, {"title": "", "channel": channel})
    ...


def _name(tag: str) -> str:
    return tag
