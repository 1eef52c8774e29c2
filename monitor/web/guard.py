"""A request -> whether it may be answered: the token, or on this machine alone the host that was asked for."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from monitor.model import Secret, Web

# Nothing that is served is a page that may do anything, be framed, guessed at or kept.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "monitor",  # aiohttp would name itself, Python, and both versions
    "X-Content-Type-Options": "nosniff",
}


def make_guard(settings: Web) -> Middleware:
    """Make what stands before every page.

    With a token each request must bear it (RFC 6750, section 2.1), whoever asks: behind a reverse proxy everybody
    looks like this machine. It is not taken from an address, since addresses end up in logs and histories. Without a
    token, which feeds.toml allows on a loopback address only, the Host must be this machine: a page of another site
    whose name is made to lead here (DNS rebinding) could else read what is served through a visitor's browser.
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if settings.token and not _bears(request, settings.token):
            return web.Response(
                status=401, headers={"WWW-Authenticate": 'Bearer realm="monitor"'}, text="send the token as a Bearer\n"
            )
        if not settings.token and not _names_this_machine(request.host):
            return web.Response(status=421, text="ask for 127.0.0.1, [::1] or localhost\n")
        return await handler(request)

    return guard


async def set_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Say on every answer what a browser must not do with it."""
    response.headers.update(_HEADERS)


def _bears(request: web.Request, token: Secret) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    given_bytes = given.strip().encode(errors="surrogateescape")
    return scheme.lower() == "bearer" and hmac.compare_digest(given_bytes, token.reveal().encode())


def _names_this_machine(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name.lower() == "localhost":
        return True
    try:
        return ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
