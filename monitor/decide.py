"""Story, what was told before -> [Alert]: which developments are worth a message, to whom, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.language import language_code
from monitor.model import Alert, Event, Match, Member, Rule, Source, Story, Told

# So many sources, outlets or words are named in a reason.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Due:
    """What one channel is to be told, with the reasons; whether any rule is urgent, and all that lead to it have a digest."""

    reasons: tuple[tuple[Event, str], ...]
    urgent: bool
    digest: bool


@dataclass(frozen=True, slots=True)
class _Case:
    """One event to be decided for one channel: its rules that want the event, and all that it was told so far."""

    story: Story
    fresh: Mapping[int, Match]
    rules: Sequence[Rule]
    told: Sequence[Told]

    @property
    def sources(self) -> int:
        return len(self.story.sources)

    def heard(self, event: Event) -> bool:
        return any(entry.event is event for entry in self.told)


def decide_alerts(
    story: Story, rules: Sequence[Rule], *, told: Iterable[Told], fresh: Mapping[int, Match]
) -> list[Alert]:
    """Say what to tell of a story that has just grown.

    A channel hears that a story is new, and that it is corroborated, once, whatever rules lead to it and however often
    the story grows; each threshold of growth once; and nothing that was so already when it first heard of the story.
    All that it has to hear now is one alert. Without a fresh member (`fresh`: the new members that are no backfill, by
    item id, with why they matched) nothing is told, nor of a story that the operator has muted.
    """
    if story.muted or not fresh:
        return []
    due: dict[_Due, list[str]] = {}
    for channel, channel_rules in _rules_by_channel(story.topic, rules).items():
        heard = [entry for entry in told if entry.channel == channel]
        reasons = _find_reasons(story, channel_rules, heard, fresh)
        if reasons:
            urgent = any(rule.urgent for rule in channel_rules)
            leading = [rule for rule in channel_rules if rule.on & reasons.keys()]
            digest = all(rule.digest for rule in leading if rule.min_sources <= len(story.sources))
            due.setdefault(_Due(tuple(reasons.items()), urgent, digest), []).append(channel)
    return [
        Alert(
            story=story.id,
            topic=story.topic,
            events=tuple(event for event, _ in what.reasons),
            channels=tuple(channels),
            reason={event.value: reason for event, reason in what.reasons},
            urgent=what.urgent,
            digest=what.digest,
            sources=len(story.sources),
        )
        for what, channels in due.items()
    ]


def explain_holds(story: Story, rules: Sequence[Rule], *, told: Iterable[Told]) -> list[str]:
    """Say in words what keeps each channel from hearing that a story is new, or corroborated; empty where all have."""
    channels = _rules_by_channel(story.topic, rules)
    if not channels:
        return [f"no alert rule tells of {story.topic}"]
    held = ["the operator has muted this story"] if story.muted else []
    for channel, channel_rules in channels.items():
        heard = [entry for entry in told if entry.channel == channel]
        for event in (Event.NEW, Event.CORROBORATED):
            case = _Case(story, {}, [rule for rule in channel_rules if event in rule.on], heard)
            if not case.heard(event):
                held += _explain_hold(event, channel, case)
    return held


def _explain_hold(event: Event, channel: str, case: _Case) -> list[str]:
    if not case.rules:
        return [f'{channel}: no rule has "{event}" in its "on"']
    needed = min(_sources_needed(event, rule, case) for rule in case.rules)
    if case.sources < needed:
        return [f"{channel}: {event} waits for {needed} independent sources; the story has {case.sources}"]
    return [] if case.story.muted else [f"{channel}: {event} is told when the next fresh item joins the story"]


def _sources_needed(event: Event, rule: Rule, case: _Case) -> int:
    if event is Event.NEW:
        return rule.min_sources
    return 2 if case.heard(Event.NEW) or Event.NEW not in rule.on else max(2, rule.min_sources)


def _rules_by_channel(topic: str, rules: Sequence[Rule]) -> dict[str, list[Rule]]:
    by_channel: dict[str, list[Rule]] = {}
    for rule in rules:
        if topic in rule.topics:
            for channel in rule.channels:
                by_channel.setdefault(channel, []).append(rule)
    return by_channel


def _find_reasons(
    story: Story, rules: Sequence[Rule], told: Sequence[Told], fresh: Mapping[int, Match]
) -> dict[Event, str]:
    """Give the events that one channel is to be told, in their order, each with its reason."""
    reasons: dict[Event, str] = {}
    for event, find_reason in _REASONS.items():
        wanted = _Case(story, fresh, [rule for rule in rules if event in rule.on], told)
        # The first message tells all there is: nothing has grown since.
        if wanted.rules and not (event is Event.GROWTH and Event.NEW in reasons) and (why := find_reason(wanted)):
            reasons[event] = why
    return reasons


def _why_new(case: _Case) -> str:
    if case.heard(Event.NEW) or case.sources < min(rule.min_sources for rule in case.rules):
        return ""
    item, match = next(iter(case.fresh.items()))
    met = ", ".join(dict.fromkeys(f"“{hit.word}”" for hit in match.hits))
    return f"{_feed(case.story, item)} has {met}, and this story was not told before"


def _why_corroborated(case: _Case) -> str:
    # A story that has yet to be told is not corroborated before it is new: `min_sources` holds both back.
    introduced = any(_is_introduced(case, rule) for rule in case.rules)
    if case.heard(Event.CORROBORATED) or case.sources < 2 or not introduced:  # noqa: PLR2004 (a second source)
        return ""
    outlets = len({member.feed for member in case.story.members})
    return f"{outlets} outlets, {case.sources} independent: {_name_some(map(_namer(case.story), case.story.sources))}"


def _why_growth(case: _Case) -> str:
    if not any(_is_introduced(case, rule) for rule in case.rules):
        return ""
    known = max((entry.sources for entry in case.told), default=0)
    passed = [number for rule in case.rules for number in rule.growth if known < number <= case.sources]
    reasons = [f"{case.sources} independent sources, {max(passed)} were asked for"] if passed else []
    return "; ".join([*reasons, *(_find_firsts(case.story, case.fresh) if case.told else ())])


_REASONS = {
    Event.NEW: _why_new,
    Event.CORROBORATED: _why_corroborated,
    Event.GROWTH: _why_growth,
}


def _is_introduced(case: _Case, rule: Rule) -> bool:
    """Tell whether a rule lets its channels hear more of the story: it is known to them, or has sources enough."""
    return case.heard(Event.NEW) or Event.NEW not in rule.on or case.sources >= rule.min_sources


def _find_firsts(story: Story, fresh: Mapping[int, Match]) -> list[str]:
    """Name the outlets that brought a story into a language, or to a kind of feeds (a country, say), for the first time."""
    old = [member for member in story.members if member.id not in fresh]
    if not old:  # the operator has put the story together anew: nobody is the first
        return []
    known = {mark for member in old for mark in _marks(member)}
    firsts: dict[str, str] = {}
    for member in story.members:
        if member.id in fresh:
            firsts |= {mark: member.feed for mark in _marks(member) if mark not in known and mark not in firsts}
    return [f"{feed} is the first {mark}" for mark, feed in firsts.items()]


def _marks(member: Member) -> list[str]:
    language = language_code(member.item.lang)
    return [*([f"in language {language}"] if language else []), *(f"with tag {tag}" for tag in member.tags)]


def _namer(story: Story) -> Callable[[Source], str]:
    """Give a namer of sources: by the outlet, or whom it copies, and how many outlets have the text."""
    feeds = {member.id: member.feed for member in story.members}

    def name(source: Source) -> str:
        outlets = list(dict.fromkeys(feeds[item] for item in source.members))
        if len(outlets) == 1:
            return outlets[0]
        return f"{f'{source.agency} copy' if source.agency else outlets[0]} ×{len(outlets)}"

    return name


def _feed(story: Story, item: int) -> str:
    return next(member.feed for member in story.members if member.id == item)


def _name_some(names: Iterable[str]) -> str:
    """Join the first few; say how many more there are."""
    every = [*names]
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return f"{', '.join(every[:_NAMED])}{more}"
