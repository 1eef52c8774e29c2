"""The bytes of a body as they arrive -> the document, decompressed, within a limit."""

from __future__ import annotations

import string
import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli

from monitor.errors import FetchError

ACCEPTED = "gzip, deflate, br"

_GZIP_MAGIC = b"\x1f\x8b\x08"  # RFC 1952 section 2.3.1
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's `wbits` for the three framings of one compression
_PIECE = 64 * 1024  # what is decompressed before the limit is looked at again
_MAX_CODINGS = 3
_UNREADABLE = frozenset({"zstd", "compress", "x-compress", "dcb", "dcz"})
_TEXT = frozenset((string.ascii_letters + string.digits + string.punctuation + " \t\r\n").encode())
_UTF8_MARK = b"\xef\xbb\xbf"


class Decoder:
    """Takes the content codings (RFC 9110 section 8.4) off one body and holds at most `limit` bytes of it.

    `codings` is the Content-Encoding header. It is a hint only: servers send gzip undeclared, plain text declared as
    gzip, and raw deflate where the name means zlib's framing, so the first bytes decide.
    """

    def __init__(self, codings: str, *, limit: int) -> None:
        names = [name for name in (part.strip().lower() for part in codings.split(",")) if name]
        for name in _UNREADABLE.intersection(names):
            raise FetchError("encoding", f"the server compressed its answer with {name}, unasked")
        if len(names) > _MAX_CODINGS:
            raise FetchError("encoding", f"the server says that it compressed its answer {len(names)} times over")
        self._layers = [_Layer(name) for name in reversed(names or ["identity"])]
        self._sizes = [0] * (len(self._layers) + 1)
        self._limit = limit
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes off the wire. Raises FetchError: too-large, encoding."""
        self._pass(data, 0)

    def close(self) -> tuple[bytes, bool]:
        """Give the document, and whether it is whole: of a compressed body that was cut, what could be read."""
        for depth in range(len(self._layers)):
            self._unpack(b"", depth, last=True)
        return b"".join(self._pieces), all(layer.whole for layer in self._layers)

    def _pass(self, data: bytes, depth: int) -> None:
        # The limit holds before and between the layers too: a bomb inside a bomb is large only in the middle.
        self._sizes[depth] += len(data)
        if self._sizes[depth] > self._limit:
            raise too_large(self._limit)
        if depth == len(self._layers):
            self._pieces.append(data)
        else:
            self._unpack(data, depth, last=False)

    def _unpack(self, data: bytes, depth: int, *, last: bool) -> None:
        try:
            for piece in self._layers[depth].decode(data, last=last):
                self._pass(piece, depth + 1)
        except (zlib.error, brotli.error) as e:
            raise FetchError("encoding", "the answer is damaged: it cannot be decompressed") from e


def too_large(limit: int) -> FetchError:
    """Say that a document exceeds the limit."""
    return FetchError("too-large", f"the document is larger than max_bytes ({limit:,} bytes)")


class _Codec(Protocol):
    """Decompresses a stream, at most about `_PIECE` bytes at a time. `whole`: its end was reached."""

    @property
    def whole(self) -> bool: ...

    def decode(self, data: bytes) -> Iterator[bytes]: ...


class _Layer:
    """One declared coding, whose codec is chosen when enough bytes are there to tell."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._head = b""
        self._codec: _Codec | None = None

    @property
    def whole(self) -> bool:
        return self._codec is None or self._codec.whole

    def decode(self, data: bytes, *, last: bool) -> Iterator[bytes]:
        if self._codec is None:
            self._head += data
            if len(self._head) < len(_GZIP_MAGIC) and not (last and self._head):
                return
            self._codec, data = _choose_codec(self._coding, self._head), self._head
        yield from self._codec.decode(data)


def _choose_codec(coding: str, head: bytes) -> _Codec:
    if head.startswith(_GZIP_MAGIC):
        return _Inflate(_GZIP)
    if coding not in {"deflate", "br"} or _is_text(head):
        return _Plain()
    if coding == "br":
        return _Brotli()
    # RFC 1950 section 2.2: method 8, and the first two bytes are a multiple of 31.
    return _Inflate(_ZLIB if head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0 else _RAW)  # noqa: PLR2004 - the RFC's numbers


def _is_text(head: bytes) -> bool:
    """Tell whether a body begins as an ASCII-based document does; sixteen bytes of compressed data never do."""
    return all(byte in _TEXT for byte in head.removeprefix(_UTF8_MARK)[:16])


class _Plain:
    """No compression."""

    whole = True

    def decode(self, data: bytes) -> Iterator[bytes]:
        yield data


class _Inflate:
    """Deflate in one of its framings. Gzip members may follow one another (RFC 1952 section 2.2); junk is ignored."""

    def __init__(self, framing: int) -> None:
        self._framing = framing
        self._engine = zlib.decompressobj(framing)
        self._held = b""

    @property
    def whole(self) -> bool:
        return self._engine.eof

    def decode(self, data: bytes) -> Iterator[bytes]:
        data = self._held + data
        self._held = b""
        while True:
            if self._engine.eof:
                if not self._starts_member(data):
                    return
                self._engine = zlib.decompressobj(self._framing)
            piece = self._engine.decompress(data, _PIECE)
            data = self._engine.unused_data or self._engine.unconsumed_tail
            yield piece
            if not data:
                return

    def _starts_member(self, data: bytes) -> bool:
        if self._framing == _GZIP and _GZIP_MAGIC.startswith(data):
            self._held = data  # too little to tell; the next bytes will
            return False
        return self._framing == _GZIP and data.startswith(_GZIP_MAGIC)


class _Brotli:
    """Brotli (RFC 7932)."""

    def __init__(self) -> None:
        self._engine = brotli.Decompressor()

    @property
    def whole(self) -> bool:
        return bool(self._engine.is_finished())

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._engine.is_finished():
            return
        yield self._engine.process(data, output_buffer_limit=_PIECE)
        while not self._engine.is_finished() and not self._engine.can_accept_more_data():
            yield self._engine.process(b"", output_buffer_limit=_PIECE)
