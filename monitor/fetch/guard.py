"""A host, or what DNS says of it -> the addresses that a feed may be fetched from; FetchError "blocked" for the rest."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

from monitor.errors import FetchError
from monitor.model import Network

_Address = IPv4Address | IPv6Address

# Where IANA's special-purpose registries say more than Python 3.11's `is_global`: IETF protocol assignments
# (RFC 6890), the retired 6to4 relays (RFC 7526), documentation (RFC 9637).
_NOT_PUBLIC = tuple(map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")))
_NOT_PUBLIC_6 = IPv6Network("3fff::/20")
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that IANA has given out: not site-local, not ::/96, not 64:ff9b:1::/48
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.*", re.IGNORECASE | re.ASCII)
_MAX_NAME = 253
# "A host that ends in a number" is an IPv4 address to every resolver: 2130706433, 0x7f.1 and 127.1 all mean
# 127.0.0.1 (https://url.spec.whatwg.org/#ends-in-a-number-checker).
_ENDS_IN_NUMBER = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)$", re.IGNORECASE | re.ASCII)


def check_host(host: str, allowed: Sequence[Network]) -> None:
    """Refuse a host that no resolver will be asked about, before it is connected to or named to a proxy.

    `host` is in ASCII form (IDNA), an IPv6 address without brackets. Raises FetchError "blocked" for an address that
    is not public, one in a disguise, a name that always means this machine, and what is no host name at all.
    """
    if ":" in host:
        _check_address(host, _parse(host.replace("%25", "%")), allowed)
        return
    if not _NAME.fullmatch(host) or len(host) > _MAX_NAME:
        raise FetchError("blocked", "the address has no valid host name: correct it")
    name = host.rstrip(".").lower()
    if _ENDS_IN_NUMBER.search(name):
        _check_address(host, _parse(name), allowed)
    elif name == "localhost" or name.endswith(".localhost"):  # RFC 6761 section 6.3
        _check_address(host, IPv4Address("127.0.0.1"), allowed)


def is_allowed(address: _Address, allowed: Sequence[Network]) -> bool:
    """Tell whether a feed may be fetched from an address: a public one, or one within the `allowed` networks.

    An IPv6 address that carries an IPv4 one (IPv4-mapped, NAT64, 6to4) is judged by that, since it leads there.
    """
    address = _carried(address)
    if any(address in network for network in allowed):
        return True
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC)
    return address in _GLOBAL_UNICAST and address not in _NOT_PUBLIC_6


class GuardedResolver(AbstractResolver):
    """Gives only those answers of another resolver that may be connected to.

    aiohttp connects to what it is given here and asks nobody again, so a name that resolves to something else a moment
    later (DNS rebinding) gains nothing.
    """

    def __init__(self, resolver: AbstractResolver, allowed: Sequence[Network]) -> None:
        self._resolver = resolver
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve a name. Raises FetchError "blocked" where every answer is refused, OSError where there is none."""
        answers = await self._resolver.resolve(host, port, family)
        kept = [answer for answer in answers if is_allowed(ip_address(answer["host"]), self._allowed)]
        if not answers:  # aiohttp would fail an assertion
            raise OSError(None, "the name has no address")
        if not kept:
            raise _blocked(host, answers[0]["host"])
        return kept

    async def close(self) -> None:
        """Close the resolver behind."""
        await self._resolver.close()


def _parse(text: str) -> _Address:
    try:
        return ip_address(text)
    except ValueError:
        raise FetchError("blocked", f"{text} is not how an address is written: use a name or a full address") from None


def _check_address(host: str, address: _Address, allowed: Sequence[Network]) -> None:
    if not is_allowed(address, allowed):
        raise _blocked(host, str(address))


def _blocked(host: str, address: str) -> FetchError:
    where = f"{host} is" if host == address else f"{host} leads to {address},"
    return FetchError(
        "blocked", f"{where} not a public address; if that is intended, list its network in allow_private"
    )


def _carried(address: _Address) -> _Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
