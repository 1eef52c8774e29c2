"""One request -> its answer: sessions, proxies, header and size limits; knows nothing of feeds or redirects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

import aiohttp
from aiohttp_socks import ProxyConnector
from yarl import URL

from monitor import __version__
from monitor.errors import FetchError
from monitor.fetch import decode
from monitor.fetch.guard import GuardedResolver
from monitor.fetch.wording import SOCKS_ERRORS, explain_failure, explain_status
from monitor.model import FetchSettings, Secret

REDIRECTS = frozenset({301, 302, 303, 307, 308})  # RFC 9110 section 15.4

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9,"
    " application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)
# aiohttp's 8,190 bytes a field refuse real feeds (measured: frame.work, bhf.org.uk). The product of the two is what a
# hostile server can make one answer's head take: 16 MiB.
_MAX_FIELD = 64 * 1024
_MAX_FIELDS = 256
_DNS_SECONDS = 60  # how long a name's checked addresses are used again
_SOCKS_PORT = 1080
_LISTS = frozenset({"cache-control", "content-encoding", "link"})  # fields that may come in several lines
_FAILURES = (aiohttp.ClientError, *SOCKS_ERRORS, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Route:
    """The way out: through a `proxy`, or directly where it is empty.

    With an `identity` it is shared with no other: a SOCKS proxy is given it as user name and password, by which Tor
    keeps circuits apart (IsolateSOCKSAuth), and no connection outlives its request.
    """

    proxy: Secret
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request brought: a success, a redirect or a 304. `headers` has lower-case names.

    `whole` is False where the connection broke, or the compression ended, before the body did.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    whole: bool = True


class Wire:
    """Sends requests, directly or through proxies; keeps no cookies and reads no environment."""

    def __init__(self, settings: FetchSettings, *, contact: str) -> None:
        self._settings = settings
        self._headers = {
            "User-Agent": f"monitor/{__version__}" + (f" (+{contact})" if contact else ""),
            "Accept": _ACCEPT,
            "Accept-Encoding": decode.ACCEPTED,
        }
        self._sessions: dict[Secret, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        # c-ares rather than threads: 64 dead name servers stalled every good name for 20 s, and the exit for 5 s.
        self._resolver = GuardedResolver(aiohttp.AsyncResolver(), self._settings.allow_private)
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in self._sessions.values():
            await session.close()
        await self._resolver.close()

    async def ask(self, url: URL, headers: Mapping[str, str], *, route: Route, limit: int, keep: bool) -> Answer:
        """GET one address, following nothing: at most `limit` bytes of it, decompressed.

        `keep`: leave the connection open for another request to this host.

        Without `keep` the connection is closed, since 10,000 feeds would otherwise leave thousands of idle sockets,
        which aiohttp's own limit does not count. Raises FetchError for every other status and every failure.
        """
        host = url.host or ""
        sent = dict(headers) if keep else {"Connection": "close", **headers}
        try:
            async with (
                self._session(route) as session,
                session.get(url, headers=sent, allow_redirects=False) as response,
            ):
                return await _read(response, host, limit=limit)
        except _FAILURES as e:
            # Not `from e`: aiohttp's messages quote the address with its query, and a log may print the chain.
            raise explain_failure(e, host, proxied=bool(route.proxy)) from None

    @asynccontextmanager
    async def _session(self, route: Route) -> AsyncIterator[aiohttp.ClientSession]:
        """Give a proxy's session, which all requests through it share; one with an identity has its own while it lasts."""
        if route.identity:
            async with self._open(route) as session:
                yield session
        else:
            if route.proxy not in self._sessions:
                self._sessions[route.proxy] = self._open(route)
            yield self._sessions[route.proxy]

    def _open(self, route: Route) -> aiohttp.ClientSession:
        proxy = _read_proxy(route.proxy.reveal()) if route.proxy else None
        return aiohttp.ClientSession(
            connector=self._connector(proxy, route.identity),
            proxy=proxy if proxy and proxy.scheme == "http" else None,
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            auto_decompress=False,
            max_line_size=_MAX_FIELD,
            max_field_size=_MAX_FIELD,
            max_headers=_MAX_FIELDS,
        )

    def _connector(self, proxy: URL | None, identity: str) -> aiohttp.TCPConnector:
        """Give the way out: direct through the guard, or to a proxy, beside which nothing is connected or resolved."""
        if proxy is None:
            return aiohttp.TCPConnector(limit=0, ttl_dns_cache=_DNS_SECONDS, resolver=self._resolver)
        if proxy.scheme == "http":
            return aiohttp.TCPConnector(limit=0, ttl_dns_cache=_DNS_SECONDS)
        port = proxy.port or _SOCKS_PORT
        user, password = (identity, identity) if identity else (proxy.user, proxy.password)
        # `rdns`: the proxy resolves, also for plain socks5, so that no name ever leaks into the local DNS.
        return ProxyConnector(proxy.host or "", port, username=user, password=password, rdns=True, limit=0)


async def _read(response: aiohttp.ClientResponse, host: str, *, limit: int) -> Answer:
    status, headers = response.status, _plain_headers(response)
    if status == HTTPStatus.NOT_MODIFIED or status in REDIRECTS:
        return Answer(status, headers)
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise explain_status(status, headers, host)
    if (response.content_length or 0) > limit:
        raise decode.too_large(limit)
    decoder, arrived = decode.Decoder(headers.get("content-encoding", ""), limit=limit), True
    try:
        async for data in response.content.iter_any():
            decoder.feed(data)
    except (aiohttp.ClientError, ConnectionError):
        arrived = False  # wrong lengths and early closes are common, and the entries that came are good
    body, decoded = decoder.close()
    whole = arrived and decoded
    if not body and not whole:
        raise FetchError("protocol", f"{host} closed the connection before the document began")
    return Answer(status, headers, body, whole)


def _read_proxy(address: str) -> URL:
    try:
        url = URL(address)
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "socks5", "socks5h"} or not url.host:
        raise FetchError("proxy", "the proxy's address must be socks5h://HOST:PORT or http://HOST:PORT")
    return url


def _plain_headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Give the fields by lower-case name, the first of each unless it is a list, without undecodable bytes."""
    plain: dict[str, str] = {}
    for raw_name, raw_value in response.headers.items():
        name, value = raw_name.lower(), raw_value.encode(errors="surrogateescape").decode(errors="replace")
        if name in plain and name in _LISTS:
            plain[name] += f", {value}"
        else:
            plain.setdefault(name, value)
    return plain
