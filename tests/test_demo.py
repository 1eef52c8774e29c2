"""The demo shows what the program is for, to a person at a terminal of 100 columns."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO

import pytest
from rich.cells import cell_len

from monitor.cluster import load_encoder
from monitor.demo import play_demo
from monitor.demo.play import WIDTH


@pytest.fixture(scope="module")
def performance() -> list[str]:
    """What one performance prints: the introduction, a part for each round, the table."""
    printed = StringIO()
    with redirect_stdout(printed):
        play_demo()
    return re.split(r"\n(?=[^\n]+ ─+\n)", printed.getvalue())


def test_it_has_an_introduction_seven_rounds_and_an_end(performance: list[str]) -> None:
    assert len(performance) == 9
    assert "14 invented outlets in 6 languages" in performance[0]


def test_the_first_report_rings_the_telephone(performance: list[str]) -> None:
    assert re.search(r"● 1 +Седьмая полоса", performance[1])
    assert "╭─ New: В Чечне похищают мужчин" in performance[1]


def test_reprints_are_folded_in_silence(performance: list[str]) -> None:
    assert performance[2].count("↳ 1 ") == 2
    assert "The telephone stays silent." in performance[2]


def test_a_second_story_and_a_confirmation_ring_again(performance: list[str]) -> None:
    assert "● 2 " in performance[3]
    assert re.search(r"[▐─] (New, c|C)onfirmed: ", "".join(performance[3:8]))


def test_a_feed_that_fails_is_named_and_comes_back(performance: list[str]) -> None:
    assert "1 failed" in performance[3]
    assert "The Halden Courier: 503 Service Unavailable" in performance[3]
    assert "failed" not in performance[4]


def test_the_table_says_what_was_folded_into_what_and_why(performance: list[str]) -> None:
    assert "the same text" in performance[-1]
    assert "both credit Northwire" in performance[-1]
    assert "one owner" in performance[-1]
    assert "124 items were published, 88 of them on topic." in performance[-1].replace("\n", " ")


def test_it_fits_a_hundred_columns(performance: list[str]) -> None:
    assert max(map(cell_len, "\n".join(performance).splitlines())) <= WIDTH


@pytest.mark.skipif(load_encoder() is None, reason="monitor[multilingual] is not installed")
def test_reports_in_several_languages_become_one_story(performance: list[str]) -> None:
    messages = re.search(r"and (\d+) messages", performance[-1].replace("\n", " "))
    assert messages is not None
    assert int(messages[1]) <= 30, "88 items tell 16 events"
    assert re.search(r"\d+ +ru en fr .*de", performance[-1])
