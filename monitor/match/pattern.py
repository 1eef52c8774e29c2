"""A query's folded words -> the Pattern that finds them side by side in a field, in linear time whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from monitor.match.terms import Pattern
from monitor.text import Script, script_of

_WILDCARD = re.compile(r"[*?]")

# What Arabic and Hebrew write as the first letters of a word (and, then, in, like, to, the; and, when, that, the, in,
# like, to, from). They would turn a short term into another word (مال money, كمال Kamal): a term takes them from four
# letters on, an Arabic one of three only together with the article. ل and ال contract to لل.
_CLITICS_FROM = 4
_ARTICLE = "ال"
_ARABIC = f"[وف]?(?:[بكل]?(?:{_ARTICLE})?|لل)"
_ARABIC_AND_ARTICLE = f"[وف]?(?:[بكل]?{_ARTICLE}|لل)"
_HEBREW = "ו?(?:כש|ש)?(?:[הבכל]|מה?)?"

# Korean particles hang on to the word before them; five syllables (체첸에서부터는 has four) are more than they need.
_PARTICLES = r"[^\n]{0,5}"


def phrase_pattern(words: Sequence[str]) -> Pattern:
    r"""Compile words that must follow one another; `*` and `?` stand for letters within one word.

    The expression runs over a field's "\nword\nword\n". An attempt begins at a line feed, or at the letters of a term
    that may begin inside a word; it goes on for a bounded stretch, or to the end of a word without trying a group
    twice. So no text and no query make it more than linear in the text.
    """
    source = ["" if _is_part(words[0]) else r"\n", "()", _body(words[0])]
    for before, word in pairwise(words):
        source += [_joint(before, word), _body(word)]
    source.append("" if _is_part(words[-1]) else r"(?=\n)")
    fixed = (letters for word in words for letters in _WILDCARD.split(_clitics_and_stem(word)[1]))
    return Pattern(max(fixed, key=len), re.compile("".join(source)))


def _is_part(word: str) -> bool:
    """Tell whether the word may begin and end inside one of the text: of an unspaced script, or plain Hangul."""
    script = script_of(word)
    return script is Script.UNSPACED or (script is Script.HANGUL and not _WILDCARD.search(word))


def _joint(before: str, word: str) -> str:
    if script_of(before) is script_of(word) is Script.UNSPACED:
        return r"\n?"
    return rf"{_PARTICLES}\n" if script_of(before) is Script.HANGUL and _is_part(before) else r"\n"


def _body(word: str) -> str:
    clitics, stem = _clitics_and_stem(word)
    first, *rest = (_letters(piece) for piece in stem.split("*"))
    if not rest:
        return clitics + first
    *middle, last = rest
    # The earliest place of each middle piece is as good as any later one: an atomic group need not try the others.
    gaps = "".join(rf"(?>[^\n]*?{piece})" for piece in middle if piece)
    return clitics + first + gaps + (rf"[^\n]*{last}" if last else r"[^\n]*+")


def _letters(piece: str) -> str:
    return "".join(r"[^\n]" if letter == "?" else re.escape(letter) for letter in piece)


def _clitics_and_stem(word: str) -> tuple[str, str]:
    """Give the expression for what may stand before a word, and the word, without its own article if it has one."""
    script, fixed = script_of(word), len(_WILDCARD.split(word)[0])
    if script is Script.HEBREW and fixed >= _CLITICS_FROM:
        return _HEBREW, word
    if script is not Script.ARABIC:
        return "", word
    if word.startswith(_ARTICLE) and fixed > _CLITICS_FROM:
        return _ARABIC_AND_ARTICLE, word.removeprefix(_ARTICLE)
    if fixed >= _CLITICS_FROM:
        return _ARABIC, word
    return (f"(?:{_ARABIC_AND_ARTICLE})?", word) if fixed == _CLITICS_FROM - 1 else ("", word)
