"""A host -> the registrable domain that it belongs to; the only publicsuffixlist."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address

from publicsuffixlist import PublicSuffixList


def registrable_domain(host: str) -> str:
    """Give what the owner of a host's name has registered (publicsuffix.org): `bbc.co.uk` for `news.bbc.co.uk`.

    Empty for an IP address, a name without a dot and a public suffix itself, which nobody registers.
    """
    try:
        ip_address(host)
    except ValueError:
        return _public_suffixes().privatesuffix(host) or ""
    return ""


@cache
def _public_suffixes() -> PublicSuffixList:
    """Load the list once: it takes 80 ms."""
    return PublicSuffixList()
