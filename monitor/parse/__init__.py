"""Response -> Document: a feed's bytes as entries, or a ParseError that says what came instead of a feed."""

from __future__ import annotations

from urllib.parse import urljoin

from monitor.errors import ParseError
from monitor.model import Document, Response
from monitor.parse.charset import decode_body
from monitor.parse.jsonfeed import read_json
from monitor.parse.refusal import find_offered, refuse_document
from monitor.parse.sitemap import read_sitemap
from monitor.parse.xml import read_xml

__all__ = ["find_offered_feeds", "parse_feed"]


def parse_feed(response: Response) -> Document:
    """Read RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed and news sitemaps, however broken, if entries can be told apart.

    Links stay as the document has them, relative to `response.base`. Nothing outside the document is read: no file,
    no other URL. A feed without entries is a Document without entries.

    Raises:
        ParseError: kind `empty`, `html` or `not-a-feed`; the message says what came in words.
    """
    text = decode_body(response.body, content_type=response.headers.get("content-type", ""))
    if not text:
        raise ParseError("empty", "the server sent an empty document instead of a feed")
    document = read_json(text) if text.startswith(("{", "[")) else read_sitemap(text) or read_xml(text)
    if document is None:
        raise refuse_document(text)
    return document


def find_offered_feeds(response: Response) -> tuple[str, ...]:
    """Give the addresses of the feeds that an HTML page offers, each once, in its order."""
    text = decode_body(response.body, content_type=response.headers.get("content-type", ""))
    return tuple(dict.fromkeys(urljoin(response.base, href) for href in find_offered(text)))
