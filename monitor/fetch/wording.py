"""What went wrong on the wire, or a status that is no success -> a FetchError in plain words, without secrets."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
from aiohttp_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError

from monitor.errors import FetchError

SOCKS_ERRORS = (ProxyError, ProxyConnectionError, ProxyTimeoutError)  # they have no root of their own

_KINDS = {403: "http-4xx", 407: "proxy", 410: "gone", 429: "busy", 503: "busy"}
_ADVICE = {
    400: "the server does not understand the request: is the address right?",
    401: "the server wants a name and password, or refuses those given",
    403: "the server refuses this program; a contact in feeds.toml, another address or asking its owner may help",
    404: "there is nothing at this address; if that lasts, look for the feed's new one",
    406: "the server has no version of this document that this program reads",
    407: "the proxy wants a name and password, or refuses those given",
    410: "the feed was taken down for good; look for a new one",
    429: "the server is asked too often and wants to be left alone for a while",
    451: "the server withholds this document for legal reasons",
    503: "the server is overloaded or being worked on",
}


def explain_status(status: int, headers: Mapping[str, str], host: str) -> FetchError:
    """Say what a status other than success, redirect or 304 means for the operator (RFC 9110 section 15)."""
    family = status // 100
    kind = _KINDS.get(status) or {4: "http-4xx", 5: "http-5xx", 3: "redirect"}.get(family, "protocol")
    advice = _ADVICE.get(status) or {4: "the server refuses the request", 5: "the server has failed"}.get(
        family, "the server answers with a status that makes no sense here"
    )
    try:
        name = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        name = str(status)
    return FetchError(
        kind, f"{name} from {host}: {advice}", status=status, retry_after=_read_retry_after(headers, datetime.now(UTC))
    )


def explain_failure(error: Exception, host: str, *, proxied: bool) -> FetchError:
    """Say what an error of the client library means. Its own text stays out: it quotes addresses with their query."""
    cause: BaseException = error.__cause__ or error
    if isinstance(cause, ssl.SSLError):
        reason = getattr(cause, "verify_message", "") or (cause.reason or "").replace("_", " ").lower()
        return FetchError("tls", f"no safe connection to {host}: {reason or 'the TLS handshake failed'}")
    if proxied and isinstance(error, (*SOCKS_ERRORS, aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)):
        return FetchError("proxy", f"the proxy does not answer, or cannot reach {host}; nothing was fetched around it")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FetchError("dns", f"the name {host} was not found: {error.os_error.strerror}")
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = os.strerror(error.errno) if error.errno else str(error.strerror)
        return FetchError("refused", f"no connection to {host}: {reason.lower()}")
    if isinstance(error, aiohttp.ServerDisconnectedError | OSError):
        return FetchError("protocol", f"{host} closed the connection without an answer")
    while cause.__cause__:
        cause = cause.__cause__
    return FetchError("protocol", f"the answer of {host} breaks the rules of HTTP ({type(cause).__name__})")


def _read_retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Read when to come back: seconds, or a date by the server's own clock (RFC 9110 section 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return now + timedelta(seconds=int(value))
    date = _read_date(value)
    return now + (date - (_read_date(headers.get("date", "")) or now)) if date else None


def _read_date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
