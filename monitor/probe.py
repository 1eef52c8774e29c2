"""An address -> what is there: a feed with its items, or the feeds of the site that stands there."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin

from monitor.errors import FetchError, ParseError
from monitor.fetch import Fetcher
from monitor.model import Feed, Item, NotModified, Reading, Secret, Validators
from monitor.parse import find_offered_feeds
from monitor.reading import Reader

# Where sites keep their feed when their pages do not say: WordPress, static site generators, news sitemaps.
_USUAL_PATHS = ("/feed", "/rss.xml", "/atom.xml", "/feed.xml", "/index.xml", "/rss", "/sitemap-news.xml")
# A page may offer a feed of comments for each article.
_MOST_OFFERED = 10


@dataclass(frozen=True, slots=True)
class Probe:
    """What an address answered. `reading` is None where that is no feed, and `error` then says what it is.

    `address` is where the document came from, `moved_to` where it has moved for good; `status` is HTTP's, None where
    nothing was answered; `offered` are the addresses of feeds that the page names.
    """

    feed: Feed
    address: str
    status: int | None = None
    reading: Reading | None = None
    error: str = ""
    moved_to: str = ""
    offered: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[Item, ...]:
        """The feed's items, newest first."""
        return self.reading.new[::-1] if self.reading else ()

    @property
    def newest(self) -> datetime | None:
        """When its newest item was published, as it says."""
        return max((item.published for item in self.items if item.published), default=None)

    @property
    def lang(self) -> str:
        """The language of most of its items."""
        counted = Counter(item.lang for item in self.items if item.lang)
        return counted.most_common(1)[0][0] if counted else ""

    @property
    def items_per_day(self) -> float | None:
        """How many items it brings a day, by the dates of those that it holds; None where they do not tell."""
        times = [item.published for item in self.items if item.published]
        span = max(times) - min(times) if times else timedelta(0)
        return (len(times) - 1) / (span / timedelta(days=1)) if span else None


class Prober:
    """Fetches and reads documents as a poll does, and keeps nothing."""

    def __init__(self, fetcher: Fetcher, reader: Reader, *, clock: Callable[[], datetime]) -> None:
        self._fetcher = fetcher
        self._reader = reader
        self._clock = clock

    async def probe(self, feed: Feed) -> Probe:
        """Fetch and read a feed once. What is wrong with it is in the result; nothing is raised."""
        try:
            answer = await self._fetcher.fetch(feed, Validators())
        except FetchError as error:
            return Probe(feed, feed.url, status=error.status, error=str(error))
        assert not isinstance(answer, NotModified), "nothing was asked for on condition"
        try:
            reading = await self._reader.read(answer, lang=feed.lang, known=(), now=self._clock())
        except ParseError as error:
            offered = find_offered_feeds(answer) if error.kind == "html" else ()
            return Probe(feed, answer.base, answer.status, error=str(error), moved_to=answer.moved_to, offered=offered)
        return Probe(feed, answer.base, answer.status, reading, moved_to=answer.moved_to)

    async def find_feeds(self, feed: Feed) -> AsyncIterator[Probe]:
        """Give the feed at the address; else those that its page offers; else those in the usual places of its site.

        If there is none, give what stands at the address itself.
        """
        first = await self.probe(feed)
        if first.reading is None and first.status is not None:
            found = [probe async for probe in self._readable(first.offered[:_MOST_OFFERED])]
            usual = () if found else tuple(urljoin(first.address, path) for path in _USUAL_PATHS)
            found += [probe async for probe in self._readable(usual)]
            for probe in found:
                yield probe
            if found:
                return
        yield first

    async def _readable(self, addresses: tuple[str, ...]) -> AsyncIterator[Probe]:
        met = set()
        for address in addresses:
            probe = await self.probe(Feed(url=address, address=Secret(address), owner=""))
            if probe.reading is not None and probe.address not in met:
                met.add(probe.address)
                yield probe
