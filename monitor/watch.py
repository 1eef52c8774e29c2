"""A file's path -> a word whenever the file has changed and come to rest; the only watchfiles."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from watchfiles import awatch
from watchfiles._rust_notify import WatchfilesRustInternalError

from monitor.log import get_logger

# An editor that writes in place leaves a half-written file for a moment: it is read when it has rested so long.
REST = 0.5  # seconds
# Where the kernel tells nothing (a network drive, no inotify watches left) the file is looked at so often.
LOOK = 3.0  # seconds
# watchfiles gathers what happens within a step, and goes on until a step without anything or this long: the database
# that may lie beside the file never rests.
_STEP, _LONGEST_STEP = 100, 500  # milliseconds

# It writes a line for every change of every file in the folder.
logging.getLogger("watchfiles").setLevel(logging.CRITICAL)
log = get_logger()

_Identity = tuple[int, int, int, int] | None


class FileWatch:
    """Watches one file, which may be missing, replaced by a rename, or behind symbolic links that change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._taken = _identify(path)

    def take(self) -> None:
        """Note the file as it is now: from here on only another state counts as a change."""
        self._taken = _identify(self._path)

    async def changes(self) -> AsyncGenerator[None]:
        """Give a word whenever the file is another than the one last taken, and has come to rest."""
        async with aclosing(_stir(self._path)) as stirrings:
            async for _ in stirrings:
                if _identify(self._path) != self._taken:
                    await self._rest()
                    if _identify(self._path) != self._taken:
                        self.take()
                        yield

    async def _rest(self) -> None:
        before, now = self._taken, _identify(self._path)
        while before != now:
            await asyncio.sleep(REST)
            before, now = now, _identify(self._path)


def _identify(path: Path) -> _Identity:
    """Give what differs once a file is written, replaced, or given other rights; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns


async def _stir(path: Path) -> AsyncGenerator[None]:
    """Give a word when something happens in a folder that matters, and every few seconds all the same.

    Folders are watched, not the file: an editor that writes another file and renames it leaves a watched one behind.
    """
    warned = False
    while True:
        yield
        folders = _folders(path)
        try:
            async with aclosing(_happenings(folders)) as happenings:
                async for _ in happenings:
                    yield
                    if _folders(path) != folders:
                        break
        except* (OSError, WatchfilesRustInternalError) as group:
            if not warned:
                error = str(group.exceptions[0])
                log.warning(
                    "the folder cannot be watched, the file is looked at now and then", file=str(path), error=error
                )
            warned = True
            await asyncio.sleep(LOOK)


def _happenings(folders: frozenset[Path]) -> AsyncGenerator[object]:
    return awatch(
        *folders,
        watch_filter=None,
        step=_STEP,
        debounce=_LONGEST_STEP,
        rust_timeout=int(LOOK * 1000),
        yield_on_timeout=True,
        recursive=False,
    )


def _folders(path: Path) -> frozenset[Path]:
    """Give the folders whose entries decide which file it is: of the path, and of each link on the way to the file.

    A Kubernetes config map is feeds.toml -> ..data/feeds.toml, ..data -> ..2026_11_23: what is swapped is `..data`.
    """
    folders = set()
    place = path.absolute()
    for _ in range(8):
        folders |= {place.parent, place.parent.resolve()}
        if not place.is_symlink():
            break
        place = place.parent / place.readlink()
    return frozenset(folder for folder in folders if folder.is_dir())
