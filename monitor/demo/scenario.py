"""scenario.toml -> Scenario: rounds, outlets and entries, each entry with the event that it truly tells."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import resources
from typing import Literal

Format = Literal["rss", "rss091", "atom", "rdf", "json"]
Links = Literal["plain", "tracking", "relative", "feedburner"]
ValidatorHeaders = Literal["both", "etag", "modified", "none"]


@dataclass(frozen=True, slots=True)
class Round:
    """One poll of all feeds: its time (aware UTC) and what the world did meanwhile."""

    time: datetime
    caption: str


@dataclass(frozen=True, slots=True)
class Outlet:
    """A feed and its habits: those of its documents first, then those of its server.

    `links` says how its links are dressed, `https_guids_from` in which round its GUIDs turn from http to https
    (0: never). `validators` are the headers that it sends and honours; `content_type` replaces the right one, and
    `down` lists the rounds in which it answers 503.
    """

    id: str
    name: str
    site: str
    lang: str
    format: Format
    charset: str = "utf-8"
    links: Links = "plain"
    https_guids_from: int = 0
    validators: ValidatorHeaders = "both"
    content_type: str = ""
    gzip: bool = False
    down: tuple[int, ...] = ()

    @property
    def path(self) -> str:
        """Where the demo's server serves it."""
        return f"/{self.id}.{'json' if self.format == 'json' else 'xml'}"


@dataclass(frozen=True, slots=True)
class Bump:
    """An entry that an outlet publishes again: from which round on, and the date that it bears then."""

    round: int
    published: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """What an outlet says, from its first round until its last one (`until`, None: it stays).

    `title` and `summary` are HTML; `link` is clean and absolute, whatever the feed makes of it. `story` is the event
    that it truly tells, empty for what is off the topic. `origin` is the entry whose text it is: its own id, or that
    of the copy that it reprints.
    """

    id: str
    outlet: str
    round: int
    published: datetime | None
    lang: str
    title: str
    summary: str
    link: str
    guid: str
    story: str
    origin: str
    until: int | None = None
    bumped: Bump | None = None

    def is_visible(self, number: int) -> bool:
        """Tell whether the feed holds the entry in this round."""
        return self.round <= number and (self.until is None or number <= self.until)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is played. Rounds are numbered from 1; entries stand in the order of the file."""

    rounds: tuple[Round, ...]
    outlets: tuple[Outlet, ...]
    entries: tuple[Entry, ...]

    def show_feed(self, outlet: Outlet, number: int) -> tuple[Entry, ...]:
        """Give what an outlet's feed holds in a round, as it stands then, newest first."""
        held = (_as_shown(entry, outlet, number) for entry in self.entries if entry.outlet == outlet.id)
        shown = [entry for entry in held if entry.is_visible(number)]
        return tuple(sorted(shown, key=lambda e: e.published or self.rounds[e.round - 1].time, reverse=True))

    def last_change(self, outlet: Outlet, number: int) -> datetime:
        """Give the time of the latest round, up to this one, that changed the outlet's feed."""
        shown = self.show_feed(outlet, number)
        while number > 1 and self.show_feed(outlet, number - 1) == shown:
            number -= 1
        return self.rounds[number - 1].time

    def by_link(self) -> dict[str, Entry]:
        """Map each clean link to its entry: where a feed lists an entry twice, to the first."""
        return {entry.link: entry for entry in reversed(self.entries)}


def load_scenario() -> Scenario:
    """Read the scenario that ships with the program."""
    return read_scenario(resources.files(__package__).joinpath("scenario.toml").read_text(encoding="utf-8"))


def read_scenario(text: str) -> Scenario:
    """Read a scenario; a mistake in it raises ValueError with every fault found, a misspelt key TypeError."""
    raw = tomllib.loads(text)
    outlets = {row["id"]: Outlet(**row | {"down": tuple(row.get("down", ()))}) for row in raw["outlet"]}
    scenario = Scenario(
        rounds=tuple(Round(**row) for row in raw["round"]),
        outlets=tuple(outlets.values()),
        entries=tuple(_entry(row, outlets) for row in raw["entry"]),
    )
    if faults := _faults(scenario):
        raise ValueError("\n".join(faults))
    return scenario


def _as_shown(entry: Entry, outlet: Outlet, number: int) -> Entry:
    """Give the entry the date and the GUID that its outlet shows in a round."""
    if entry.bumped and entry.bumped.round <= number:
        entry = replace(entry, published=entry.bumped.published)
    if 0 < outlet.https_guids_from <= number:
        entry = replace(entry, guid=entry.guid.replace("http://", "https://", 1))
    return entry


def _entry(row: dict[str, object], outlets: dict[str, Outlet]) -> Entry:
    """Fill in what an entry leaves out: the language of its outlet, its link as its GUID, itself as its origin."""
    outlet = outlets.get(str(row["outlet"]))
    defaults = {
        "published": None,
        "lang": outlet.lang if outlet else "",
        "guid": row["link"],
        "story": "",
        "origin": row["id"],
    }
    bumped = row.get("bumped")
    return Entry(**defaults | row | {"bumped": Bump(**bumped) if isinstance(bumped, dict) else None})  # type: ignore[arg-type]  # TOML's types


def _faults(scenario: Scenario) -> list[str]:
    """Say what does not fit together."""
    ids = Counter(entry.id for entry in scenario.entries)
    sites = {outlet.id: outlet.site for outlet in scenario.outlets}
    rounds = len(scenario.rounds)
    faults = [f"{name}: this id is used {times} times" for name, times in ids.items() if times > 1]
    for entry in scenario.entries:
        checks = {
            f"there is no outlet {entry.outlet}": entry.outlet in sites,
            "its link leads to another site": entry.link.startswith(sites.get(entry.outlet, "") + "/"),
            f"there is no entry {entry.origin}, its origin": entry.origin in ids,
            f"there is no round {entry.round}": 1 <= entry.round <= rounds,
            f"it cannot end in round {entry.until}": entry.until is None or entry.round <= entry.until <= rounds,
            "it says nothing": bool(entry.title or entry.summary),
        }
        faults += [f"{entry.id}: {fault}" for fault, holds in checks.items() if not holds]
    return faults
