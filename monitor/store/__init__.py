"""Items, stories, alerts and the outbox <-> the database; the only module that knows SQLAlchemy and Alembic."""

from monitor.store.backup import copy_database
from monitor.store.engine import Store, Transaction, has_database, open_store
from monitor.store.feeds import FeedState, KnownItems, PollRecord
from monitor.store.inspect import check_file, locate_file
from monitor.store.items import ItemRecord
from monitor.store.outbox import DeliveryRecord
from monitor.store.replay import Mute, StoredItem, Telling
from monitor.store.stories import StoryRecord
from monitor.store.totals import ChannelTotal

__all__ = [
    "ChannelTotal",
    "DeliveryRecord",
    "FeedState",
    "ItemRecord",
    "KnownItems",
    "Mute",
    "PollRecord",
    "Store",
    "StoredItem",
    "StoryRecord",
    "Telling",
    "Transaction",
    "check_file",
    "copy_database",
    "has_database",
    "locate_file",
    "open_store",
]
