"""Log lines are events with fields, fit to be read and to be searched."""

from __future__ import annotations

from collections.abc import Iterator

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
    import sys  # noqa: PLC0415

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    configure_logging()
    get_logger().info("polled", new=3)
    assert "polled" in capsys.readouterr().err
