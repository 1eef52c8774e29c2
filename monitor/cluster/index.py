"""A member and the open stories of its topic in, the story that it continues out."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from monitor.cluster.boilerplate import strip_boilerplate
from monitor.cluster.encoder import Encoder, Means, Vectors
from monitor.cluster.similarity import (
    SUMMARY_LENGTH,
    TITLE_LENGTH,
    WIDTH,
    Codes,
    Flags,
    Floats,
    Text,
    compare,
    is_phrase,
    keys,
    read_text,
    weigh,
)
from monitor.model import Item, Judgement, Member

# Settings and what they gave; which sets, and how they are scored, stands in similarity.py.
RAREST = 10  # known words looked up, the rarest first
POSTINGS = 150  # newest items that a word leads to
CANDIDATES = 24  # items compared at first
NEIGHBOURS = 8  # more of them, in other languages, by meaning
MEMBERS = 12  # of a story that are compared in all; their mean counts. 1 gives 0.79, 6 gives 0.835, 12 gives 0.839
LINKED = 8  # items of each of two stories that are compared when they may be one
# While a language has few open items, the topic's own words still pass for rare ones: what is taken off a likeness
# for the first item, and the number of items that halve it.
COLD = 0.27
WARM = 2
MEANING = 1.15  # what a centred cosine across languages is worth beside a likeness within one; flat from 1 to 1.2
SAME_PAGE = 0.2  # added for one address: a live blog keeps it while its words change
FADE = 0.01  # taken off for each day apart beyond the first two
FRESH = 2.0
# One outlet's same title after 18 hours is the next edition of a column ("Morning briefing, 23 November"), not the
# same event, unless the address or nearly all the text is the same too.
EDITION_AGE = 0.75
EDITION_TITLE = 0.8
REPRINT = 0.9

_DAY = 86400.0
_SWEEPS = 64  # a window; eviction rebuilds the index, so it waits until it is worth it

Slots = NDArray[np.intp]
_ROW = np.dtype(
    [
        ("codes", np.uint32, WIDTH),
        ("terms", np.int16),
        ("when", np.float64),
        ("item", np.int64),
        ("story", np.int64),
        ("page", np.int64),
        ("owner", np.int32),
        ("lang", np.int32),
    ]
)


@dataclass(frozen=True, slots=True)
class Query:
    """A member, ready to be compared: `page`, `owner` and `lang` are the index's numbers for them."""

    text: Text
    weights: Floats
    vector: Vectors | None
    when: float
    page: int
    owner: int
    lang: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Open items beside the parts of their likeness to one member."""

    slots: Slots
    parts: Mapping[str, Floats | Flags]
    score: Floats

    def and_also(self, more: Compared) -> Compared:
        """Join two comparisons of one member."""
        return Compared(
            np.concatenate([self.slots, more.slots]),
            {name: np.concatenate([values, more.parts[name]]) for name, values in self.parts.items()},
            np.concatenate([self.score, more.score]),
        )


class StoryIndex:
    """One topic's open stories in memory: an inverted index of the items of the last `window`.

    It is fed by `add`, oldest first, and read by `assign_story`. With an encoder, items in other languages are found
    and compared by meaning. An item takes about 2 kB, with an encoder 1 kB more.
    """

    def __init__(self, *, window: timedelta, encoder: Encoder | None = None, strictness: float = 0.0) -> None:
        self.window = window
        self.strictness = strictness
        self.encoder = encoder
        self._size = 0
        self._rows = np.zeros(256, _ROW)
        self._vectors = np.zeros((256, encoder.size if encoder else 0), np.float16)
        self._signatures = np.zeros((256, _signature_width(encoder)), np.uint64)
        self._means = Means(encoder.size) if encoder else None
        self._titles: list[str] = []
        self._names: dict[str, int] = {}
        self._judged: defaultdict[int, dict[int, bool]] = defaultdict(dict)
        self._newest = 0
        self._swept = float("-inf")
        self._rebuild()

    def __len__(self) -> int:
        return self._size

    def add(self, member: Member, story: int) -> None:
        """Take in a member that the store has put into `story`; one that is known already moves there."""
        if len(known := self._slots_of([member.id])):
            self._move(known.tolist(), story)
            return
        self._make_room()
        text, item = _read(member), member.item
        at, self._size = self._size, self._size + 1
        self._newest = max(self._newest, member.id)
        self._rows["codes"][at, : len(text.codes)] = text.codes
        for field, value in (
            ("terms", len(text.codes)),
            ("when", member.when.timestamp()),
            ("item", member.id),
            ("story", story),
            ("page", _page(item.url)),
            ("owner", self._number(member.owner)),
            ("lang", self._number(item.lang)),
        ):
            self._rows[field][at] = value
        self._titles.append(text.title)
        self._stories[story].append(at)
        self._languages[self._number(item.lang)] += 1
        np.add.at(self._frequencies, text.codes >> self._shift, 1)
        terms = keys(text.codes)
        for term in terms[~is_phrase(terms)].tolist():
            posting = self._postings.setdefault(term, array("I"))
            posting.append(at)
            if len(posting) >= 2 * POSTINGS:
                del posting[:POSTINGS]
        if self.encoder is not None and self._means is not None:
            vector = _encode(self.encoder, item)
            self._vectors[at] = vector
            lang = self._number(item.lang)
            self._means.add(lang, vector)
            self._signatures[at] = _sign(self._means.centre(lang, vector))

    def prepare(self, item: Item) -> None:
        """Do now what takes long when an item is placed: its meaning is kept for then."""
        if self.encoder is not None:
            _encode(self.encoder, item)

    def forget(self, before: datetime) -> None:
        """Evict the items older than `before`, at most a 64th of the window late; a story goes with its last item."""
        stamp = before.timestamp()
        if stamp < self._swept + self.window.total_seconds() / _SWEEPS:
            return
        self._swept = stamp
        kept = np.flatnonzero(self._rows["when"][: self._size] >= stamp)
        if len(kept) == self._size:
            return
        room = max(256, 1 << len(kept).bit_length())
        self._rows, self._vectors, self._signatures = (
            np.concatenate([table[kept], np.zeros((room - len(kept), *table.shape[1:]), table.dtype)])
            for table in (self._rows, self._vectors, self._signatures)
        )
        self._size = len(kept)
        self._titles = [self._titles[slot] for slot in kept.tolist()]
        self._rebuild()

    def query(self, member: Member) -> Query:
        """Make a member ready to be compared with what is open."""
        item = member.item
        text = _read(member)
        lang = self._names.get(item.lang, -1)
        vector = None
        if self.encoder is not None and self._means is not None:
            vector = self._means.centre(lang, _encode(self.encoder, item))
        return Query(
            text,
            self._weigh(text.codes, lang),
            vector,
            member.when.timestamp(),
            _page(item.url),
            self._names.get(member.owner, -1),
            lang,
        )

    def candidates(self, query: Query, *, since: float) -> Slots:
        """Find the open items worth a comparison: those that share rare words, and the nearest in other languages."""
        found = self._by_words(query)
        if query.vector is not None:
            found = np.union1d(found, self._by_meaning(query, query.vector))
        return np.asarray(found[self._rows["when"][found] >= since])

    def mates(self, stories: Iterable[int], *, beside: Slots) -> Slots:
        """Give other members of some stories, the first before the later, so that 12 of each are compared in all."""
        chosen: list[int] = []
        known = set(beside.tolist())
        for story in stories:
            members = self._stories[story][: 3 * MEMBERS]
            among = sum(slot in known for slot in members)
            chosen += [slot for slot in members if slot not in known][: max(0, MEMBERS - among)]
        return np.array(chosen, np.intp)

    def compare(self, query: Query, slots: Slots) -> Compared:
        """Say how alike a member is to each of some open items, and why."""
        rows = self._rows[slots]
        codes = rows["codes"][:, : int(rows["terms"].max())]
        titles = [self._titles[slot] for slot in slots.tolist()]
        alike = compare(query.text, query.weights, codes, self._weigh(codes, query.lang), titles)
        apart = np.abs(query.when - rows["when"]) / _DAY
        page = (rows["page"] == query.page) & (query.page != 0)
        score = alike.score - COLD * WARM / (WARM + self._languages.get(query.lang, 0))
        parts: dict[str, Floats | Flags] = {"words": alike.words, "title": alike.title, "numbers clash": alike.clash}
        if query.vector is not None:
            parts["meaning"] = meaning = self._meaning(query.vector, slots)
            score = np.where(rows["lang"] != query.lang, np.maximum(score, MEANING * meaning), score)
        score = score + SAME_PAGE * page - FADE * np.maximum(apart - FRESH, 0)
        reprint = (alike.words >= REPRINT) & (len(query.text.codes) > WIDTH // 4)
        edition = (
            (rows["owner"] == query.owner) & (apart >= EDITION_AGE) & (alike.title >= EDITION_TITLE) & ~page & ~reprint
        )
        parts |= {"same page": page, "other edition": edition, "days apart": apart.astype(np.float32)}
        return Compared(slots, parts, np.asarray(np.where(edition, 0, score), np.float32))

    def rank(self, compared: Compared) -> list[tuple[float, int, list[int]]]:
        """Give each story's mean score, the story, and its compared members, best first."""
        scores = compared.score.tolist()
        teams: defaultdict[int, list[int]] = defaultdict(list)
        for at, story in enumerate(self._rows["story"][compared.slots].tolist()):
            teams[story].append(at)
        ranked = [
            (sum(scores[at] for at in team) / len(team), story, sorted(team, key=scores.__getitem__, reverse=True))
            for story, team in teams.items()
        ]
        return sorted(ranked, key=lambda entry: (-entry[0], entry[1]))

    def merge(self, absorbed: int, *, into: int) -> None:
        """Let all members of one story be members of another."""
        self._move(self._stories[absorbed], into)

    def heed(self, judgements: Iterable[Judgement]) -> None:
        """Keep to the operator's word on pairs of items from now on, in place of all that was heard before."""
        self._judged = defaultdict(dict)
        for judgement in judgements:
            self._judged[judgement.one][judgement.other] = judgement.same
            self._judged[judgement.other][judgement.one] = judgement.same

    def judged(self, items: Iterable[int], *, same: bool) -> set[int]:
        """Give the stories that hold an item of which the operator said so beside one of these."""
        others = [other for item in items for other, word in self._judged.get(item, {}).items() if word is same]
        return set(self._rows["story"][self._slots_of(others)].tolist())

    def without(self, slots: Slots, stories: Collection[int]) -> Slots:
        """Leave out the items of some stories."""
        return slots[~np.isin(self._rows["story"][slots], list(stories))] if stories else slots

    def items_of(self, story: int) -> list[int]:
        """Give the rows' ids of a story's open items."""
        return [self.item_id(slot) for slot in self._stories[story]]

    def link(self, one: int, other: int) -> tuple[float, int]:
        """Give the mean likeness of two stories' items, the first 8 of each, and how many pairs it is the mean of."""
        slots = np.array(self._stories[other][:LINKED], np.intp)
        scores = [self.compare(self._query_of(slot), slots).score for slot in self._stories[one][:LINKED]]
        return float(np.mean(scores)), len(scores) * len(slots)

    def _query_of(self, slot: int) -> Query:
        row = self._rows[slot]
        codes, lang = row["codes"][: row["terms"]], int(row["lang"])
        vector = None
        if self._means is not None:
            vector = self._means.centre(lang, self._vectors[slot].astype(np.float32))
        return Query(
            Text(self._titles[slot], codes),
            self._weigh(codes, lang),
            vector,
            float(row["when"]),
            int(row["page"]),
            int(row["owner"]),
            lang,
        )

    def item_id(self, slot: int) -> int:
        """Give the row's id of the item in a slot."""
        return int(self._rows["item"][slot])

    def _slots_of(self, items: Iterable[int]) -> Slots:
        """Find where items stand. Ids grow, so that one above all that are known is nowhere, and costs nothing."""
        wanted = [item for item in items if item <= self._newest]
        return np.flatnonzero(np.isin(self._rows["item"][: self._size], wanted)) if wanted else np.zeros(0, np.intp)

    def _move(self, slots: Sequence[int], story: int) -> None:
        moved = set(slots)
        for left in set(self._rows["story"][list(slots)].tolist()) - {story}:
            self._stories[left] = [slot for slot in self._stories[left] if slot not in moved]
        self._rows["story"][list(slots)] = story
        self._stories[story] = sorted({*self._stories[story], *moved})

    def _number(self, name: str) -> int:
        return self._names.setdefault(name, len(self._names))

    def _weigh(self, codes: Codes, lang: int) -> Floats:
        return weigh(codes, self._frequencies[codes >> self._shift], self._languages.get(lang, 0))

    def _by_words(self, query: Query) -> Slots:
        terms = keys(query.text.codes)
        rarest = np.argsort(-np.where(is_phrase(terms), 0, query.weights), kind="stable").tolist()
        known = (
            (self._postings[term], query.weights[at]) for at in rarest if (term := int(terms[at])) in self._postings
        )
        found = [
            (np.frombuffer(posting, np.uint32)[-POSTINGS:], weight)
            for (posting, weight), _ in zip(known, range(RAREST), strict=False)
        ]
        if not found:
            return np.zeros(0, np.intp)
        slots, place = np.unique(np.concatenate([posting for posting, _ in found]), return_inverse=True)
        total = np.bincount(place, np.concatenate([np.full(len(posting), weight) for posting, weight in found]))
        return slots[np.argsort(-total, kind="stable")[:CANDIDATES]].astype(np.intp)

    def _by_meaning(self, query: Query, vector: Vectors) -> Slots:
        """Find the nearest in other languages by how many signs of their vectors' numbers differ (Charikar 2002).

        That is one bit for a number: 30,000 open items are looked through in a millisecond, where cosines take fifty.
        """
        signatures = self._signatures[: self._size]
        apart = np.bitwise_count(signatures ^ _sign(vector)).sum(axis=1, dtype=np.uint16)
        others = np.flatnonzero(self._rows["lang"][: self._size] != query.lang)
        if len(others) > NEIGHBOURS:
            others = others[np.argpartition(apart[others], NEIGHBOURS)[:NEIGHBOURS]]
        return others

    def _meaning(self, vector: Vectors, slots: Slots) -> Floats:
        """Give the cosine of a centred vector with those of some items, each centred by its own language."""
        cosines = np.zeros(len(slots), np.float32)
        langs = self._rows["lang"][slots]
        assert self._means is not None, "only an index with an encoder compares meanings"
        for lang in set(langs.tolist()):
            at = np.flatnonzero(langs == lang)
            cosines[at] = self._means.centre(lang, self._vectors[slots[at]].astype(np.float32)) @ vector
        return cosines

    def _make_room(self) -> None:
        if self._size == len(self._rows):
            self._rows, self._vectors, self._signatures = (
                np.concatenate([table, np.zeros_like(table)]) for table in (self._rows, self._vectors, self._signatures)
            )
            self._count()

    def _count(self) -> None:
        """Count in how many items each term stands, by its hash: buckets are 16 times the items, so few are shared."""
        bits = max(16, (16 * len(self._rows)).bit_length() - 1)
        self._shift = np.uint32(32 - min(28, bits))
        codes = self._rows["codes"][: self._size]
        counts = np.bincount(codes[codes > 0] >> self._shift, minlength=1 << (32 - int(self._shift)))
        self._frequencies = counts.astype(np.float32)

    def _rebuild(self) -> None:
        """Work out from the rows everything that is looked up."""
        self._count()
        rows = self._rows[: self._size]
        self._languages = Counter(rows["lang"].tolist())
        self._stories: defaultdict[int, list[int]] = defaultdict(list)
        for slot, story in enumerate(rows["story"].tolist()):
            self._stories[story].append(slot)
        self._postings = dict(_invert(rows["codes"]))


def _read(member: Member) -> Text:
    return read_text(*strip_boilerplate(member.item.title, member.item.summary, outlet=member.owner))


def _encode(encoder: Encoder, item: Item) -> Vectors:
    return encoder.encode(f"{item.title[:TITLE_LENGTH]}. {item.summary[:SUMMARY_LENGTH]}")


def _signature_width(encoder: Encoder | None) -> int:
    return -(-encoder.size // 64) if encoder else 0


def _sign(vector: Vectors) -> NDArray[np.uint64]:
    bits = np.packbits(vector > 0)
    return np.pad(bits, (0, -len(bits) % 8)).view(np.uint64)


def _page(url: str) -> int:
    return hash(url) if url else 0


def _invert(codes: Codes) -> Iterator[tuple[int, array[int]]]:
    """Give each word's newest slots, from the codes in every slot."""
    slots, columns = np.nonzero(codes)
    terms = keys(codes[slots, columns])
    words = ~is_phrase(terms)
    terms, slots = terms[words], slots[words].astype(np.uint32)
    order = np.argsort(terms, kind="stable")
    terms, slots = terms[order], slots[order]
    starts = np.flatnonzero(np.diff(terms, prepend=np.uint32(0)))
    for start, end in pairwise([*starts.tolist(), len(terms)]):
        yield int(terms[start]), array("I", slots[max(start, end - POSTINGS) : end].tobytes())
