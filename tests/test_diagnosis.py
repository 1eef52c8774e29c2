"""What was measured -> what is wrong and what to do: a table of cases for each kind of finding."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.diagnosis import (
    MEGABYTE,
    Finding,
    Traffic,
    judge_channel,
    judge_clock,
    judge_database,
    judge_encoder,
    judge_feeds,
    judge_file,
    judge_names,
    judge_proxy,
    judge_space,
)
from tests.makers import NOW

HOUR = timedelta(hours=1)


def waiting(*, minutes: int) -> Traffic:
    return Traffic(NOW - HOUR, waiting=2, waiting_since=NOW - timedelta(minutes=minutes), error="401 Unauthorized")


@pytest.mark.parametrize(
    ("finding", "level", "words", "advice"),
    [
        pytest.param(judge_database(faults=[], size=3 * MEGABYTE, wal=0), "ok", "whole; 3.0 MB, and 0.0 MB", "", id="whole"),
        pytest.param(judge_database(faults=["row 3 missing"], size=1, wal=0), "wrong", "damaged: row 3", "backup", id="damaged"),
        pytest.param(judge_database(faults=[], size=1, wal=300 * MEGABYTE), "warning", "300.0 MB", "fuser", id="big log"),
        pytest.param(judge_space("/srv", free=5_000 * MEGABYTE), "ok", "5,000.0 MB free at /srv", "", id="room"),
        pytest.param(judge_space("/srv", free=900 * MEGABYTE), "warning", "900.0 MB", "df -h", id="little room"),
        pytest.param(judge_space("/srv", free=1_500 * MEGABYTE, database=1_600 * MEGABYTE), "warning", "1,500", "backup", id="no room for a copy"),
        pytest.param(judge_space("/srv", free=100 * MEGABYTE), "wrong", "100.0 MB", "nothing new can be kept", id="no room"),
        pytest.param(judge_clock(NOW, newest=None, synchronised=None), "ok", "2017-04-01 09:00 UTC", "", id="clock unknown"),
        pytest.param(judge_clock(NOW, newest=NOW, synchronised=True), "ok", "synchronised", "", id="clock right"),
        pytest.param(judge_clock(NOW, newest=NOW + timedelta(seconds=59), synchronised=True), "ok", "09:00", "", id="clock a little slow"),
        pytest.param(judge_clock(NOW, newest=NOW, synchronised=False), "warning", "not synchronised", "set-ntp", id="clock adrift"),
        pytest.param(judge_clock(NOW, newest=NOW + HOUR, synchronised=True), "wrong", "at 2017-04-01 10:00 UTC", "set it right", id="clock behind"),
        pytest.param(judge_names({}), "ok", "no feed", "", id="no names"),
        pytest.param(judge_names({"a.example": "", "b.example": ""}), "ok", "a.example, b.example", "", id="names"),
        pytest.param(judge_names({"a.example": "", "b.example": "unknown"}), "warning", "b.example (unknown)", "misspelt", id="one name"),
        pytest.param(judge_names({"a.example": "unknown"}), "wrong", "a.example", "resolv.conf", id="no name found"),
        pytest.param(judge_proxy("proxy 1", users=["Kurier"], error=""), "ok", "of Kurier: its port can", "", id="proxy"),
        pytest.param(judge_proxy("proxy 1", users=["Kurier", "Bote"], error="refused"), "wrong", "of Kurier and 1 more: its port cannot be reached: refused", "start it", id="proxy down"),
        pytest.param(judge_channel("desk", Traffic(), now=NOW), "ok", "no message", "", id="unused channel"),
        pytest.param(judge_channel("desk", Traffic(NOW), now=NOW), "ok", "last success 2017-04-01 09:00 UTC", "", id="channel"),
        pytest.param(judge_channel("desk", waiting(minutes=9), now=NOW), "warning", "2 waiting; 401", "monitor test desk", id="a try failed"),
        pytest.param(judge_channel("desk", waiting(minutes=90), now=NOW), "wrong", "2 waiting; 401", "alerts retry", id="waits long"),
        pytest.param(judge_channel("desk", Traffic(dead=1, error="401"), now=NOW), "wrong", "1 given up; 401", "alerts retry", id="given up"),
        pytest.param(judge_feeds({"ok": 3, "new": 1, "disabled": 1}), "ok", "3 ok, 1 new, 1 disabled", "", id="feeds"),
        pytest.param(judge_feeds({"ok": 3, "silent": 1}), "warning", "1 silent", "monitor feeds", id="a silent feed"),
        pytest.param(judge_feeds({"failing": 2, "gone": 1, "new": 1}), "wrong", "2 failing", "none can be read", id="no feed works"),
        pytest.param(judge_feeds({}), "wrong", "none in feeds.toml", "monitor add", id="no feeds"),
        pytest.param(judge_file("file", mode=0o600, reachable=True, advice="chmod"), "ok", "closed", "", id="closed file"),
        pytest.param(judge_file("file", mode=0o644, reachable=False, advice="chmod"), "ok", "closed", "", id="closed folder"),
        pytest.param(judge_file("file", mode=0o644, reachable=True, advice="chmod"), "wrong", "everybody", "chmod", id="open file"),
        pytest.param(judge_encoder(present=True), "ok", "one story", "", id="encoder"),
        pytest.param(judge_encoder(present=False), "warning", "each language", "pip install", id="no encoder"),
    ],
)  # fmt: skip
def test_findings_say_what_is_wrong_and_what_to_do(finding: Finding, level: str, words: str, advice: str) -> None:
    assert finding.level == level
    assert words in finding.words
    assert advice in finding.advice
    assert bool(finding.advice) == (level != "ok")
