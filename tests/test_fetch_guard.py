"""Which addresses a feed may be fetched from, in every disguise that is known."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from monitor.errors import FetchError
from monitor.fetch import Fetcher
from monitor.fetch.guard import GuardedResolver, check_host, is_allowed
from monitor.model import Feed, FetchSettings, Secret, Validators
from tests.servers import FeedServer, Names

LOOPBACK = ip_network("127.0.0.0/8")


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("10.0.0.1", id="private 10"),
        pytest.param("172.16.5.4", id="private 172.16"),
        pytest.param("192.168.1.1", id="private 192.168"),
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("127.255.255.254", id="the far end of loopback"),
        pytest.param("0.0.0.0", id="unspecified"),
        pytest.param("0.1.2.3", id="this network"),
        pytest.param("169.254.169.254", id="link-local, cloud metadata"),
        pytest.param("100.64.0.1", id="CGNAT"),
        pytest.param("100.127.255.255", id="the far end of CGNAT"),
        pytest.param("192.0.0.8", id="IETF protocol assignments"),
        pytest.param("192.0.2.1", id="documentation"),
        pytest.param("192.88.99.1", id="6to4 relay"),
        pytest.param("198.18.0.1", id="benchmarking"),
        pytest.param("224.0.0.1", id="multicast"),
        pytest.param("239.255.255.250", id="multicast, SSDP"),
        pytest.param("240.0.0.1", id="reserved"),
        pytest.param("255.255.255.255", id="broadcast"),
        pytest.param("::", id="IPv6 unspecified"),
        pytest.param("::1", id="IPv6 loopback"),
        pytest.param("fe80::1", id="IPv6 link-local"),
        pytest.param("fe80::1%1", id="IPv6 link-local with its interface"),
        pytest.param("fec0::1", id="IPv6 site-local"),
        pytest.param("fc00::1", id="unique local"),
        pytest.param("fd12:3456::1", id="unique local, assigned"),
        pytest.param("ff02::1", id="IPv6 multicast"),
        pytest.param("100::1", id="discard only"),
        pytest.param("2001:db8::1", id="IPv6 documentation"),
        pytest.param("3fff::1", id="newer IPv6 documentation"),
        pytest.param("::ffff:127.0.0.1", id="mapped loopback"),
        pytest.param("::ffff:10.0.0.1", id="mapped private"),
        pytest.param("::127.0.0.1", id="compatible loopback"),
        pytest.param("64:ff9b::7f00:1", id="NAT64 loopback"),
        pytest.param("64:ff9b::a9fe:a9fe", id="NAT64 cloud metadata"),
        pytest.param("64:ff9b:1::7f00:1", id="local NAT64"),
        pytest.param("64:ff9b:1::808:808", id="local NAT64, though it carries a public address"),
        pytest.param("2002:7f00:1::", id="6to4 loopback"),
        pytest.param("2002:c0a8:101::1", id="6to4 private"),
        pytest.param("2001:0:7f00:1::", id="Teredo server on loopback"),
        pytest.param("2001:0:4136:e378:8000:63bf:3fff:fdd2", id="Teredo"),
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_allowed(ip_address(address), ())


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("8.8.8.8", id="IPv4"),
        pytest.param("100.63.255.255", id="just below CGNAT"),
        pytest.param("2606:4700::1111", id="IPv6"),
        pytest.param("::ffff:8.8.8.8", id="mapped"),
        pytest.param("64:ff9b::808:808", id="NAT64"),
        pytest.param("2002:808:808::1", id="6to4"),
    ],
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), ())


@pytest.mark.parametrize(
    ("network", "address", "allowed"),
    [
        pytest.param("127.0.0.0/8", "127.0.0.1", True, id="within"),
        pytest.param("127.0.0.0/8", "::ffff:127.0.0.1", True, id="within, mapped"),
        pytest.param("127.0.0.0/8", "::1", False, id="the other family"),
        pytest.param("10.1.0.0/16", "10.2.0.1", False, id="beside"),
        pytest.param("fd00::/8", "fd00::5", True, id="IPv6"),
        pytest.param("64:ff9b:1::/48", "64:ff9b:1::808:808", True, id="local NAT64"),
    ],
)
def test_allow_private_allows_its_networks_and_no_others(network: str, address: str, *, allowed: bool) -> None:
    assert is_allowed(ip_address(address), (ip_network(network),)) is allowed


DISGUISES = [
    pytest.param("http://127.0.0.1/", id="loopback"),
    pytest.param("http://10.0.0.5/", id="private"),
    pytest.param("http://[::1]/", id="IPv6"),
    pytest.param("http://[::ffff:127.0.0.1]/", id="mapped"),
    pytest.param("http://[fe80::1%25eth0]/", id="with an interface"),
    pytest.param("http://2130706433/", id="decimal"),
    pytest.param("http://017700000001/", id="octal"),
    pytest.param("http://0x7f000001/", id="hexadecimal"),
    pytest.param("http://0177.0.0.1/", id="octal part"),
    pytest.param("http://0x7f.1/", id="hexadecimal part"),
    pytest.param("http://127.1/", id="two parts"),
    pytest.param("http://127.0.1/", id="three parts"),
    pytest.param("http://0/", id="zero"),
    pytest.param("http://127.0.0.1./", id="trailing dot"),
    pytest.param("http://2130706433./", id="decimal with a trailing dot"),
    pytest.param("http://%31%32%37.0.0.1/", id="percent-encoded"),
    pytest.param("http://127%2e0.0.1/", id="percent-encoded dot"),
    pytest.param("http://\uff11\uff12\uff17.0.0.1/", id="full-width digits"),
    pytest.param("http://①②⑦.0.0.1/", id="circled digits"),
    pytest.param("http://127。0。0。1/", id="ideographic full stops"),
    pytest.param("http://1.2.3.4.5/", id="five parts"),
    pytest.param("http://localhost/", id="localhost"),
    pytest.param("http://LOCALHOST./", id="localhost, shouting, with a dot"),
    pytest.param("http://feeds.localhost/", id="below localhost"),
    pytest.param("http://a b.example/", id="a space"),
    pytest.param("http://a\x00b.example/", id="a NUL"),
    pytest.param(f"http://{'a.' * 127}example/", id="too long"),
]


@pytest.mark.parametrize("address", DISGUISES)
@pytest.mark.parametrize("proxy", ["", "socks5h://127.0.0.1:1", "http://127.0.0.1:1"], ids=["direct", "socks", "http"])
async def test_a_private_host_is_refused_before_anyone_is_asked(
    address: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names()
    monkeypatch.setattr("aiohttp.AsyncResolver", lambda: names)
    async with Fetcher(FetchSettings(proxy=Secret(proxy)), contact="") as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(Feed(url="", address=Secret(address), owner=""), Validators())
    assert caught.value.kind == "blocked"
    assert names.asked == []


@pytest.mark.parametrize(
    "host", ["news.example", "my_blog.example", "xn--80ac9br.xn--p1ai", "8.8.8.8", "2606:4700::1111", "intranet"]
)
def test_an_ordinary_host_passes(host: str) -> None:
    check_host(host, ())


async def test_of_mixed_answers_only_the_public_ones_are_kept() -> None:
    resolver = GuardedResolver(Names(news_example=["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1111"]), ())
    assert [answer["host"] for answer in await resolver.resolve("news.example", 80)] == ["8.8.8.8", "2606:4700::1111"]


async def test_a_name_that_leads_to_a_private_network_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FeedServer() as server:
        server.serve("/feed", b"secrets of the router")
        names = Names(rebound_example=["127.0.0.1", "10.0.0.1"])
        monkeypatch.setattr("aiohttp.AsyncResolver", lambda: names)
        async with Fetcher(FetchSettings(), contact="") as fetcher:
            with pytest.raises(FetchError, match=r"rebound\.example leads to 127\.0\.0\.1.*allow_private") as caught:
                address = Secret(server.url("/feed", host="rebound.example"))
                await fetcher.fetch(Feed(url="", address=address, owner=""), Validators())
    assert caught.value.kind == "blocked"
    assert server.connections == 0


async def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers differently the second time is never asked a second time."""
    async with FeedServer() as server:
        server.serve("/feed", b"news")
        names = Names(news_example=["127.0.0.1"])
        monkeypatch.setattr("aiohttp.AsyncResolver", lambda: names)
        async with Fetcher(FetchSettings(allow_private=(LOOPBACK,)), contact="") as fetcher:
            feed = Feed(url="", address=Secret(server.url("/feed", host="news.example")), owner="")
            await fetcher.fetch(feed, Validators())
            names.names["news.example"] = ["10.0.0.1"]
            await fetcher.fetch(feed, Validators())
    assert names.asked == ["news.example"]
    assert len(server.requests) == 2


@pytest.mark.parametrize(("answers", "words"), [({}, "not found"), ({"news_example": []}, "no address")])
async def test_a_name_without_an_address_is_a_dns_error(
    answers: dict[str, list[str]], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiohttp.AsyncResolver", lambda: Names(**answers))
    async with Fetcher(FetchSettings(), contact="") as fetcher:
        with pytest.raises(FetchError, match=words) as caught:
            await fetcher.fetch(Feed(url="", address=Secret("https://news.example/"), owner=""), Validators())
    assert caught.value.kind == "dns"
