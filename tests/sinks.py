"""Loopback servers that stand for channels: they keep what arrives, and answer, hang or hang up as a test wants.

with HttpSink() as sink:
    sink.answers["/a"] = 503                       # for this path; `sink.default` for all others
    await send_message(Secret(sink.url("json", "/b")), message)
    assert sink.received["/b"][0].text == "..."

async with SmtpSink() as sink:
    await send_message(Secret(sink.url("reader@example.org")), message)
    assert sink.mails[0]["Subject"] == "..."
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from aiosmtpd.smtp import SMTP

HANG: Final = "hang"  # take the request and say nothing until the sink is released, or closes
DROP: Final = "drop"  # take the request, then close the connection without an answer
Answer = int | str


@dataclass(frozen=True, slots=True)
class Post:
    """What one request brought."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body, read as a JSON object."""
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value

    @property
    def text(self) -> str:
        """The message in it, whatever the service calls it."""
        return str(self.json["message"])


class HttpSink:
    """A web server on 127.0.0.1 that takes any POST on any path; `words` is the body of its answers."""

    def __init__(self) -> None:
        self.default: Answer = 200
        self.answers: dict[str, Answer] = {}
        self.words = b"{}"
        self.received: dict[str, list[Post]] = defaultdict(list)
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.server_port

    def url(self, scheme: str, path: str = "/", *, login: str = "") -> str:
        """Give a path's Apprise URL for a service."""
        return f"{scheme}://{login}127.0.0.1:{self.port}{path}"

    def texts(self, path: str) -> list[str]:
        """Give the messages that came to a path, in order of arrival."""
        return [post.text for post in self.received[path]]

    def release(self) -> None:
        """Answer 200 to all that hangs, now and later."""
        self._released.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                sink.received[self.path].append(Post(self.path, dict(self.headers), body))
                answer = sink.answers.get(self.path, sink.default)
                if answer == HANG:
                    sink._released.wait()
                    answer = 200
                if isinstance(answer, int):
                    self.send_response(answer)
                    if 300 <= answer < 400:
                        self.send_header("Location", f"http://127.0.0.1:{sink.port}/redirected")
                    self.send_header("Content-Length", str(len(sink.words)))
                    self.end_headers()
                    with suppress(BrokenPipeError):  # the client left while this hung
                        self.wfile.write(sink.words)
                self.close_connection = True

            do_GET = do_POST  # noqa: N815 - http.server's name; a redirect would be followed with it

            def log_request(self, code: object = "-", size: object = "-") -> None:
                """Keep quiet."""

        return Handler


class SmtpSink:
    """A mail server on 127.0.0.1; `refusal` is what it says to every recipient while it is set."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusal = ""
        self.port = 0
        self._server: asyncio.Server | None = None

    def url(self, recipient: str) -> str:
        """Give the Apprise URL that mails to this recipient."""
        return f"mailto://127.0.0.1:{self.port}?from=monitor@example.org&to={recipient}"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: object, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Any) -> str:  # noqa: N802 - the same
        """Keep a mail."""
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
