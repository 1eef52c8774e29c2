"""A path -> what answers it. Pages are added here: a line in the table and a handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from aiohttp import web

from monitor.errors import StoreError
from monitor.model import Web
from monitor.store import Store, Transaction
from monitor.web.guard import make_guard, set_headers
from monitor.web.metrics import Meters, take_stock, write_metrics
from monitor.web.readiness import Vitals, find_hindrances

T = TypeVar("T")

# A database that has not answered for so long is told as a fault, before whoever asks gives up (Prometheus: 10 s).
PATIENCE = timedelta(seconds=8)


class Handlers:
    """What is served. `vitals` gives how the daemon is at the moment."""

    def __init__(
        self, store: Store, meters: Meters, *, vitals: Callable[[], Vitals], clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._meters = meters
        self._vitals = vitals
        self._clock = clock
        self._asking = asyncio.Lock()

    async def metrics(self, request: web.Request) -> web.Response:
        """`/metrics`: all numbers; without those of the database where it does not answer."""
        stock, _ = await self._ask_database(partial(take_stock, now=self._clock()))
        accept = request.headers.get("Accept", "")
        body, content_type = write_metrics(self._meters, stock, self._vitals(), accept=accept, now=self._clock())
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def healthz(self, _request: web.Request) -> web.Response:
        """`/healthz`: the process serves."""
        return web.Response(text="ok\n")

    async def readyz(self, _request: web.Request) -> web.Response:
        """`/readyz`: everything is at work; else 503, and what is not."""
        _, fault = await self._ask_database(Transaction.check_answer)
        hindrances = find_hindrances(self._vitals(), database=fault)
        return web.Response(
            status=503 if hindrances else 200, text="".join(f"{line}\n" for line in hindrances or ["ready"])
        )

    async def _ask_database(self, question: Callable[[Transaction], T]) -> tuple[T | None, str]:
        """Give what the database says, or None and why it does not; one request at a time.

        Not in the store's own thread: polls would wait for a count over all feeds, and readers block nobody.
        """
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()), self._asking:
                return await asyncio.to_thread(partial(self._read, question)), ""
        except TimeoutError:
            return None, f"the database has not answered for {PATIENCE.total_seconds():g} s"
        except StoreError as error:
            return None, str(error)

    def _read(self, question: Callable[[Transaction], T]) -> T:
        with self._store.read() as tx:
            return question(tx)


def make_app(settings: Web, handlers: Handlers) -> web.Application:
    """Make the application: every path, behind the guard."""
    app = web.Application(middlewares=[make_guard(settings)])
    app.on_response_prepare.append(set_headers)
    app.add_routes(
        [
            web.get("/metrics", handlers.metrics),
            web.get("/healthz", handlers.healthz),
            web.get("/readyz", handlers.readyz),
        ]
    )
    return app
