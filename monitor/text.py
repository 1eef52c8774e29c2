"""Text, made comparable: folding and words, shared by matching and clustering."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Scripts written without spaces between words: a term there is looked for as a substring.
_UNSPACED = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"  # kana, Han
)
_UNSPACED_CHARACTER = re.compile(f"[{_UNSPACED}]")
# Vowel signs and other marks belong to their word, though Python's \\w leaves them out.
_MARK = "".join(chr(code) for code in range(0x300, 0x2000) if unicodedata.category(chr(code)).startswith("M"))
# A word: letters, digits and marks of any script, an apostrophe inside; an unspaced run is one "word".
_LETTER = f"(?![{_UNSPACED}])(?:[^\\W_]|[{_MARK}])"
_WORD = re.compile(f"[{_UNSPACED}]+|(?:{_LETTER})+(?:'(?:{_LETTER})+)*")

# Letters that are written without their mark in everyday text, which NFKD does not tell.
_LOOKALIKES = str.maketrans(
    {
        "ё": "е",
        "ß": "ss",
        "ø": "o",
        "đ": "d",
        "ł": "l",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
        "ى": "ي",
        "ة": "ه",
        "ـ": None,
        "’": "'",
        "ʼ": "'",
    }
)
# Combining marks are dropped for these scripts only: in Indic and Thai they are vowels.
_MARKS = re.compile("[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]")


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Fold case, width, diacritics, and Cyrillic ё/е; folding twice changes nothing more.

    й stays apart from и: it is a letter of its own, not a decorated one (Unicode merely decomposes it).
    """
    if text.isascii():
        return text.lower()
    kept = unicodedata.normalize("NFKC", text).casefold().replace("й", "\ue000").replace("ї", "\ue001")
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", kept)).translate(_LOOKALIKES)
    return unicodedata.normalize("NFC", bare.replace("\ue000", "й").replace("\ue001", "ї"))


def words(text: str) -> list[str]:
    """Split folded text into words, in order; a run of CJK or Thai is one."""
    return _WORD.findall(text)


def is_unspaced(text: str) -> bool:
    """Tell whether the text has characters of a script that puts no spaces between words."""
    return _UNSPACED_CHARACTER.search(text) is not None
