"""Hosts -> registrable domains."""

from __future__ import annotations

import pytest

from monitor.domain import registrable_domain


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        pytest.param("news.bbc.co.uk", "bbc.co.uk", id="below a suffix of two parts"),
        pytest.param("bbc.co.uk", "bbc.co.uk", id="the domain itself"),
        pytest.param("NEWS.Kurier.example.", "kurier.example", id="capitals and a dot at the end"),
        pytest.param("a.blogspot.com", "a.blogspot.com", id="a blog on a platform"),
        pytest.param("www.новости.рф", "новости.рф", id="another script"),
        pytest.param("abc.onion", "abc.onion", id="an onion service"),
        pytest.param("co.uk", "", id="a public suffix"),
        pytest.param("localhost", "", id="no dot"),
        pytest.param("127.0.0.1", "", id="IPv4"),
        pytest.param("::1", "", id="IPv6"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_host_belongs_to_what_its_owner_registered(host: str, domain: str) -> None:
    assert registrable_domain(host) == domain
