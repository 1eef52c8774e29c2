"""feeds.toml's text -> its tables, and the line on which each key stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from monitor.errors import ConfigError, Problem

# Where a value stands in the tables: ("feed", 3, "interval").
KeyPath = tuple[str | int, ...]

# What decides where a statement ends: strings, comments, brackets and line ends (TOML 1.0). An open string reaches the end.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"{3,5}|\Z)'
    r"|'''.*?(?:'{3,5}|\Z)"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|\#[^\n]*|[\[{]|[\]}]|\n",
    re.DOTALL,
)
_CURLY = re.compile(r"[=\[,]\s*[“”„‟«‘’]")
# tomllib gives the place in its message only (before Python 3.14).
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
# What tomllib says of the commonest slips, for people who do not know its terms.
_PLAIN = {
    "Cannot overwrite a value": "this key is set twice in one table",
    "Cannot declare": "this table stands here a second time; only tables in double brackets, [[...]], may repeat",
    "Invalid value": "after = comes text in quotes, a number, true, false, or a list in brackets",
    "Invalid statement": "a line is key = value, [table], [[table]] or # comment; a key in other letters needs quotes",
    "Expected '=' after a key": "a key is followed by = and its value",
    "Expected newline": "something follows the value on the same line; text with a quote in it stands in '''...'''",
    "Unterminated string": "a text lacks its closing quotes",
    'Expected "\'"': "a text lacks its closing quotes",
    "Illegal character '\\n'": "a text lacks its closing quotes; one of several lines stands in '''...'''",
    "Unclosed array": "a list lacks its closing bracket, or a comma between two of its values",
}


class Finding(NamedTuple):
    """Something wrong with the value at `path`, in the operator's words; at a 0-based character of it, perhaps."""

    path: KeyPath
    message: str
    position: int | None = None


class Malformed(Exception):
    """The text is not TOML. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(message)


class _Statement(NamedTuple):
    """A header, or a key with its value, that may reach over several lines; `line` is its first."""

    line: int
    text: str

    def holds(self, line: int) -> bool:
        """Tell whether the statement reaches over a line."""
        return self.line <= line <= self.line + self.text.count("\n")

    @property
    def is_whole(self) -> bool:
        """Tell whether the statement is TOML by itself."""
        try:
            tomllib.loads(self.text)
        except tomllib.TOMLDecodeError:
            return False
        return True


class Document:
    """The tables of one text, and where their keys stand.

    Raises:
        Malformed: the text is not TOML.
    """

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        try:
            self.tables: dict[str, Any] = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise self._malformed(str(error)) from error

    def written(self, path: KeyPath) -> Any:
        """Give the value that stands at a path, `${NAME}` and all; None where there is none."""
        value: Any = self.tables
        try:
            for step in path:
                value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
        return value

    def line(self, path: KeyPath, position: int | None = None) -> int:
        """Give the line of a key, or of the nearest key or table around it, and of a character of its text.

        Text with escapes stands otherwise in the file than it reads: then it is the line on which the text begins.
        """
        statement = self._nearest(path)
        if position is None:
            return statement.line
        start = statement.text.find(self.written(path))
        return statement.line + (statement.text.count("\n", 0, start + position) if start >= 0 else 0)

    def last_line(self, table: str) -> int:
        """Give the last line of the last table of a name, with the comments right below it; the file's if none is."""
        lines = self._text.split("\n")
        last, inside = 0, False
        for statement in _split(self._text):
            if statement.text.lstrip().startswith("["):
                inside = table in tomllib.loads(statement.text)
            if inside:
                last = statement.line + statement.text.count("\n")
        while 0 < last < len(lines) and lines[last].startswith("#"):
            last += 1
        return last or len(lines)

    def _nearest(self, path: KeyPath) -> _Statement:
        prefixes = (path[:length] for length in range(len(path), 0, -1))
        return next((self._statements[known] for known in prefixes if known in self._statements), _Statement(0, ""))

    @cached_property
    def _statements(self) -> dict[KeyPath, _Statement]:
        """The statement that sets each key: worked out when the first problem asks for it, for most files have none."""
        found: dict[KeyPath, _Statement] = {}
        lengths: dict[KeyPath, int] = {}  # of the arrays of tables met so far
        table: KeyPath = ()
        for statement in _split(self._text):
            keys = list(_walk(tomllib.loads(statement.text)))
            if statement.text.lstrip().startswith("["):
                table = _open_table(*keys[-1], lengths)
                for length in range(1, len(table) + 1):
                    found.setdefault(table[:length], statement)
            else:
                found.update((table + names, statement) for names, _value in keys)
        return found

    def _malformed(self, message: str) -> Malformed:
        """Say it in plain words; name where the value began that swallowed the line: its quote or bracket is missing."""
        place = _PLACE.search(message)
        line = int(place[1]) if place and place[1] else 0
        blamed = (one.line for one in _split(self._text) if (one.holds(line) if line else not one.is_whole))
        start = next(blamed, line)
        fault = _PLACE.sub("", message)
        words = next((plain for jargon, plain in _PLAIN.items() if fault.startswith(jargon)), fault)
        if any("=" in one.text and _CURLY.search(one.text) for one in _split(self._text) if one.holds(line)):
            words = 'text stands in straight quotes, "...": those here are curly, as word processors write them'
        if line > start:
            words += f"; the value that begins on line {start} may lack its closing quotes or bracket"
        return Malformed(line or start, f"this is not TOML: {words}")


def read_document(path: Path) -> Document:
    """Read the file's tables: UTF-8, with or without the mark that some editors put at the beginning.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ConfigError(str(path), [Problem(0, f"cannot be read: {error.strerror}")]) from error
    if b"\0" in body and not body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(str(path), [Problem(0, "this is no text file: is it the right one?")])
    try:
        return Document(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        message = "this is not UTF-8 text: save the file with the encoding UTF-8"
        raise ConfigError(str(path), [Problem(line, message)]) from error
    except Malformed as error:
        raise ConfigError(str(path), [Problem(error.line, str(error))]) from error


def _split(text: str) -> Iterator[_Statement]:
    """Cut a text into its statements. Comments and blank lines belong to none."""
    line = first = 1
    begin = depth = 0
    for token in _TOKEN.finditer(f"{text}\n"):
        word = token[0]
        depth += (word in "[{") - (word in "]}")
        line += word.count("\n")
        if word == "\n" and depth <= 0:
            statement = text[begin : token.start()]
            if statement.strip() and not statement.lstrip().startswith("#"):
                yield _Statement(first, statement)
            begin, first, depth = token.end(), line, 0
    if text[begin:].strip():
        yield _Statement(first, text[begin:])


def _walk(table: dict[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    """Give every key of a statement with its path, inner ones too."""
    for name, value in table.items():
        yield (name,), value
        if isinstance(value, dict):
            yield from (((name, *names), inner) for names, inner in _walk(value))


def _open_table(names: KeyPath, value: object, lengths: dict[KeyPath, int]) -> KeyPath:
    """Give the path of the table that a header opens: `[feed.headers]` belongs to the last `[[feed]]` before it."""
    path: KeyPath = ()
    for name in names[:-1]:
        path += (name,)
        if path in lengths:
            path += (lengths[path] - 1,)
    path += names[-1:]
    if isinstance(value, list):
        lengths[path] = lengths.get(path, 0) + 1
        path += (lengths[path] - 1,)
    return path
