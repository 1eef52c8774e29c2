"""Item, topic -> what the topic makes of it, term by term: what was met, and what an item that is refused lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.language import language_code
from monitor.match import CompiledTopic
from monitor.match.document import Document
from monitor.match.terms import All, Any, Negation, Node, Place, Term, name_hits
from monitor.model import Feed, Hit, Item


@dataclass(frozen=True, slots=True)
class Lack:
    """Terms of which one would mend a part of the query: to be there, or (`NOT sport`) not to be.

    `met` are the places of those that must not be there.
    """

    any_of: tuple[str, ...]
    met: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a topic's query makes of an item.

    `hits` are the wanted terms that were met, also where that was not enough. `lacks` is all that is missing at the
    nearest miss. `narrowed` says in words which of the topic's `languages` and `feeds` keep the item out, whatever
    it says.
    """

    hits: tuple[Hit, ...]
    lacks: tuple[Lack, ...]
    narrowed: tuple[str, ...]

    @property
    def matched(self) -> bool:
        """Whether the item belongs to the topic."""
        return not self.lacks and not self.narrowed


def explain_match(item: Item, compiled: CompiledTopic, *, feed: Feed) -> Explanation:
    """Say why an item belongs to a topic, or how narrowly it does not.

    Of alternatives that are all false those count as nearest of which something was met, then those that lack least.
    """
    document = Document(item, feed)
    outcome = _weigh(compiled.query, document)
    return Explanation(
        hits=name_hits(outcome.met, document),
        lacks=tuple(Lack(lack.any_of, name_hits(lack.met, document)) for lack in outcome.lacks),
        narrowed=_narrowed(item, compiled, feed=feed),
    )


def _narrowed(item: Item, compiled: CompiledTopic, *, feed: Feed) -> tuple[str, ...]:
    told, topic = [], compiled.topic
    if compiled.languages and language_code(item.lang) not in compiled.languages:
        language = f"in {item.lang}" if item.lang else "in no known language"
        told.append(f"it takes items in {', '.join(topic.languages)} alone, and this one is {language}")
    if not compiled.reads(feed):
        told.append(f"it reads {', '.join(topic.feeds)} alone, and this one is from {feed.name or feed.url}")
    return tuple(told)


@dataclass(frozen=True, slots=True)
class _Lack:
    """As `Lack`, with places."""

    any_of: tuple[str, ...]
    met: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return self.any_of[0] if len(self.any_of) == 1 else f"({' OR '.join(self.any_of)})"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a part of the query: it is as wanted if nothing lacks."""

    met: tuple[Place, ...]
    lacks: tuple[_Lack, ...]

    @property
    def distance(self) -> tuple[bool, int]:
        return not self.met, len(self.lacks)


def _weigh(node: Node, document: Document, *, wanted: bool = True) -> _Outcome:
    """Weigh a part that is wanted to be true, or false: by De Morgan's laws NOT goes down to the terms."""
    if isinstance(node, Negation):
        return _weigh(node.part, document, wanted=not wanted)
    if isinstance(node, All | Any):
        parts = [_weigh(part, document, wanted=wanted) for part in node.parts]
        return _join(parts) if isinstance(node, All) is wanted else _choose(parts)
    assert isinstance(node, Term), "a query is made of these four"
    found = tuple(node.find(document) or ())
    if bool(found) is wanted:
        return _Outcome(found, ())
    return _Outcome((), (_Lack((node.name if wanted else f"NOT {node.name}",), found),))


def _join(parts: Sequence[_Outcome]) -> _Outcome:
    """All must be as wanted."""
    return _Outcome(
        tuple(place for part in parts for place in part.met), tuple(lack for part in parts for lack in part.lacks)
    )


def _choose(parts: Sequence[_Outcome]) -> _Outcome:
    """One must be as wanted. If none is, the nearest are one lack, or as they are where that is a single one."""
    if good := [part for part in parts if not part.lacks]:
        return _join(good)
    least = min(part.distance for part in parts)
    nearest = [part for part in parts if part.distance == least]
    if len(nearest) == 1:
        return nearest[0]
    choices = [
        part.lacks[0].any_of if len(part.lacks) == 1 else (" AND ".join(map(str, part.lacks)),) for part in nearest
    ]
    whole = _join(nearest)
    lack = _Lack(
        tuple(dict.fromkeys(choice for some in choices for choice in some)),
        tuple(place for lack in whole.lacks for place in lack.met),
    )
    return _Outcome(whole.met, (lack,))
