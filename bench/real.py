"""Real feeds through the real command: serve snapshots on loopback, run `monitor once` over them, print what came.

    python bench/real.py DATA                20 of the snapshots below DATA/feeds/*/real, spread over their origins
    python bench/real.py DATA --count 60

The topic is every item that has one of the commonest words of several languages, so that matching and clustering have
something to do. Alerts go to a webhook on loopback, which counts them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

TOPIC = "the OR of OR de OR la OR der OR и OR в"


class Handler(BaseHTTPRequestHandler):
    """Serves snapshots by their number, and takes alerts."""

    def __init__(self, files: list[Path], alerts: list[str], *arguments: object) -> None:
        self._files, self._alerts = files, alerts
        super().__init__(*arguments)  # type: ignore[arg-type]  # http.server's own three

    def do_GET(self) -> None:
        """Answer with a snapshot as it is, and let the parser find out what it is."""
        body = self._files[int(self.path.rsplit("/", 1)[1])].read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Take an alert."""
        self._alerts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["title"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def choose(data: Path, count: int) -> list[Path]:
    """Take one snapshot of each origin in turn."""
    origins = [sorted(folder.iterdir()) for folder in sorted((data / "feeds").glob("*/real"))]
    turns = [files[turn] for turn in range(max(map(len, origins))) for files in origins if turn < len(files)]
    return turns[:count]


@contextmanager
def serving(files: list[Path], alerts: list[str]) -> Iterator[int]:
    """Serve on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, files, alerts))
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def write_config(folder: Path, files: list[Path], port: int) -> Path:
    """Write a feeds.toml for these feeds."""
    feeds = "".join(
        f'[[feed]]\nurl = "http://127.0.0.1:{port}/{number}"\nname = "{file.name[:60]}"\nowner = "o{number}"\n'
        for number, file in enumerate(files)
    )
    path = folder / "feeds.toml"
    path.write_text(
        f"[fetch]\nallow_private = ['127.0.0.0/8']\nbackfill = '36500d'\n{feeds}"
        f"[[topic]]\nname = 'all'\nquery = '{TOPIC}'\nwindow = '3650d'\n"
        f"[[channel]]\nname = 'desk'\nurl = 'json://127.0.0.1:{port}/alert'\n"
        "[[alert]]\ntopics = ['all']\nchannels = ['desk']\non = ['corroborated']\n",
        encoding="utf-8",
    )
    return path


def main() -> None:
    """Read the options, run twice, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--count", type=int, default=20)
    options = parser.parse_args()
    files, alerts = choose(options.data, options.count), list[str]()
    with tempfile.TemporaryDirectory() as name, serving(files, alerts) as port:
        config = write_config(Path(name), files, port)
        command = [sys.executable, "-m", "monitor", "--config", str(config)]
        for arguments in (["once"], ["once", "--all"], ["feeds"]):
            print("$ monitor", *arguments, flush=True)
            subprocess.run([*command, *arguments], check=True)
    print(f"{len(alerts)} alerts arrived")


if __name__ == "__main__":
    main()
