"""A topic, feeds -> why its query can never match, wholly or in part; only what is certain is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.language import language_code
from monitor.match import CompiledTopic
from monitor.match.document import Prose
from monitor.match.terms import All, Any, Exact, Fuzzy, Negation, Node, Pattern, Term
from monitor.model import Feed
from monitor.text import fold

# What the query requires on the way to a part of it: terms, and whether they must be there or must not.
_Facts = tuple[tuple[Term, bool], ...]
# So many reasons are told.
_SHOWN = 3


def explain_silence(compiled: CompiledTopic, feeds: Sequence[Feed]) -> list[str]:
    """Say in words why nothing can match a topic, else which parts of its query are true of no feed; mostly nothing.

    A feed counts if it is enabled and the topic's `feeds` let it in. What an item says cannot be known; what can are
    the tags of its feed, the feed's name and its language where feeds.toml gives them.
    """
    topic = compiled.topic
    readers = [_Reader(compiled, feed) for feed in feeds if feed.enabled and compiled.reads(feed)]
    if not readers:
        return ["it reads no feed that is enabled"]
    if all(reader.languages == frozenset() for reader in readers):
        return [f"no feed that it reads is in one of its languages ({', '.join(topic.languages)})"]
    if reason := _Reader(compiled).refute(compiled.query):
        return [f"its query can never match: {reason}"]
    reasons = [reader.refute(compiled.query) for reader in readers]
    if all(reasons):
        told = ", ".join(list(dict.fromkeys(reasons))[:_SHOWN])
        return [f"its query can never match, for no feed that it reads has {told}"]
    dead = (term for term in _wanted(compiled.query) if all(reader.known(term) is False for reader in readers))
    return [
        f"{name} in its query is true of no feed that it reads" for name in dict.fromkeys(term.name for term in dead)
    ]


@dataclass(frozen=True, slots=True)
class _Reader:
    """A topic as it reads one feed, or (without one) any."""

    compiled: CompiledTopic
    feed: Feed | None = None

    @property
    def languages(self) -> frozenset[str] | None:
        """The languages that items may be in; None for any."""
        own = frozenset([language_code(self.feed.lang)]) if self.feed and self.feed.lang else None
        asked = self.compiled.languages or None
        return own & asked if own and asked else own or asked

    def known(self, term: Term) -> bool | None:
        """Tell whether a term is true of every item, or of none; None where that depends on the item."""
        if term.fields == ["lang"]:
            languages = self.languages
            if languages is None or term.finder not in [Exact(code) for code in languages]:
                return None if languages is None else False
            return True if len(languages) == 1 else None
        if self.feed and term.fields == ["tag"]:
            return term.finder in [Exact(fold(tag)) for tag in self.feed.tags]
        if self.feed and self.feed.name and term.fields == ["feed"]:
            return term.finder.search(Prose(self.feed.name)) is not None
        return None

    def refute(self, node: Node, facts: _Facts = (), *, wanted: bool = True) -> str:
        """Say why a part cannot be as wanted where the facts hold; nothing if it may be."""
        if isinstance(node, Negation):
            return self.refute(node.part, facts, wanted=not wanted)
        if isinstance(node, Term):
            return self._refute_term(node, facts, wanted=wanted)
        assert isinstance(node, All | Any)
        if isinstance(node, All) is wanted:
            literals = tuple(_literals(node, wanted=wanted))
            parts = [(term, facts + literals[:place], must) for place, (term, must) in enumerate(literals)]
            reasons = [self._refute_term(term, known, wanted=must) for term, known, must in parts]
            reasons += [
                self.refute(part, facts + literals, wanted=must) for part, must in _choices(node, wanted=wanted)
            ]
            return next(filter(None, reasons), "")
        reasons = [self.refute(part, facts, wanted=wanted) for part in node.parts]
        return reasons[0] if reasons and all(reasons) else ""

    def _refute_term(self, term: Term, facts: _Facts, *, wanted: bool) -> str:
        if self.known(term) is (not wanted):
            return term.name if wanted else f"anything but {term.name}"
        return next(filter(None, (_clash(term, wanted, other, must) for other, must in facts)), "")


def _clash(one: Term, wanted: bool, other: Term, must: bool) -> str:  # noqa: FBT001 - two of a kind
    """Say why two terms cannot both be as wanted: one that must be there implies one that must not."""
    if wanted and must:
        both_languages = one.fields == other.fields == ["lang"] and one.finder != other.finder
        return f"an item is in one language, not in {other.name} and {one.name}" if both_languages else ""
    if wanted is must:
        return ""
    there, absent = (one, other) if wanted else (other, one)
    return f"it asks for {there.name} and for NOT {absent.name}" if _implies(there, absent) else ""


def _implies(there: Term, absent: Term) -> bool:
    """Tell whether an item that has one term surely has the other: the same, or a word that the other meets."""
    if not set(there.fields) <= set(absent.fields):
        return False
    if there.finder == absent.finder:
        return True
    if not isinstance(there.finder, Exact) or not isinstance(absent.finder, Fuzzy | Pattern):
        return False
    word = Prose(there.finder.word)
    return word.words == {there.finder.word} and absent.finder.search(word) is not None


def _parts(node: All | Any, *, wanted: bool) -> Iterator[tuple[Node, bool]]:
    """Give what must all hold for a node to be as wanted, through the levels that only join."""
    for whole in node.parts:
        part, must = whole, wanted
        while isinstance(part, Negation):
            part, must = part.part, not must
        if isinstance(part, All | Any) and isinstance(part, All) is must:
            yield from _parts(part, wanted=must)
        else:
            yield part, must


def _literals(node: All | Any, *, wanted: bool) -> Iterator[tuple[Term, bool]]:
    return ((part, must) for part, must in _parts(node, wanted=wanted) if isinstance(part, Term))


def _choices(node: All | Any, *, wanted: bool) -> Iterator[tuple[Node, bool]]:
    return ((part, must) for part, must in _parts(node, wanted=wanted) if not isinstance(part, Term))


def _wanted(node: Node, *, wanted: bool = True) -> Iterator[Term]:
    """Give the terms that may help a query to be true: not those under NOT."""
    if isinstance(node, Negation):
        yield from _wanted(node.part, wanted=not wanted)
    elif isinstance(node, All | Any):
        for part in node.parts:
            yield from _wanted(part, wanted=wanted)
    elif isinstance(node, Term) and wanted:
        yield node
