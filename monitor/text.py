"""Text, made comparable: folding and words, shared by matching and clustering."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum


class Script(Enum):
    """How a word's script is written, as far as that decides what a word is."""

    UNSPACED = "unspaced"  # no spaces between words: Han, kana, Thai, Lao, Khmer, Myanmar
    HANGUL = "hangul"  # spaces, but particles hang on to the word
    ARABIC = "arabic"  # article, conjunctions and prepositions are written as the word's first letters
    HEBREW = "hebrew"  # the same
    OTHER = "other"


def _members(categories: str, *blocks: tuple[int, int]) -> str:
    """Collect the characters of some blocks whose general category begins with one of the given letters."""
    characters = (chr(code) for first, last in blocks for code in range(first, last + 1))
    return "".join(character for character in characters if unicodedata.category(character)[0] in categories)


# --- Folding -------------------------------------------------------------------------------------------------------

# A mark inside a word that is often left out, and that never parts two words: Hebrew geresh and gershayim (להט"ב,
# צ'צ'ניה) and the apostrophe of Ukrainian and Belarusian (зв'язок).
# The mark comes first in the pattern, so that the search skips to it.
_INNER_MARK = re.compile(
    "['`\u2018\u2019\u201b\u05f3\"\u201c\u201d\u201e\u05f4](?<=[\u0591-\u05ea].)(?=[\u05d0-\u05ea])"
    "|['`\u2018\u2019\u201b\u02bc](?<=[\u0400-\u052f].)(?=[\u0400-\u052f])"
)

# Letters which Unicode decomposes though their readers do not: й is not a decorated и, nor ї a decorated і, and the
# Thai and Lao sara am is one vowel.
_WHOLE = (("и\u0306", "й"), ("і\u0308", "ї"), ("\u0e4d\u0e32", "\u0e33"), ("\u0ecd\u0eb2", "\u0eb3"))

# Diacritics: of Latin, Greek and Cyrillic, Hebrew points, Arabic vowel signs, and those for symbols. Marks of other
# scripts stay: in Indic scripts and in Thai they are vowels.
_DIACRITICS = _members(
    "M",
    (0x0300, 0x036F),
    (0x0483, 0x0489),
    (0x0591, 0x05C7),
    (0x0610, 0x061A),
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06ED),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
)
# Soft hyphen, zero-width and bidirectional controls: nothing that a reader sees. Persian writes همجنس‌گرا with a
# zero-width non-joiner or without.
_INVISIBLE = "\u00ad\u061c\u180e\u2060\u2061\u2062\u2063\u2064\ufeff" + _members(
    "C", (0x200B, 0x200F), (0x202A, 0x202E), (0x2066, 0x206F)
)
_DIGIT_ZEROS = "٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀႐០᠐"
# What everyday text leaves out or writes in two ways, and NFKD does not tell.
_VARIANTS = {
    "ß": "ss",
    "ø": "o",
    "đ": "d",
    "ł": "l",
    "ħ": "h",
    "ı": "i",
    "æ": "ae",
    "œ": "oe",
    "ٱ": "ا",
    "ى": "ي",
    "ی": "ي",
    "ک": "ك",
    "ة": "ه",
    "ـ": "",
    "\u093c": "",  # nukta: गिरफ़्तार and गिरफ्तार
    "ँ": "ं",
    "\u2018": "'",
    "\u2019": "'",
    "\u02bb": "'",
    "\u02bc": "'",
}
_FOLDED = str.maketrans(
    dict.fromkeys(_DIACRITICS + _INVISIBLE, "")
    | {chr(ord(zero) + digit): str(digit) for zero in _DIGIT_ZEROS for digit in range(10)}
    | _VARIANTS
)


def fold(text: str) -> str:
    """Fold case, width, diacritics, digits, and Cyrillic ё/е; folding twice changes nothing more.

    The order is that of Unicode's NFKC_Casefold (section 3.13) with the marks taken out in the middle. There is no
    cache: what is folded are whole summaries, each of them once.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", _INNER_MARK.sub("", text)).casefold()
    for parts, letter in _WHOLE:
        folded = folded.replace(parts, letter)
    return unicodedata.normalize("NFC", folded.translate(_FOLDED))


# --- Words ---------------------------------------------------------------------------------------------------------

# Letters, digits and marks of the scripts whose words end where another script begins: in 中国LGBT新闻, LGBT는 and
# הLGBT a Latin word stands beside another one without a space.
_LETTERS = {
    Script.UNSPACED: _members(
        "LMN",
        (0x0E00, 0x0EFF),  # Thai, Lao
        (0x1000, 0x109F),  # Myanmar
        (0x1780, 0x17FF),  # Khmer
        (0x3005, 0x3007),  # 々〆〇
        (0x3041, 0x30FF),  # kana
        (0x3105, 0x312F),  # bopomofo
        (0x31F0, 0x31FF),  # small kana
    )
    + "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003347f",  # Han
    Script.HANGUL: "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb",
    Script.ARABIC: _members("LMN", (0x0600, 0x06FF), (0x0750, 0x077F), (0x08A0, 0x08FF)),
    Script.HEBREW: "\u05d0-\u05ea\u05ef-\u05f2",
}
_APART = "".join(_LETTERS.values())
# Vowel signs and other marks belong to their word, though Python's \w leaves them out.
_MARKS = _members("M", (0x0300, 0x0DFF), (0x0F00, 0x0FFF), (0x1100, 0x177F), (0x1800, 0x1FFF), (0xA800, 0xABFF))


# [^\\W_…] is every letter and digit but those of the scripts above.
_OTHER = f"[^\\W_{_APART}]"
_WORD = re.compile(
    "|".join([f"{_OTHER}+(?:[{_MARKS}]+{_OTHER}*)*", *(f"[{letters}]+" for letters in _LETTERS.values())])
)
_WILD = f"(?:{_OTHER}|[*?])"
_WILD_WORD = re.compile(
    "|".join(
        [*(f"[*?]*[{letters}][{letters}*?]*" for letters in _LETTERS.values()), f"{_WILD}+(?:[{_MARKS}]+{_WILD}*)*"]
    )
)
_SCRIPTS = {script: re.compile(f"[{letters}]") for script, letters in _LETTERS.items()}


def words(text: str, *, wildcards: bool = False) -> list[str]:
    """Split folded text into words, in order; a run of an unspaced script is one.

    An apostrophe or a hyphen parts words (l'homme, Chechnya's, ex-Soviet). With `wildcards`, `*` and `?` count as
    letters: that is how a query's words are read.
    """
    return (_WILD_WORD if wildcards else _WORD).findall(text)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Give where each of `words(text)` starts and ends."""
    return [found.span() for found in _WORD.finditer(text)]


def script_of(word: str) -> Script:
    """Tell the script of one word, as `words` gives it."""
    return next((script for script, letter in _SCRIPTS.items() if letter.search(word)), Script.OTHER)


def is_unspaced(text: str) -> bool:
    """Tell whether the text has characters of a script that puts no spaces between words."""
    return _SCRIPTS[Script.UNSPACED].search(text) is not None


# --- Back to the text as written -----------------------------------------------------------------------------------

_CHUNK = re.compile(f"[\\w{_MARKS}{_APART}]+|.", re.DOTALL)


def origins(text: str) -> list[int]:
    """For each character of `fold(text)`, and for its end, give the place in `text` that it came from.

    Exact but within a word whose length folding changes (Straße, strasse): all of that word comes from its start.
    """
    if text.isascii():
        return list(range(len(text) + 1))
    dropped = {index for found in _INNER_MARK.finditer(text) for index in range(*found.span())}
    kept = [index for index in range(len(text)) if index not in dropped]
    places: list[int] = []
    for chunk in _CHUNK.finditer("".join(text[index] for index in kept)):
        size = len(fold(chunk[0]))
        start, end = chunk.span()
        places += kept[start:end] if size == end - start else [kept[start]] * size
    return [*places, len(text)]
