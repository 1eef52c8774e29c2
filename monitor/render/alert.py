"""Delivery -> Message: what one channel is told of one alert, as plain text made for a phone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.lists import format_list

from monitor.model import Channel, Delivery, Detail, Event, Medium, Member, Message, Story

# A lock screen shows about this much of a title.
TITLE_LENGTH = 80
# A message of more links than these is not read on a phone.
_LINKS = 5
# The tightest of the common services is Discord with 2,000 characters, of which the title takes some.
_BODY = 1_900
# How much of what others wrote one line may hold: a story's title in the body, an outlet's name, the reasons.
_HEADLINE_LENGTH = 160
_OUTLET_LENGTH = 60
_REASON_LENGTH = 400
# A longer link is left out: it cannot be cut, and would push the other outlets out of the message.
_LINK_LENGTH = 500
# Two names and a count read faster than five names.
_LANGUAGES_NAMED = 3

_ENGLISH = Locale("en")
_LEADS = {
    Event.NEW: "New",
    Event.CORROBORATED: "Confirmed",
    Event.GROWTH: "Growing",
    Event.REVISED: "Revised",
    Event.WITHDRAWN: "Withdrawn",
}

# Nothing of this is ever wanted in a line: control characters but spaces (which are folded below), zero-width
# characters, embeddings, overrides and isolates of direction (an unpaired one would end ours), tags, lone surrogates.
_UNWANTED = re.compile(
    "[\\x00-\\x08\\x0e-\\x1b\\x7f-\\x84\\x86-\\x9f\\xad\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
# Characters that mark text up wherever they stand, and what looks like them and does not.
_LOOKALIKES = str.maketrans({"`": "'", "*": "∗"})
_BREAK = "\u200b"
# Where a service, or the app that shows the message, would see more than text. A zero-width space goes in between.
_ACTIVE = re.compile(
    "(?<=[@＠])(?=\\S)"  # @everyone, @here, @all, @room, @name; a mail address
    "|(?<=<)(?=\\S)"  # Slack's and Discord's <!channel>, <@U123>, <https://…|text>, <#…>, <t:…>; a tag of HTML
    "|(?<=\\w:)(?=[^\\s\\d])"  # https://, mailto:, javascript:, tg:
    "|(?<=\\S[.。．｡])(?=[^\\W\\d_])"  # example.org, which many apps make a link without any scheme
    "|(?<=\\d\\.)(?=\\d+\\.\\d)"  # 192.0.2.1
    "|(?<=\\])(?=[(\\[:])"  # [text](link), [text][link]
    "|(?<=([_~|=]))(?=\\1)"  # __, ~~, ||spoiler||
)
# Right-to-left letters and numbers, by the classes of the Unicode Bidirectional Algorithm (UAX #9).
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"

_LINK = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?", re.IGNORECASE)
# What RFC 3986 allows in a link nowhere unescaped, and `@`, which mentions people in Discord and Mattermost even there.
_UNSAFE_IN_LINK = re.compile('[@<>"`{}|\\\\^*\u0000-\u0020\u007f-\u00a0\u2000-\u206f\ufeff\ud800-\udfff]')


def render_alert(delivery: Delivery, channel: Channel, *, timezone: ZoneInfo, medium: Medium) -> Message:
    """Say what happened, who says so, and why it was told; never more than the channel's `detail` allows.

    `full` brings up to five links, the first report of each independent source before all others, and the
    reasons; `title` brings headlines and outlets without links and reasons; `discreet` only counts. Times are in
    `timezone`.
    """
    if channel.detail is Detail.DISCREET:
        return count_updates(len(delivery.events))
    story = delivery.story
    lead = ", ".join(_LEADS[event] for event in delivery.events).capitalize()
    title = f"{lead}: {_title(story.title, TITLE_LENGTH - len(lead) - 2)}"
    opening = _tell_events(story, delivery.events)
    if channel.detail is Detail.TITLE:
        blocks = [f"• {_outlet(member)}: {_headline(member)}" for member in _most_independent_first(story)]
        return Message(title, _compose(opening, blocks, medium=medium, separator="\n"))
    blocks = [_describe_member(member, timezone) for member in _most_independent_first(story)]
    return Message(title, _compose(opening, blocks, medium=medium, closing=_reasons(delivery)))


def count_updates(count: int) -> Message:
    """Say how much there is to know, and nothing of what."""
    # The subject says it too: a mail without one looks like spam, and some services refuse an empty body.
    words = "1 update" if count == 1 else f"{count} updates"
    return Message(words, words)


def _tell_events(story: Story, events: Iterable[Event]) -> str:
    sources = len(story.sources)
    confirmed = {2: "a second independent source"}.get(sources, "other independent sources")
    phrases = {
        Event.NEW: "new story",
        Event.CORROBORATED: f"confirmed by {confirmed}",
        Event.GROWTH: "more sources",
        Event.REVISED: "a report was changed",
        Event.WITHDRAWN: "a report was withdrawn",
    }
    happened = ", ".join(phrases[event] for event in events)
    languages = _name_languages(story.languages)
    return f"{happened[0].upper()}{happened[1:]}: {_count_sources(story)}{languages and f', in {languages}'}."


def _count_sources(story: Story) -> str:
    sources, outlets = len(story.sources), len({member.feed for member in story.members})
    if outlets <= sources:
        return "1 source" if sources == 1 else f"{sources} independent sources"
    return f"{sources} independent source{'s' if sources != 1 else ''} among {outlets} outlets"


def _name_languages(codes: Sequence[str]) -> str:
    names = [_language(code) for code in codes]
    if len(names) > _LANGUAGES_NAMED:
        names = [*names[: _LANGUAGES_NAMED - 1], f"{len(names) - _LANGUAGES_NAMED + 1} other languages"]
    return format_list(names, locale=_ENGLISH)


def _language(code: str) -> str:
    parts = code.replace("-", "_").split("_")
    return _ENGLISH.languages.get(parts[0].lower()) or quote(code, _OUTLET_LENGTH)


def _most_independent_first(story: Story) -> list[Member]:
    firsts = {source.members[0] for source in story.sources}
    return sorted(story.members, key=lambda member: member.id not in firsts)


def _describe_member(member: Member, timezone: ZoneInfo) -> str:
    when = format_datetime(member.item.when, "EEE d MMM, HH:mm", tzinfo=timezone, locale=_ENGLISH)
    language = member.item.lang and _language(member.item.lang)
    source = " · ".join(part for part in (_outlet(member), language, when) if part)
    return "\n".join(line for line in (f"• {source}", _headline(member), _link(member.item.url)) if line)


def _headline(member: Member) -> str:
    # In quotation marks a title begins no line, where `#`, `>` and `-` would mark it up.
    return f"“{_title(member.item.title, _HEADLINE_LENGTH)}”"


def _title(text: str, length: int) -> str:
    return quote(text, length) or "(no title)"


def _outlet(member: Member) -> str:
    return quote(member.feed, _OUTLET_LENGTH)


def _reasons(delivery: Delivery) -> str:
    why = "; ".join(delivery.reason[event] for event in delivery.events if event in delivery.reason)
    return why and f"Why: {quote(why, _REASON_LENGTH)}"


def _compose(opening: str, blocks: Sequence[str], *, medium: Medium, closing: str = "", separator: str = "\n\n") -> str:
    """Join what fits, whole blocks only, and say how many were left out."""
    room = (
        min(medium.body_limit, _BODY)
        - len(opening)
        - len(closing)
        - 2 * len("\n\n")
        - len(separator)
        - len("+999 more")
    )
    shown: list[str] = []
    for block in blocks[:_LINKS]:
        room -= len(block) + len(separator)
        if room < 0:
            break
        shown.append(block)
    if len(shown) < len(blocks):
        shown.append(f"+{len(blocks) - len(shown)} more")
    return "\n\n".join(part for part in (opening, separator.join(shown), closing) if part)


def _link(url: str) -> str:
    """Give a link to the web, on a line of its own; nothing where it is something else, or too long."""
    if len(url) > _LINK_LENGTH or not _LINK.fullmatch(url):
        return ""
    return _UNSAFE_IN_LINK.sub(lambda found: _percent(found[0]), url)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))


def quote(text: str, length: int) -> str:
    """Make what others wrote one line of at most `length` characters that can do nothing but be read."""
    line = " ".join(_UNWANTED.sub("", text[: 8 * length]).split()).translate(_LOOKALIKES)
    line = _ACTIVE.sub(_BREAK, line)
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in line):
        return f"{_ISOLATE}{_shorten(line, length - 2)}{_END_ISOLATE}"
    return _shorten(line, length)


def _shorten(line: str, length: int) -> str:
    if len(line) <= length:
        return line
    end = length - 1
    while end > 1 and _continues(line[end - 1], line[end]):
        end -= 1
    space = line.rfind(" ", 0, end + 1)
    # A line without spaces (Chinese, Thai, one endless word) is cut where it must be.
    return line[: space if space > length // 2 else end].rstrip(" ,;:–—-") + "…"


def _continues(before: str, after: str) -> bool:
    """Tell whether two characters are shown as one: marks, joined and coloured emoji (roughly UAX #29)."""
    joiner = "\u200d"
    return joiner in (before, after) or unicodedata.category(after) in {"Mn", "Mc", "Me", "Sk"}
