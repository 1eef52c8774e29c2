"""A host's answer "come back later" to one feed -> its other feeds do not ask before that time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from monitor.domain import registrable_domain
from monitor.errors import FetchError
from monitor.fetch.wire import Route

_LONGEST = timedelta(days=1)


class Pauses:
    """Remembers which hosts asked for a pause: 429 or 503 with Retry-After (RFC 6585 section 4, RFC 9110 10.2.3).

    A pause holds for one route: behind a proxy the program is somebody else to the host. It ends after a day at most,
    whatever the host says. A host without a domain, such as `localhost`, is heard for the one feed only: an aggregator
    of the operator's own (RSSHub) stands for many sites, and its 503 speaks for one of them.
    """

    def __init__(self) -> None:
        self._until: dict[tuple[str, Route], datetime] = {}

    @contextmanager
    def respect(self, host: str, route: Route) -> Iterator[None]:
        """Let one request pass and learn from its failure; raises FetchError "busy" instead during a pause."""
        until = self._until.get((host, route))
        if until and datetime.now(UTC) < until:
            words = f"not asked: {host} wants all of its feeds to wait until {until:%Y-%m-%d %H:%M:%S} UTC"
            raise FetchError("busy", words, retry_after=until)
        try:
            yield
        except FetchError as e:
            if e.kind == "busy" and e.retry_after and registrable_domain(host):
                self._begin(host, route, e.retry_after)
            raise

    def _begin(self, host: str, route: Route, until: datetime) -> None:
        """Begin a pause, and forget those that are over."""
        now = datetime.now(UTC)
        self._until = {key: end for key, end in self._until.items() if end > now}
        self._until[host, route] = min(until, now + _LONGEST)
