"""`monitor doctor` over real files, ports and databases: each trouble is found, and makes it exit with 1."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event as Signal
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitor import machine
from monitor.cli import cli
from monitor.config import load_config
from monitor.machine import is_clock_synchronised, reach_port, resolve_names
from monitor.model import Secret, Validators
from monitor.store import PollRecord, Store, open_store
from tests.makers import add_stories, claim_messages, make_alert, make_channel

FEEDS = """
[[feed]]
url = "http://127.0.0.1/rss"
name = "Kurier"
[[topic]]
name = "t"
query = "x"
[[channel]]
name = "desk"
url = "print://"
[[alert]]
topics = ["t"]
channels = ["desk"]
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A feeds.toml in a folder that others may enter; no time server is asked."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    tmp_path.chmod(0o755)
    file = tmp_path / "feeds.toml"
    file.write_text(FEEDS, encoding="utf-8")
    file.chmod(0o644)
    return file


def examine(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(path), "doctor", *arguments])


def levels(path: Path) -> dict[str, str]:
    """Examine, and give the level of each finding; every one but `ok` says what to do, and the exit status fits."""
    result = examine(path, "--json")
    findings = json.loads(result.stdout)
    assert all(bool(finding["advice"]) == (finding["level"] != "ok") for finding in findings)
    assert result.exit_code == int("wrong" in [finding["level"] for finding in findings])
    return {finding["subject"]: finding["level"] for finding in findings}


def make_database(path: Path, fill: Callable[[Any], None]) -> None:
    store: Store = open_store(Secret(f"sqlite:///{path.parent}/monitor.db"))
    with store.write() as tx:
        tx.sync_feeds(load_config(path, environ={}).feeds, now=datetime.now(UTC))
        fill(tx)
    store.close()


def polled_at(when: datetime) -> Callable[[Any], None]:
    def fill(tx: Any) -> None:
        (feed,) = tx.planned_polls()
        tx.save_poll(feed, PollRecord(when, when + timedelta(hours=1), "", "soon", validators=Validators()))

    return fill


def test_all_is_well_after_a_poll(path: Path) -> None:
    make_database(path, polled_at(datetime.now(UTC)))
    assert set(levels(path)) >= {
        "feeds.toml",
        "database",
        "disk",
        "clock",
        "channel desk",
        "feeds",
        "names",
        "versions",
    }
    assert set(levels(path).values()) - {"ok"} <= {"warning"}  # a small disk, or no encoder
    result = examine(path)
    assert result.exit_code == 0
    assert "0 wrong" in result.stdout
    assert "whole; " in result.stdout


def test_nothing_is_made_where_there_is_no_database(path: Path) -> None:
    assert levels(path)["database"] == "warning"
    assert [file.name for file in path.parent.iterdir()] == ["feeds.toml"]


def test_a_damaged_database_is_told_and_the_rest_is_examined(path: Path) -> None:
    (path.parent / "monitor.db").write_bytes(b"This was a database. " * 1000)
    found = levels(path)
    assert (found["database"], found["clock"], found["versions"]) == ("wrong", "ok", "ok")


def test_what_cannot_be_looked_into_is_told_and_the_rest_is_examined(path: Path) -> None:
    (path.parent / "data").write_text("no folder", encoding="utf-8")
    (path.parent / "credentials").write_text("no folder", encoding="utf-8")
    path.write_text(f'[monitor]\ndatabase = "sqlite:///data/monitor.db"\n{FEEDS}', encoding="utf-8")
    found = levels(path)
    assert (found["database"], found["credentials"], found["versions"]) == ("wrong", "ok", "ok")
    assert "database file" not in found


def test_a_database_server_that_does_not_answer_is_told(path: Path) -> None:
    path.write_text(f'[monitor]\ndatabase = "postgresql+psycopg://127.0.0.1:9/none"\n{FEEDS}', encoding="utf-8")
    found = levels(path)
    assert (found["database"], found["versions"]) == ("wrong", "ok")
    assert "disk" not in found


def test_a_database_server_that_answers_is_well(path: Path, postgres: Any) -> None:
    postgres.psql("CREATE DATABASE doctor;")
    url = postgres.get_uri("doctor")
    open_store(Secret(url)).close()
    path.write_text(f'[monitor]\ndatabase = "{url}"\n{FEEDS}', encoding="utf-8")
    found = levels(path)
    assert (found["database"], found["clock"], found["feeds"]) == ("ok", "ok", "ok")


def test_a_bad_configuration_is_told_and_the_database_examined(path: Path) -> None:
    path.write_text(FEEDS.replace("query", "kwery"), encoding="utf-8")
    found = levels(path)
    assert (found["feeds.toml"], found["database"]) == ("wrong", "warning")


def test_a_clock_that_went_back_is_told(path: Path) -> None:
    """The newest time counts: one feed was polled just now, the other by a clock that was three days ahead."""
    path.write_text(f'{FEEDS}[[feed]]\nurl = "http://127.0.0.1/second"\n', encoding="utf-8")

    def fill(tx: Any) -> None:
        for feed, ahead in zip(tx.planned_polls(), (0, 3), strict=True):
            when = datetime.now(UTC) + timedelta(days=ahead)
            tx.save_poll(feed, PollRecord(when, when, "", "soon", validators=Validators()))

    make_database(path, fill)
    assert levels(path)["clock"] == "wrong"


def test_a_channel_that_was_given_up_is_told(path: Path) -> None:
    def fill(tx: Any) -> None:
        now = datetime.now(UTC)
        add_stories(tx, now, 1)
        tx.add_alert(make_alert(), [make_channel("desk", "json://one/", "json://two/")], now=now)
        sent, dead = claim_messages(tx, now=now, lease=timedelta(minutes=1), limit=9, settled_before=now)
        tx.mark_sent(sent, now=now)
        tx.mark_dead(dead.ids, error="401 Unauthorized")

    make_database(path, fill)
    (desk,) = (each for each in json.loads(examine(path, "--json").stdout) if each["subject"] == "channel desk")
    assert desk["level"] == "wrong"
    assert "1 given up; 401 Unauthorized" in desk["words"]
    assert desk["words"].startswith("last success 20")


def test_files_that_others_can_read_are_told(path: Path) -> None:
    make_database(path, polled_at(datetime.now(UTC)))
    database, credentials = path.parent / "monitor.db", path.parent / "credentials"
    credentials.mkdir(mode=0o755)
    (credentials / "DESK").write_text("json://token@host/", encoding="utf-8")
    assert levels(path)["database file"] == "ok"
    database.chmod(0o644)
    (credentials / "DESK").chmod(0o644)
    path.write_text(FEEDS.replace("print://", "json://token@host/"), encoding="utf-8")
    found = levels(path)
    assert [found[name] for name in ("database file", "credential DESK", "feeds.toml file")] == ["wrong"] * 3
    for file in (database, credentials / "DESK", path):
        file.chmod(0o600)
    assert "token" not in examine(path).output
    assert "wrong" not in levels(path).values()
    assert levels(path)["credentials"] == "ok"


def test_a_proxy_that_is_down_is_told_by_the_feeds_that_need_it(path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        port = proxy.getsockname()[1]
        path.write_text(f'[fetch]\nproxy = "socks5h://user:s3cr3t@127.0.0.1:{port}"\n{FEEDS}', encoding="utf-8")
        path.chmod(0o600)
        assert levels(path)["proxy 1"] == "ok"
    assert levels(path)["proxy 1"] == "wrong"
    printed = " ".join(examine(path).stdout.split())
    assert "of Kurier: its port cannot be reached" in printed
    assert "s3cr3t" not in printed


def test_the_disk_of_the_state_directory_is_examined(
    path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("STATE_DIRECTORY", f"{state}:{state / 'missing'}")
    assert f"free at {state}" in " ".join(each["words"] for each in json.loads(examine(path, "--json").stdout))


def test_names_are_looked_up_for_feeds_without_a_proxy_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look_up(host: str, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    more = '\n[[feed]]\nurl = "https://hidden.example/"\nproxy = "http://127.0.0.1:9"'
    path.write_text(FEEDS.replace("127.0.0.1", "kurier.example") + more, encoding="utf-8")
    found = levels(path)
    assert (found["names"], asked) == ("wrong", ["kurier.example"])


# --- the machine ------------------------------------------------------------------------------------------------------


def test_a_name_that_is_no_name_and_one_that_is_not_answered_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Signal()

    def look_up(host: str, *_: object, **__: object) -> list[Any]:
        if host == "slow.example":
            answered.wait(10)
        if host == "a..b":
            raise UnicodeError("label empty or too long")
        return []

    async def resolve() -> dict[str, str]:
        errors = await resolve_names(["good.example", "a..b", "slow.example"])
        answered.set()
        return errors

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(machine, "_PATIENCE", 0.2)
    assert asyncio.run(resolve()) == {
        "good.example": "",
        "a..b": "this is no name",
        "slow.example": "no answer within 0.2 s",
    }


def test_a_port_is_reached_or_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert asyncio.run(reach_port("127.0.0.1", port)) == ""
    assert asyncio.run(reach_port("127.0.0.1", port)) != ""


@pytest.mark.parametrize(
    ("script", "known"),
    [("echo yes", True), ("echo no", False), ("echo", None), ("exit 1", None), ("", None)],
    ids=["right", "adrift", "unknown", "no systemd", "no timedatectl"],
)
def test_systemd_is_asked_for_the_clock(
    *, script: str, known: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script:
        (tmp_path / "timedatectl").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (tmp_path / "timedatectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert is_clock_synchronised() is known
