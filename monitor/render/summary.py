"""Several deliveries to one channel URL -> one Message: each story once, those with most independent sources first."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from monitor.model import Bundle, Channel, Delivery, Detail, Event, Medium, Message
from monitor.render.alert import count_sources, count_updates, lead_with, name_story
from monitor.render.layout import Block, Draft, Link, lay_out
from monitor.render.quote import clean_link
from monitor.render.words import Words, find_words

_HEADLINE_LENGTH = 160
_STORIES = 20


def render_summary(
    deliveries: Sequence[Delivery], channel: Channel, bundle: Bundle, *, timezone: ZoneInfo, medium: Medium
) -> Message:
    """Name each story and what happened to it; no more than `detail` allows. Times are in `timezone`."""
    words = find_words(channel.lang)
    if channel.detail is Detail.DISCREET:
        return count_updates(sum(len(delivery.events) for delivery in deliveries), words, medium)
    stories: dict[int, list[Delivery]] = {}
    for delivery in deliveries:
        stories.setdefault(delivery.story.id, []).append(delivery)
    told = sorted(stories.values(), key=lambda group: -len(group[-1].story.sources))
    full = channel.detail is Detail.FULL
    count = words.count("{n} story", "{n} stories", len(told))
    since = words.time(min(delivery.created for delivery in deliveries), timezone)
    draft = Draft(
        title=f"{_NAMES[bundle](words)}: {count}",
        opening=(words.say("What happened since {time}:", time=since),),
        items=tuple(_tell_story(group, words, full=full) for group in told),
        most=_STORIES,
        dense=not full,
    )
    return lay_out(draft, words, medium)


def _tell_story(group: Sequence[Delivery], words: Words, *, full: bool) -> Block:
    story = group[-1].story
    happened = {event for delivery in group for event in delivery.events}
    lead = lead_with([event for event in Event if event in happened], words)
    line = f"• {lead}: “{name_story(story, words, _HEADLINE_LENGTH)}”"
    if not full:
        return (line,)
    url = clean_link(story.members[0].item.url)
    languages = words.name_languages(story.languages)
    sources = " · ".join(part for part in (count_sources(story, words), languages) if part)
    return (line, sources, *((Link(url),) if url else ()))


_NAMES = {
    Bundle.DIGEST: lambda words: words.say("Digest"),
    Bundle.QUIET: lambda words: words.say("During the quiet hours"),
    Bundle.BURST: lambda words: words.say("Many at once"),
    Bundle.OUTAGE: lambda words: words.say("After an outage"),
    Bundle.RESTORED: lambda words: words.say("After a restored backup"),
}
