"""OPML -> the feeds that it lists, with its folders as tags; and feeds -> OPML. The only listparser."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET
from xml.parsers import expat

import listparser

from monitor.errors import OpmlError
from monitor.model import Feed

_ENCODING = re.compile(rb"""<\?xml[^>]{0,100}encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})""")
_HINTS = {
    "not well-formed (invalid token)": "; most often this is a & or < in an address or title: write &amp; or &lt;",
    "no element found": "; the file is empty, or its end is missing",
    "mismatched tag": "; an element is not closed, or closed twice",
}


@dataclass(frozen=True, slots=True)
class Outline:
    """A feed of a list: its address as the list has it, the line where it stands, and what is said of it."""

    url: str
    line: int
    name: str = ""
    lang: str = ""
    tags: tuple[str, ...] = ()
    enabled: bool = True


def read_opml(body: bytes) -> list[Outline]:
    """Read the feeds of a list, each address once; folders around it and its categories are its tags.

    listparser knows the dialects of the readers that write such lists, but is silent about what is broken: expat says
    where a file is not XML, and on which line each feed stands.

    Raises:
        OpmlError: the file is not XML, or not OPML; with its line.
    """
    attributes = _scan(body)
    harvest = listparser.parse(body.decode(_encoding(body), errors="replace").encode())
    return [_outline(feed, attributes[feed["url"]]) for feed in harvest["feeds"]]


def _encoding(body: bytes) -> str:
    """Give the encoding of a document that expat has read: by its first bytes, else as it says (XML 1.0 appendix F)."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    declared = _ENCODING.match(body)
    return declared[1].decode() if declared else "utf-8-sig"


def _outline(feed: dict[str, Any], attributes: dict[str, Any]) -> Outline:
    tags = (" ".join(tag.split()) for category in feed["categories"] for tag in category)
    return Outline(
        url=feed["url"],
        line=attributes.get("line", 0),
        name=" ".join(feed["title"].split()),
        lang=attributes.get("language", ""),
        tags=tuple(dict.fromkeys(filter(None, tags))),
        enabled=attributes.get("iscomment") != "true",
    )


def _scan(body: bytes) -> defaultdict[str, dict[str, Any]]:
    """Give the attributes and the line of each feed's first outline by its address."""
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    roots: list[str] = []
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        roots.append(name.lower())
        lower = {key.lower(): value.strip() for key, value in attributes.items()}
        if roots[-1] == "outline" and lower.get("xmlurl"):
            found.setdefault(lower["xmlurl"], {**lower, "line": parser.CurrentLineNumber})

    parser.StartElementHandler = start
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        words = expat.ErrorString(error.code)
        raise OpmlError(f"this is not XML: {words}{_HINTS.get(words, '')}", line=error.lineno) from error
    except LookupError as error:
        raise OpmlError(f"it cannot be read: {error}", line=1) from error
    if roots[0] != "opml":
        raise OpmlError(f"this is an XML document <{roots[0]}>, not a list of feeds (OPML)", line=1)
    return found


def write_opml(feeds: Iterable[Feed], *, title: str) -> str:
    """Write feeds as OPML 2.0 (http://opml.org/spec2.opml), each in the folder of its first tag, all tags as categories.

    Addresses are as feeds.toml has them: `${NAME}` stands, another user or password is ***. A feed that is turned off
    is a comment.
    """
    root = ET.Element("opml", version="2.0")
    ET.SubElement(ET.SubElement(root, "head"), "title").text = title
    body = ET.SubElement(root, "body")
    folders: dict[str, ET.Element] = {"": body}
    for feed in feeds:
        tag = feed.tags[0] if feed.tags else ""
        if tag not in folders:
            folders[tag] = ET.SubElement(body, "outline", text=tag)
        attributes = {
            "type": "rss",
            "text": feed.name or feed.url,
            "xmlUrl": feed.url,
            "category": ",".join(feed.tags),
            "language": feed.lang,
            "isComment": "" if feed.enabled else "true",
        }
        ET.SubElement(folders[tag], "outline", {name: value for name, value in attributes.items() if value})
    ET.indent(root)
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{ET.tostring(root, encoding='unicode')}\n"
