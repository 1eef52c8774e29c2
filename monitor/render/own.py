"""A delivery -> the message that its channel's own template makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from monitor.model import Delivery, Medium, Member, Message, Revision, Template
from monitor.render.layout import TITLE_LENGTH, Draft, put_under_title
from monitor.render.quote import clean_link
from monitor.render.template import TemplateFault, fill_template
from monitor.render.words import Words

_TEXT_LENGTH = 240
_NAME_LENGTH = 60


def render_own(
    template: Template, values: dict[str, Any], draft: Draft, words: Words, medium: Medium, *, most: int
) -> Message:
    """Give a template at most `most` of the reports, and as many as leave the message short enough for the service.

    Raises:
        TemplateFault: it cannot be carried out, or is too long without any report.
    """
    reports = values["reports"]
    for shown in range(min(most, len(reports)), -1, -1):
        chosen = values | {"reports": reports[:shown], "more": len(reports) - shown}
        message = put_under_title(draft, fill_template(template, chosen, medium.format), words, medium)
        if message is not None:
            return message
    raise TemplateFault(
        f"{template.path} writes more than the {medium.body_limit} characters that {medium.scheme} takes"
    )


def give_values(
    delivery: Delivery, reports: Sequence[Member], words: Words, timezone: ZoneInfo, *, full: bool
) -> dict[str, Any]:
    """Give what a template may use, each text made harmless; links, summaries, topic and words only if `full`."""
    story = delivery.story
    members = {member.id: member for member in story.members}
    return {
        "title": words.quote(story.title, TITLE_LENGTH),
        "events": [event.value for event in delivery.events],
        "sources": len(story.sources),
        "outlets": len({member.feed for member in story.members}),
        "languages": [words.name_language(lang) for lang in story.languages],
        "since": words.time(delivery.previous, timezone) if delivery.previous else "",
        "reports": [_describe(member, words, timezone, full=full) for member in reports],
        "revised": [
            _describe(members[revision.item], words, timezone, full=full) | _compare(revision, words, full=full)
            for revision in delivery.revisions
            if revision.item in members
        ],
        "withdrawn": [
            _describe(members[item], words, timezone, full=full) for item in delivery.withdrawn if item in members
        ],
        "topic": words.quote(delivery.topic, _NAME_LENGTH) if full else "",
        "words": [words.quote(word, _NAME_LENGTH) for word in delivery.words] if full else [],
    }


def _describe(member: Member, words: Words, timezone: ZoneInfo, *, full: bool) -> dict[str, str]:
    item = member.item
    return {
        "outlet": words.quote(member.feed, _NAME_LENGTH),
        "title": words.quote(item.title, _TEXT_LENGTH),
        "summary": words.quote(item.summary, _TEXT_LENGTH) if full else "",
        "language": words.name_language(item.lang) if item.lang else "",
        "time": words.time(item.when, timezone),
        "link": clean_link(item.url) if full else "",
    }


def _compare(revision: Revision, words: Words, *, full: bool) -> dict[str, str]:
    old, new = revision.old, revision.new
    return {
        "old_title": words.quote(old.title, _TEXT_LENGTH),
        "new_title": words.quote(new.title, _TEXT_LENGTH),
        "old_summary": words.quote(old.summary, _TEXT_LENGTH) if full else "",
        "new_summary": words.quote(new.summary, _TEXT_LENGTH) if full else "",
    }
