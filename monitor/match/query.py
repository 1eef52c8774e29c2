"""A query as the operator wrote it -> what it asks of an item, or a QueryError; the only module that knows luqum."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from luqum.exceptions import ParseError
from luqum.thread import parse
from luqum.tree import (
    BaseApprox,
    BaseGroup,
    BaseOperation,
    Item,
    Not,
    OrOperation,
    Phrase,
    Plus,
    Prohibit,
    Proximity,
    SearchField,
)
from luqum.tree import Fuzzy as FuzzyItem

from monitor.errors import QueryError
from monitor.language import is_language_tag, language_code
from monitor.match.document import PROSE_FIELDS, VALUE_FIELDS, Field, Prose
from monitor.match.pattern import phrase_pattern
from monitor.match.syntax import Source, explain_error, prepare_query
from monitor.match.terms import All, Any, Exact, Finder, Fuzzy, Near, Negation, Node, Term
from monitor.text import Script, fold, script_of, words

_DEFAULT_FIELDS = ("title", "summary")
_FIELDS = (*PROSE_FIELDS, *VALUE_FIELDS)
_WILDCARDS = "*?"
_MOST_EDITS = 2
# luqum's value for a ~ without a number: Lucene's default, which means two edits.
_BARE_TILDE = 0.5
# More than any person writes, and far from Python's limit of recursion.
_DEEPEST = 100


def read_query(query: str, *, tags: Collection[str] = ()) -> Node:
    """Read a query. `tags` are those that exist; if none are given, `tag:` may name any.

    Raises:
        QueryError: it is no query, asks for what is refused, or would be true of nearly every item.
    """
    source = prepare_query(query)
    try:
        root = parse(source.text)
    except ParseError as e:
        raise explain_error(source, str(e)) from e
    reader = _Reader(source, {fold(tag): tag for tag in tags})
    reader.check_depth(root)
    node = reader.read_level(root, _DEFAULT_FIELDS)
    empty: defaultdict[str, Field] = defaultdict(lambda: Prose(""))
    if node.find(empty) is not None:
        raise QueryError(
            "the query can be true of an item with none of its terms, so that nearly everything would match: "
            "say what must be there too, as in chechnya AND NOT sport",
            position=0,
        )
    return node


@dataclass(frozen=True, slots=True)
class _Reader:
    source: Source
    tags: dict[str, str]

    def read_level(self, item: Item, fields: Sequence[str]) -> Node:
        """Read what stands between two parentheses, or the whole query.

        A + or - counts for all of the level, whatever OR stands beside it; the other terms are alternatives of which
        one must be true, unless a + already makes one so (Lucene's BooleanQuery: MUST, MUST_NOT, SHOULD).
        """
        required: list[Node] = []
        choices: list[Node] = []
        for alternative in _alternatives(item.expr if isinstance(item, BaseGroup) else item):
            signed = [part for part in alternative if isinstance(part, Plus | Prohibit)]
            plain = [part for part in alternative if not isinstance(part, Plus | Prohibit)]
            required += (self.read(part, fields) for part in signed)
            if plain or any(isinstance(part, Plus) for part in signed):
                choices.append(_one_or(All, [self.read(part, fields) for part in plain]))
        return _one_or(All, [*required, _one_or(Any, choices)] if choices else required)

    def read(self, item: Item, fields: Sequence[str]) -> Node:
        if isinstance(item, BaseOperation | BaseGroup):
            return self.read_level(item, fields)
        if isinstance(item, SearchField):
            return self.read(item.expr, [self._field(item)])
        if isinstance(item, Not | Prohibit):
            return Negation(self.read(item.a, fields))
        if isinstance(item, Plus):
            return self.read(item.a, fields)
        finder = Exact(self._value(item, fields[0])) if fields[0] in VALUE_FIELDS else self._finder(item)
        return Term(str(item), fields, finder)

    def check_depth(self, root: Item) -> None:
        level = [root]
        for _ in range(_DEEPEST):
            level = [child for item in level for child in item.children]
        if level:
            raise self._error(level[0], f"the query is nested more than {_DEEPEST} deep: leave out some parentheses")

    def _field(self, item: SearchField) -> str:
        name = str(item.name)
        if name in _FIELDS:
            return name
        raise self._error(
            item,
            f'there is no field "{name}"{_did_you_mean(name.lower(), _FIELDS)} (fields are {", ".join(_FIELDS)}): '
            "put a term that contains a colon in double quotes",
        )

    def _value(self, item: Item, field: str) -> str:
        raw = "" if isinstance(item, BaseApprox) else _unescape(item).strip()
        if not raw or not {*_WILDCARDS}.isdisjoint(raw):
            raise self._error(item, f"{field}: takes one exact value, without wildcards or ~")
        if field == "lang":
            if not is_language_tag(raw.lower().replace("_", "-")):
                raise self._error(item, f'"{raw}" is no language code: write two or three letters, as in lang:ru')
            return language_code(raw)
        tag = fold(raw)
        if self.tags and tag not in self.tags:
            raise self._error(item, f'no feed has the tag "{raw}"{_did_you_mean(tag, self.tags)}')
        return tag

    def _finder(self, item: Item) -> Finder:
        if isinstance(item, FuzzyItem):
            return self._fuzzy(item)
        if isinstance(item, Proximity):
            return Near([phrase_pattern([word]) for word in self._words(item.term)], item.degree)
        found = self._words(item)
        if len(found) == 1 and script_of(found[0]) is Script.OTHER and {*_WILDCARDS}.isdisjoint(found[0]):
            return Exact(found[0])
        return phrase_pattern(found)

    def _fuzzy(self, item: FuzzyItem) -> Finder:
        edits = _MOST_EDITS if item.degree == _BARE_TILDE else int(item.degree)
        if edits > _MOST_EDITS:
            raise self._error(
                item, f"~{edits} allows too many edits, and would meet unrelated words: write ~1, or ~2 for a long word"
            )
        word, *others = self._words(item.term)
        if others or not {*_WILDCARDS}.isdisjoint(word):
            raise self._error(item, "a ~ allows edits in one plain word: put several words in double quotes before it")
        if script_of(word) is Script.UNSPACED:
            raise self._error(item, "a ~ counts edits in a word, which this script does not set apart: remove it")
        return Fuzzy(word, edits)

    def _words(self, item: Item) -> list[str]:
        found = [_strip_unspaced(word) for word in words(fold(_unescape(item)), wildcards=True)]
        if not found:
            raise self._error(item, f"{item} has no letter or digit to look for: remove it, or write AND, OR or NOT")
        for word in found:
            if not word.strip(_WILDCARDS):
                raise self._error(item, "a wildcard alone meets every word: add letters to it, as in homosexu*")
            if "*" in word and script_of(word) is Script.UNSPACED:
                raise self._error(item, "a * cannot stand inside a term of this script: write two terms, with AND")
        return found

    def _error(self, item: Item, message: str) -> QueryError:
        return QueryError(message, position=self.source.origins[item.pos])


def _alternatives(item: Item) -> list[list[Item]]:
    """Read a level in the order in which it was written: alternatives, each of the parts that must all be true.

    luqum's precedence is not what people expect and not regular: it reads `a b OR c` as a AND (b OR c), but `a AND b OR
    c` as (a AND b) OR c, and a + or - changes it again. The order of what was written it keeps.
    """
    if not isinstance(item, BaseOperation):
        return [[item]]
    parts: Iterator[list[list[Item]]] = (_alternatives(operand) for operand in item.operands)
    alternatives = next(parts)
    for first, *others in parts:
        if isinstance(item, OrOperation):
            alternatives.append(first)
        else:
            alternatives[-1] += first
        alternatives += others
    return alternatives


def _one_or(kind: type[All | Any], parts: Sequence[Node]) -> Node:
    return parts[0] if len(parts) == 1 else kind(parts)


def _unescape(item: Item) -> str:
    """Give a word's or phrase's text. An escaped wildcard is a sign like any other, and signs only part words."""
    value = str(item.value)[1:-1] if isinstance(item, Phrase) else str(item.value)
    return re.sub(r"\\(.)", lambda escaped: " " if escaped[1] in _WILDCARDS else str(escaped[1]), value)


def _strip_unspaced(word: str) -> str:
    """Drop the wildcards around a term of an unspaced script, which is found inside longer runs anyway."""
    return word.strip(_WILDCARDS) if script_of(word) is Script.UNSPACED else word


def _did_you_mean(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f': did you mean "{close[0]}"?' if close else ""
