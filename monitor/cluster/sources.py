"""A story's members in, the independent sources among them out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Hashable, Iterator, Sequence
from itertools import pairwise

from monitor.cluster.boilerplate import DATELINE, squeeze, strip_boilerplate
from monitor.model import Item, Member, Source
from monitor.text import fold, is_unspaced, words

SHINGLE = 3  # words that stand side by side
REPRINT = 0.5  # of the shorter text's shingles; independent reports that quote one statement share fewer
ENOUGH = 8  # shingles without which a text is too short to tell; below it only equal texts are one
COMPARED = 300  # different texts of a story that are compared; what comes later is compared with these

_AGENCIES = {
    "reuters": "Reuters",
    "рейтер": "Reuters",
    "afp": "AFP",
    "agence france-presse": "AFP",
    "ap": "AP",
    "associated press": "AP",
    "dpa": "dpa",
    "efe": "EFE",
    "ansa": "ANSA",
    "upi": "UPI",
    "apa": "APA",
    "pap": "PAP",
    "тасс": "TASS",
    "tass": "TASS",
    "итар-тасс": "TASS",
    "дпа": "dpa",
    "афп": "AFP",
    "франс пресс": "AFP",
    "франс-пресс": "AFP",
    "интерфакс": "Interfax",
    "interfax": "Interfax",
    "риа новости": "RIA Novosti",
    "ria novosti": "RIA Novosti",
    "xinhua": "Xinhua",
    "新华社": "Xinhua",
    "kyodo": "Kyodo",
    "共同": "Kyodo",
    "共同社": "Kyodo",
    "anadolu": "Anadolu",
    "anadolu agency": "Anadolu",
    "aa": "Anadolu",
    "kna": "KNA",
    "epd": "epd",
    "europa press": "Europa Press",
    "رويترز": "Reuters",
    "فرانس برس": "AFP",
    "أ ف ب": "AFP",
}
_NAMES = "|".join(re.escape(name) for name in sorted(_AGENCIES, key=len, reverse=True))
# "МОСКВА, 3 апреля. /ТАСС/.", "… said on Monday. (AFP)", "… [Reuters]", "… – Reuters", "… Quelle: dpa"
_CREDIT = re.compile(
    rf"^.{{0,60}}/({_NAMES})/|[(\[/]({_NAMES})(?:/\w+)?[)\]/]\W*$|(?:[–—]|\b(?:source|quelle|fuente|источник)\s?:)\s*"
    rf"({_NAMES})\W*$",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"(?<!\w)({_NAMES})(?!\w)", re.IGNORECASE)


def independent_sources(members: Sequence[Member]) -> tuple[Source, ...]:
    """Group a story's members by who is behind them: one owner, one agency credited, or one text reprinted.

    Two outlets that tell the event in their own words are two sources. Sources come in the order of their first member.
    """
    groups = _Groups(len(members))
    agencies = _agencies(members)
    for why, bonds in (
        ("one owner", _owners(members)),
        ("{}", _credits(agencies)),
        ("the same text", _texts(members)),
    ):
        for one, other, name in bonds:
            groups.join(one, other, why.format(name))
    return tuple(
        Source(
            owners=tuple(dict.fromkeys(members[at].owner for at in group)),
            members=tuple(members[at].id for at in group),
            why=", ".join(reasons),
            agency=next((agencies[at] for at in group if agencies[at]), ""),
        )
        for group, reasons in groups.all()
    )


def credited_agency(item: Item, outlets: Container[str] = ()) -> str:
    """Give the agency that an item credits in its dateline, tail or author field, or an empty string.

    `outlets` are the squeezed names that a dateline may credit besides the agencies known here. Anything else in its
    parentheses is no credit: two reports from "GROZNY (Chechnya)" share a place, not a source.
    """
    dateline = DATELINE.search(item.summary[:2000].strip())
    named = dateline[1] if dateline else ""
    if squeeze(named) in outlets:
        return named
    for pattern, text in ((_NAMED, named), (_CREDIT, item.summary), (_CREDIT, item.title), (_NAMED, item.author[:200])):
        found = pattern.search(text[:2000].strip())
        if found:
            return _AGENCIES[next(filter(None, found.groups())).casefold()]
    return ""


class _Groups:
    """Members joined into groups, and why (a disjoint-set forest)."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))
        self._why: defaultdict[int, dict[str, None]] = defaultdict(dict)

    def join(self, one: int, other: int, why: str) -> None:
        first, second = sorted((self._root(one), self._root(other)))
        self._why[first][why] = None
        if first != second:
            self._parent[second] = first
            self._why[first] |= self._why.pop(second, {})

    def all(self) -> list[tuple[list[int], list[str]]]:
        groups: defaultdict[int, list[int]] = defaultdict(list)
        for at in range(len(self._parent)):
            groups[self._root(at)].append(at)
        return [(group, list(self._why.get(root, ()))) for root, group in groups.items()]

    def _root(self, at: int) -> int:
        while self._parent[at] != at:
            self._parent[at] = self._parent[self._parent[at]]
            at = self._parent[at]
        return at


def _owners(members: Sequence[Member]) -> Iterator[tuple[int, int, str]]:
    yield from _alike([member.owner for member in members])


def _agencies(members: Sequence[Member]) -> list[str]:
    names = (name for member in members for name in (member.feed, member.owner.partition(".")[0]))
    outlets = frozenset(filter(None, map(squeeze, names)))
    return [credited_agency(member.item, outlets) for member in members]


def _credits(agencies: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    for one, other, _ in _alike([fold(agency) for agency in agencies]):
        yield one, other, f"both credit {agencies[one]}"


def _alike(values: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Pair neighbours that have the same value, the empty one aside."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for at, value in enumerate(values):
        if value:
            places[value].append(at)
    for value, group in places.items():
        for one, other in pairwise(group):
            yield one, other, value


def _texts(members: Sequence[Member]) -> Iterator[tuple[int, int, str]]:
    """Pair members whose text is the same but for small edits: a headline changed, a name added, a tail cut."""
    held: defaultdict[Hashable, list[int]] = defaultdict(list)
    sizes: dict[int, int] = {}
    seen: dict[frozenset[str], int] = {}
    for at, member in enumerate(members):
        shingles = _shingles(member)
        twin = seen.setdefault(shingles, at)
        if twin != at:
            yield twin, at, ""
            continue
        shared = Counter(other for shingle in shingles for other in held[shingle])
        for other, count in shared.items():
            smaller = min(len(shingles), sizes[other])
            if smaller >= ENOUGH and count >= REPRINT * smaller:
                yield other, at, ""
        if len(sizes) < COMPARED:
            sizes[at] = len(shingles)
            for shingle in shingles:
                held[shingle].append(at)


def _shingles(member: Member) -> frozenset[str]:
    """Give the runs of words of a summary, or of the title where the summary is too short to tell."""
    title, summary = strip_boilerplate(member.item.title, member.item.summary, outlet=member.owner)
    found = _runs(summary)
    return found if len(found) >= ENOUGH else found | _runs(title)


def _runs(text: str) -> frozenset[str]:
    tokens = [part for word in words(fold(text)) for part in (word if is_unspaced(word) else (word,))]
    if len(tokens) < SHINGLE:
        return frozenset(tokens)
    return frozenset(" ".join(tokens[at : at + SHINGLE]) for at in range(len(tokens) - SHINGLE + 1))
