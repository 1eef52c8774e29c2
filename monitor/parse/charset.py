"""Bytes -> text: what the bytes are counts for more than what they are said to be."""

from __future__ import annotations

import codecs
import re

# Longest first: the UTF-32 mark begins with the UTF-16 one.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0\0\0", "utf-32-le"),  # without a mark: the first character of any markup
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
# Labels that stand for a larger encoding in practice (WHATWG Encoding Standard, section 4.2).
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_HTTP_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
# In Latin scripts accented letters stand alone or in pairs; three in a row are another script, mostly Cyrillic.
_CYRILLIC_RUN = re.compile(rb"[\xc0-\xff]{3,}")
# ISO-2022 is ASCII to the eye, switched to other sets by escape sequences.
_SWITCHED = re.compile(rb"\x1b[$(]")
_ASCII = bytes(range(128))
# One damaged byte in twenty beyond ASCII: what a cut or a careless template does, far from what a legacy encoding,
# read as UTF-8, would show (nearly all of them).
_DAMAGE_TOLERATED = 20
# Not allowed in XML 1.0 (section 2.2); one of them makes a strict parser give up on the whole document.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]+")


def decode_body(body: bytes, *, content_type: str) -> str:
    """Decode a document, leading space and characters that XML forbids left out; never fails.

    In this order: a byte-order mark, UTF-8 wherever the bytes are UTF-8, the XML declaration, the HTTP charset, a
    guess between Cyrillic and Western text. The declaration goes before HTTP, against RFC 7303 section 3: its author
    knew the document, while servers say `ISO-8859-1` of whatever they hold.
    """
    return _FORBIDDEN.sub("", _decode(body, content_type)).lstrip("\ufeff \t\r\n")


def _decode(body: bytes, content_type: str) -> str:
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    if not _SWITCHED.search(body) and _is_utf8(body):
        return body.decode("utf-8", "replace")
    declared = _declared_encodings(body, content_type)
    for encoding in declared:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    legacy = [encoding for encoding in declared if encoding != "utf-8"]
    return body.decode(legacy[0] if legacy else _guess_legacy(body), "replace")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        damaged = body.decode("utf-8", "replace").count("\ufffd") - body.count(b"\xef\xbf\xbd")
        return damaged * _DAMAGE_TOLERATED <= len(body.translate(None, _ASCII))
    return True


def _declared_encodings(body: bytes, content_type: str) -> list[str]:
    declaration, header = _XML_ENCODING.search(body), _HTTP_CHARSET.search(content_type)
    labels = [declaration[1].decode("ascii", "replace")] if declaration else []
    labels += [header[1]] if header else []
    return [encoding for label in labels if (encoding := _known_encoding(label))]


def _known_encoding(label: str) -> str:
    """Give Python's name for a text encoding, or an empty string; UTF-16 without its mark was told by its zeros."""
    try:
        name = codecs.lookup(label).name
        b"\xff".decode(name, "replace")
    except (LookupError, ValueError):  # unknown, no text encoding (zlib, hex), or not for documents (idna, undefined)
        return ""
    return "" if name.startswith(("utf-16", "utf-32")) else _WIDER.get(name, name)


def _guess_legacy(body: bytes) -> str:
    runs = sum(len(run) for run in _CYRILLIC_RUN.findall(body))
    return "cp1251" if runs * 2 > len(body.translate(None, _ASCII)) else "cp1252"
