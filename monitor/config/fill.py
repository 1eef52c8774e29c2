"""Tables as written, environment -> tables with every `${NAME}` filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monitor.config.document import Finding, KeyPath

# A name may be that of a systemd credential (systemd.exec(5)), with dots and dashes, but never a path.
REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_.-]*)\}")
# `$${` stands for `${`; whatever else begins with `${` is a slip that would put half a secret to use.
_PLACEHOLDER = re.compile(rf"\$\$\{{|{REFERENCE.pattern}|\$\{{")


class _Unfilled(Exception):
    """A `${NAME}` has no value; the message says what to do."""


def fill_in(tables: dict[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Finding]]:
    """Give a copy of the tables with every string filled in; what has no value is left as written, and found.

    NAME is the file `$CREDENTIALS_DIRECTORY/NAME`, without one newline at its end, else the environment variable.
    """
    findings: list[Finding] = []

    def fill(value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            return {key: fill(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [fill(inner, (*path, place)) for place, inner in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            try:
                return _PLACEHOLDER.sub(lambda found: _replacement(found, environ), value)
            except _Unfilled as error:
                findings.append(Finding(path, str(error)))
        return value

    return {key: fill(value, (key,)) for key, value in tables.items()}, findings


def _replacement(found: re.Match[str], environ: Mapping[str, str]) -> str:
    if found[0] == "$${":
        return "${"
    if found[1] is None:
        raise _Unfilled("${ begins a name that does not end: write ${NAME}, or $${ where ${ itself is meant")
    return _look_up(found[1], environ)


def _look_up(name: str, environ: Mapping[str, str]) -> str:
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    if folder:
        try:
            return (Path(folder) / name).read_text(encoding="utf-8").removesuffix("\n")
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise _Unfilled(f"${{{name}}}: the file $CREDENTIALS_DIRECTORY/{name} cannot be read: {why}") from error
    if name in environ:
        return environ[name]
    looked = "" if folder else " (which is not set)"
    raise _Unfilled(
        f"${{{name}}} has no value: there is neither a file {name} in $CREDENTIALS_DIRECTORY{looked} "
        f"nor an environment variable {name}"
    )
