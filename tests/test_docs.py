"""The documentation tells the truth: commands, links, configurations, JSON, and the tests that hold the guarantees."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import click
import pytest
import structlog
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from docs import regenerate
from docs.screens import show_feeds
from monitor import __version__
from monitor.cli import cli
from monitor.config import load_config
from monitor.config.schema import TABLES
from monitor.model import Event, Status
from tests.servers import FeedServer

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
JSON_PAGE = (ROOT / "docs/reference/json.md").read_text(encoding="utf-8")
STATUS_PAGE = (ROOT / "docs/how-to/read-what-it-tells.md").read_text(encoding="utf-8")

# What an example about something else leaves out, a table each.
REST_OF_A_CONFIGURATION = {
    "feed": '[[feed]]\nurl = "https://www.example.org/feed"\nname = "Example"\ntags = ["ngo"]\n',
    "topic": '[[topic]]\nname = "chechnya"\nquery = "chechnya AND gay"\n',
    "channel": '[[channel]]\nname = "desk"\nurl = "print://"\n',
    "alert": '[[alert]]\ntopics = ["chechnya"]\nchannels = ["desk"]\n',
}


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def read_page(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Give the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


every_page = pytest.mark.parametrize("page", PAGES, ids=page_id)


# --- the command line -------------------------------------------------------------------------------------------------


def commands(command: click.Command, path: str = "monitor") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands(child, f"{path} {name}")


COMMANDS = dict(commands(cli))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_is_explained_and_on_the_page(path: str) -> None:
    page, command = read_page(regenerate.COMMANDS), COMMANDS[path]
    _, _, section = page.partition(f"## {path}\n")
    section = section.partition("\n## ")[0]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert all(name in section for name in parameter.opts)
        else:
            assert str(parameter.make_metavar(click.Context(command))) in section


def test_the_page_of_commands_is_what_the_program_says() -> None:
    assert read_page(regenerate.COMMANDS) == regenerate.describe_commands(), "run: make docs"


def test_the_index_lists_every_decision() -> None:
    page = read_page(regenerate.INDEX)
    assert page == regenerate.fill_block(page, "decisions", regenerate.list_decisions()), "run: make docs"


def test_every_page_can_be_reached_from_the_index() -> None:
    found, waiting = {README}, [README]
    while waiting:
        page = waiting.pop()
        linked = {(page.parent / target).resolve() for target, _ in links(page)}
        new = {page for page in linked if page.suffix == ".md"} - found
        found |= new
        waiting += new
    assert set(PAGES) <= found


SHELL = "\n".join(block for page in PAGES for block in blocks(read_page(page), "sh"))


def test_commands_that_the_pages_tell_to_type_exist() -> None:
    told = re.findall(r"^(?:sudo )?(?:\.venv/bin/)?(monitor [^#&|\n]+)", SHELL, re.MULTILINE)
    assert len(told) > 5
    for line in told:
        path = max((path for path in COMMANDS if f"{line} ".startswith(f"{path} ")), key=len)
        words = shlex.split(line)[len(path.split()) :]
        options = {name for parameter in COMMANDS[path].params for name in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= options, line
        assert not isinstance(COMMANDS[path], click.Group) or all(word.startswith("--") for word in words), line


def test_the_targets_of_make_that_the_pages_tell_exist() -> None:
    told = set(re.findall(r"^make (\w+)", SHELL, re.MULTILINE))
    targets = set(re.findall(r"^(\w+):", read_page(ROOT / "Makefile"), re.MULTILINE))
    assert {"demo", "test", "docs"} <= told <= targets


# --- the README -------------------------------------------------------------------------------------------------------


def test_the_readme_is_short() -> None:
    assert len(read_page(README).splitlines()) <= 120


def test_the_readmes_configuration_has_twelve_lines_and_is_whole() -> None:
    (block,) = blocks(read_page(README), "toml")
    assert len(block.splitlines()) == 12
    assert set(REST_OF_A_CONFIGURATION) == set(tomllib.loads(block))


def test_the_readme_shows_how_the_demo_begins() -> None:
    page = read_page(README)
    demo = f"```text\n{regenerate.excerpt_demo(regenerate.play_demo())}\n```"
    assert page == regenerate.fill_block(page, "demo", demo), "run: make docs"


def test_the_screen_of_monitor_feeds_is_what_it_prints() -> None:
    page = read_page(regenerate.SCREENS)
    assert page == regenerate.fill_block(page, "feeds", f"```text\n{show_feeds()}\n```"), "run: make docs"


# --- links, paths, versions -------------------------------------------------------------------------------------------


def links(page: Path) -> list[tuple[str, str]]:
    """Give the relative links of a page: file and anchor, either empty."""
    prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", read_page(page), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^()\s]+)\)", prose)
    split = [target.partition("#") for target in targets if "://" not in target and not target.startswith("mailto:")]
    return [(file or page.name, anchor) for file, _, anchor in split]


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings as GitHub makes them: small letters, hyphens for spaces, no punctuation."""
    prose = re.sub(r"^```.*?^```$", "", read_page(page), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    kept = ("".join(c for c in text.lower() if c in " -_" or unicodedata.category(c)[0] in "LN") for text in headings)
    return {text.strip().replace(" ", "-") for text in kept}


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for file, anchor in links(page):
        target = page.parent / file
        assert target.exists(), f"{file} does not exist"
        assert not anchor or anchor in anchors(target), f"{file} has no heading #{anchor}"


@every_page
def test_no_page_names_a_path_of_this_machine(page: Path) -> None:
    for place in (ROOT, ROOT.parent / "shared", Path.home()):
        assert f"{place}/" not in read_page(page)


def test_every_module_of_the_path_of_an_item_is_linked() -> None:
    """The README's table has a row for each stage that the package's own description names."""
    path = re.findall(r"--(\w+)-->", read_page(ROOT / "monitor/__init__.py"))
    linked = {target for target, _ in links(README)}
    assert len(path) > 8
    for stage in path:
        assert {f"monitor/{stage}.py"} & linked or any(link.startswith(f"monitor/{stage}/") for link in linked), stage


def test_the_changelog_tells_of_this_version() -> None:
    headings = re.findall(r"^## \[(.+?)\]", read_page(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert {__version__, "Unreleased"} & set(headings)


def test_every_decision_says_why_and_what_would_change_it() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [path.name[:4] for path in decisions]
    assert numbers == sorted(set(numbers))
    for path in decisions:
        for part in ("**Context.**", "**Choice.**", "**Consequences.**", "**What would change our mind.**"):
            assert part in read_page(path), path.name


def test_the_tests_that_hold_the_guarantees_exist() -> None:
    page = read_page(ROOT / "docs/guarantees.md")
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", page)
    assert len(named) > 40
    for file, name in named:
        assert re.search(rf"^(async )?def {name}\(", read_page(ROOT / file), re.MULTILINE), f"{file}::{name}"
    assert all("`tests/" in part for part in page.split("\n## ")[1:])


# --- configurations ---------------------------------------------------------------------------------------------------

CONFIGURATIONS = [
    pytest.param(block, id=f"{page_id(page)}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(read_page(page), "toml"), start=1)
]


@pytest.mark.parametrize("block", CONFIGURATIONS)
def test_every_configuration_is_accepted(block: str, tmp_path: Path) -> None:
    """A block that is a part of a feeds.toml is completed first; what it takes from the environment is there."""
    given = tomllib.loads(block)
    path = tmp_path / "feeds.toml"
    rest = "".join(text for table, text in REST_OF_A_CONFIGURATION.items() if table not in given)
    path.write_text(f"{block}\n{rest}", encoding="utf-8")
    environ = dict.fromkeys(re.findall(r"\$\{([\w.-]+)\}", block), "json://127.0.0.1/")
    load_config(path, environ=environ)


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    """What editors check feeds.toml with."""
    content = json.loads(read_page(regenerate.SCHEMA))
    Draft202012Validator.check_schema(content)
    return Draft202012Validator(content)


def test_the_schema_is_what_the_program_reads() -> None:
    assert read_page(regenerate.SCHEMA) == regenerate.write_schema(), "run: make docs"


@pytest.mark.parametrize("block", CONFIGURATIONS)
def test_the_schema_accepts_every_configuration(block: str, schema: Draft202012Validator) -> None:
    schema.validate(tomllib.loads(block))


def test_the_schema_accepts_the_shipped_feeds_and_what_it_explains(schema: Draft202012Validator) -> None:
    shipped = read_page(ROOT / "feeds.toml")
    told = re.match("#:schema (.+)", shipped)
    assert told
    assert (ROOT / told[1]).resolve() == regenerate.SCHEMA
    schema.validate(tomllib.loads(shipped))
    words = regenerate.read_reference()
    described = {(table, key) for table, model in TABLES.items() for key in model.model_fields}
    assert set(words) == described
    for (table, key), word in words.items():
        key_schema = {
            **schema.schema["$defs"][TABLES[table].__name__]["properties"][key],
            "$defs": schema.schema["$defs"],
        }
        for value in [*word["examples"], *([word["default"]] if "default" in word else [])]:
            Draft202012Validator(key_schema).validate(value)


@pytest.mark.parametrize(
    "text",
    [
        "[fetsh]",
        '[fetch]\ntimeout = "5 minutes"',
        "[fetch]\ntimeout = 5",
        "[fetch]\nper_host = 0",
        '[[feed]]\nname = "Kurier"',
        '[[feed]]\nurl = "kurier.example"',
        '[[feed]]\nurl = "https://kurier.example"\nlang = "Deutsch"',
        '[[feed]]\nurl = "https://kurier.example"\ntags = "press"',
        '[[channel]]\nname = "desk"\ndetail = "ful"',
        '[[channel]]\nname = "desk"\nquiet = "22-7"',
        '[[alert]]\ntopics = []\nchannels = ["desk"]',
        '[[alert]]\ntopics = ["t"]\nchannels = ["desk"]\non = ["news"]',
        '[[heartbeat]]\nchannels = ["desk"]\nat = "daily"',
    ],
)
def test_the_schema_refuses_what_the_program_refuses(text: str, schema: Draft202012Validator) -> None:
    assert not schema.is_valid(tomllib.loads(text))


# --- what the commands print ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A feeds.toml over two feeds on this machine that tell one story, polled once."""
    path = tmp_path_factory.mktemp("docs") / "feeds.toml"
    with FeedServer.threaded() as server:
        urls = [server.serve(f"/{name}", write_feed(name)) for name in ("kurier", "herald")]
        feeds = "".join(f'[[feed]]\nurl = "{url}"\nowner = "{url[-6:]}"\n' for url in urls)
        rest = "".join(text for table, text in REST_OF_A_CONFIGURATION.items() if table != "feed")
        path.write_text(f'[fetch]\nallow_private = ["127.0.0.1"]\n{feeds}{rest}')
        yield path
    structlog.reset_defaults()  # the commands have set logging up for a standard error that is gone


def write_feed(name: str) -> bytes:
    item = (
        f"<item><guid>{name}</guid><link>https://{name}.example/1</link><pubDate>{format_datetime(datetime.now(UTC))}</pubDate>"
        "<title>Chechnya police round up gay men</title><description>Relatives tell of it.</description></item>"
    )
    return f"<rss version='2.0'><channel><title>{name}</title>{item}</channel></rss>".encode()


def run(path: Path, *arguments: str) -> Any:
    result = CliRunner().invoke(cli, ["--config", str(path), *arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def shape(value: Any) -> Any:
    """Reduce JSON to its keys and types, a list to its first element."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value[:1]]
    return type(value)


def fits(one: Any, other: Any) -> bool:
    """Compare two shapes, where null stands for anything."""
    if type(None) in (one, other):
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(fits(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(fits, one, other))
    return bool(one == other)


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def json_section(command: str) -> str:
    return JSON_PAGE.partition(f"## `monitor {command} --json`\n")[2].partition("\n## ")[0]


def test_json_is_as_the_page_says(installation: Path) -> None:
    """The examples have the keys, their order and the types of what is printed, and every key is explained."""
    printed = {"once": run(installation, "once", "--json")}
    for command in ("feeds", "stories", "alerts"):
        printed[command] = run(installation, command, "--json")
    printed["feeds FEED"] = run(installation, "feeds", "kurier", "--json")
    printed["test CHANNEL"] = run(installation, "test", "desk", "--json")
    printed["doctor"] = run(installation, "doctor", "--json")
    printed["check"] = run(installation, "check", "--online", "--json")
    edited = installation.with_name("edited.toml")
    edited.write_text(installation.read_text(encoding="utf-8").replace('"chechnya"', '"caucasus"'), encoding="utf-8")
    printed["plan"] = run(edited, "plan", "--json")
    item = printed["stories"][0]["members"][1]["id"]
    printed["why ID|URL"] = run(installation, "why", str(item), "--json")
    assert printed["why ID|URL"]["items"][0]["topics"][0]["story"].pop("reason")["score"] > 0
    unknown = run(installation, "why", "https://kurier.example/unknown", "--json")
    assert len(unknown["feeds"]) == 1
    assert keys(unknown["feeds"]) <= set(re.findall(r"`([a-z_]+)`", json_section("why ID|URL")))
    assert len(printed) == JSON_PAGE.count("\n## ")
    for command, value in printed.items():
        section = json_section(command)
        (example,) = blocks(section, "json")
        shown = json.loads(re.sub(r'"reason": {.*?},\n', "", example, flags=re.DOTALL))
        assert fits(shape(shown), shape(value)), command
        assert keys(value) <= set(re.findall(r"`([a-z_]+)`", section)), command
    assert fits(shape(run(installation, "story", "1", "--json")), shape(printed["stories"][0]))
    assert len(printed["stories"][0]["members"]) == 2


@pytest.fixture
def explained(tmp_path: Path) -> Iterator[Path]:
    """Two outlets that tell one story one after the other, and something else."""
    path = tmp_path / "feeds.toml"
    rest = "".join(text for table, text in REST_OF_A_CONFIGURATION.items() if table != "feed")
    text = '[fetch]\nallow_private = ["127.0.0.1"]\n' + rest.replace("gay", "(gay OR lgbt*)")
    with FeedServer.threaded() as server:
        for outlet, items in OUTLETS.items():
            text += f'[[feed]]\nurl = "{server.serve(f"/{outlet}", write_items(outlet, items))}"\nowner = "{outlet}"\n'
            path.write_text(text)
            run(path, "once", "--json")
    yield path
    structlog.reset_defaults()


OUTLETS = {
    "Kurier": {
        "Dozens of gay men held in Chechnya, newspaper says": "They were taken from their homes in Argun.",
        "Chechnya opens its football season": "The home team lost by two goals.",
    },
    "Herald": {"Gay men held in Chechnya, say families in Argun": "Dozens were taken from their homes at night."},
}


def write_items(outlet: str, items: dict[str, str]) -> bytes:
    date = format_datetime(datetime.now(UTC))
    entries = "".join(
        f"<item><guid>{title}</guid><link>https://{outlet.lower()}.example/{number}</link><pubDate>{date}</pubDate>"
        f"<title>{title}</title><description>{summary}</description></item>"
        for number, (title, summary) in enumerate(items.items(), start=1)
    )
    return f"<rss version='2.0'><channel><title>{outlet}</title>{entries}</channel></rss>".encode()


def test_the_screens_of_why_are_what_it_prints(explained: Path) -> None:
    """But for numbers: times, and scores, whose last digit may depend on the machine."""
    page = read_page(ROOT / "docs/how-to/understand-a-decision.md")
    shown = re.findall(r"^```text\n\$ monitor why (\S+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(shown) == 3
    for target, screen in shown:
        result = CliRunner().invoke(cli, ["--config", str(explained), "why", target])
        assert without_numbers(result.stdout) == without_numbers(screen), result.stdout


def without_numbers(text: str) -> list[str]:
    return re.sub(r"-?\d[\d.:-]*", "0", text).split()


def test_every_status_and_event_is_explained() -> None:
    """Those of deliveries and, taken from the code that judges them, of feeds."""
    explained = set(re.findall(r"^\| `(\w+)` \|", STATUS_PAGE, re.MULTILINE))
    judged = set(re.findall(r"Verdict\(\s*\"(\w+)\"", read_page(ROOT / "monitor/health.py")))
    assert len(judged) == 8
    assert explained == judged | set(Status)
    pages = "".join(map(read_page, PAGES))
    assert all(f"`{event}`" in pages for event in Event)
