"""One request -> its answer: sessions, proxies, header and size limits; knows nothing of feeds or redirects."""

from __future__ import annotations

from collections.abc import Mapping
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
from monitor.model import FetchSettings

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
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        # c-ares rather than threads: 64 dead name servers stalled every good name for 20 s, and the exit for 5 s.
        self._resolver = GuardedResolver(aiohttp.AsyncResolver(), self._settings.allow_private)
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in self._sessions.values():
            await session.close()
        await self._resolver.close()

    async def ask(self, url: URL, headers: Mapping[str, str], *, proxy: str, keep: bool) -> Answer:
        """GET one address, following nothing. `keep`: leave the connection open for another request to this host.

        Without `keep` the connection is closed, since 10,000 feeds would otherwise leave thousands of idle sockets,
        which aiohttp's own limit does not count. Raises FetchError for every other status and every failure.
        """
        host = url.host or ""
        session = self._session(proxy)
        sent = dict(headers) if keep else {"Connection": "close", **headers}
        try:
            async with session.get(url, headers=sent, allow_redirects=False) as response:
                return await self._read(response, host)
        except _FAILURES as e:
            # Not `from e`: aiohttp's messages quote the address with its query, and a log may print the chain.
            raise explain_failure(e, host, proxied=bool(proxy)) from None

    async def _read(self, response: aiohttp.ClientResponse, host: str) -> Answer:
        status, headers = response.status, _plain_headers(response)
        if status == HTTPStatus.NOT_MODIFIED or status in REDIRECTS:
            return Answer(status, headers)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise explain_status(status, headers, host)
        limit = self._settings.max_bytes
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

    def _session(self, proxy: str) -> aiohttp.ClientSession:
        if proxy not in self._sessions:
            url = _read_proxy(proxy) if proxy else None
            self._sessions[proxy] = aiohttp.ClientSession(
                connector=self._connector(url),
                proxy=url if url and url.scheme == "http" else None,
                headers=self._headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                auto_decompress=False,
                max_line_size=_MAX_FIELD,
                max_field_size=_MAX_FIELD,
                max_headers=_MAX_FIELDS,
            )
        return self._sessions[proxy]

    def _connector(self, proxy: URL | None) -> aiohttp.TCPConnector:
        """Give the way out: direct through the guard, or to a proxy, beside which nothing is connected or resolved."""
        if proxy is None:
            return aiohttp.TCPConnector(limit=0, ttl_dns_cache=_DNS_SECONDS, resolver=self._resolver)
        if proxy.scheme == "http":
            return aiohttp.TCPConnector(limit=0, ttl_dns_cache=_DNS_SECONDS)
        port = proxy.port or _SOCKS_PORT
        # `rdns`: the proxy resolves, also for plain socks5, so that no name ever leaks into the local DNS.
        return ProxyConnector(proxy.host or "", port, username=proxy.user, password=proxy.password, rdns=True, limit=0)


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
