"""feeds.toml, feeds to add -> the same file with them in it, every other byte as it was; the only tomlkit."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit

from monitor.config import load_config
from monitor.config.document import read_document
from monitor.config.fill import fill_in
from monitor.config.values import parse_feed_url, show_url
from monitor.errors import ConfigError, Problem
from monitor.model import Config, Feed

NewFeed = Mapping[str, Any]
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_address(written: str, *, environ: Mapping[str, str]) -> Feed:
    """Read a feed's address as it would stand in the file, with `${NAME}` filled in.

    Raises:
        ValueError: it is no address of a feed; the message goes on from it.
    """
    filled, findings = fill_in({"url": written}, environ)
    if findings:
        raise ValueError(f"cannot be filled in: {findings[0].message}")
    return Feed(url=show_url(written), address=parse_feed_url(filled["url"]), owner="")


def write_tables(feeds: Sequence[NewFeed]) -> str:
    """Write feeds as `[[feed]]` tables, keys in the order given."""
    document = tomlkit.document()
    tables = tomlkit.aot()
    for feed in feeds:
        table = tomlkit.table()
        table.update(feed)
        tables.append(table)
    document.append("feed", tables)
    return tomlkit.dumps(document)


def add_feeds(path: Path, feeds: Sequence[NewFeed], *, environ: Mapping[str, str]) -> Config:
    """Put feeds behind the last `[[feed]]` of a file, and give the configuration that it then is.

    The file is replaced in one step, and only if the new one is good. Its rights and owner stay, and a symbolic link
    keeps pointing to it. tomlkit writes the new tables only: it would move comments and tables that stand apart.

    Raises:
        ConfigError: the file cannot be read or written, or would be bad; then nothing has changed.
    """
    old = path.read_bytes() if path.is_file() else b""
    document = read_document(path)
    text = _insert(old.removeprefix(_BYTE_ORDER_MARK).decode(), write_tables(feeds), after=document.last_line("feed"))
    _check_insertion(path, document.tables, text, feeds)
    mark = _BYTE_ORDER_MARK if old.startswith(_BYTE_ORDER_MARK) else b""
    try:
        return _replace(path, mark + text.encode(), environ)
    except OSError as error:
        raise ConfigError(str(path), [Problem(0, f"cannot be written: {error.strerror}")]) from error


def _insert(text: str, tables: str, *, after: int) -> str:
    """Insert tables after a line, set off by blank lines, with the line ends of the file."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").split("\n")
    before, rest = lines[:after], lines[after:]
    if before and before[-1].strip():
        before.append("")
    if rest and rest[0].strip():
        rest.insert(0, "")
    return end.join([*before, *tables.rstrip("\n").split("\n"), *(rest or [""])])


def _check_insertion(path: Path, tables: Mapping[str, Any], text: str, feeds: Sequence[NewFeed]) -> None:
    """Make sure that the file reads as before, and has the new feeds at its end."""
    wanted = {**tables, "feed": [*tables.get("feed", ()), *feeds]}
    try:
        if tomllib.loads(text) == wanted:
            return
    except tomllib.TOMLDecodeError:
        pass
    words = "feeds cannot be added here: list them as [[feed]] tables, each key on a line of its own"
    raise ConfigError(str(path), [Problem(0, words)])


def _replace(path: Path, body: bytes, environ: Mapping[str, str]) -> Config:
    """Write beside the file that a link leads to, check, and rename over it."""
    target = path.resolve()
    old = target.stat()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fchmod(file.fileno(), old.st_mode)
            if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fsync(file.fileno())
        config = load_config(new, environ=environ)
        new.replace(target)
    except ConfigError as error:
        raise ConfigError(str(path), error.problems) from error
    finally:
        new.unlink(missing_ok=True)
    return config
