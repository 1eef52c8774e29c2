"""Play a labelled day of news, one item at a time, and print how well it was told: stories, sources, alerts.

    python bench/day/score.py              # all languages in one stream, then each language as a stream of its own
    python bench/day/score.py --alone ru # one language only

Where `monitor[multilingual]` is installed everything is played twice, without the sentence encoder and with it.
bench/day/README.md says what the day is and how it was labelled. The items go through `Gathering`,
`independent_sources` and `decide_alerts` in order of publication, as `pipeline` would hand them over with one item a
poll, and nothing is tuned on them. Columns:

- B-cubed precision, recall and F1, and pairwise F1, of the stories against the events (monitor/cluster/scores.py).
- sources: the share of events whose number of independent sources is right, and the mean absolute error; first with
  every event as a story, which judges `independent_sources` alone, then with the story that holds most of the event.
- alerts: `new` is due once for every event, `corroborated` once for every event that two independent sources tell. An
  alert is about the event of the item that caused it; a `corroborated` counts only if the story held, just then, two
  independent sources of that event. The rest is superfluous: a repetition, or untrue.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean

from monitor.cluster import Encoder, Gathering, StoryIndex, independent_sources, load_encoder
from monitor.cluster.scores import b_cubed, pairwise
from monitor.decide import decide_alerts
from monitor.model import Event, Item, Match, Member, Rule, Story, Told

FOLDER = Path(__file__).parent
TOPIC = "chechnya"
WINDOW = timedelta(days=7)  # as in monitor/demo/demo.toml
RULE = Rule(topics=(TOPIC,), channels=("desk",))


@dataclass(frozen=True, slots=True)
class Outlet:
    """Who publishes; outlets with one `owner` are one source. `country` is where the newsroom is (ISO 3166)."""

    id: str
    name: str
    host: str
    owner: str
    lang: str
    country: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """A member with its labels: the event that it tells, and the id of the item whose text it is."""

    id: str
    member: Member
    event: str
    origin: str


@dataclass(frozen=True, slots=True)
class Sent:
    """An alert that was sent: of which event, and whether what it says is true."""

    kind: Event
    event: str
    true: bool


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a day: the story of each item, in the order of items, and all alerts."""

    stories: list[int]
    sent: list[Sent]


@dataclass(frozen=True, slots=True)
class AlertScore:
    """Alerts sent against alerts due."""

    due: int
    sent: int
    missed: int
    superfluous: int


@dataclass(frozen=True, slots=True)
class SourceScore:
    """The share of events whose number of independent sources is right, and by how much it is wrong on average."""

    right: float
    error: float


def load_outlets(folder: Path = FOLDER) -> dict[str, Outlet]:
    """Read outlets.json, by id."""
    outlets = [Outlet(**fields) for fields in json.loads((folder / "outlets.json").read_text(encoding="utf-8"))]
    return {outlet.id: outlet for outlet in outlets}


def load_day(folder: Path = FOLDER) -> list[Labelled]:
    """Read items.jsonl, oldest first; `seen` is the time of publication, since a feed is taken to be polled at once."""
    outlets = load_outlets(folder)
    lines = (folder / "items.jsonl").read_text(encoding="utf-8").splitlines()
    return [_read_item(number, json.loads(line), outlets) for number, line in enumerate(lines, 1)]


def _read_item(number: int, fields: dict[str, str], outlets: dict[str, Outlet]) -> Labelled:
    published = datetime.fromisoformat(fields["published"])
    outlet = outlets[fields["source"]]
    item = Item(
        key=fields["id"],
        url=fields["url"],
        title=fields["title"],
        summary=fields["summary"],
        lang=fields["lang"],
        published=published,
        seen=published,
    )
    member = Member(id=number, item=item, feed=outlet.name, owner=outlet.owner)
    return Labelled(fields["id"], member, fields["event"], fields["origin"])


def play_day(items: Sequence[Labelled], *, encoder: Encoder | None = None) -> Played:
    """Put one item after another into stories, and collect the alerts."""
    gathering = Gathering(StoryIndex(window=WINDOW, encoder=encoder))
    told: defaultdict[int, set[Told]] = defaultdict(set)
    inside: defaultdict[int, list[Labelled]] = defaultdict(list)
    stories: list[int] = []
    sent: list[Sent] = []
    for item in items:
        story, absorbed = gathering.put(item.member, now=item.member.item.seen)
        for gone in absorbed:
            told[story] |= told.pop(gone, set())
            inside[story] += inside.pop(gone, [])
        inside[story].append(item)
        stories.append(story)
        for alert in decide_alerts(
            _story(story, inside[story]),
            [RULE],
            told=told[story],
            fresh={item.member.id: Match(TOPIC, ())},
        ):
            told[story] |= {Told(channel, kind) for channel in alert.channels for kind in alert.events}
            sent.extend(Sent(kind, item.event, _is_true(kind, item, inside[story])) for kind in alert.events)
    return Played([gathering.survivor(story) for story in stories], sent)


def _story(number: int, items: Sequence[Labelled]) -> Story:
    members = tuple(item.member for item in items)
    return Story(number, TOPIC, members, independent_sources(members))


def _is_true(kind: Event, newest: Labelled, inside: Sequence[Labelled]) -> bool:
    return kind is Event.NEW or count_sources([item for item in inside if item.event == newest.event]) >= 2


def count_sources(items: Sequence[Labelled]) -> int:
    """Count the truly independent sources: groups of items that share, directly or through others, owner or origin."""
    groups: list[set[str]] = []
    for item in items:
        mine = {f"owner {item.member.owner}", f"origin {item.origin}"}
        joined = [group for group in groups if not group.isdisjoint(mine)]
        groups = [group for group in groups if group.isdisjoint(mine)] + [mine.union(*joined)]
    return len(groups)


def score_alerts(items: Sequence[Labelled], sent: Sequence[Sent]) -> AlertScore:
    """Compare what was sent with what was due."""
    due = {(Event.NEW, item.event) for item in items}
    due |= {(Event.CORROBORATED, event) for event, told in _by_event(items).items() if count_sources(told) >= 2}
    met = {(alert.kind, alert.event) for alert in sent if alert.true}
    return AlertScore(len(due), len(sent), missed=len(due - met), superfluous=len(sent) - len(due & met))


def score_sources(items: Sequence[Labelled], stories: Sequence[int]) -> SourceScore:
    """Compare, for every event, the sources counted in the story that holds most of it with the true ones."""
    inside: defaultdict[int, list[Labelled]] = defaultdict(list)
    stories_of: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for item, story in zip(items, stories, strict=True):
        inside[story].append(item)
        stories_of[item.event][story] += 1
    errors = []
    for event, told in _by_event(items).items():
        story = stories_of[event].most_common(1)[0][0]
        errors.append(abs(len(_story(story, inside[story]).sources) - count_sources(told)))
    return SourceScore(right=fmean(error == 0 for error in errors), error=fmean(errors))


def _by_event(items: Sequence[Labelled]) -> dict[str, list[Labelled]]:
    events: defaultdict[str, list[Labelled]] = defaultdict(list)
    for item in items:
        events[item.event].append(item)
    return events


HEAD = (
    f"{'':12}{'stories':^47}{'sources':^30}{'alerts':^31}\n"
    f"{'languages':9}{'items':>6}{'events':>7}{'found':>6}{'B3 P':>7}{'R':>7}{'F1':>7}{'pair F1':>8}"
    f"{'right':>7}{'err':>6}{'in story':>10}{'err':>6}{'due':>6}{'sent':>6}{'missed':>8}{'superfluous':>13}"
)


def format_row(name: str, items: Sequence[Labelled], *, encoder: Encoder | None) -> str:
    """Play some items and give their line of the table."""
    events = [item.event for item in items]
    numbers = {event: number for number, event in enumerate(dict.fromkeys(events))}
    played = play_day(items, encoder=encoder)
    score, pairs = b_cubed(played.stories, events), pairwise(played.stories, events)
    alone, found = score_sources(items, [numbers[event] for event in events]), score_sources(items, played.stories)
    alerts = score_alerts(items, played.sent)
    return (
        f"{name:9}{len(items):6}{len(numbers):7}{len(set(played.stories)):6}"
        f"{score.precision:7.3f}{score.recall:7.3f}{score.f1:7.3f}{pairs.f1:8.3f}"
        f"{alone.right:7.2f}{alone.error:6.2f}{found.right:10.2f}{found.error:6.2f}"
        f"{alerts.due:6}{alerts.sent:6}{alerts.missed:8}{alerts.superfluous:13}"
    )


def main() -> None:
    """Play the day and print the table."""
    items = load_day()
    languages = [lang for lang, _ in Counter(item.member.item.lang for item in items).most_common()]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--alone", choices=languages, metavar="LANG", help=f"play one language: {', '.join(languages)}")
    options = parser.parse_args()
    streams = {lang: [item for item in items if item.member.item.lang == lang] for lang in languages}
    streams = {options.alone: streams[options.alone]} if options.alone else {"all": items, **streams}
    encoder = load_encoder()
    for name, used in {"Without the encoder": None, **({"With the encoder": encoder} if encoder else {})}.items():
        print(f"{name}\n{HEAD}")
        for stream, its_items in streams.items():
            print(format_row(stream, its_items, encoder=used), flush=True)


if __name__ == "__main__":
    main()
