"""Log lines are events with fields, fit to be read and to be searched."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from monitor.log import configure_logging, get_logger


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave logging as it was for other tests."""
    yield
    structlog.reset_defaults()


def test_a_line_is_an_event_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    get_logger(feed="Kurier").info("polled", new=3)
    out, line = capsys.readouterr()
    assert out == ""
    assert "level=info event=polled" in line
    assert "feed=Kurier new=3" in line
    assert line.startswith("timestamp=20")


def test_a_hostile_title_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    get_logger().info("polled", feed="Kurier\nlevel=error event=forged")
    assert capsys.readouterr().err.count("\n") == 1


def test_a_fault_is_logged_with_its_traceback_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        get_logger().exception("poll crashed")
    line = capsys.readouterr().err
    assert "test_log.py" in line
    assert "ZeroDivisionError: division by zero" in line
    assert line.count("\n") == 1


def test_lines_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(level="error")
    get_logger().info("polled")
    get_logger().error("lost")
    assert capsys.readouterr().err.count("event=") == 1


def test_a_terminal_gets_readable_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    configure_logging()
    get_logger().info("polled", new=3)
    assert "polled" in capsys.readouterr().err


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A socket in the place of journald's, and a standard error that leads to it, as systemd says."""
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening,
        (tmp_path / "stderr").open("w", encoding="utf-8") as stderr,
    ):
        monkeypatch.setattr(sys, "stderr", stderr)
        stream = os.fstat(stderr.fileno())
        listening.bind(str(tmp_path / "journal"))
        listening.settimeout(10)
        configure_logging(environ={"JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"}, journal=tmp_path / "journal")
        yield listening


def read_entry(datagram: bytes) -> dict[str, str]:
    """Take an entry apart as journald does: a name, a line break, the value's length in eight bytes, the value."""
    fields = {}
    while datagram:
        name, _, rest = datagram.partition(b"\n")
        length = int.from_bytes(rest[:8], "little")
        fields[name.decode()] = rest[8 : 8 + length].decode()
        assert rest[8 + length : 9 + length] == b"\n"
        datagram = rest[9 + length :]
    return fields


def test_the_journal_gets_each_field_by_itself(journal: socket.socket) -> None:
    get_logger(feed="Kurier").info("polled", outcome="changed", new=3)
    assert read_entry(journal.recv(4096)) == {
        "MESSAGE": "polled feed=Kurier outcome=changed new=3",
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "monitor",
        "FEED": "Kurier",
        "OUTCOME": "changed",
        "NEW": "3",
    }


def test_a_hostile_name_forges_no_field_of_the_journal(journal: socket.socket) -> None:
    get_logger().error("poll failed", feed="Kurier\nPRIORITY=0\nSTORY=7")
    entry = read_entry(journal.recv(4096))
    assert (entry["PRIORITY"], entry["FEED"]) == ("3", "Kurier\nPRIORITY=0\nSTORY=7")
    assert "STORY" not in entry


def test_a_fault_is_in_the_journal_with_its_traceback(journal: socket.socket) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        get_logger().exception("poll crashed", feed="Kurier")
    entry = read_entry(journal.recv(65536))
    first, *traceback = entry["MESSAGE"].splitlines()
    assert first == '"poll crashed" feed=Kurier'
    assert traceback[-1] == "ZeroDivisionError: division by zero"


def test_what_the_journal_does_not_take_is_a_line_on_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is restarting, or the entry is longer than a datagram: nothing is lost, and nothing waits."""
    with (tmp_path / "stderr").open("w+", encoding="utf-8") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        stream = os.fstat(stderr.fileno())
        configure_logging(environ={"JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"}, journal=tmp_path / "none")
        get_logger().warning("poll failed", feed="Kurier")
    assert (tmp_path / "stderr").read_text(encoding="utf-8") == 'warning: "poll failed" feed=Kurier\n'


@pytest.mark.parametrize("stream", ["", "8:1", "nonsense"])
def test_a_standard_error_that_leads_elsewhere_gets_plain_lines(
    stream: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(environ={"JOURNAL_STREAM": stream})
    get_logger().info("polled")
    assert "level=info event=polled" in capsys.readouterr().err
