"""Feed, and what its last answer left behind -> Response | NotModified, or a FetchError that says why not."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Self

from yarl import URL

from monitor.errors import FetchError
from monitor.fetch.guard import check_host
from monitor.fetch.pauses import Pauses
from monitor.fetch.slots import Slots
from monitor.fetch.wire import REDIRECTS, Answer, Route, Wire
from monitor.model import Feed, FetchSettings, NotModified, Response, Validators

_MAX_REDIRECTS = 5
_PERMANENT = frozenset({301, 308})
# A feed's address as written: its path, up to a `${NAME}`.
_PLAIN_PATH = re.compile(r"https?://[^/?#]*((?:(?!\$\{)[^?#])*)", re.IGNORECASE)
_MAX_VALIDATOR = 1024  # characters; a longer one is not worth a row's space, and the body hash serves instead


class Fetcher:
    """Fetches feeds; to be entered once (`async with`) and used by any number of tasks.

    `contact` is an address or a URL; it goes into the User-Agent, so that a server's owner can write to ours.
    """

    def __init__(self, settings: FetchSettings, *, contact: str) -> None:
        self._settings = settings
        self._slots = Slots(settings)
        self._pauses = Pauses()
        self._wire = Wire(settings, contact=contact)

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._wire.__aexit__(*exception)

    async def fetch(self, feed: Feed, validators: Validators, *, test: bool = False) -> Response | NotModified:
        """Get a feed's document unless it is unchanged since `validators`.

        With `test` a 304 is not believed: the document is then asked for without conditions, and compared. The feed's
        timeout covers every redirect and the last byte of the body, but not the wait for a slot. Raises FetchError for
        whatever goes wrong, and nothing else.
        """
        answer = await self._fetch(feed, validators)
        if not test or answer.status != HTTPStatus.NOT_MODIFIED:
            return answer
        return replace(await self._fetch(feed, Validators(body_hash=validators.body_hash)), tested=True)

    async def _fetch(self, feed: Feed, validators: Validators) -> Response | NotModified:
        errand = _Errand(
            route=_choose_route(feed, self._settings),
            limit=feed.max_bytes or self._settings.max_bytes,
            conditions=_conditions(validators),
            patience=_Patience((feed.timeout or self._settings.timeout).total_seconds()),
        )
        hop = _first_hop(feed)
        while True:
            try:
                answer = await self._ask(hop, errand)
                if answer.status not in REDIRECTS:
                    return _conclude(answer, hop, feed, validators)
            except FetchError as e:
                if not hop.past:
                    raise
                raise _tell_redirect(e, hop.past[-1]) from e
            hop = _next_hop(hop, answer)

    async def _ask(self, hop: _Hop, errand: _Errand) -> Answer:
        check_host(hop.url.raw_host or "", self._settings.allow_private)
        async with self._slots.hold(hop.host) as crowded, errand.patience.spend(hop.host):
            with self._pauses.respect(hop.host, errand.route):
                ask = partial(self._wire.ask, hop.url, route=errand.route, limit=errand.limit, keep=crowded)
                try:
                    return await ask({**errand.conditions, **hop.private})
                except FetchError as e:
                    if e.kind != "protocol" or not errand.conditions:
                        raise
                    # Some servers send a body with their 304, which no strict parser reads: their 200 may be sound.
                    return await ask(hop.private)


@dataclass(frozen=True, slots=True)
class _Errand:
    """What all requests of one fetch have in common; `limit` is in bytes of the document."""

    route: Route
    limit: int
    conditions: Mapping[str, str]
    patience: _Patience


@dataclass(frozen=True, slots=True)
class _Hop:
    """One request on the way to a document. `private` headers are for the feed's own origin; `past` led here."""

    url: URL
    private: Mapping[str, str]
    past: tuple[URL, ...] = ()
    permanent: bool = True

    @property
    def host(self) -> str:
        return self.url.host or ""


class _Patience:
    """One fetch's time limit in seconds, spent by its requests and not by its waiting."""

    def __init__(self, limit: float) -> None:
        self._limit = self._left = limit

    @asynccontextmanager
    async def spend(self, host: str) -> AsyncIterator[None]:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(self._left):
                yield
        except TimeoutError:
            raise FetchError("timeout", f"{host} did not answer in full within {self._limit:g} s") from None
        finally:
            self._left -= clock() - began


def _choose_route(feed: Feed, settings: FetchSettings) -> Route:
    """Give a feed's way out, its own if SOCKS users are to be kept apart; a user that the operator named stays."""
    proxy = settings.proxy if feed.proxy is None else feed.proxy
    if not settings.stream_isolation or not proxy.reveal().startswith("socks5") or "@" in proxy.reveal():
        return Route(proxy)
    return Route(proxy, identity=sha256(feed.url.encode()).hexdigest()[:32])


def _first_hop(feed: Feed) -> _Hop:
    try:
        url = URL(feed.address.reveal())
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise FetchError("protocol", "the feed's address is no http or https URL: correct it in feeds.toml")
    private = {name.lower(): value.reveal() for name, value in feed.headers.items()}
    if url.user is not None:
        pair = f"{url.user}:{url.password or ''}".encode()
        private.setdefault("authorization", f"Basic {b64encode(pair).decode()}")  # RFC 7617
    return _Hop(_bare(url), private)


def _next_hop(hop: _Hop, answer: Answer) -> _Hop:
    location = answer.headers.get("location")
    if not location:
        raise FetchError("redirect", f"{hop.host} redirects without saying where", status=answer.status)
    try:
        url = _bare(hop.url.join(URL(location)))
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise FetchError("redirect", f"{hop.host} redirects to what is no http or https address", status=answer.status)
    past = (*hop.past, hop.url)
    if url in past:
        raise FetchError(
            "redirect", f"{hop.host} redirects in a circle; it may want cookies or a browser", status=answer.status
        )
    if len(past) > _MAX_REDIRECTS:
        raise FetchError("redirect", f"{hop.host} redirects once more after {_MAX_REDIRECTS} redirects")
    if hop.url.scheme == "https" and url.scheme == "http":
        # Anyone on the way could read and rewrite what follows, and would be believed as if it came over https.
        raise FetchError(
            "redirect", f"{hop.host} redirects to an unencrypted address; if that is acceptable, configure it as http"
        )
    private = hop.private if _is_same_party(hop.url, url) else {}
    return _Hop(url, private, past, hop.permanent and answer.status in _PERMANENT)


def _bare(url: URL) -> URL:
    """Drop what is not part of the request: the fragment, and the user-info, which becomes a header or nothing."""
    return url.with_user(None).with_fragment(None)


def _is_same_party(old: URL, new: URL) -> bool:
    """Tell whether credentials may go along: to the same origin, or to its https twin, which only hides them better."""
    upgrade = (old.scheme, old.port, new.scheme, new.port) == ("http", 80, "https", 443)
    return old.host == new.host and (upgrade or (old.scheme, old.port) == (new.scheme, new.port))


def _conditions(validators: Validators) -> dict[str, str]:
    """Make the request conditional, the validators exactly as they were received (RFC 9110 section 13.1)."""
    headers = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in headers.items() if value}


def _conclude(answer: Answer, hop: _Hop, feed: Feed, validators: Validators) -> Response | NotModified:
    moved_to = _showable(hop.url, feed) if hop.past and hop.permanent else ""
    if answer.status == HTTPStatus.NOT_MODIFIED:
        if not _conditions(validators):
            raise FetchError("protocol", f"{hop.host} says that nothing changed, though it was never asked: 304")
        kept = Validators(
            _validator(answer, "etag") or validators.etag,
            _validator(answer, "last-modified") or validators.last_modified,
            validators.body_hash,
        )
        return NotModified(answer.status, answer.headers, kept, moved_to)
    fresh = Validators(body_hash=sha256(answer.body).hexdigest())
    if answer.whole:
        # The validators of a body that broke off would turn the next answer into "not modified", and its end be lost.
        # The hash may stay: it recognises only the same torso.
        fresh = Validators(_validator(answer, "etag"), _validator(answer, "last-modified"), fresh.body_hash)
    if fresh.body_hash == validators.body_hash:
        return NotModified(answer.status, answer.headers, fresh, moved_to)
    return Response(_base(hop, feed), answer.status, answer.headers, answer.body, fresh, moved_to, answer.whole)


def _validator(answer: Answer, name: str) -> str:
    """Give a validator that can be sent back exactly as it came, else nothing."""
    value = answer.headers.get(name, "")
    return value if value.isprintable() and "\ufffd" not in value and len(value) <= _MAX_VALIDATOR else ""


def _base(hop: _Hop, feed: Feed) -> str:
    """Give the document's address up to where a `${NAME}` of the feed's was filled in.

    A redirect may have copied that to anywhere: behind one the origin is left.
    """
    if "${" not in feed.url:
        return str(hop.url)
    plain = None if hop.past else _PLAIN_PATH.match(feed.url)
    return str(hop.url.with_path((plain and plain[1]) or "/", encoded=True))


def _showable(url: URL, feed: Feed) -> str:
    """Give a redirect's target without what may have come from a `${NAME}` of the feed's address."""
    return f"{url.origin()}/…" if "${" in feed.url else str(url)


def _tell_redirect(error: FetchError, origin: URL) -> FetchError:
    words = f"{error} (after a redirect from {origin.host})"
    return FetchError(error.kind, words, status=error.status, retry_after=error.retry_after)
