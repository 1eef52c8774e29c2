"""XML text -> what feedparser would make of it, at a tenth of the cost; None for all but documents without surprises."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
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

# --- What feedparser knows -----------------------------------------------------------------------------------------

_PREFIX_OF: Mapping[str, str] = {uri.lower(): prefix.lower() for uri, prefix in StrictFeedParser.namespaces.items()}
_HANDLED = {
    name.removeprefix(verb) for name in dir(StrictFeedParser) for verb in ("_start_", "_end_") if name.startswith(verb)
}
# It keeps every element under the element's name, or a synonym: these would pass for what is read here.
_NAMES_READ = {"title", "summary", "description", "published", "issued", "updated", "modified", "date"}
_KEYS_READ = _NAMES_READ | {f"{name}_{part}" for name in _NAMES_READ for part in ("detail", "parsed")}
_PACE = {"ttl", "sy_updateperiod", "sy_updatefrequency"}
_KEYS_READ |= {"id", "guid", "link", "links", "content", "author", "language", "feedburner_origlink"} | _PACE
_SPECIAL_PREFIXES = {name.partition("_")[0].lower() for name in _HANDLED | _KEYS_READ}
# Declared anywhere, these make a document RSS 1.0 or 0.90, whatever its root.
_OTHER_FORMATS = {"http://purl.org/rss/1.0/", "http://my.netscape.com/rdf/simple/0.9/"}
# Elements that are handled without effect on anything read here, as long as there are no elements in them ...
_PASSED = {
    "category", "cloud", "contributor", "copyright", "created", "dc_contributor", "dc_publisher", "dc_rights",
    "dc_subject", "dcterms_created", "enclosure", "expirationdate", "generator", "itunes_block", "itunes_category",
    "itunes_explicit", "itunes_image", "itunes_keywords", "itunes_subtitle", "keywords", "media_category",
    "media_content", "media_credit", "media_keywords", "media_player", "media_rating", "media_restriction",
    "media_thumbnail", "rights",
}  # fmt: skip
_PASSED_IN_FEED = _PASSED | {
    "author", "dc_creator", "dc_date", "feedburner_browserfriendly", "guid", "id", "info", "itunes_author", "itunes_link",
    "lastbuilddate", "link", "managingeditor", "modified", "pubdate", "published", "subtitle", "tagline", "updated",
    "webmaster",
}  # fmt: skip
# ... or only these.
_PERSON = {"name", "email", "uri", "url", "homepage"}
_BOXES_IN_FEED = {
    "author": _PERSON,
    "contributor": _PERSON,
    "image": {"title", "link", "url", "width", "height", "description"},
    "itunes_category": {"itunes_category"},
    "itunes_owner": {"itunes_name", "itunes_email"},
    "textinput": {"title", "link", "description", "name"},
}
_MEDIA_BOXES = {"media_group", "media_content"}
_DATES = {
    **dict.fromkeys(("published", "pubdate", "issued", "dcterms_issued"), "published"),
    **dict.fromkeys(("updated", "modified", "lastbuilddate", "dc_date", "dcterms_modified"), "updated"),
}
# Elements of text, and what it is taken for unless they say.
_TEXTS = {
    "title": "text/plain", "content": "text/plain", "content_encoded": "text/html",
    "description": "text/html", "dc_description": "text/html", "media_description": "text/html",
    "summary": "text/plain", "itunes_summary": "text/plain",
}  # fmt: skip
_TYPES = {
    **dict.fromkeys(("text", "plain", "text/plain"), "text/plain"),
    **dict.fromkeys(("html", "text/html"), "text/html"),
}
# Attributes that mean something somewhere; the prefix of an unknown namespace is dropped from an attribute.
_TELLING = {"href", "url", "uri", "rel", "type", "mode", "ispermalink", "lastmod", "lang"}
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# Slashes that are too many after a scheme, and what only looks like an entity: `?a=1&b;=2`.
_SLASHES = re.compile(r"^([A-Za-z][A-Za-z0-9+-.]*://)/+")
_SEEMING_ENTITY = re.compile(r"&([A-Za-z0-9_]+);")
# Control characters which stand for those that Windows-1252 has in their place.
_UNASSIGNED = {0x81, 0x8D, 0x8F, 0x90, 0x9D}
_WINDOWS = {code: bytes([code]).decode("cp1252") for code in range(0x80, 0xA0) if code not in _UNASSIGNED}

Fields = dict[str, Any]


class _Surprise(Exception):
    """feedparser might understand the document in another way."""


@dataclass(frozen=True, slots=True)
class Wellformed:
    """As much of feedparser's result as is read here, under its names."""

    version: str
    feed: Fields
    entries: list[Fields]


def read_wellformed(text: str) -> Wellformed | None:
    """Read a document of which it is certain that feedparser would read the same; None for any other."""
    tree = build_tree(text)
    try:
        return _read_tree(tree) if tree else None
    except _Surprise:
        return None


# --- The document --------------------------------------------------------------------------------------------------


def _read_tree(tree: Tree) -> Wellformed:
    """Read Atom and RSS 0.9x and 2.0; RSS 1.0 has become rare, and rules of its own."""
    _check_namespaces(tree)
    root, kind = tree.root, _name(tree.root.tag)
    _require(not any(_local(key) == "base" for element in root.iter() for key in element.attrib))
    _require(kind == "feed" or (kind == "rss" and [_name(child.tag) for child in root] == ["channel"]))
    atom = kind == "feed"
    channel = root if atom else root[0]
    _require(_attributes(channel).keys().isdisjoint({"href", "lastmod"}))
    lang = _lang(root, "")
    feed: Fields = {"language": lang} if lang else {}
    context = _Context(atom, _lang(channel, lang))
    entries = []
    for element in channel:
        name = _name(element.tag)
        if name in {"item", "entry"}:
            entries.append(_read_entry(element, context))
        else:
            _FEED_READERS.get(name, _pass_over_in_feed)(element, name, feed, context)
    return Wellformed("atom10" if atom else "rss20", feed, entries)


def _check_namespaces(tree: Tree) -> None:
    """Refuse what confuses names: a prefix of two meanings, another's prefix, an unknown default."""
    meanings: dict[str, str] = {}
    for prefix, uri in tree.namespaces:
        _require(meanings.setdefault(prefix, uri) == uri and not re.search(r"[\s}]", uri))
        known = _PREFIX_OF.get(uri.lower())
        _require(
            known is not None if not prefix else prefix.lower() == known or prefix.lower() not in _SPECIAL_PREFIXES
        )
        _require(uri.lower() not in _OTHER_FORMATS and (known is not None or "backend.userland.com" not in uri.lower()))


def _read_entry(entry: Element, context: _Context) -> Fields:
    attributes = _attributes(entry)
    _require(attributes.keys().isdisjoint({"href", "lastmod", "about"}))
    raw: Fields = {"links": [], "content": []}
    context = _Context(context.atom, _lang(entry, context.lang))
    for element in entry:
        name = _name(element.tag)
        if name in _MEDIA_BOXES:
            for inner in element:
                inner_name = _name(inner.tag)
                _MEDIA_READERS.get(inner_name, _pass_over)(inner, inner_name, raw, context)
        else:
            _READERS.get(name, _pass_over)(element, name, raw, context)
    # A title of a picture counts where the entry has none, and its place can matter beside a source.
    _require("media_title" not in raw or (bool(raw.get("title")) and "source" not in raw))
    return raw


# --- Its elements --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Context:
    """What holds around an element: the format, and the language by `xml:lang`."""

    atom: bool
    lang: str


def _read_title(element: Element, name: str, raw: Fields, context: _Context) -> None:
    _require("title" not in raw)
    raw["title"], raw["title_detail"] = _text(element, name, context)


def _read_summary(element: Element, name: str, raw: Fields, context: _Context) -> None:
    """Take the first for the summary, and the next one for content, unless there is some: then it depends on depth."""
    if "summary" in raw and not raw["content"]:
        _read_content(element, "content", raw, context)
        return
    _require("summary_detail" not in raw)
    raw["summary"], raw["summary_detail"] = _text(element, name, context)


def _read_content(element: Element, name: str, raw: Fields, context: _Context) -> None:
    value, detail = _text(element, name, context)
    raw["content"].append({**detail, "value": value})


def _read_date(element: Element, name: str, raw: Fields, _: _Context) -> None:
    text = _value(element)
    raw[_DATES[name]], raw[f"{_DATES[name]}_parsed"] = text, _parse_date(text)


def _read_id(element: Element, _: str, raw: Fields, __: _Context) -> None:
    """Take the identifier, which is the link too where there is no other, unless it says that it is none."""
    _require("id" not in raw)
    if _attributes(element).get("ispermalink", "true") == "true":
        raw["id"] = _uri(element)
        raw.setdefault("link", raw["id"])
    else:
        raw["id"] = _value(element)


def _read_link(element: Element, _: str, raw: Fields, context: _Context) -> None:
    attributes, text = _attributes(element), _uri(element)
    href = next((attributes[name] for name in ("url", "uri", "href") if name in attributes), None)
    if href is None:
        _require(not context.atom)
        raw["link"] = _SEEMING_ENTITY.sub(r"&\1", text.replace("&amp;", "&"))
        return
    rel = attributes.get("rel", "alternate")
    _require(bool(href) and (context.atom or rel != "alternate"))  # in RSS: atom:link to the feed itself
    raw["links"].append({"rel": rel, "type": attributes.get("type", "text/html"), "href": _SLASHES.sub(r"\1", href)})


def _read_author(element: Element, _: str, raw: Fields, __: _Context) -> None:
    if not len(element):
        raw["author"] = _value(element)
        return
    _require("author" not in raw)  # feedparser gives a second person the address of the first
    person = {_name(part.tag): (part.text or "").strip() for part in element if not len(part)}
    _require(len(person) == len(element) and person.keys() <= _PERSON)
    _require(not "".join([element.text or "", *(part.tail or "" for part in element)]).strip())
    name, email = person.get("name", ""), person.get("email", "")
    raw["author"] = f"{name} ({email})" if name and email else name or email


def _read_language(element: Element, _: str, raw: Fields, __: _Context) -> None:
    raw["language"] = _value(element)


def _note_feed_summary(element: Element, name: str, feed: Fields, _: _Context) -> None:
    """Read no summary of the feed, but refuse a second: the first entry's own would be taken in another way."""
    _require(not len(element) and "summary" not in feed)
    if name == "itunes_summary":
        feed["summary"] = ""


def _read_plainly(element: Element, name: str, raw: Fields, _: _Context) -> None:
    _require(not element.attrib)
    raw[name] = _value(element)


def _note(element: Element, name: str, raw: Fields, _: _Context) -> None:
    raw[name] = _value(element)


def _pass_over(element: Element, name: str, _: Fields, __: _Context) -> None:
    _require(_is_without_effect(element, name, _PASSED, {"contributor": _PERSON}))


def _pass_over_in_feed(element: Element, name: str, _: Fields, __: _Context) -> None:
    _require(_is_without_effect(element, name, _PASSED_IN_FEED, _BOXES_IN_FEED))


_Read = Callable[[Element, str, Fields, _Context], None]
_READERS: dict[str, _Read] = {
    "title": _read_title,
    "link": _read_link,
    **dict.fromkeys(("guid", "id"), _read_id),
    **dict.fromkeys(_DATES, _read_date),
    **dict.fromkeys(_TEXTS.keys() - {"title", "content", "content_encoded"}, _read_summary),
    **dict.fromkeys(("content", "content_encoded"), _read_content),
    **dict.fromkeys(("author", "dc_creator", "dc_author", "itunes_author"), _read_author),
    **dict.fromkeys(("language", "dc_language"), _read_language),
    "feedburner_origlink": _read_plainly,
    **dict.fromkeys(("media_title", "source"), _note),
}
_MEDIA_READERS = {name: _READERS[name] for name in ("media_title", "media_description")}
_FEED_READERS: dict[str, _Read] = {
    "title": _read_title,
    **dict.fromkeys(("language", "dc_language"), _read_language),
    **dict.fromkeys(("description", "itunes_summary"), _note_feed_summary),
    **dict.fromkeys(_PACE, _read_plainly),
}


# --- Names and values ----------------------------------------------------------------------------------------------


def _require(expected: bool) -> None:  # noqa: FBT001 - the one thing it is about
    if not expected:
        raise _Surprise


@lru_cache(maxsize=4096)
def _name(tag: str) -> str:
    """Name an element as feedparser does: `dc_date`, whatever its prefix; those that it does not know with a colon."""
    uri, _, local = tag.rpartition("}")
    prefix = _PREFIX_OF.get(uri[1:].lower(), ":")
    return f"{prefix}_{local}".lower() if prefix else local.lower()


def _local(key: str) -> str:
    return key.rpartition("}")[2].lower()


def _attributes(element: Element) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for key, value in element.attrib.items():
        name = _local(key)
        _require(name not in attributes and (key[0] != "{" or name not in _TELLING or key == _XML_LANG))
        attributes[name] = value.lower() if name in {"rel", "type"} else value
    return attributes


def _lang(element: Element, inherited: str) -> str:
    return _attributes(element).get("lang", inherited).replace("_", "-")


def _text(element: Element, name: str, context: _Context) -> tuple[str, dict[str, str]]:
    """Read an element of text, and what kind of text it is. Markup that is not escaped is left to feedparser."""
    attributes = _attributes(element)
    kind = _TYPES.get(attributes.get("type", _TEXTS[name]), "")
    _require(bool(kind) and attributes.get("mode") != "base64")
    lang = attributes.get("lang", context.lang).replace("_", "-")
    return _value(element), {"type": kind, "language": lang}


def _value(element: Element) -> str:
    _require(not len(element))
    return _repair((element.text or "").strip())


def _uri(element: Element) -> str:
    _require(not len(element))
    return _repair(_SLASHES.sub(r"\1", (element.text or "").strip()))


def _repair(text: str) -> str:
    """Undo what was encoded twice, as UTF-8 taken for Latin-1, and give Windows characters their place."""
    if text.isascii():
        return text
    with suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")
    return text.translate(_WINDOWS)


def _is_without_effect(
    element: Element, name: str, passed: AbstractSet[str], boxes: Mapping[str, AbstractSet[str]]
) -> bool:
    if not len(element) and (name in passed or name in boxes):
        return True
    if name in boxes:
        return all(_name(inner.tag) in boxes[name] for inner in element.iter() if inner is not element)
    return all(_is_unknown(_name(inner.tag)) for inner in element.iter())


def _is_unknown(name: str) -> bool:
    return name not in _HANDLED and name not in _KEYS_READ
