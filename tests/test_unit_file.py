"""The systemd unit: every line is explained, systemd accepts it, and it fits the program."""

from __future__ import annotations

import shutil
import subprocess
import sys
from configparser import RawConfigParser
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.daemon import GRACE

UNITS = Path(__file__).parents[1] / "systemd"
UNIT = UNITS / "monitor.service"
LINES = UNIT.read_text(encoding="utf-8").splitlines()
NAMES = ["monitor.service", "monitor-backup.service", "monitor-backup.timer", "notify-reload.conf"]


def service(unit: Path = UNIT) -> dict[str, str]:
    """Give the [Service] settings; of one that stands twice, the last."""
    parser = RawConfigParser(strict=False, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep capitals
    parser.read_string(unit.read_text(encoding="utf-8"))
    return dict(parser["Service"])


@pytest.mark.parametrize("name", NAMES)
def test_every_directive_has_a_comment_above_it(name: str) -> None:
    """A directive that is switched off by a # is explained as well."""
    lines = (UNITS / name).read_text(encoding="utf-8").splitlines()
    directives = [number for number, line in enumerate(lines) if "=" in line.partition(" ")[0]]
    assert len(directives) > 3
    assert [lines[number] for number in directives if not lines[number - 1].startswith(("# ", "# ("))] == []


def test_the_backup_is_made_by_the_daemons_user_in_its_folder() -> None:
    backup = service(UNITS / "monitor-backup.service")
    shared = ("DynamicUser", "User", "StateDirectory", "StateDirectoryMode", "UMask")
    assert {key: backup[key] for key in shared} == {key: service()[key] for key in shared}


def test_the_daemon_has_time_to_finish_before_it_is_killed() -> None:
    assert timedelta(seconds=int(service()["TimeoutStopSec"])) > GRACE + timedelta(seconds=5)


def test_a_bad_configuration_is_not_tried_again_and_anything_else_is() -> None:
    assert (service()["Restart"], service()["RestartPreventExitStatus"]) == ("always", "2")


def test_the_manual_that_it_names_is_there() -> None:
    (named,) = [line.partition("=")[2] for line in LINES if line.startswith("Documentation=")]
    assert (UNIT.parents[1] / named.removeprefix("file:///opt/monitor/")).is_file()


@pytest.mark.parametrize("name", NAMES[:3])
def test_systemd_accepts_it(name: str, tmp_path: Path) -> None:
    """The program need not be installed at its place for this; what it says of other units is not ours."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze on this machine")
    for unit in NAMES[:3]:
        text = (UNITS / unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(text.replace("/opt/monitor/.venv/bin/monitor", sys.executable), encoding="utf-8")
    verdict = subprocess.run([analyze, "verify", tmp_path / name], capture_output=True, encoding="utf-8", check=False)
    assert [line for line in verdict.stderr.splitlines() if name in line] == []
