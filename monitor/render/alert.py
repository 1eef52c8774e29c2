"""Delivery -> Message: what happened to one story, who says so, what is new since the last message, and why it is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from monitor.model import Channel, Delivery, Detail, Event, Medium, Member, Message, Revision, Source, Story
from monitor.render.layout import TITLE_LENGTH, Block, Draft, Line, Link, lay_out
from monitor.render.own import give_values, render_own
from monitor.render.quote import clean_link
from monitor.render.template import TemplateFault
from monitor.render.words import Words, find_words

# How much of what others wrote one line may hold.
_HEADLINE_LENGTH = 160
_SUMMARY_LENGTH = 240
OUTLET_LENGTH = 60
_WORD_LENGTH = 40
# So many sources, and words that matched, are named; the others are counted.
_NAMED = 3


def render_alert(delivery: Delivery, channel: Channel, *, timezone: ZoneInfo, medium: Medium) -> Message:
    """Say what happened, who says so, and why it is told; never more than the channel's `detail` allows.

    `full` brings links, the first report of each independent source before all others, and what matched; `title`
    brings headlines and outlets alone; `discreet` only counts. A follow-up brings what is new since the last message.
    Times are in `timezone`. Where the channel's template fails, the message is as if there were none, and says so in
    `fault`.
    """
    words = find_words(channel.lang)
    if channel.detail is Detail.DISCREET:
        return count_updates(len(delivery.events), words, medium)
    full = channel.detail is Detail.FULL
    teller = _Teller(delivery, words, timezone, full=full)
    draft = Draft(
        title=teller.title(threaded=medium.threads),
        opening=teller.opening(),
        items=tuple(teller.items()),
        closing=teller.closing() if full else (),
        dense=not full and not delivery.revisions,
        thread=_name_thread(delivery.story),
        reply=delivery.previous is not None,
    )
    built_in = lay_out(draft, words, medium)
    if channel.template is None:
        return built_in
    try:
        return render_own(channel.template, teller.values(), draft, words, medium, most=draft.most)
    except TemplateFault as fault:
        return replace(built_in, fault=str(fault))


def count_updates(count: int, words: Words, medium: Medium) -> Message:
    """Say how much there is to know, and nothing of what.

    The title says it too: a mail without one looks like spam, and some services refuse an empty body.
    """
    text = words.count("{n} update", "{n} updates", count)
    return (
        lay_out(Draft(text, (text,)), words, medium) if medium.title_limit else lay_out(Draft(text, ()), words, medium)
    )


def name_story(story: Story, words: Words, length: int) -> str:
    """Name a story by its first report's title, alike in all messages."""
    return words.quote(story.title, length) or words.say("(no title)")


def lead_with(events: Sequence[Event], words: Words) -> str:
    """Say in a word or two what happened."""
    leads = {
        Event.NEW: words.say("New"),
        Event.CORROBORATED: words.say("Confirmed"),
        Event.GROWTH: words.say("Growing"),
        Event.REVISED: words.say("Revised"),
        Event.WITHDRAWN: words.say("Withdrawn"),
    }
    return ", ".join(leads[event] for event in events).capitalize()


def count_sources(story: Story, words: Words) -> str:
    """Say how many outlets tell a story, and how many of them independently."""
    sources, outlets = len(story.sources), len({member.feed for member in story.members})
    if outlets <= sources:
        return (
            words.count("{n} independent source", "{n} independent sources", sources)
            if sources > 1
            else words.say("1 source")
        )
    told = words.count("{n} outlet", "{n} outlets", outlets)
    return words.count("{outlets}, {n} independent", "{outlets}, {n} independent", sources, outlets=told)


class _Teller:
    """The parts of one message about one story."""

    def __init__(self, delivery: Delivery, words: Words, timezone: ZoneInfo, *, full: bool) -> None:
        self._delivery = delivery
        self._story = delivery.story
        self._words = words
        self._timezone = timezone
        self._full = full
        self._members = {member.id: member for member in delivery.story.members}
        since = delivery.previous
        self._fresh = [
            member for member in _most_independent_first(self._story) if since is None or member.item.seen > since
        ]

    def title(self, *, threaded: bool) -> str:
        """Name the story; where messages of one title are shown together, with nothing before it."""
        if threaded:
            return name_story(self._story, self._words, TITLE_LENGTH)
        lead = lead_with(self._delivery.events, self._words)
        return f"{lead}: {name_story(self._story, self._words, TITLE_LENGTH - len(lead) - 2)}"

    def opening(self) -> Block:
        words, story = self._words, self._story
        named = words.say("{count}: {names}", count=count_sources(story, words), names=self._name_sources())
        parts = [*self._happened(), f"{named}."]
        if story.languages:
            parts.append(words.say("In {languages}.", languages=words.name_languages(story.languages)))
        return (" ".join(parts), *self._since())

    def items(self) -> Iterator[Block]:
        yield from (
            self._tell_revision(revision) for revision in self._delivery.revisions if revision.item in self._members
        )
        yield from (
            self._tell_withdrawal(self._members[item]) for item in self._delivery.withdrawn if item in self._members
        )
        yield from (self._tell_report(member) for member in self._fresh)

    def closing(self) -> Block:
        words = self._words
        met = [f"“{words.quote(word, _WORD_LENGTH)}”" for word in self._delivery.words[:_NAMED]]
        topic = words.quote(self._delivery.topic, OUTLET_LENGTH)
        if not met:
            return (words.say("Topic: {topic}", topic=topic),)
        return (words.say("Topic: {topic}, for it says {words}", topic=topic, words=words.list(met)),)

    def values(self) -> dict[str, Any]:
        return give_values(self._delivery, self._fresh, self._words, self._timezone, full=self._full)

    def _happened(self) -> list[str]:
        words, second = self._words, len(self._story.sources) == 2  # noqa: PLR2004 - the second one confirms
        sentences = {
            Event.NEW: words.say("New story."),
            Event.CORROBORATED: words.say("Confirmed by a second independent source.")
            if second
            else words.say("Confirmed by other independent sources."),
            Event.GROWTH: words.say("It is spreading."),
            Event.REVISED: words.say("A report was changed."),
            Event.WITHDRAWN: words.say("A report was withdrawn."),
        }
        return [sentences[event] for event in self._delivery.events]

    def _name_sources(self) -> str:
        """Name the largest sources: an agency and how many copy it, or an outlet and how many more go with it."""
        words = self._words
        largest = sorted(self._story.sources, key=lambda source: -len(source.members))
        names = [self._name_source(source) for source in largest[:_NAMED]]
        if rest := len(largest) - _NAMED:
            names += [words.count("{n} other", "{n} others", rest)] if rest > 0 else []
        return words.list(names)

    def _name_source(self, source: Source) -> str:
        outlets = list(dict.fromkeys(self._members[item].feed for item in source.members if item in self._members))
        if source.agency and len(outlets) > 1:
            return f"{self._words.quote(source.agency, OUTLET_LENGTH)} ×{len(outlets)}"
        name = self._words.quote(outlets[0], OUTLET_LENGTH) if outlets else self._words.say("(no title)")
        return f"{name} +{len(outlets) - 1}" if len(outlets) > 1 else name

    def _since(self) -> Block:
        """Say how much is new, where there was a message before."""
        since = self._delivery.previous
        if since is None:
            return ()
        words = self._words
        reports = words.count("{n} new report", "{n} new reports", len(self._fresh))
        before = {member.item.lang for member in self._story.members if member.item.seen <= since}
        added = [lang for lang in self._story.languages if lang not in before]
        line = words.say("Since {time}: {reports}.", time=words.time(since, self._timezone), reports=reports)
        first = words.say("For the first time in {languages}.", languages=words.name_languages(added)) if added else ""
        return (f"{line} {first}".rstrip(),)

    def _tell_report(self, member: Member) -> Block:
        if not self._full:
            return (f"• {self._outlet(member)}: {self._headline(member.item.title)}",)
        language = member.item.lang and self._words.name_language(member.item.lang)
        when = self._words.time(member.item.when, self._timezone)
        source = " · ".join(part for part in (self._outlet(member), language, when) if part)
        return (f"• {source}", self._headline(member.item.title), *_link(member))

    def _tell_revision(self, revision: Revision) -> Block:
        """Show old and new words, one under the other."""
        words, old, new = self._words, revision.old, revision.new
        member = self._members[revision.item]
        lines: list[Line] = [
            words.say(
                "• Changed by {outlet}, {time}", outlet=self._outlet(member), time=words.time(new.seen, self._timezone)
            )
        ]
        if old.title != new.title or not self._full:
            lines += [
                words.say("was: {text}", text=self._headline(old.title)),
                words.say("now: {text}", text=self._headline(new.title)),
            ]
        if self._full and old.summary != new.summary:
            lines += [
                words.say("was: {text}", text=self._summary(old.summary)),
                words.say("now: {text}", text=self._summary(new.summary)),
            ]
        return (*lines, *(_link(member) if self._full else ()))

    def _tell_withdrawal(self, member: Member) -> Block:
        gone = self._words.say("• Withdrawn by {outlet}", outlet=self._outlet(member))
        return (gone, self._headline(member.item.title), *(_link(member) if self._full else ()))

    def _outlet(self, member: Member) -> str:
        return self._words.quote(member.feed, OUTLET_LENGTH)

    def _headline(self, title: str) -> str:
        # In quotation marks a title begins no line, where `#`, `>` and `-` would mark it up.
        return f"“{self._words.quote(title, _HEADLINE_LENGTH) or self._words.say('(no title)')}”"

    def _summary(self, summary: str) -> str:
        return f"“{self._words.quote(summary, _SUMMARY_LENGTH)}”"


def _name_thread(story: Story) -> str:
    """Name a story alike in all its messages, and as no other program names one of its own.

    Nothing of a channel's URL is in it, not even its fingerprint: whoever gets the message could try passwords on that.
    """
    return f"{story.id}.{story.members[0].item.seen:%Y%m%d%H%M%S}"


def _most_independent_first(story: Story) -> list[Member]:
    firsts = {source.members[0] for source in story.sources}
    return sorted(story.members, key=lambda member: member.id not in firsts)


def _link(member: Member) -> tuple[Link, ...]:
    url = clean_link(member.item.url)
    return (Link(url),) if url else ()
