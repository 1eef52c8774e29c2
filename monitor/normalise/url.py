"""Links -> canonical URLs: one address for one page, without what only serves to follow the reader."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

import idna

_LONGEST = 4_096
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Parameters that name a campaign, a click or a mailing, never a page. Left alone on purpose: ref, source, from, cid,
# id, rss and their like, which some sites need to find the page.
_TRACKING = re.compile(
    r"""(?:
        utm_.*|mtm_.*|pk_(?:campaign|kwd|source|medium|content|cid)|piwik_.*|matomo_.*      # analytics campaigns
        |fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|twclid|ttclid|li_fat_id            # clicks on advertisements
        |yclid|ymclid|ysclid|_openstat|igshid?|_ga|_gl|_hsenc|_hsmi|__hs(?:sc|tc|fp)|hsctatracking
        |mc_[ce]id|mkt_tok|vero_(?:id|conv)|oly_(?:anon|enc)_id|ml_subscriber(?:_hash)?     # mailings
        |at_(?:medium|campaign|custom\d|link_\w+|ptr_name|format|bbc_team)|xtor|ns_\w+|wt\.\w+|s_cid  # broadcasters
        |ocid|cmpid|ncid|ito|ftag|maca|traffic_source|feed(?:type|name)|sr_share            # outlets
        |ref_(?:src|url)|guccounter|guce_referrer(?:_sig)?|__twitter_impression
    )\Z""",
    re.IGNORECASE | re.VERBOSE,
)
# A feed may be chosen by any other parameter: feedName, source, at_format and their like.
_CAMPAIGN = re.compile(r"utm_.*|fbclid|gclid|msclkid|yclid", re.IGNORECASE)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SAFE = "/%:@!$&'()*+,;="
_QUERY_SAFE = _PATH_SAFE + "?"
_UNQUOTED = re.compile(r"[A-Za-z0-9\-._~/:@!$&'()*+,;=]*")


def canonical_url(link: str, *, base: str) -> str:
    """Make a link absolute and canonical; empty where it leads to no web page (`javascript:`, `mailto:`, nonsense).

    Per RFC 3986 section 6.2.2: scheme and host in lower case, default port, empty query and fragment dropped, percent
    escapes in their shortest form; international hosts in punycode (UTS 46). Tracking parameters and user-info are
    dropped. The order of parameters, AMP and mobile hosts, and fragments that are routes (`#!`) are kept.
    """
    parts = _split(link, base)
    if parts is None:
        return ""
    fragment = parts.fragment if parts.fragment.startswith("!") else ""
    return urlunsplit(parts._replace(fragment=fragment))


def fold_permalink(guid: str) -> str:
    """Reduce a GUID that is a URL to what stays when a site moves to https or changes its campaigns.

    Its fragment is kept: some publishers tell entries, or editions of one, apart by it. Any other GUID is unchanged.
    """
    if not guid.lower().startswith(("http://", "https://")):
        return guid
    parts = _split(guid, "")
    return urlunsplit(parts._replace(scheme="")) if parts else guid


def fold_feed_address(address: str) -> str:
    """Reduce a feed's address to what stays when it is copied from elsewhere: two feeds that agree in it are one.

    http or https, `www.`, a slash at the end, a user, a fragment and the parameters of a campaign make no difference.
    """
    parts = _split(address, "", tracking=_CAMPAIGN)
    if parts is None:
        return address
    host = parts.netloc.removeprefix("www.")
    return urlunsplit(("", host, parts.path.rstrip("/"), parts.query, ""))


def _split(link: str, base: str, *, tracking: re.Pattern[str] = _TRACKING) -> SplitResult | None:
    """Split a link into canonical parts, the fragment as it is; None where it is no web address."""
    link = link.strip()
    if link.lower().startswith("www."):  # written as in print; resolved it would become a path
        link = f"http://{link}"
    try:
        parts = urlsplit(link)
        if not (parts.scheme and parts.netloc) and link:
            parts = urlsplit(urljoin(base, link))
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or len(link) > _LONGEST:
            return None
        host, port = _canonical_host(parts.hostname), parts.port
    except (ValueError, idna.IDNAError):  # brackets that hold no address, a port that is no number
        return None
    netloc = host if port in {None, _DEFAULT_PORTS[parts.scheme]} else f"{host}:{port}"
    query = "&".join(pair for pair in parts.query.split("&") if pair and not tracking.match(pair.partition("=")[0]))
    path = parts.path
    if "/." in path and not path.startswith("//"):  # urljoin resolves dots in relative links only
        path = urljoin("/", path)
    return SplitResult(
        parts.scheme, netloc, _requote(path, _PATH_SAFE) or "/", _requote(query, _QUERY_SAFE), parts.fragment
    )


def _canonical_host(host: str) -> str:
    host = host.rstrip(".")
    if ":" in host:
        return f"[{host}]"
    return host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")


def _requote(text: str, safe: str) -> str:
    if _UNQUOTED.fullmatch(text):  # nearly always, at a tenth of the cost
        return text
    return quote(_ESCAPE.sub(_shortest_escape, text), safe=safe, errors="replace")


def _shortest_escape(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return "%25"
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()
