"""What is due in the outbox -> messages at their channels: `outbox` claims, sends and marks; `services` knows Apprise."""

from monitor.deliver.outbox import DeliveryCounts, deliver_due
from monitor.deliver.services import check_channel_url, find_medium, send_message

__all__ = ["DeliveryCounts", "check_channel_url", "deliver_due", "find_medium", "send_message"]
