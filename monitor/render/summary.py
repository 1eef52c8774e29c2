"""Several deliveries to one channel URL -> one Message."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from monitor.model import Bundle, Channel, Delivery, Detail, Medium, Message
from monitor.render.alert import count_updates, render_alert

_WHY = {
    Bundle.DIGEST: "Digest",
    Bundle.QUIET: "During the quiet hours",
    Bundle.BURST: "Many at once",
    Bundle.OUTAGE: "After an outage of this channel",
    Bundle.RESTORED: "After a restored backup",
}


def render_summary(
    deliveries: Sequence[Delivery], channel: Channel, bundle: Bundle, *, timezone: ZoneInfo, medium: Medium
) -> Message:
    """Name each story and what happened to it, in the order of `deliveries`; no more than `detail` allows."""
    if channel.detail is Detail.DISCREET:
        return count_updates(sum(len(delivery.events) for delivery in deliveries))
    lines = [render_alert(delivery, channel, timezone=timezone, medium=medium).title for delivery in deliveries]
    room, shown = medium.body_limit - len("+9999 more"), 0
    for line in lines:
        room -= len(line) + len("• \n")
        if room < 0:
            break
        shown += 1
    more = [f"+{len(lines) - shown} more"] if shown < len(lines) else []
    return Message(f"{_WHY[bundle]}: {len(lines)} stories", "\n".join([f"• {line}" for line in lines[:shown]] + more))
