"""`[web]` -> an open port, for as long as the configuration stands."""

from __future__ import annotations

import asyncio
import errno
from datetime import timedelta
from typing import Self

from aiohttp import web

from monitor.log import get_logger
from monitor.model import Web
from monitor.web.metrics import Meters
from monitor.web.routes import Handlers, make_app

# An answer takes milliseconds; whoever is slower than this to take it is left when the daemon stops.
_GRACE = timedelta(seconds=1)
_OFF = Web(host="", port=0)
_WORDS = {
    errno.EADDRINUSE: "another program uses this address (`ss -ltnp` names it): end that, or change listen",
    errno.EADDRNOTAVAIL: "this machine has no such address: correct listen",
    errno.EACCES: "the system does not allow it: ports below 1024 are root's, choose a higher one",
}

log = get_logger()


class Listener:
    """Serves at the address of the configuration; to be entered (`async with`), and closed at the end of the block.

    What goes wrong is logged, and stops nothing else.
    """

    def __init__(self, handlers: Handlers, meters: Meters) -> None:
        self._handlers = handlers
        self._meters = meters
        self._settings = _OFF
        self._changing = asyncio.Lock()
        self._runner: web.AppRunner | None = None
        self._lag: asyncio.Task[None] | None = None
        self.fault = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        async with self._changing:
            await self._close()

    async def listen(self, settings: Web) -> None:
        """Serve by these settings from now on; where that has failed before, try again. `fault` says what is wrong."""
        async with self._changing:
            if settings != self._settings:
                await self._close()
                self._settings = settings
            if self._runner is not None or not settings.host:
                return
            known, self.fault = self.fault, await self._open(settings)
        if not self.fault:
            log.info("listening", listen=_show(settings))
        elif self.fault != known:
            log.error("nothing is served, monitoring goes on", listen=_show(settings), error=self.fault)

    async def _close(self) -> None:
        if self._lag is not None:
            self._lag.cancel()
            await asyncio.gather(self._lag, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
        self._settings, self._runner, self._lag, self.fault = _OFF, None, None, ""

    async def _open(self, settings: Web) -> str:
        """Open the port, or say why it cannot be."""
        runner = web.AppRunner(
            make_app(settings, self._handlers), access_log=None, shutdown_timeout=_GRACE.total_seconds()
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            await runner.cleanup()
            return _WORDS.get(error.errno or 0, error.strerror or str(error))
        self._runner = runner
        self._lag = asyncio.create_task(self._meters.measure_lag())
        return ""


def _show(settings: Web) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"
