"""Draft -> Message: the same lines as plain text, Markdown or HTML, cut between items to what the service takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape

from monitor.model import Format, Medium, Message
from monitor.render.quote import shorten
from monitor.render.words import Words

# A lock screen shows about this much of a title.
TITLE_LENGTH = 80
# Where a line begins with this, it runs from right to left whatever follows (UAX #9, rule P2).
_RIGHT_TO_LEFT = "\u200f"

# How a line and a paragraph end. Apprise writes a mail's plain text from its HTML, and Telegram takes few tags: both read
# <br> as it is meant and lose the empty lines between <p>; Telegram loses those that nothing stands on, too.
_BREAKS = {
    Format.TEXT: ("\n", "\n\n"),
    Format.MARKDOWN: ("  \n", "\n\n"),
    Format.HTML: ("<br>", "<br>\u200b<br>"),
}


@dataclass(frozen=True, slots=True)
class Link:
    """A link of ours, on a line of its own: shown in full, so that the reader sees where it leads."""

    url: str


Line = str | Link
Block = tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a message says, whatever the format: paragraphs of lines, of which `items` may be left out from the end.

    At most `most` items are shown. `dense` items follow each other without an empty line. `thread` and `reply` are
    the Message's.
    """

    title: str
    opening: Block
    items: tuple[Block, ...] = ()
    closing: Block = ()
    most: int = 5
    dense: bool = False
    thread: str = ""
    reply: bool = False


def lay_out(draft: Draft, words: Words, medium: Medium) -> Message:
    """Write a draft so that it fits: as many items as there is room for, and how many more there are.

    A service without titles gets the title as the first line of the body, where it obeys the format.
    """
    title = shorten(draft.title, min(TITLE_LENGTH, medium.title_limit or TITLE_LENGTH))
    head = () if medium.title_limit else (title,)
    write = _Writer(medium.format, right_to_left=words.right_to_left)
    body = _fit(lambda shown: write.body(_paragraphs(draft, words, head, shown)), draft, medium.body_limit)
    if body is None:
        # Not even the opening fits, as in a single SMS: its beginning is what matters.
        opening = " ".join(line for line in (*head, *draft.opening) if isinstance(line, str))
        body = _shorten_to_fit(opening, write, medium.body_limit)
    return Message(
        title if medium.title_limit else "", body, format=medium.format, thread=draft.thread, reply=draft.reply
    )


def put_under_title(draft: Draft, text: str, words: Words, medium: Medium) -> Message | None:
    """Put a body that is written already under a draft's title; None if the service would not take its length."""
    bare = lay_out(replace(draft, opening=(), items=(), closing=()), words, medium)
    body = _BREAKS[medium.format][1].join(part for part in (bare.body, text) if part)
    return replace(bare, body=body) if len(body) <= medium.body_limit else None


def _fit(write: Callable[[int], str], draft: Draft, limit: int) -> str | None:
    bodies = (write(shown) for shown in range(min(draft.most, len(draft.items)), -1, -1))
    return next((body for body in bodies if len(body) <= limit), None)


def _shorten_to_fit(text: str, write: _Writer, limit: int) -> str:
    """Cut a line until it fits as it is written, where HTML takes more room than it shows."""
    length = limit
    while len(body := write.body([(shorten(text, length),)])) > limit and length > 1:
        length -= 1
    return body


def _paragraphs(draft: Draft, words: Words, head: Block, shown: int) -> list[Block]:
    items: list[Block] = list(draft.items[:shown])
    if left := len(draft.items) - shown:
        items.append((words.count("+{n} more", "+{n} more", left),))
    if draft.dense:
        items = [tuple(line for item in items for line in item)]
    return [block for block in ((*head, *draft.opening), *items, draft.closing) if block]


@dataclass(frozen=True, slots=True)
class _Writer:
    """How lines look in a format. What others wrote can do nothing in Markdown already; HTML is escaped here, once."""

    format: Format
    right_to_left: bool

    def body(self, paragraphs: Sequence[Block]) -> str:
        end, gap = _BREAKS[self.format]
        text = gap.join(end.join(self._line(line) for line in paragraph) for paragraph in paragraphs)
        return f'<div dir="rtl">{text}</div>' if text and self.right_to_left and self.format is Format.HTML else text

    def _line(self, line: Line) -> str:
        if isinstance(line, Link):
            return self._link(line.url)
        text = f"{_RIGHT_TO_LEFT}{line}" if self.right_to_left else line
        return escape(text, quote=False) if self.format is Format.HTML else text

    def _link(self, url: str) -> str:
        match self.format:
            case Format.HTML:
                return f'<a href="{escape(url)}">{escape(url)}</a>'
            case Format.MARKDOWN:
                return f"<{url}>"
            case Format.TEXT:
                return url
