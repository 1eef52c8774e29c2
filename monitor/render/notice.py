"""Notice -> Message: what the operators, or those who wait for a proof of life, are told of the program itself."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from monitor.model import Channel, Detail, Medium, Message, Notice
from monitor.render.alert import quote

_NAME_LENGTH = 60


def render_notice(notice: Notice, channel: Channel, *, timezone: ZoneInfo, medium: Medium) -> Message:  # noqa: ARG001 - times follow
    """Say what a notice says, no more than `detail` allows."""
    if channel.detail is Detail.DISCREET:
        return Message("1 notice", "1 notice")
    lines = [f"{name}: {quote(str(value), medium.body_limit // 10)}" for name, value in notice.facts.items()]
    return Message(f"monitor: {notice.kind}", "\n".join(lines))


def render_test(channel: Channel, *, medium: Medium) -> Message:  # noqa: ARG001 - formats follow
    """Say that a channel works, and no more than its `detail` allows."""
    if channel.detail is Detail.DISCREET:
        return Message("Test", "Test")
    return Message(
        f"Test of channel {quote(channel.name, _NAME_LENGTH)}",
        "This is a test. Whoever reads it will get this channel's alerts here.",
    )
