"""Checked tables -> Config."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monitor.config.schema import ChannelTable, FeedTable, FileTable, WebTable
from monitor.config.values import AUTHORITY, show_url
from monitor.domain import registrable_domain
from monitor.model import Channel, Config, Feed, FetchSettings, Heartbeat, Rule, Secret, Template, Topic, Web

_RELATIVE_SQLITE = re.compile(r"(sqlite(?:\+pysqlite)?:///)(?!/)(.+)")


def build_config(
    path: Path,
    table: FileTable,
    *,
    written: Mapping[str, Any],
    templates: Mapping[int, Template],
    environ: Mapping[str, str],
) -> Config:
    """Give the model's values.

    `written` holds the tables as they stand in the file, for what may be shown of them; `templates` are by the place
    of their channel.
    """
    settings = table.monitor.given() | {"database": _place_database(table.monitor.database, path, environ)}
    return Config(
        path=path,
        feeds=tuple(
            _build_feed(feed, str(entry["url"]))
            for feed, entry in zip(table.feed, written.get("feed", ()), strict=True)
        ),
        topics=tuple(Topic(**topic.given()) for topic in table.topic),
        channels=tuple(_build_channel(channel, templates.get(place)) for place, channel in enumerate(table.channel)),
        rules=tuple(Rule(**alert.given()) for alert in table.alert),
        heartbeats=tuple(Heartbeat(**heartbeat.given()) for heartbeat in table.heartbeat),
        fetch=FetchSettings(**table.fetch.given()),
        web=_build_web(table.web),
        **settings,
    )


def _place_database(database: Secret, path: Path, environ: Mapping[str, str]) -> Secret:
    """Make a relative SQLite file absolute: in the first folder of $STATE_DIRECTORY, else beside the file.

    systemd separates several folders by colons (systemd.exec(5), StateDirectory=).
    """
    found = _RELATIVE_SQLITE.fullmatch(database.reveal())
    if not found:
        return database
    state = environ.get("STATE_DIRECTORY", "").split(":")[0]
    folder = Path(state).absolute() if state else path.absolute().parent
    return Secret(f"{found[1]}{folder}/{found[2]}")


def _build_feed(feed: FeedTable, written: str) -> Feed:
    given = feed.given()
    address: Secret = given.pop("url")
    return Feed(**{"url": show_url(written), "address": address, "owner": _default_owner(written, address), **given})


def _default_owner(written: str, address: Secret) -> str:
    """Give the registrable domain of a feed's host, or what stands for it.

    A host that is filled in may be secret: then the feed's address as written is its owner.
    """
    authority = AUTHORITY.match(written)
    if authority is None or "${" in authority[3]:
        return show_url(written)
    host = urlsplit(address.reveal()).hostname or ""
    return registrable_domain(host) or host


def _build_channel(channel: ChannelTable, template: Template | None) -> Channel:
    given = channel.given() | {"template": template}
    url, urls = given.pop("url", None), given.pop("urls", ())
    return Channel(urls=tuple(dict.fromkeys([*([url] if url else []), *urls])), **given)


def _build_web(web: WebTable) -> Web:
    given = web.given()
    if address := given.pop("listen", None):
        given |= {"host": address.host, "port": address.port}
    return Web(**given)
