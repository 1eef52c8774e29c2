"""Story, what was told before -> [Alert]: which developments are worth a message, to whom, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.model import Alert, Event, Match, Rule, Story, Told

# So many independent sources are named in a reason.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Due:
    """What one channel is to be told, and whether any rule calls it urgent."""

    events: tuple[Event, ...]
    urgent: bool


def decide_alerts(
    story: Story, rules: Sequence[Rule], *, told: frozenset[Told], fresh: Mapping[int, Match]
) -> list[Alert]:
    """Say what to tell of a story that has just grown.

    A channel hears each event of a story once, whatever rules lead to it and however often the story grows; all that
    it has to hear now is one alert. Without a fresh member (`fresh`: the new members that are no backfill, by item
    id, with why they matched) nothing is told, nor of a story that the operator has muted.
    """
    if story.muted or not fresh:
        return []
    due: dict[_Due, list[str]] = {}
    for channel, channel_rules in _rules_by_channel(story.topic, rules).items():
        heard = {entry.event for entry in told if entry.channel == channel}
        events = tuple(event for event in Event if any(_is_due(event, story, rule, heard) for rule in channel_rules))
        if events:
            urgent = any(rule.urgent for rule in channel_rules)
            due.setdefault(_Due(events, urgent), []).append(channel)
    return [
        Alert(
            story=story.id,
            topic=story.topic,
            events=what.events,
            channels=tuple(channels),
            reason={event.value: _REASONS[event](story, fresh) for event in what.events},
            urgent=what.urgent,
        )
        for what, channels in due.items()
    ]


def _rules_by_channel(topic: str, rules: Sequence[Rule]) -> dict[str, list[Rule]]:
    by_channel: dict[str, list[Rule]] = {}
    for rule in rules:
        if topic in rule.topics:
            for channel in rule.channels:
                by_channel.setdefault(channel, []).append(rule)
    return by_channel


def _is_due(event: Event, story: Story, rule: Rule, heard: set[Event]) -> bool:
    if event in heard or event not in rule.on:
        return False
    sources = len(story.sources)
    if event is Event.NEW:
        return sources >= rule.min_sources
    if event is Event.CORROBORATED:
        # A story that has yet to be told is not corroborated before it is new: `min_sources` holds both back.
        introduced = Event.NEW in heard or Event.NEW not in rule.on
        return sources >= max(2, 0 if introduced else rule.min_sources)
    return False


def _why_new(story: Story, fresh: Mapping[int, Match]) -> str:
    item = next(iter(fresh))
    met = ", ".join(dict.fromkeys(f"“{hit.word}”" for hit in fresh[item].hits))
    return f"{_feed(story, [item])} has {met}, and this story was not told before"


def _why_corroborated(story: Story, _fresh: Mapping[int, Match]) -> str:
    named = [_feed(story, source.members) for source in story.sources[:_NAMED]]
    more = f" and {len(story.sources) - _NAMED} more" if len(story.sources) > _NAMED else ""
    return f"{', '.join(named)}{more} have texts and owners of their own"


def _feed(story: Story, items: Sequence[int]) -> str:
    return next(member.feed for member in story.members if member.id in items)


_REASONS = {Event.NEW: _why_new, Event.CORROBORATED: _why_corroborated}
