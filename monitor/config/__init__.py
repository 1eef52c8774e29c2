"""feeds.toml -> Config, or every problem in it, each with its line; the only package that knows pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from monitor.config.build import build_config
from monitor.config.document import Document, Malformed
from monitor.config.explain import check_tables
from monitor.config.fill import fill_in
from monitor.config.references import check_references
from monitor.errors import ConfigError, Problem
from monitor.model import Config

__all__ = ["find_config", "load_config"]

# Where a configuration is looked for when nobody names one.
_PLACES = (Path("feeds.toml"), Path("/etc/monitor/feeds.toml"))


def find_config(option: str | None, *, environ: Mapping[str, str]) -> Path:
    """Give the file to use: `option`, else $MONITOR_CONFIG, else ./feeds.toml, else /etc/monitor/feeds.toml.

    A file that is named is not looked for anywhere else.

    Raises:
        ConfigError: none is named, and none exists in either place.
    """
    named = option or environ.get("MONITOR_CONFIG")
    if named:
        return Path(named)
    for place in _PLACES:
        if _is_there(place):
            return place
    looked = " nor ".join(str(place) for place in _PLACES)
    advice = "name one with --config FILE or the environment variable MONITOR_CONFIG"
    raise ConfigError("feeds.toml", [Problem(0, f"there is no configuration, neither {looked}: {advice}")])


def _is_there(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # its folder cannot be entered: reading it will tell why
        return True


def load_config(path: Path, *, environ: Mapping[str, str]) -> Config:
    """Read, fill in and check a feeds.toml. Values of `environ` and of $CREDENTIALS_DIRECTORY replace `${NAME}`.

    Raises:
        ConfigError: with every problem that was found, each with its line, and no secret.
    """
    document = _read_document(path)
    filled, findings = fill_in(document.tables, environ)
    unfilled = {finding.path for finding in findings}
    table, faults = check_tables(document, filled)
    findings += [finding for finding in (*faults, *check_references(document, filled)) if finding.path not in unfilled]
    if table is None or findings:
        problems = [Problem(document.line(at, position), message) for at, message, position in findings]
        raise ConfigError(str(path), problems)
    return build_config(path, table, written=document.tables, environ=environ)


def _read_document(path: Path) -> Document:
    """Read the file's tables: UTF-8, with or without the mark that some editors put at the beginning."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ConfigError(str(path), [Problem(0, f"cannot be read: {error.strerror}")]) from error
    try:
        return Document(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        message = "this is not UTF-8 text: save the file with the encoding UTF-8"
        raise ConfigError(str(path), [Problem(line, message)]) from error
    except Malformed as error:
        raise ConfigError(str(path), [Problem(error.line, str(error))]) from error
