"""A scenario -> its feeds on a loopback HTTP server, and the telephone that receives the alerts."""

from __future__ import annotations

import gzip
import json
import sys
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Self

from monitor.demo.documents import CONTENT_TYPES, write_document
from monitor.demo.scenario import Outlet, Scenario

RETRY_AFTER = 3600  # seconds: what an outlet that is out of order asks for
PHONE_PATH = "/phone"


class DemoServer:
    """Serves a scenario's feeds as they stand in one round, from a thread of its own; use it as a context manager.

    POSTs of Apprise's JSON service to `/phone` are kept, in order.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._round = 1
        self._phone: list[tuple[str, str]] = []
        self._lock = Lock()
        self._http = _QuietServer(("127.0.0.1", 0), partial(_Handler, self))
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def port(self) -> int:
        """The port that the system gave."""
        return self._http.server_port

    @property
    def url(self) -> str:
        """The address of the server, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def phone_url(self) -> str:
        """The telephone, as an address for Apprise."""
        return f"json://127.0.0.1:{self.port}{PHONE_PATH}"

    @property
    def phone(self) -> tuple[tuple[str, str], ...]:
        """What arrived on the telephone so far, oldest first: (title, body)."""
        with self._lock:
            return tuple(self._phone)

    def show_round(self, number: int) -> None:
        """Let the feeds show what they hold in a round, counted from 1."""
        if not 1 <= number <= len(self.scenario.rounds):
            raise ValueError(f"there is no round {number}: the scenario has {len(self.scenario.rounds)}")
        self._round = number

    def ring(self, title: str, body: str) -> None:
        """Keep a message."""
        with self._lock:
            self._phone.append((title, body))

    def answer(self, path: str, request: dict[str, str]) -> tuple[HTTPStatus, dict[str, str], bytes]:
        """Answer a GET: status, headers and body. `request` has the request's headers in lower case."""
        outlet = next((outlet for outlet in self.scenario.outlets if outlet.path == path), None)
        number = self._round
        if outlet is None:
            return HTTPStatus.NOT_FOUND, {}, b""
        if number in outlet.down:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(RETRY_AFTER)}, b""
        changed = self.scenario.last_change(outlet, number)
        body = write_document(outlet, self.scenario.show_feed(outlet, number), updated=changed)
        headers = {"Content-Type": outlet.content_type or CONTENT_TYPES[outlet.format]}
        if outlet.gzip and "gzip" in request.get("accept-encoding", ""):
            body = gzip.compress(body, mtime=0)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        validators = {
            "ETag": f'"{sha256(body).hexdigest()[:16]}"',
            "Last-Modified": format_datetime(changed, usegmt=True),
        }
        headers |= {name: value for name, value in validators.items() if _sends(outlet, name)}
        if _is_unchanged(headers, request):
            return HTTPStatus.NOT_MODIFIED, headers, b""
        return HTTPStatus.OK, headers, body


def _sends(outlet: Outlet, header: str) -> bool:
    return outlet.validators == "both" or outlet.validators == {"ETag": "etag", "Last-Modified": "modified"}[header]


def _is_unchanged(headers: dict[str, str], request: dict[str, str]) -> bool:
    """Evaluate a conditional GET: If-Modified-Since counts only without If-None-Match (RFC 9110 section 13.2.2)."""
    if "ETag" in headers and "if-none-match" in request:
        known = [tag.strip().removeprefix("W/") for tag in request["if-none-match"].split(",")]
        return headers["ETag"] in known
    if "Last-Modified" in headers and "if-modified-since" in request:
        since = parsedate_to_datetime(request["if-modified-since"])
        return parsedate_to_datetime(headers["Last-Modified"]) <= since
    return False


class _QuietServer(ThreadingHTTPServer):
    request_queue_size = 64  # all feeds may be asked for at once; a full queue costs a client a second

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep silent about clients that hang up; anything else is our own mistake and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, demo: DemoServer, *arguments: Any) -> None:
        self.demo = demo
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Serve a feed."""
        self._send(*self.demo.answer(self.path, {name.lower(): value for name, value in self.headers.items()}))

    def do_POST(self) -> None:
        """Receive an alert."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != PHONE_PATH:
            self._send(HTTPStatus.NOT_FOUND, {}, b"")
            return
        alert = json.loads(body)
        self.demo.ring(alert["title"], alert["message"])
        self._send(HTTPStatus.OK, {}, b"")

    def _send(self, status: HTTPStatus, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """Say nothing: the demo's output is the program's."""
