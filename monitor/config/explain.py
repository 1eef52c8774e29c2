"""Filled-in tables -> the same, checked, or what is wrong with each key in the operator's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from monitor.config.document import Document, Finding, KeyPath
from monitor.config.schema import TABLES, FileTable, header
from monitor.config.values import suggest

# Keys whose values may be or hold a password, and are never repeated in a message.
SECRET_KEYS = frozenset({"database", "url", "urls", "proxy", "headers", "token"})

_LIST = 'must be a list in brackets, such as ["one", "two"]'
# What is said of a value, by pydantic's type of error; the schema raises no other.
_PREDICATES = {
    "string_type": 'must be text in quotes, such as "text"',
    "int_type": "must be a whole number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": 'must be a table, such as {{ Accept = "text/xml" }}',
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "float_type": "must be a number, such as 0.04",
    "finite_number": "must be a number, such as 0.04",
    "too_short": "must not be empty",
    "value_error": "{error}",
}
# How many characters are repeated of a value.
_SHOWN = 60


def check_tables(document: Document, filled: Mapping[str, Any]) -> tuple[FileTable | None, list[Finding]]:
    """Check every key by itself: give the tables, or None and everything that is wrong with them."""
    try:
        return FileTable.model_validate(filled), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    return None, [_explain(detail, document) for detail in details]


def _explain(error: ErrorDetails, document: Document) -> Finding:
    path, context = error["loc"], error.get("ctx", {})
    table = header(str(path[0]))
    match error["type"]:
        case "extra_forbidden":
            message = _explain_unknown(path)
        case "missing":
            message = f"{table} has no {path[-1]}"
        case "nowhere":
            message = f"{table} has neither url nor urls"
        case _ if not _names(path):
            message = f"{path[0]} is a table: write {table} on a line of its own, and its keys below"
        case "phrase":
            message = f"{_names(path)[0]}: {context['words']}"
        case kind:
            words = _PREDICATES[kind].format_map(context)
            message = f"{'.'.join(_names(path))}: {_show(path, document)} {words}"
    return Finding(path, message)


def _names(path: KeyPath) -> list[str]:
    """Give the names on the path below its table, without the places in lists; pydantic marks a key as `[key]`."""
    return [step for step in path[1:] if isinstance(step, str) and step != "[key]"]


def _show(path: KeyPath, document: Document) -> str:
    """Quote a value as the file has it, with `${NAME}` standing, unless it may be secret or is no plain value."""
    written = document.written(path)
    if _names(path)[0] in SECRET_KEYS or not isinstance(written, str | int | float):
        return "the value"
    quoted = json.dumps(written, ensure_ascii=False)
    return quoted if len(quoted) <= _SHOWN else f'{quoted[:_SHOWN]}..."'


def _explain_unknown(path: KeyPath) -> str:
    """Say of a key that it is misspelt, or stands in the wrong table."""
    key = str(path[-1])
    homes = [header(name) for name, table in TABLES.items() if key in table.model_fields]
    home = f"; it belongs in {' or '.join(homes)}" if homes else ""
    if len(path) == 1:
        return f'unknown key "{key}" outside the tables{suggest(key, TABLES) or home}'
    table = str(path[0])
    return f'unknown key "{key}" in {header(table)}{home or suggest(key, TABLES[table].model_fields)}'
