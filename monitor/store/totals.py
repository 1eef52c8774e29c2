"""What the store can say in a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from monitor.model import Status
from monitor.store.rows import Rows
from monitor.store.schema import DeliveryRow, FeedRow

_WAITING = frozenset({Status.PENDING, Status.SENDING, Status.FAILED})


@dataclass(frozen=True, slots=True)
class ChannelTotal:
    """A channel's messages by status, the attempts that were refused, and when the oldest that waits was created and the last was sent.

    What is held for quiet hours or a digest does not wait: it is where it belongs.
    """

    channel: str
    count: Mapping[Status, int]
    refused: int
    oldest_waiting: datetime | None
    last_sent: datetime | None

    @property
    def sent(self) -> int:
        """How many were sent."""
        return self.count.get(Status.SENT, 0)

    @property
    def waiting(self) -> int:
        """How many wait to be sent, or to be sent again."""
        return sum(self.count.get(status, 0) for status in _WAITING)


class TotalRows(Rows):
    """Numbers over whole tables, inside a transaction."""

    def check_answer(self) -> None:
        """Ask the least that shows that the tables can be read."""
        self.session.execute(select(FeedRow.id).limit(1))

    def newest_time(self) -> datetime | None:
        """Give the latest time at which something was polled or sent, None where nothing was."""
        times = (self.session.scalar(select(func.max(column))) for column in (FeedRow.last_polled, DeliveryRow.sent))
        return max((time for time in times if time is not None), default=None)

    def channel_totals(self) -> list[ChannelTotal]:
        """Sum up the outbox for each channel that ever had a message, by name."""
        summed = (
            select(
                DeliveryRow.channel,
                DeliveryRow.status,
                func.count(),
                func.sum(DeliveryRow.attempts),
                func.min(DeliveryRow.created),
                func.max(DeliveryRow.sent),
            )
            .group_by(DeliveryRow.channel, DeliveryRow.status)
            .order_by(DeliveryRow.channel)
        )
        rows: dict[str, dict[Status, tuple[int, int, datetime, datetime | None]]] = {}
        for channel, status, count, attempts, oldest, sent in self.session.execute(summed):
            rows.setdefault(channel, {})[Status(status)] = (count, attempts, oldest, sent)
        return [_total(channel, by_status) for channel, by_status in rows.items()]


def _total(channel: str, rows: Mapping[Status, tuple[int, int, datetime, datetime | None]]) -> ChannelTotal:
    """Tell refusals from attempts: the last attempt of each message that was sent was none."""
    refused = sum(
        attempts - (count if status is Status.SENT else 0) for status, (count, attempts, _, _) in rows.items()
    )
    return ChannelTotal(
        channel=channel,
        count={status: count for status, (count, *_) in rows.items()},
        refused=refused,
        oldest_waiting=min((oldest for status, (_, _, oldest, _) in rows.items() if status in _WAITING), default=None),
        last_sent=max((sent for *_, sent in rows.values() if sent is not None), default=None),
    )
