"""A query as typed -> the same in luqum's dialect, each character traceable; what neither allows is refused in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.errors import QueryError

# Quotation marks and parentheses as word processors and other keyboards write them, one for one.
_KEYBOARDS = str.maketrans("“”„‟«»＂（）：", '"""""""():')
# Direction marks come along when right-to-left text is pasted; glued to AND they would hide it.
_INVISIBLE = "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_IN_WORD = rf"(?!&&|\|\|)[^\s:^~(){{}}\[\]\\{_INVISIBLE}]|\\."

# The tokens of luqum 1.0 (`luqum.parser`: TERM_RE, PHRASE_RE), and what it lacks: the operators && || ! (it takes them
# for words). What it would read and we refuse is caught here, where its place is known.
_TOKEN = re.compile(
    rf"""
    (?P<phrase>"(?:[^"\\]|\\.)*")
    |(?P<address>https?:/)
    |(?P<word>(?![/"'+\-<>!])(?:{_IN_WORD})(?:{_IN_WORD})*)
    |(?P<AND>&&)|(?P<OR>\|\|)|(?P<NOT>!)
    |(?P<invisible>[{_INVISIBLE}])
    |(?P<quote>")|(?P<apostrophe>')|(?P<backslash>\\)|(?P<regex>/)|(?P<range>[\[\]{{}}<>])|(?P<boost>\^)
    |(?P<fraction>~[0-9]*\.[0-9.]*)|(?P<approximation>~[0-9]*)
    |(?P<sign>[+-](?=\s|\Z))
    |(?P<other>[^\\])
    """,
    re.VERBOSE,
)
_REFUSED = {
    "address": 'put an address in double quotes, as in url:"https://example.org/news"',
    "quote": 'this quotation mark is never closed: add the second one, or write \\" for the mark itself',
    "apostrophe": 'a term cannot begin with an apostrophe: phrases stand in double quotes, as in "sexual orientation"',
    "backslash": "this backslash stands before nothing: remove it, or write \\\\ for the backslash itself",
    "regex": "a term cannot begin with /: regular expressions are refused, since one pattern can stall the program for "
    'hours; use wildcards, as in homosexu*, or put the term in double quotes, as in "/term"',
    "range": "ranges ([a TO b], <, >) are refused, since words have no order here: use parentheses to group terms, or "
    "put the term in double quotes",
    "boost": "a boost (^) is refused, since items match or do not, without a score: remove it",
    "fraction": 'the number after ~ must be whole: word~1 allows one edit, "two words"~5 five other words between them',
    "sign": "a + or - must stand right before its term, as in -sport: remove the space, or put the sign in quotes",
}

_MISPLACED = {
    ")": 'this ")" closes nothing: remove it, or put the missing "(" before it',
    ":": "a colon must follow the name of a field: put a term that contains one in double quotes",
    "~": 'a ~ must follow a word or a phrase, as in chechnya~1 or "gay men"~5',
}
_WANTS_A_TERM = ("AND", "OR", "NOT", "+", "-", ":")


@dataclass(frozen=True, slots=True)
class Source:
    """A query for luqum, and for each of its characters (and its end) the place in the query as typed."""

    text: str
    origins: Sequence[int]


def prepare_query(query: str) -> Source:
    """Rewrite what luqum does not know, and refuse what this program does not do.

    Raises:
        QueryError: something is refused, or the query is empty.
    """
    pieces: list[str] = []
    origins: list[int] = []
    for token in _TOKEN.finditer(query.translate(_KEYBOARDS)):
        kind, start = str(token.lastgroup), token.start()
        if kind in _REFUSED:
            raise QueryError(_REFUSED[kind], position=start)
        if kind == "invisible":
            continue
        operator = kind in ("AND", "OR", "NOT")
        pieces.append(f" {kind} " if operator else token[0])
        origins += [start] * len(pieces[-1]) if operator else range(start, token.end())
    text = "".join(pieces)
    if not text.strip():
        raise QueryError("the query is empty: write at least one word to look for", position=0)
    return Source(text, [*origins, len(query)])


def explain_error(source: Source, message: str) -> QueryError:
    """Say in plain words what luqum's syntax error means. It tells the place in its message only."""
    told = re.search(r"at position (\d+)!?$", message)
    place = int(told[1]) if told else len(source.text)
    before = [token for token in _TOKEN.finditer(source.text, 0, place) if not token[0].isspace()]
    place, words = _diagnose(source.text[place:], place, before)
    return QueryError(words, position=source.origins[place])


def _diagnose(rest: str, place: int, before: Sequence[re.Match[str]]) -> tuple[int, str]:
    """Give the place to point at, and what is wrong there, from the tokens before luqum stopped and what follows."""
    if before and before[-1][0] in _WANTS_A_TERM:
        return before[-1].start(), f'a term must follow "{before[-1][0]}"'
    if not rest:
        return _last_open(before), 'this "(" is never closed: put the missing ")" after its terms'
    if rest[0] == ")" and before and before[-1][0] == "(":
        return place, "there is nothing between these parentheses: write a term there, or remove them"
    operator = rest.split(maxsplit=1)[0]
    return place, _MISPLACED.get(
        rest[0], f'a term must stand before "{operator}": write it in lower case if it is a term itself'
    )


def _last_open(tokens: Sequence[re.Match[str]]) -> int:
    opened: list[int] = []
    for token in tokens:
        if token[0] == "(":
            opened.append(token.start())
        elif token[0] == ")":
            opened.pop()
    return opened[-1]
