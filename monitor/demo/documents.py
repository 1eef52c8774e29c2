"""An outlet, its entries -> its feed document in bytes: RSS 2.0, 1.0 and 0.91, Atom 1.0, JSON Feed 1.1."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from monitor.demo.scenario import Entry, Outlet

CONTENT_TYPES = {
    "rss": "application/rss+xml",
    "rss091": "text/xml; charset=utf-8",
    "atom": "application/atom+xml",
    "rdf": "application/rdf+xml",
    "json": "application/feed+json",
}
_CAMPAIGN = "?utm_source=rss&utm_medium=feed&utm_campaign=world"


def write_document(outlet: Outlet, entries: Sequence[Entry], *, updated: datetime) -> bytes:
    """Write the outlet's feed with these entries, in this order; `updated` is when it last changed.

    Equal arguments give equal bytes, so that an ETag may be made of them.
    """
    if outlet.format == "json":
        return _json_feed(outlet, entries)
    root = _WRITERS[outlet.format](outlet, entries, updated)
    indent(root)
    body: bytes = tostring(root, encoding=outlet.charset, xml_declaration=True)
    return body


def _rss(outlet: Outlet, entries: Sequence[Entry], updated: datetime) -> Element:
    root = Element("rss", {"version": "2.0"})
    if outlet.links == "relative":
        root.set("xml:base", outlet.site + "/")
    if outlet.links == "feedburner":
        root.set("xmlns:feedburner", "http://rssnamespace.org/feedburner/ext/1.0")
    channel = SubElement(root, "channel")
    _add(channel, title=outlet.name, link=outlet.site + "/", description=outlet.name, language=outlet.lang)
    _add(channel, lastBuildDate=format_datetime(updated))
    for entry in entries:
        item = SubElement(channel, "item")
        if entry.title:
            _add(item, title=entry.title)
        _add(item, link=_dressed_link(outlet, entry), description=entry.summary)
        permalink = "true" if entry.guid == entry.link else "false"
        SubElement(item, "guid", {"isPermaLink": permalink}).text = entry.guid
        _add(item, **_date(entry, "pubDate", format_datetime))
        if outlet.links == "feedburner":
            _add(item, **{"feedburner:origLink": entry.link})
    return root


def _rss091(outlet: Outlet, entries: Sequence[Entry], updated: datetime) -> Element:
    """RSS 0.91 gives an item a title, a link and a description: no date, no GUID."""
    root = Element("rss", {"version": "0.91"})
    channel = SubElement(root, "channel")
    _add(channel, title=outlet.name, link=outlet.site + "/", description=outlet.name, language=outlet.lang)
    _add(channel, lastBuildDate=format_datetime(updated))
    for entry in entries:
        _add(SubElement(channel, "item"), title=entry.title, link=entry.link, description=entry.summary)
    return root


def _atom(outlet: Outlet, entries: Sequence[Entry], updated: datetime) -> Element:
    root = Element("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": outlet.lang})
    _add(root, title=outlet.name, id=outlet.site + "/", updated=updated.isoformat())
    SubElement(root, "link", {"href": outlet.site + "/"})
    for entry in entries:
        node = SubElement(root, "entry")
        SubElement(node, "title", {"type": "html"}).text = entry.title
        SubElement(node, "link", {"rel": "alternate", "type": "text/html", "href": entry.link})
        date = (entry.published or updated).isoformat()
        _add(node, id=entry.guid, published=date, updated=date)
        SubElement(node, "summary", {"type": "html"}).text = entry.summary
    return root


def _rdf(outlet: Outlet, entries: Sequence[Entry], _updated: datetime) -> Element:
    """RSS 1.0 names every item by its address, and lists the addresses in the channel once more."""
    root = Element(
        "rdf:RDF",
        {
            "xmlns": "http://purl.org/rss/1.0/",
            "xmlns:rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
            "xmlns:dc": "http://purl.org/dc/elements/1.1/",
        },
    )
    channel = SubElement(root, "channel", {"rdf:about": outlet.site + "/"})
    _add(channel, title=outlet.name, link=outlet.site + "/", description=outlet.name, **{"dc:language": outlet.lang})
    listed = SubElement(SubElement(channel, "items"), "rdf:Seq")
    for entry in entries:
        SubElement(listed, "rdf:li", {"rdf:resource": entry.link})
        item = SubElement(root, "item", {"rdf:about": entry.link})
        _add(item, title=entry.title, link=entry.link, description=entry.summary)
        _add(item, **_date(entry, "dc:date", datetime.isoformat))
    return root


def _json_feed(outlet: Outlet, entries: Sequence[Entry]) -> bytes:
    items = []
    for entry in entries:
        item = {"id": entry.guid, "url": entry.link, "title": entry.title, "content_html": entry.summary}
        items.append(item | _date(entry, "date_published", datetime.isoformat))
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.name,
        "home_page_url": outlet.site + "/",
        "language": outlet.lang,
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def _add(parent: Element, **texts: str) -> None:
    for tag, text in texts.items():
        SubElement(parent, tag).text = text


def _date(entry: Entry, name: str, write: Callable[[datetime], str]) -> dict[str, str]:
    """Give the entry's date under the format's name for it; nothing for an entry without one."""
    return {name: write(entry.published)} if entry.published else {}


def _dressed_link(outlet: Outlet, entry: Entry) -> str:
    match outlet.links:
        case "tracking":
            return entry.link + _CAMPAIGN
        case "relative":
            return entry.link.removeprefix(outlet.site)
        case "feedburner":
            return f"http://feedproxy.example/~r/{outlet.id}/~3/{sha256(entry.id.encode()).hexdigest()[:11]}/"
    return entry.link


_WRITERS: dict[str, Callable[[Outlet, Sequence[Entry], datetime], Element]] = {
    "rss": _rss,
    "rss091": _rss091,
    "atom": _atom,
    "rdf": _rdf,
}
