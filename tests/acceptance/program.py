"""The real command as a subprocess, with a configuration and a database of its own, over loopback feeds and channels."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import uuid4
from xml.sax.saxutils import escape

T = TypeVar("T")

REPOSITORY = Path(__file__).parents[2]
# The slowest thing waited for: a service that starts on a busy machine (5 s) and gathers events before it sends (10 s).
PATIENCE = 40.0
QUERY = "chechnya OR kadyrov"


@dataclass(frozen=True, slots=True)
class News:
    """What an outlet writes."""

    title: str
    summary: str = ""


# Two outlets tell one event in their own words, and one tells quite another.
ARREST = News(
    "Police in Chechnya arrest gay men in Argun",
    "At least twelve men were taken from their homes by officers at night, say families who do not know where they are.",
)
ARREST_AGAIN = News(
    "Police arrest gay men in Chechnya, relatives say",
    "Nothing has been heard since Tuesday of a dozen men from Argun whom policemen drove away in cars without plates.",
)
STADIUM = News(
    "Kadyrov opens football season with a speech",
    "Fireworks, a concert and free tickets for pupils began the new year of the league; the home team lost by two goals.",
)


def wait_until(condition: Callable[[], T], what: str, *, seconds: float = PATIENCE) -> T:
    """Wait until `condition` gives something true, and give that; fail with `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain until {what}"
        time.sleep(0.02)
    return value


def rss(*news: News) -> bytes:
    """Write a feed of items that were published just now."""
    now = format_datetime(datetime.now(UTC))
    items = "".join(
        f"<item><title>{escape(item.title)}</title><description>{escape(item.summary)}</description>"
        f"<guid isPermaLink='false'>{escape(item.title)}</guid><link>https://kurier.example/{number}</link>"
        f"<pubDate>{now}</pubDate></item>"
        for number, item in enumerate(news)
    )
    return f"<rss version='2.0'><channel><title>Kurier</title>{items}</channel></rss>".encode()


@dataclass(slots=True)
class Installation:
    """A folder with feeds.toml and a database, and the command that uses them.

    `environ` is added to the environment of every command; its `mark` is in that of their children too.
    """

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: uuid4().hex)

    @property
    def config(self) -> Path:
        """Where its feeds.toml lies."""
        return self.folder / "feeds.toml"

    @property
    def database(self) -> Path:
        """Where its database lies."""
        return self.folder / "monitor.db"

    def configure(
        self,
        feeds: Mapping[str, str],
        channels: Mapping[str, str | Sequence[str]],
        *,
        query: str = QUERY,
        more: str = "",
    ) -> None:
        """Write feeds.toml: feeds and channels by name; a topic unless `query` is empty, and a rule that joins them.

        Nothing is served unless `more` says where: tests run side by side.
        """
        more = more if "[web]" in more else f'[web]\nlisten = ""\n\n{more}'
        tables = ['[fetch]\nallow_private = ["127.0.0.0/8"]']
        tables += [f'[[feed]]\nname = "{name}"\nurl = "{url}"\nowner = "{name}"' for name, url in feeds.items()]
        for name, urls in channels.items():
            listed = json.dumps([urls] if isinstance(urls, str) else list(urls))
            tables.append(f'[[channel]]\nname = "{name}"\nurls = {listed}')
        tables.append('[[topic]]\nname = "other"\nquery = "zeppelin"')
        if query:
            tables.append(f'[[topic]]\nname = "persecution"\nquery = """{query}"""')
            tables.append(f'[[alert]]\ntopics = ["persecution"]\nchannels = {json.dumps(list(channels))}')
        self.config.write_text("\n\n".join([*tables, more]), encoding="utf-8")

    def run(self, *arguments: str, wrapper: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and give its exit status and output."""
        return subprocess.run(
            [*wrapper, *self._command(arguments)],
            cwd=REPOSITORY,
            env=self._environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )

    def once(self, *arguments: str) -> Any:
        """Run `once --json`, which must go well, and give its summary."""
        done = self.run("once", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @contextmanager
    def start(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Program]:
        """Start a command, and kill it at the end if it still runs."""
        output = self.folder / f"output-{uuid4().hex}"
        with output.with_suffix(".out").open("wb") as stdout, output.with_suffix(".err").open("wb") as stderr:
            process = subprocess.Popen(
                self._command(arguments),
                cwd=REPOSITORY,
                env=self._environment() | dict(environ or {}),
                stdout=stdout,
                stderr=stderr,
            )
        try:
            yield Program(process, output)
        finally:
            process.kill()
            process.wait()

    def processes(self) -> list[int]:
        """Give the ids of all processes that were started by its commands, directly or not, and still run."""
        return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit() and self._owns(folder)]

    def ask(self, query: str) -> list[Any]:
        """Ask its database, which may not be there yet, for the first column of a query's rows."""
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
                return [row[0] for row in connection.execute(query)]
        except sqlite3.OperationalError:
            return []

    def deliveries(self) -> list[str]:
        """Give the status of each delivery in its outbox, oldest first."""
        return self.ask("SELECT status FROM delivery ORDER BY id")

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "monitor", "--config", str(self.config), *arguments]

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in _SYSTEMD}
        return inherited | self.environ | {"MONITOR_TEST_MARK": self.mark}

    def _owns(self, process: Path) -> bool:
        try:
            # What has ended but was not waited for yet has no command line.
            running = (process / "cmdline").read_bytes()
            return bool(running) and self.mark.encode() in (process / "environ").read_bytes()
        except OSError:
            return False  # it has ended meanwhile, or is somebody else's


_SYSTEMD = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY"}


@dataclass(frozen=True, slots=True)
class Program:
    """A command that runs; what it prints goes to files."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def log(self) -> str:
        """What it has written to standard error so far."""
        return self.output.with_suffix(".err").read_text(encoding="utf-8")

    @property
    def printed(self) -> str:
        """What it has written to standard output so far."""
        return self.output.with_suffix(".out").read_text(encoding="utf-8")

    def wait_for_log(self, words: str, *, times: int = 1) -> None:
        """Wait until it has logged these words."""
        try:
            wait_until(
                lambda: self.log.count(words) >= times or self.process.poll() is not None, f"{words!r} is logged"
            )
        finally:
            assert self.log.count(words) >= times, self.log

    def kill(self) -> None:
        """End it at once, as a crash would: kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM, *, seconds: float = PATIENCE) -> float:
        """Ask it to end, which must go well; give how many seconds that took."""
        asked = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(seconds) == 0, self.log
        return time.monotonic() - asked


class NotifySocket:
    """What systemd would listen to: a Unix datagram socket. Nobody reads it before `listen` is called."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._reader = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reader.is_alive():
            self._socket.shutdown(socket.SHUT_RDWR)
            self._reader.join()
        self._socket.close()

    def fill(self) -> None:
        """Leave no room for another message, as a systemd that hangs would."""
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
        with socket.socket(socket.AF_UNIX, kind) as sender, suppress(BlockingIOError):
            while True:
                sender.sendto(b"", str(self.path))

    def listen(self) -> None:
        """Begin to read."""
        self._reader.start()

    def wait_for(self, words: str) -> None:
        """Wait until it was told something with these words in it."""
        wait_until(lambda: any(words in message for message in self.heard), f"systemd is told {words!r}")

    def _read(self) -> None:
        while message := self._socket.recv(4096):
            self.heard.append(message.decode())
