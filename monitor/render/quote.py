"""What others wrote -> one line that can do nothing but be read, in every format and at every service; links."""

from __future__ import annotations

import re
import unicodedata

# Nothing of this is ever wanted in a line: control characters but spaces (which are folded below), zero-width
# characters, embeddings, overrides and isolates of direction (an unpaired one would end ours), tags, lone surrogates.
_UNWANTED = re.compile(
    "[\\x00-\\x08\\x0e-\\x1b\\x7f-\\x84\\x86-\\x9f\\xad\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
# Characters that mark text up wherever they stand, and what looks like them and does not. A backslash before them
# would do in CommonMark, but Slack, Signal and webhooks show it.
_LOOKALIKES = str.maketrans({"`": "'", "*": "∗", "~": "∼", "\\": "∖"})
# Slack's and Discord's <!channel>, <@U123>, <https://…|text>, <#…>, <t:…>; a tag of HTML. A zero-width space would not
# do: Markdown makes a link of what stands in angle brackets and has an @.
_TAG = re.compile(r"<(?=\S)")
_ANGLE = "‹"
_EMPHASIS = re.compile(r"(?<!\w)_|_(?!\w)")
_LOW_LINE = "ˍ"
_BREAK = "\u200b"
# Where a service, or the app that shows the message, would see more than text. A zero-width space goes in between.
_ACTIVE = re.compile(
    "(?<=[@＠])(?=\\S)"  # @everyone, @here, @all, @room, @name; a mail address
    "|(?<=&)(?=#?\\w+;)"  # &lt; and &#64;, which some services decode
    "|(?<=\\w:)(?=[^\\s\\d])"  # https://, mailto:, javascript:, tg:
    "|(?<=\\S[.。．｡])(?=[^\\W\\d_])"  # example.org, which many apps make a link without any scheme
    "|(?<=\\d\\.)(?=\\d+\\.\\d)"  # 192.0.2.1
    "|(?<=\\])(?=[(\\[:])"  # [text](link), [text][link]
    "|(?<=([_|=]))(?=\\1)"  # __, ||spoiler||, ==
)
# Right-to-left letters and numbers, by the classes of the Unicode Bidirectional Algorithm (UAX #9).
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_ISOLATES = len(_ISOLATE + _END_ISOLATE)

# A longer link is left out: it cannot be cut, and would push the other outlets out of the message.
_LINK_LENGTH = 500
_LINK = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?", re.IGNORECASE)
# What RFC 3986 allows in a link nowhere unescaped, and `@`, which mentions people in Discord and Mattermost even there.
_UNSAFE_IN_LINK = re.compile('[@<>"`{}|\\\\^*\u0000-\u0020\u007f-\u00a0\u2000-\u206f\ufeff\ud800-\udfff]')


def quote(text: str, length: int, *, isolate: bool = False) -> str:
    """Make what others wrote one line of at most `length` characters that can do nothing but be read.

    `isolate` keeps its direction from mixing with that of the words around it; right-to-left text is isolated anyway
    (UAX #9, section 2.4.2).
    """
    line = " ".join(_UNWANTED.sub("", text[: 8 * length]).split()).translate(_LOOKALIKES)
    line = _ACTIVE.sub(_BREAK, _TAG.sub(_ANGLE, _EMPHASIS.sub(_LOW_LINE, line)))
    if line and (isolate or any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in line)):
        return f"{_ISOLATE}{shorten(line, length - _ISOLATES)}{_END_ISOLATE}"
    return shorten(line, length)


def shorten(line: str, length: int) -> str:
    """Cut a line between words, and never within what is shown as one character."""
    if len(line) <= length:
        return line
    end = max(length - 1, 1)
    while end > 1 and _continues(line, end):
        end -= 1
    space = line.rfind(" ", 0, end + 1)
    # A line without spaces (Chinese, Thai, one endless word) is cut where it must be.
    return line[: space if space > length // 2 else end].rstrip(" ,;:–—-") + "…"


def clean_link(url: str) -> str:
    """Give a link to the web that can be nothing else; nothing where it is something else, or too long to show."""
    if len(url) > _LINK_LENGTH or not _LINK.fullmatch(url):
        return ""
    return _UNSAFE_IN_LINK.sub(lambda found: _percent(found[0]), url)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))


def _continues(line: str, at: int) -> bool:
    """Tell whether the character at a place belongs to the one before it (roughly UAX #29): a mark, an emoji's part."""
    joiner, before, after = "\u200d", line[at - 1], line[at]
    if _is_flag_letter(before) and _is_flag_letter(after):
        letters = len(line[:at]) - len(line[:at].rstrip("".join(map(chr, _FLAG_LETTERS))))
        return letters % 2 == 1
    return joiner in (before, after) or unicodedata.category(after) in {"Mn", "Mc", "Me", "Sk"}


# A flag is a pair of these.
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)


def _is_flag_letter(character: str) -> bool:
    return ord(character) in _FLAG_LETTERS
