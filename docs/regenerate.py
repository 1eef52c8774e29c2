"""The program -> what the documentation takes from it: the help of every command, the demo's beginning, the index."""  # noqa: INP001 (docs is no package)

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from docs.screens import show_feeds
from monitor.cli import cli
from monitor.config.jsonschema import describe_schema

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "docs" / "reference" / "feeds.schema.json"
REFERENCE = ROOT / "docs" / "reference" / "feeds-toml.md"
COMMANDS = ROOT / "docs" / "reference" / "commands.md"
INDEX = ROOT / "docs" / "index.md"
README = ROOT / "README.md"
SCREENS = ROOT / "docs" / "how-to" / "read-what-it-tells.md"
DECISIONS = ROOT / "docs" / "decisions"

_WIDTH = 100
_INTRODUCTION = """\
# Commands

This page is the program's own `--help`, written by `make docs`; a test fails when they differ.

Results go to standard output, logs and progress to standard error; a progress bar is shown on a terminal only. What `--json` prints is described in [json.md](json.md).
"""


def describe_commands() -> str:
    """Write the page of all commands."""
    sections = [f"## {path}\n\n```text\n{text}\n```\n" for path, text in _help_texts(cli, "monitor", None)]
    return "\n".join([_INTRODUCTION, *sections])


def _help_texts(command: click.Command, name: str, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    """Give each command's path and help, a group before its commands, as a terminal of 100 columns shows them."""
    settings = {**command.context_settings, "terminal_width": _WIDTH}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            yield from _help_texts(command.commands[child], child, context)


def read_reference() -> dict[tuple[str, str], dict[str, Any]]:
    """Give the meaning, the default and the example of each key of each table, from the page about feeds.toml."""
    words = {}
    for section in REFERENCE.read_text(encoding="utf-8").split("\n## `[")[1:]:
        table = re.match(r"\[?(\w+)", section)
        for key, default, example, meaning in re.findall(
            r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+) \|$", section, re.MULTILINE
        ):
            given = {"default": _read_value(default)} if default.startswith("`") else {}
            words[table[1] if table else "", key] = {
                "description": meaning,
                **given,
                "examples": [_read_value(example)],
            }
    return words


def _read_value(cell: str) -> Any:
    return tomllib.loads(f"value = {cell.strip('`')}")["value"]


def write_schema() -> str:
    """Write the JSON Schema of feeds.toml."""
    return json.dumps(describe_schema(read_reference()), ensure_ascii=False, indent=2) + "\n"


def play_demo() -> str:
    """Run `monitor demo` and give what it prints."""
    command = [sys.executable, "-m", "monitor", "demo"]
    return subprocess.run(command, capture_output=True, check=True, encoding="utf-8", cwd=ROOT).stdout  # noqa: S603 (our own program)


def excerpt_demo(output: str) -> str:
    """Cut the first round out of the demo's output: what was polled, what was kept, what the telephone showed."""
    lines = [line.rstrip() for line in output.splitlines()]
    first, second, *_ = (number for number, line in enumerate(lines) if line.endswith("───"))
    return "\n".join(lines[first:second]).strip("\n")


def list_decisions() -> str:
    """Write a list of the decisions: a link for each file, by its heading."""
    headings = {path.name: path.read_text(encoding="utf-8").partition("\n")[0] for path in DECISIONS.glob("0*.md")}
    return "\n".join(
        f"- [{heading.removeprefix('# ')}](decisions/{name})" for name, heading in sorted(headings.items())
    )


def fill_block(page: str, name: str, text: str) -> str:
    """Replace what stands between `<!-- name -->` and `<!-- end of name -->`."""
    begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
    return re.sub(f"(?<={begin}).*?(?={end})", lambda _: text, page, count=1, flags=re.DOTALL)


def regenerate() -> dict[Path, str]:
    """Give every page that takes something from the program, as it should be."""
    demo = f"```text\n{excerpt_demo(play_demo())}\n```"
    return {
        SCHEMA: write_schema(),
        COMMANDS: describe_commands(),
        INDEX: fill_block(INDEX.read_text(encoding="utf-8"), "decisions", list_decisions()),
        SCREENS: fill_block(SCREENS.read_text(encoding="utf-8"), "feeds", f"```text\n{show_feeds()}\n```"),
        README: fill_block(README.read_text(encoding="utf-8"), "demo", demo),
    }


def main() -> None:
    """Bring the pages up to date and say which have changed."""
    for path, text in regenerate().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            click.echo(f"{path.relative_to(ROOT)} has changed")


if __name__ == "__main__":
    main()
