"""What was measured of the installation -> findings: what is well, what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MEGABYTE = 1_000_000
# Below the first nothing can be written for long; below the second a backup, a log or an upgrade may fill the disk.
_SPACE_NEEDED = 200 * MEGABYTE
_SPACE_ADVISED = 1_000 * MEGABYTE
# A checkpoint begins at 4 MB (sqlite.org/wal.html); one that grows to this is kept from it by a reader that never ends.
_WAL_USUAL = 200 * MEGABYTE
# Two machines that share a database, or a clock that is set right by NTP, differ by less.
_CLOCK_SLACK = timedelta(minutes=1)
# What waits for longer than this was refused several times.
_WAITS_LONG = timedelta(hours=1)
_ANYONE = 0o004


class Level(StrEnum):
    """How much a finding asks for: nothing, a look when there is time, or to be mended now."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was examined. `advice` says what to do; it is empty where all is well."""

    subject: str
    level: Level
    words: str
    advice: str = ""


def judge_database(*, faults: Sequence[str], size: int, wal: int) -> Finding:
    """Judge what SQLite's quick_check found, and the bytes of the file and of its write-ahead log."""
    subject = "database"
    if faults:
        advice = "stop the daemon and put a backup in its place (docs/how-to/back-up-and-upgrade.md)"
        return Finding(subject, Level.WRONG, f"it is damaged: {'; '.join(faults[:3])}", advice)
    words = f"whole; {_megabytes(size)}, and {_megabytes(wal)} of write-ahead log"
    if wal > _WAL_USUAL:
        advice = "some program keeps the database open for reading: find it with fuser, and end it"
        return Finding(subject, Level.WARNING, words, advice)
    return Finding(subject, Level.OK, words)


def judge_space(place: str, *, free: int, database: int = 0) -> Finding:
    """Judge the free bytes of the disk that a folder is on; a backup needs as many as the database has."""
    subject, words = "disk", f"{_megabytes(free)} free at {place}"
    if free < _SPACE_NEEDED:
        return Finding(subject, Level.WRONG, words, "free some (df -h), or nothing new can be kept soon")
    if free < max(_SPACE_ADVISED, database):
        return Finding(subject, Level.WARNING, words, "free some (df -h): a backup or a log may fill it")
    return Finding(subject, Level.OK, words)


def judge_clock(now: datetime, *, newest: datetime | None, synchronised: bool | None) -> Finding:
    """Judge the clock by the newest time in the database, and by whether the machine keeps it right (None: unknown)."""
    if newest is not None and now < newest - _CLOCK_SLACK:
        words = f"it says {_utc(now)}, yet the database holds what was done at {_utc(newest)}"
        return Finding("clock", Level.WRONG, words, "set it right: timedatectl set-ntp true; then restart the daemon")
    if synchronised is False:
        words = f"{_utc(now)}, not synchronised with any server"
        return Finding("clock", Level.WARNING, words, "timedatectl set-ntp true, or install systemd-timesyncd")
    return Finding("clock", Level.OK, f"{_utc(now)}{', synchronised' if synchronised else ''}")


def judge_names(failures: Mapping[str, str]) -> Finding:
    """Judge whether the names of some feeds' hosts are found: each with what was wrong, or nothing."""
    failed = [host for host, error in failures.items() if error]
    if not failures:
        return Finding("names", Level.OK, "no feed's host needs to be looked up here")
    if not failed:
        return Finding("names", Level.OK, f"found: {', '.join(failures)}")
    words = f"not found: {', '.join(f'{host} ({failures[host]})' for host in failed)}"
    if len(failed) == len(failures):
        return Finding("names", Level.WRONG, words, "see whether the network is up, and /etc/resolv.conf")
    return Finding("names", Level.WARNING, words, "see monitor feeds: has the outlet moved, or is its name misspelt?")


def judge_proxy(subject: str, *, users: Sequence[str], error: str) -> Finding:
    """Judge whether a proxy's port could be reached; `users` are the feeds that are fetched through it."""
    of = f"of {users[0]}" if len(users) == 1 else f"of {users[0]} and {len(users) - 1} more"
    if error:
        advice = "start it: until then nothing is fetched through it, nor around it"
        return Finding(subject, Level.WRONG, f"{of}: its port cannot be reached: {error}", advice)
    return Finding(subject, Level.OK, f"{of}: its port can be reached")


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a channel was sent: how many messages wait and since when, how many were given up, and the newest error."""

    last_sent: datetime | None = None
    waiting: int = 0
    waiting_since: datetime | None = None
    dead: int = 0
    error: str = ""


def judge_channel(name: str, traffic: Traffic, *, now: datetime) -> Finding:
    """Judge a channel by what became of its messages."""
    subject = f"channel {name}"
    last = f"last success {_utc(traffic.last_sent)}" if traffic.last_sent else "no message was sent through it yet"
    stuck = [f"{traffic.dead} given up"] * bool(traffic.dead) + [f"{traffic.waiting} waiting"] * bool(traffic.waiting)
    words = "; ".join([last, *stuck, *[traffic.error] * bool(traffic.error)])
    late = traffic.waiting_since is not None and now - traffic.waiting_since > _WAITS_LONG
    if traffic.dead or late:
        advice = f"is the daemon running? correct the channel, try it (monitor test {name}), then: monitor alerts retry"
        return Finding(subject, Level.WRONG, words, advice)
    if traffic.error:
        return Finding(subject, Level.WARNING, words, f"it is tried again by itself; monitor test {name} tries it now")
    return Finding(subject, Level.OK, words)


def judge_feeds(counts: Mapping[str, int]) -> Finding:
    """Judge how many feeds have each status of `monitor feeds`."""
    polled = sum(count for status, count in counts.items() if status not in ("new", "disabled"))
    bad = sum(counts.get(status, 0) for status in ("failing", "gone"))
    words = ", ".join(f"{count} {status}" for status, count in counts.items()) or "none in feeds.toml"
    if not counts:
        return Finding("feeds", Level.WRONG, words, "add one: monitor add URL")
    if polled and bad == polled:
        return Finding(
            "feeds", Level.WRONG, words, "none can be read: see the findings on names and proxies, then monitor feeds"
        )
    if set(counts) - {"ok", "new", "disabled"}:
        return Finding("feeds", Level.WARNING, words, "monitor feeds says what is wrong with each")
    return Finding("feeds", Level.OK, words)


def judge_file(subject: str, *, mode: int, reachable: bool, advice: str) -> Finding:
    """Judge whether others may read a file of this mode; `reachable`: they may enter its folder."""
    if mode & _ANYONE and reachable:
        return Finding(subject, Level.WRONG, "everybody on this machine can read it", advice)
    return Finding(subject, Level.OK, "closed to other users")


def judge_encoder(*, present: bool) -> Finding:
    """Say whether reports in different languages can become one story."""
    if present:
        return Finding("languages", Level.OK, "reports in different languages become one story")
    advice = "to have them joined: pip install 'monitor[multilingual]'"
    return Finding("languages", Level.WARNING, "each language has stories of its own", advice)


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB"


def _utc(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M UTC")
