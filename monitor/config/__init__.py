"""feeds.toml -> Config, or every problem in it, each with its line; the only package that knows pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from monitor.config.build import build_config
from monitor.config.document import read_document
from monitor.config.explain import check_tables
from monitor.config.fill import fill_in
from monitor.config.references import check_references
from monitor.config.templates import read_templates
from monitor.errors import ConfigError, Problem
from monitor.model import Config

__all__ = ["find_config", "load_config", "load_settings", "read_document"]

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
    document = read_document(path)
    filled, findings = fill_in(document.tables, environ)
    unfilled = {finding.path for finding in findings}
    table, faults = check_tables(document, filled)
    templates, broken = read_templates(document, filled, path.absolute().parent)
    found = (*faults, *check_references(document, filled), *broken)
    findings += [finding for finding in found if finding.path not in unfilled]
    if table is None or findings:
        problems = [Problem(document.line(at, position), message) for at, message, position in findings]
        raise ConfigError(str(path), problems)
    return build_config(path, table, written=document.tables, templates=templates, environ=environ)


def load_settings(path: Path, *, environ: Mapping[str, str]) -> Config:
    """Read `[monitor]` alone: enough to look into the database while the rest of the file is bad.

    Raises:
        ConfigError: `[monitor]` is bad too, or the file is no TOML.
    """
    document = read_document(path)
    filled, findings = fill_in({"monitor": document.tables.get("monitor", {})}, environ)
    table, faults = check_tables(document, filled)
    if table is None or findings:
        raise ConfigError(str(path), [Problem(document.line(at), message) for at, message, _ in (*findings, *faults)])
    return build_config(path, table, written={}, templates={}, environ=environ)
