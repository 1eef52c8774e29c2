"""Bodies as servers send them, with what their headers claim, and what comes out."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterable

import brotli
import pytest

from monitor.errors import FetchError
from monitor.fetch.decode import Decoder

FEED = (
    b"<?xml version='1.0'?><rss><channel><title>\xd0\x9d\xd0\xbe\xd0\xb2\xd0\xb0\xd1\x8f</title></channel></rss>" * 50
)
JSON = b'{"version": "https://jsonfeed.org/version/1.1"}'
LIMIT = 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


def decode(codings: str, pieces: Iterable[bytes], *, limit: int = LIMIT) -> tuple[bytes, bool]:
    decoder = Decoder(codings, limit=limit)
    for piece in pieces:
        decoder.feed(piece)
    return decoder.close()


def in_bytes(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@pytest.mark.parametrize(
    ("codings", "sent", "expected"),
    [
        pytest.param("", FEED, FEED, id="plain"),
        pytest.param("identity", FEED, FEED, id="identity"),
        pytest.param("utf-8", FEED, FEED, id="a coding that is none"),
        pytest.param("gzip", gzip.compress(FEED), FEED, id="gzip"),
        pytest.param("x-gzip", gzip.compress(FEED), FEED, id="x-gzip"),
        pytest.param(" GZIP ", gzip.compress(FEED), FEED, id="capitals and spaces"),
        pytest.param("deflate", zlib.compress(FEED), FEED, id="deflate as the RFC has it"),
        pytest.param("deflate", raw_deflate(FEED), FEED, id="deflate as old servers have it"),
        pytest.param("br", brotli.compress(FEED), FEED, id="brotli"),
        pytest.param("gzip, gzip", gzip.compress(gzip.compress(FEED)), FEED, id="gzip twice"),
        pytest.param("deflate, br, gzip", gzip.compress(brotli.compress(zlib.compress(FEED))), FEED, id="all three"),
        pytest.param("", gzip.compress(FEED), FEED, id="undeclared gzip"),
        pytest.param("gzip, gzip", gzip.compress(FEED), FEED, id="declared once too often"),
        pytest.param("gzip", FEED, FEED, id="plain declared gzip"),
        pytest.param("deflate", FEED, FEED, id="plain declared deflate"),
        pytest.param("deflate", JSON, JSON, id="JSON declared deflate begins like a deflate block"),
        pytest.param("br", b"\xef\xbb\xbf" + FEED, b"\xef\xbb\xbf" + FEED, id="plain with a mark declared brotli"),
        pytest.param("deflate", gzip.compress(FEED), FEED, id="gzip declared deflate"),
        pytest.param("br", gzip.compress(FEED), FEED, id="gzip declared brotli"),
        pytest.param("gzip", gzip.compress(FEED) + b"\0" * 512, FEED, id="zeros behind gzip"),
        pytest.param("gzip", gzip.compress(FEED) + b"<!-- served -->", FEED, id="junk behind gzip"),
        pytest.param("deflate", zlib.compress(FEED) + b"junk", FEED, id="junk behind deflate"),
        pytest.param("gzip", gzip.compress(FEED[:9]) + gzip.compress(FEED[9:]), FEED, id="gzip in two members"),
        pytest.param("gzip", b"", b"", id="nothing at all"),
        pytest.param("gzip", b"\x1f", b"\x1f", id="too short to tell"),
        pytest.param("", gzip.compress(bytes(64 * 1024)), bytes(64 * 1024), id="exactly one piece"),
    ],
)
@pytest.mark.parametrize("cut", [lambda data: [data], in_bytes], ids=["at once", "byte by byte"])
def test_a_body_is_decoded_by_what_it_is(codings: str, sent: bytes, expected: bytes, cut: object) -> None:
    assert callable(cut)
    assert decode(codings, cut(sent)) == (expected, True)


def test_bytes_after_the_end_of_brotli_are_ignored() -> None:
    assert decode("br", [brotli.compress(FEED), b"junk"]) == (FEED, True)


@pytest.mark.parametrize(
    ("codings", "sent"),
    [
        pytest.param("gzip", gzip.compress(FEED), id="gzip"),
        pytest.param("deflate", zlib.compress(FEED), id="deflate"),
        pytest.param("br", brotli.compress(FEED), id="brotli"),
        pytest.param("gzip", gzip.compress(FEED[:99]) + gzip.compress(FEED[99:])[:-8], id="the second member"),
    ],
)
def test_of_a_cut_body_the_readable_part_is_kept_and_called_cut(codings: str, sent: bytes) -> None:
    body, whole = decode(codings, [sent[:-5]])
    assert not whole
    assert body
    assert FEED.startswith(body)


@pytest.mark.parametrize(
    ("codings", "sent", "words"),
    [
        pytest.param("gzip", gzip.compress(FEED)[:10] + b"\xff" * 50, "damaged", id="damaged gzip"),
        pytest.param("gzip", gzip.compress(FEED)[:-8] + b"\xff" * 8, "damaged", id="wrong checksum"),
        pytest.param("br", b"\xff\xfe\xfd" * 50, "damaged", id="no brotli"),
        pytest.param("deflate", b"\xff\xfe\xfd" * 50, "damaged", id="no deflate"),
        pytest.param("zstd", b"\x28\xb5\x2f\xfd", "zstd", id="a coding that was not offered"),
        pytest.param("gzip, gzip, gzip, gzip", b"", "4 times", id="too many codings"),
    ],
)
def test_what_cannot_be_decoded_is_an_encoding_error(codings: str, sent: bytes, words: str) -> None:
    with pytest.raises(FetchError, match=words) as caught:
        decode(codings, [sent])
    assert caught.value.kind == "encoding"


BOMB = bytes(64 * LIMIT)
BOMBS = [
    pytest.param("", [BOMB[: 2 * LIMIT]], id="plain"),
    pytest.param("gzip", [gzip.compress(BOMB)], id="gzip"),
    pytest.param("deflate", [zlib.compress(BOMB)], id="deflate"),
    pytest.param("br", [brotli.compress(BOMB, quality=5)], id="brotli"),
    pytest.param("gzip, gzip", [gzip.compress(gzip.compress(BOMB))], id="gzip in gzip"),
    pytest.param("br, gzip", [gzip.compress(brotli.compress(BOMB, quality=5))], id="brotli in gzip"),
    pytest.param("gzip, gzip", [gzip.compress(gzip.compress(b"") * 200_000)], id="large in the middle only"),
]


@pytest.mark.parametrize(("codings", "pieces"), BOMBS)
def test_a_bomb_stops_at_the_limit_in_little_memory(codings: str, pieces: list[bytes]) -> None:
    """64 MiB of zeros, a limit of 1 MiB: never more than the limit and a few pieces are held."""
    decoder = Decoder(codings, limit=LIMIT)
    tracemalloc.start()
    try:
        with pytest.raises(FetchError, match="larger than max_bytes") as caught:
            for piece in pieces:
                decoder.feed(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.kind == "too-large"
    assert peak < 2 * LIMIT


def test_a_document_of_just_the_limit_is_accepted() -> None:
    assert decode("gzip", [gzip.compress(bytes(LIMIT))]) == (bytes(LIMIT), True)
