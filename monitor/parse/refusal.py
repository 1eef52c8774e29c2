"""What came instead of a feed -> ParseError: the message names it, so that an operator knows what to do."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from monitor.errors import ParseError

# The beginning says what a page is; the rest may be megabytes.
_READ = 200_000
_EXCERPT = 80
_PAGE = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,500})", re.IGNORECASE)
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]{0,60})")
_LINK = re.compile(r"<link\b([^<>]{0,2000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(rel|type|href)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_FEED_TYPE = re.compile(r"application/(?:rss\+xml|atom\+xml|rdf\+xml|feed\+json)", re.IGNORECASE)
# What guards put in front of a site, by marks that they leave in their page, in lower case; the first that fits.
_GUARDS = (
    ("a Cloudflare challenge", re.compile(r"just a moment|cf-chl|cf-browser-verification|cdn-cgi/challenge")),
    ("a Cloudflare refusal", re.compile(r"attention required! \| cloudflare|cf-error-details")),
    ("a DDoS-Guard challenge", re.compile(r"ddos-guard")),
    ("an Imperva challenge", re.compile(r"_incapsula_resource|incapsula incident")),
    ("a Sucuri refusal", re.compile(r"sucuri website firewall|sucuri_cloudproxy")),
    ("an Akamai refusal", re.compile(r"errors\.edgesuite\.net|akamai.{0,40}reference")),
    ("an Anubis challenge", re.compile(r"making sure you(?:'|&#39;|’)re not a bot|anubis_challenge")),
    (
        "a bot check",
        re.compile(r"g-recaptcha|h-captcha|px-captcha|datadome|verify(?:ing)? (?:that )?you are human"),
    ),
    ("a login page", re.compile(r"""<input[^<>]{0,300}type\s*=\s*["']?password""")),
    ("a parked domain", re.compile(r"domain (?:is|may be) for sale|buy this domain|sedoparking|parkingcrew")),
)


def refuse_document(text: str) -> ParseError:
    """Say what the document is, and name the feed that an HTML page links to, if it does, as it is written there."""
    head = text[:_READ]
    if text.startswith(("{", "[")):
        return ParseError("not-a-feed", f"a JSON document instead of a feed: {_excerpt(head)}")
    if _PAGE.search(head):
        return ParseError("html", _describe_page(head))
    root = _ROOT.search(head)
    if text.startswith("<") and root:
        return ParseError("not-a-feed", f"an XML document <{root[1]}> instead of a feed")
    return ParseError("not-a-feed", f"neither XML nor JSON, so no feed: {_excerpt(head)}")


def _describe_page(head: str) -> str:
    title = _TITLE.search(head)
    words = "an HTML page"
    if title and title[1].strip():
        words += f" titled {_excerpt(html.unescape(title[1]))}"
    guard = next((name for name, marks in _GUARDS if marks.search(head.lower())), "")
    if guard:
        words += f", which looks like {guard},"
    words += " instead of a feed"
    feed = next(find_offered(head), "")
    return f"{words}; the page links to the feed {feed}" if feed else words


def find_offered(text: str) -> Iterator[str]:
    """Find the feeds that a page offers (`rel=alternate`), as RSS readers do by convention, as it writes them."""
    for link in _LINK.finditer(text[:_READ]):
        attributes = {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(link[1])}
        offered = "alternate" in attributes.get("rel", "").lower() and _FEED_TYPE.match(attributes.get("type", ""))
        if offered and attributes.get("href"):
            yield printable(html.unescape(attributes["href"]).strip())


def _excerpt(text: str) -> str:
    line = printable(" ".join(text[: _EXCERPT * 10].split()))
    return f"'{line[:_EXCERPT].rstrip()}…'" if len(line) > _EXCERPT else f"'{line}'"


def printable(text: str) -> str:
    """Leave out what could steer a terminal, or show a line in another order than it is."""
    return "".join(character for character in text if character.isprintable())
