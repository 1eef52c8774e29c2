"""What the store knows of single items, for people who ask after them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from monitor.model import Item
from monitor.store.rows import Rows
from monitor.store.schema import FeedRow, ItemRow
from monitor.store.stories import read_item


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """An item and the feed that brought it: its URL in feeds.toml, and its name."""

    id: int
    item: Item
    feed_url: str
    feed: str
    owner: str


class ItemRows(Rows):
    """Single items, inside a transaction."""

    def items(self, ids: Iterable[int]) -> list[ItemRecord]:
        """Give those of these items that are stored, in the order in which they came."""
        return self._items(ItemRow.id.in_(list(ids)))

    def items_at(self, urls: Iterable[str]) -> list[ItemRecord]:
        """Give the items of these pages, at most one of each feed and GUID, in the order in which they came."""
        return self._items(ItemRow.url.in_(list(urls)))

    def feeds_of_site(self, domain: str) -> set[str]:
        """Give the URLs of the feeds that have brought an item of a site, its subdomains included. Reads all items."""
        on_site = or_(*(ItemRow.url.contains(f"{before}{domain}/", autoescape=True) for before in ("://", ".")))
        return set(
            self.session.scalars(select(FeedRow.url).where(FeedRow.id.in_(select(ItemRow.feed_id).where(on_site))))
        )

    def _items(self, wanted: ColumnElement[Any]) -> list[ItemRecord]:
        rows = self.session.execute(
            select(ItemRow, FeedRow).join(FeedRow, FeedRow.id == ItemRow.feed_id).where(wanted).order_by(ItemRow.id)
        )
        return [
            ItemRecord(id=row.id, item=read_item(row), feed_url=feed.url, feed=feed.name or feed.url, owner=feed.owner)
            for row, feed in rows
        ]
