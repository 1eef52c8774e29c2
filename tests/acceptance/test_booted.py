"""The service on a booted Debian 12, installed by `make install-service`: what systemd really does with it.

It takes minutes and root: set MONITOR_BOOT to the program that boots a systemd in a container of its own (its commands
are `up`, `run`, `put` and `down`); `.ci/run` does so where it can.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.program import ARREST, ARREST_AGAIN, REPOSITORY, STADIUM, rss
from tests.servers import FeedServer
from tests.sinks import HttpSink

TOOL = os.environ.get("MONITOR_BOOT", "")
PATIENCE = 120.0

pytestmark = pytest.mark.skipif(
    not TOOL or os.geteuid() != 0, reason="MONITOR_BOOT names no program that boots a systemd, or this is not root"
)


class Machine:
    """A booted Debian; it shares this machine's network."""

    def run(self, *command: str, check: bool = True, timeout: float = 600) -> str:
        """Run a command inside and give what it prints."""
        done = subprocess.run(
            [TOOL, "run", *command], capture_output=True, encoding="utf-8", timeout=timeout, check=False
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def write(self, path: str, text: str) -> None:
        """Write a file inside."""
        subprocess.run(
            [TOOL, "run", "sh", "-c", f"cat > {path}"], input=text, encoding="utf-8", check=True, capture_output=True
        )

    def show(self, setting: str, unit: str = "monitor") -> str:
        """Give what systemd knows of a unit."""
        return self.run("systemctl", "show", unit, "--property", setting, "--value").strip()

    def journal(self, *matches: str) -> str:
        """Give the service's journal, or its entries with some fields."""
        return self.run("journalctl", "-u", "monitor", "-o", "cat", "--no-pager", *matches, check=False)

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for something to become true; fail with the journal's end."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain until {what}: {self.journal()[-3000:]}"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Boot, and install as the how-to says."""
    subprocess.run([TOOL, "up"], check=True, capture_output=True, timeout=900)
    booted = Machine()
    try:
        checkout = tmp_path_factory.mktemp("checkout") / "monitor"
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
        for name in listed.decode().split("\0")[:-1]:
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_bytes((REPOSITORY / name).read_bytes())
        (checkout / "systemd/install").chmod(0o755)
        # An earlier run may have left its service in the file system, which is kept.
        booted.run("systemctl", "disable", "--now", "monitor", check=False)
        booted.run("sh", "-c", "rm -rf /etc/systemd/system/monitor* /run/systemd/system/monitor*")
        booted.run("systemctl", "daemon-reload")
        booted.run(
            "rm", "-rf", "/root/monitor", "/root/packages", "/opt/monitor", "/etc/monitor", "/var/lib/private/monitor"
        )
        subprocess.run([TOOL, "put", checkout, "/root/monitor"], check=True, capture_output=True)
        packages = download_packages(tmp_path_factory.mktemp("packages"))
        subprocess.run([TOOL, "put", packages, "/root/packages"], check=True, capture_output=True)
        booted.run(*PIP, "/root/monitor/systemd/install")
        yield booted
    finally:
        subprocess.run([TOOL, "down"], check=False, capture_output=True, timeout=120)


# What was downloaded here is all that pip is given inside: the machine's own way to packages may not lead there.
PIP = ("env", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/root/packages")


def download_packages(folder: Path) -> Path:
    """Get the locked packages with this machine's pip."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps"]
    subprocess.run([*pip, "-r", REPOSITORY / "requirements.lock", "-d", folder], check=True, capture_output=True)
    return folder


def configure(feeds: dict[str, str], *, more: str = "") -> str:
    """Write a feeds.toml whose one channel is a secret."""
    tables = ['[fetch]\nallow_private = ["127.0.0.0/8"]\nmin_interval = "1m"']
    tables += [f'[[feed]]\nname = "{name}"\nurl = "{url}"\nowner = "{name}"' for name, url in feeds.items()]
    tables += ['[[topic]]\nname = "persecution"\nquery = "chechnya OR kadyrov"']
    tables += ['[[channel]]\nname = "desk"\nurl = "${DESK_URL}"']
    tables += ['[[alert]]\ntopics = ["persecution"]\nchannels = ["desk"]', more]
    return "\n\n".join(tables)


def test_the_service_lives_through_a_day_of_trouble(  # noqa: PLR0915 - one day in order: to boot for each step takes minutes
    machine: Machine, outlets: FeedServer, desk: HttpSink
) -> None:
    """Start, alert, good and bad reload, stuck, killed, backed up, upgraded; its secrets and its exposure."""
    feeds = {"Kurier": outlets.serve("/kurier", rss(ARREST))}
    secret = desk.url("json", "/desk/s3cr3t-t0ken")
    machine.write("/etc/monitor/feeds.toml", configure(feeds))
    machine.write("/etc/monitor/credentials/DESK_URL", secret)
    machine.run("chmod", "600", "/etc/monitor/credentials/DESK_URL")
    for unit in ("monitor.service", "monitor-backup.service"):
        machine.run("mkdir", "-p", f"/etc/systemd/system/{unit}.d")
        credential = "[Service]\nLoadCredential=DESK_URL:/etc/monitor/credentials/DESK_URL\n"
        machine.write(f"/etc/systemd/system/{unit}.d/override.conf", credential)
    machine.run("systemctl", "daemon-reload")
    assert "no problems" in machine.run("monitor", "check")

    # It starts, and alerts from inside its sandbox.
    machine.run("systemctl", "enable", "--now", "monitor")
    machine.wait_until(lambda: desk.texts("/desk/s3cr3t-t0ken"), "the first story is told")
    assert ARREST.title in desk.texts("/desk/s3cr3t-t0ken")[0]

    # The journal answers by field, in one line each.
    assert "polled feed=Kurier" in machine.journal("FEED=Kurier")
    assert "delivered channel=desk" in machine.journal("CHANNEL=desk", "STORY=1")
    assert machine.journal("FEED=Nobody").strip() in {"", "-- No entries --"}

    # A good file is taken up, a bad one changes nothing and is named.
    feeds["Gazeta"] = outlets.serve("/gazeta", rss(STADIUM))
    machine.write("/etc/monitor/feeds.toml", configure(feeds))
    machine.run("systemctl", "reload", "monitor")
    machine.wait_until(lambda: len(desk.texts("/desk/s3cr3t-t0ken")) == 2, "the new feed's story is told")
    machine.write("/etc/monitor/feeds.toml", configure(feeds, more="[fetsh]\n"))
    machine.run("systemctl", "reload", "monitor")
    machine.wait_until(lambda: "feeds.toml" in machine.show("StatusText"), "the status names the bad file")
    assert "did you mean" in machine.journal("-p", "err")
    assert machine.show("ActiveState") == "active"
    machine.write("/etc/monitor/feeds.toml", configure(feeds))
    machine.run("systemctl", "reload", "monitor")

    # kill -9: it is back by itself and repeats nothing.
    restart(machine, "KILL")
    # Stuck: the watchdog kills and restarts it. WatchdogSec is shortened so that nobody waits for a minute.
    machine.run("mkdir", "-p", "/run/systemd/system/monitor.service.d")
    machine.write("/run/systemd/system/monitor.service.d/watchdog.conf", "[Service]\nWatchdogSec=5\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "monitor")
    restart(machine, "STOP")
    assert machine.show("Result") in {"success", "watchdog"}

    # Nobody but root reads the secret, and it stands in no file and no line.
    other = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
    for place in ("/etc/monitor/credentials/DESK_URL", "/run/credentials/monitor.service/DESK_URL"):
        assert "Permission denied" in machine.run(*other, "cat", place, check=False)
    assert "s3cr3t" not in machine.journal()
    assert machine.run("grep", "-rl", "s3cr3t", "/var/lib/private/monitor", check=False) == ""
    assert "Permission denied" in machine.run(*other, "ls", "/var/lib/monitor/", check=False)

    # The nightly copy, and an upgrade that leaves state and configuration alone.
    machine.run("systemctl", "start", "monitor-backup")
    assert re.search(r"monitor-20\S+\.db", machine.run("ls", "/var/lib/private/monitor/backups"))
    machine.run(*PIP, "/root/monitor/systemd/install")
    machine.wait_until(lambda: machine.show("ActiveState") == "active", "it runs after the upgrade")
    assert machine.run("monitor", "stories", "--json").count('"topic"') == 2
    assert len(machine.run("ls", "/var/lib/private/monitor/backups").split()) == 2

    # Still only two messages; a third story is told as ever, and it stops in time.
    outlets.serve("/kurier", rss(ARREST, ARREST_AGAIN))
    assert len(desk.texts("/desk/s3cr3t-t0ken")) == 2
    began = time.monotonic()
    machine.run("systemctl", "stop", "monitor")
    assert time.monotonic() - began < 15
    exposure = machine.run("systemd-analyze", "security", "--no-pager", "monitor.service", check=False)
    found = re.search(r"Overall exposure level for monitor\.service: ([\d.]+)", exposure)
    assert found is not None, exposure
    assert float(found[1]) <= 1.5


def restart(machine: Machine, how: str) -> None:
    """Send the main process a signal, and wait until systemd has put another in its place."""
    before, restarts = machine.show("MainPID"), int(machine.show("NRestarts"))
    machine.run("systemctl", "kill", "--kill-whom=main", f"--signal={how}", "monitor")
    machine.wait_until(
        lambda: machine.show("MainPID") not in {before, "0"} and int(machine.show("NRestarts")) > restarts,
        f"it is started again after SIG{how}",
    )
    machine.wait_until(lambda: machine.show("ActiveState") == "active", "it is ready again")
