"""Filled-in tables -> the same, checked key by key: what feeds.toml may hold.

Only what is given is kept: the defaults stand once, in `monitor.model`. What ties tables together is checked in
`monitor.config.references`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from monitor.config import values
from monitor.deliver import check_channel_url
from monitor.model import Detail, Event, FetchSettings, Network, Quiet, Schedule, Secret

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


def _read(parse: Callable[[str], T], *, like: str = "") -> PlainValidator:
    """Make a validator of a function that reads text and raises ValueError.

    `like` is a pattern that all such text fits, for the JSON Schema. A `${NAME}` in it may stand for anything.
    """

    def validate(value: object) -> T:
        if not isinstance(value, str):
            raise PydanticCustomError("string_type", "")
        return parse(value)

    pattern = rf"^({like})$|\$\{{" if like else None
    return PlainValidator(validate, json_schema_input_type=Annotated[str, Field(pattern=pattern)])


def _choose(choices: type[E]) -> PlainValidator:
    """Make a validator of an enumeration's values."""
    either = choices | Annotated[str, Field(pattern=r"\$\{")]
    validator = _read(partial(values.parse_choice, choices))
    return PlainValidator(validator.func, json_schema_input_type=either)


def _parse_channel_url(text: str) -> Secret:
    """Read an Apprise URL that Apprise knows."""
    url = Secret(text)
    fault = check_channel_url(url) if text else "it is empty"
    if fault:
        raise PydanticCustomError("phrase", "", {"words": fault})
    return url


_SCHEDULE = "hourly|daily [0-9]{2}:[0-9]{2}|weekly (mon|tue|wed|thu|fri|sat|sun) [0-9]{2}:[0-9]{2}"
# TOML knows lists only; the model knows tuples and sets.
Items = Field(strict=False)
Text = Annotated[str, _read(values.parse_text, like=r".*\S.*")]
OptionalText = Annotated[str, _read(values.parse_optional_text)]
Duration = Annotated[timedelta, _read(values.parse_duration, like=r"[0-9]+[smhd]")]
PositiveDuration = Annotated[timedelta, _read(values.parse_positive_duration, like=r"[0-9]*[1-9][0-9]*[smhd]")]
Interval = Annotated[timedelta, _read(values.parse_interval, like=r"[0-9]*[1-9][0-9]*[smhd]")]
Size = Annotated[int, _read(values.parse_size, like=r"[0-9]+ ?(B|KiB|MiB|GiB)")]
Language = Annotated[str, _read(values.parse_language, like=r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")]
ChannelUrl = Annotated[Secret, _read(_parse_channel_url)]
Proxy = Annotated[Secret, _read(values.parse_proxy, like=r"|(socks5h|socks5|http)://.+")]
Count = Annotated[int, Field(ge=1)]
Texts = Annotated[tuple[Text, ...], Items]
SomeTexts = Annotated[tuple[Text, ...], Items, Field(min_length=1)]


class Table(BaseModel):
    """A table of the file: unknown keys are refused, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    def given(self) -> dict[str, Any]:
        """Give the values that the file sets, by key."""
        return {key: getattr(self, key) for key in type(self).model_fields if key in self.model_fields_set}


class MonitorTable(Table):
    """`[monitor]`."""

    database: Annotated[Secret, _read(values.parse_database, like=r"(sqlite|postgresql)[+a-z0-9]*://.+")] = Secret(
        "sqlite:///monitor.db"
    )
    contact: OptionalText | None = None
    timezone: Annotated[ZoneInfo, _read(values.parse_zone)] | None = None
    retention: PositiveDuration | None = None
    unmatched_retention: PositiveDuration | None = None
    operators: Texts | None = None


class FetchTable(Table):
    """`[fetch]`."""

    min_interval: Interval | None = None
    max_interval: Interval | None = Field(default=None, validate_default=True)
    timeout: PositiveDuration | None = None
    max_bytes: Size | None = None
    concurrency: Count | None = None
    per_host: Count | None = None
    per_domain: Count | None = None
    spacing: Duration | None = None
    proxy: Proxy | None = None
    stream_isolation: bool | None = None
    allow_private: Annotated[tuple[Annotated[Network, _read(values.parse_network)], ...], Items] | None = None
    backfill: Duration | None = None

    @field_validator("max_interval")
    @classmethod
    def _reach_above_the_least(cls, longest: timedelta | None, info: ValidationInfo) -> timedelta | None:
        default = FetchSettings()
        if (longest or default.max_interval) < (info.data.get("min_interval") or default.min_interval):
            unset = "" if longest else f"; where it is not set it is {default.max_interval // timedelta(hours=1)}h"
            raise PydanticCustomError("phrase", "", {"words": f"it is shorter than min_interval{unset}"})
        return longest

    @field_validator("stream_isolation")
    @classmethod
    def _need_a_proxy_that_isolates(cls, wanted: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's signature
        if wanted and "proxy" in info.data and not values.can_isolate(info.data["proxy"] or Secret("")):
            words = 'it needs proxy = "socks5h://HOST:PORT", without a user: each feed gets a user name of its own'
            raise PydanticCustomError("phrase", "", {"words": words})
        return wanted


class FeedTable(Table):
    """`[[feed]]`."""

    url: Annotated[Secret, _read(values.parse_feed_url, like=r"https?://.+")]
    name: Text | None = None
    lang: Language | None = None
    tags: Texts | None = None
    owner: Text | None = None
    interval: Interval | None = None
    proxy: Proxy | None = None
    timeout: PositiveDuration | None = None
    max_bytes: Size | None = None
    headers: (
        dict[
            Annotated[str, _read(values.parse_header_name)],
            Annotated[Secret, _read(values.parse_header_value)],
        ]
        | None
    ) = None
    enabled: bool | None = None


class TopicTable(Table):
    """`[[topic]]`."""

    name: Text
    query: str
    window: PositiveDuration | None = None
    strictness: Annotated[float, Field(ge=-0.2, le=0.2, allow_inf_nan=False)] | None = None
    languages: Annotated[tuple[Language, ...], Items] | None = None
    feeds: Texts | None = None


class ChannelTable(Table):
    """`[[channel]]`."""

    name: Text
    url: ChannelUrl | None = None
    urls: Annotated[tuple[ChannelUrl, ...], Items] | None = Field(default=None, validate_default=True)
    detail: Annotated[Detail, _choose(Detail)] | None = None
    lang: Language | None = None
    burst: Count | None = None
    quiet: Annotated[Quiet | None, _read(values.parse_quiet, like=r"|[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}")] = None
    template: OptionalText | None = None

    @field_validator("urls")
    @classmethod
    def _lead_somewhere(cls, urls: tuple[Secret, ...] | None, info: ValidationInfo) -> tuple[Secret, ...] | None:
        if not urls and info.data.get("url", "wrong") is None:
            raise PydanticCustomError("nowhere", "")
        return urls


class AlertTable(Table):
    """`[[alert]]`."""

    topics: SomeTexts
    channels: SomeTexts
    on: Annotated[frozenset[Annotated[Event, _choose(Event)]], Items, Field(min_length=1)] | None = None
    min_sources: Count | None = None
    growth: Annotated[tuple[Count, ...], Items, Field(min_length=1)] | None = None
    digest: Annotated[Schedule | None, _read(values.parse_digest, like=f"|{_SCHEDULE}")] = None
    urgent: bool | None = None

    @field_validator("growth")
    @classmethod
    def _ascend(cls, growth: tuple[int, ...]) -> tuple[int, ...]:
        if list(growth) != sorted(set(growth)):
            raise ValueError("must ascend, each number once: write them such as [5, 20]")
        return growth


class HeartbeatTable(Table):
    """`[[heartbeat]]`."""

    channels: SomeTexts
    at: Annotated[Schedule, _read(values.parse_schedule, like=_SCHEDULE)]


class WebTable(Table):
    """`[web]`. The token stands first, for `listen` depends on it."""

    token: Annotated[Secret, _read(Secret)] | None = None
    listen: Annotated[values.Address, _read(values.parse_listen, like=r"|.+:[0-9]{1,5}")] | None = None

    @field_validator("listen")
    @classmethod
    def _guard(cls, address: values.Address, info: ValidationInfo) -> values.Address:
        guarded = not address.host or values.is_loopback(address.host) or info.data.get("token", "wrong")
        if not guarded:
            raise ValueError("can be reached by other machines: set a token too, or write 127.0.0.1:8642")
        return address


class FileTable(Table):
    """All of feeds.toml."""

    monitor: MonitorTable = MonitorTable()
    fetch: FetchTable = FetchTable()
    feed: list[FeedTable] = []
    topic: list[TopicTable] = []
    channel: list[ChannelTable] = []
    alert: list[AlertTable] = []
    heartbeat: list[HeartbeatTable] = []
    web: WebTable = WebTable()


# Every table by its name, for messages and for the reference.
TABLES: dict[str, type[Table]] = {
    "monitor": MonitorTable,
    "fetch": FetchTable,
    "feed": FeedTable,
    "topic": TopicTable,
    "channel": ChannelTable,
    "alert": AlertTable,
    "heartbeat": HeartbeatTable,
    "web": WebTable,
}
REPEATED = frozenset({"feed", "topic", "channel", "alert", "heartbeat"})


def header(table: str) -> str:
    """Give a table's header as it is written in the file."""
    return f"[[{table}]]" if table in REPEATED else f"[{table}]"
