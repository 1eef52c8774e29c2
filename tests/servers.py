"""A small HTTP/1.1 server on a loopback port: documents by path in, requests on record out.

async with FeedServer() as server:                  # or `with FeedServer.threaded() as server:`
    url = server.serve("/feed", b"<rss>...</rss>")
    ...
    assert server.requests[0].headers["if-none-match"]
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from ssl import SSLContext
from typing import Self

from aiohttp.abc import AbstractResolver, ResolveResult

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked. `target` is as sent: absolute when the server is used as a proxy."""

    method: str
    target: str
    headers: Mapping[str, str]
    connection: int

    @property
    def path(self) -> str:
        """The target without scheme, host and query."""
        rest = self.target.partition("://")[2].partition("/")[2] if "://" in self.target else self.target[1:]
        return "/" + rest.partition("?")[0] if self.method != "CONNECT" else self.target


@dataclass(frozen=True, slots=True)
class Document:
    """What a path answers. `conditional`: it sends validators and honours them with a 304."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    conditional: bool = True

    @property
    def validators(self) -> dict[str, str]:
        """An ETag made of the body, and a fixed Last-Modified."""
        if not self.conditional:
            return {}
        return {
            "ETag": f'"{hashlib.sha256(self.body).hexdigest()[:16]}"',
            "Last-Modified": "Mon, 03 Apr 2017 09:00:00 GMT",
        }

    def answer(self, request: Request) -> bytes:
        """Give the bytes of the answer (RFC 9110 13.2.2: If-None-Match goes before If-Modified-Since)."""
        headers = self.validators | dict(self.headers)
        asked = request.headers.get("if-none-match"), request.headers.get("if-modified-since")
        current = headers.get("ETag"), headers.get("Last-Modified")
        fresh = asked[0] == current[0] if asked[0] is not None else asked[1] == current[1]
        if self.conditional and any(asked) and fresh:
            return _head(304, headers)
        return _head(self.status, {"Content-Length": str(len(self.body))} | headers) + self.body


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


class FeedServer:
    """Serves what was registered by path, on 127.0.0.1; an unknown path is a 404.

    `requests` keeps every request in order of arrival. Documents may be replaced at any time, from any thread.
    """

    def __init__(self, *, host: str = "127.0.0.1", tls: SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.port = 0
        self._host = host
        self._tls = tls
        self._answers: dict[str, Document | Play] = {}
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    @classmethod
    @contextmanager
    def threaded(cls) -> Iterator[Self]:
        """Serve from a thread of its own, for tests that run the program as a subprocess."""
        server, ready = cls(), threading.Event()
        loop, stop = asyncio.new_event_loop(), asyncio.Event()

        async def serve() -> None:
            async with server:
                ready.set()
                await stop.wait()

        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
        thread.start()
        ready.wait()
        try:
            yield server
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.close()

    def url(self, path: str, host: str = "") -> str:
        """Give a path's address, under another name of this machine if `host` is given."""
        return f"http{'s' if self._tls else ''}://{host or self._host}:{self.port}{path}"

    def serve(
        self,
        path: str,
        body: bytes = b"",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        conditional: bool = True,
    ) -> str:
        """Answer `path` with this document from now on, and give its address.

        `headers` are sent besides; `conditional=False` sends no validators and never answers 304.
        """
        kind = {"Content-Type": "application/rss+xml"}
        self._answers[path] = Document(body, status, kind | dict(headers or {}), conditional)
        return self.url(path)

    def redirect(self, path: str, location: str, status: int = 302) -> str:
        """Answer `path` with a redirect, and give its address."""
        return self.serve(path, status=status, headers={"Location": location}, conditional=False)

    def script(self, path: str, play: Play) -> str:
        """Answer `path` by whatever `play` writes (and reads); the connection is closed when it returns."""
        self._answers[path] = play
        return self.url(path)

    def raw(self, path: str, *pieces: bytes) -> str:
        """Answer `path` with these bytes, right or wrong, and close the connection."""

        async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()

        return self.script(path, play)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            await self._talk(reader, writer, self.connections)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        finally:
            self._talks.discard(talk)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        while True:
            request = _read_request(await reader.readuntil(b"\r\n\r\n"), connection)
            self.requests.append(request)
            answer = self._answers.get(request.path, Document(b"", 404))
            if not isinstance(answer, Document):
                await answer(reader, writer)
                return
            writer.write(answer.answer(request))
            await writer.drain()
            if request.headers.get("connection") == "close":
                return


def _read_request(head: bytes, connection: int) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(method, target, headers, connection)


class SocksServer:
    """A SOCKS5 proxy (RFC 1928) on loopback that records what it was asked for and connects all of it to one port.

    With `user`, it demands user name and password (RFC 1929) and keeps what was given in `logins`.
    """

    def __init__(self, *, target: int, user: bool = False) -> None:
        self.asked: list[tuple[str, int]] = []
        self.logins: list[tuple[str, str]] = []
        self.port = 0
        self._target = target
        self._user = user
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._greet(reader, writer)
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
            try:
                await asyncio.gather(_pump(reader, back), _pump(there, writer))
            finally:
                back.close()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly((await reader.readexactly(2))[1])
        writer.write(b"\x05\x02" if self._user else b"\x05\x00")
        if self._user:
            await reader.readexactly(1)
            self.logins.append(((await _read_text(reader)), (await _read_text(reader))))
            writer.write(b"\x01\x00")
        kind = (await reader.readexactly(4))[3]
        host = await _read_text(reader) if kind == 3 else str(ip_address(await reader.readexactly(4)))
        self.asked.append((host, int.from_bytes(await reader.readexactly(2), "big")))


async def _read_text(reader: asyncio.StreamReader) -> str:
    return (await reader.readexactly((await reader.readexactly(1))[0])).decode()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


class Names(AbstractResolver):
    """DNS for a test: what each name resolves to, and which names were asked for."""

    def __init__(self, **names: list[str]) -> None:
        self.names = {name.replace("_", "."): addresses for name, addresses in names.items()}
        self.asked: list[str] = []

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - the interface has it
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if host not in self.names:
            raise OSError(None, "Domain name not found")
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in self.names[host]
        ]

    async def close(self) -> None:
        pass
