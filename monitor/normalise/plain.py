"""Markup -> plain text: what a reader would see, without what is only there to deceive or to format."""

from __future__ import annotations

import html
import re
import unicodedata
from html.entities import html5

import nh3

# Markup is cut before it is cleaned, far beyond what two thousand characters of text need; images written into it do
# not count.
_MOST_MARKUP = 100_000
_CUT_OPEN = re.compile(r"<[^<>]*\Z|&\w*\Z")
_BLOCKS = (
    "address|article|aside|blockquote|br|caption|center|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form"
    "|h[1-6]|header|hr|li|main|nav|ol|option|p|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul"
)
_BLOCK_TAG = re.compile(rf"(?=</?(?:{_BLOCKS})\b)", re.IGNORECASE)
_UNREAD = {"script", "style", "template", "iframe", "svg", "math", "noembed", "noframes", "object"}
_IMAGE_DATA = re.compile(r"data:image/[^\"'\s<>]{200,}")
# Markup that was escaped once too often: an entity that exists, or a tag that closes.
_ENTITY = re.compile(r"&(?:#\d{2,7}|#[xX][0-9a-fA-F]{2,6}|([A-Za-z][A-Za-z0-9]{1,30}));")
_ESCAPED_TAG = re.compile(
    rf"</(?:a|b|i|em|strong|span|font|u|{_BLOCKS})>|<(?:br|hr|p)\s*/?>|<(?:img|a)\s[^<>]*>", re.IGNORECASE
)
# Controls; soft hyphen; zero-width and invisible characters; marks that turn the direction of the line; fillers;
# interlinear annotation; tags and selectors that hide text inside text; lone halves of surrogate pairs. The Arabic
# number signs (U+0600 to U+0605, U+06DD) are of the same category but visible, and stay.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffc\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
# Where joiners spell: Arabic and its neighbours, the scripts of India and South-East Asia, Mongolian; and between
# pictures, which they unite (the rainbow flag is a white flag, a joiner and a rainbow).
_JOINING = "\u0600-\u08ff\u0900-\u0dff\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1800-\u18af\ufb50-\ufdff\ufe0f\ufe70-\ufefc\u2600-\u27bf\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(f"(?<![{_JOINING}])[\u200c\u200d]+|[\u200c\u200d]+(?![{_JOINING}])")


def plain_text(markup: str, *, limit: int) -> str:
    """Give the text of HTML (or of text with a few entities) on one line, in NFC, of at most `limit` characters.

    Block elements become spaces, scripts and styles nothing. What was evidently escaped twice is read once more.
    """
    markup = _IMAGE_DATA.sub("", markup)
    if len(markup) > _MOST_MARKUP:
        markup = _CUT_OPEN.sub("", markup[:_MOST_MARKUP])
    text = _strip_markup(markup)
    if _is_markup(text):
        text = _strip_markup(text)
    line = " ".join(text.split())
    if not (line.isascii() and line.isprintable()):
        line = unicodedata.normalize("NFC", " ".join(_STRAY_JOINER.sub("", _INVISIBLE.sub("", text)).split()))
    return cut_text(line, limit)


def cut_text(text: str, limit: int) -> str:
    """Cut text to `limit` characters with an ellipsis, at the end of a word if there is one in the second half."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    space = limit - 1 if text[limit - 1] == " " else head.rfind(" ")
    return (head[:space] if space > limit // 2 else head).rstrip(" ,;:–—-") + "…"


def _strip_markup(markup: str) -> str:
    if "<" in markup:
        markup = nh3.clean(_BLOCK_TAG.sub(" ", markup), tags=set(), clean_content_tags=_UNREAD)
    return html.unescape(markup) if "&" in markup else markup


def _is_markup(text: str) -> bool:
    if "<" in text and _ESCAPED_TAG.search(text):
        return True
    return "&" in text and any(not entity[1] or f"{entity[1]};" in html5 for entity in _ENTITY.finditer(text))
