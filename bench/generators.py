"""The load generators that the bench compares: how each is asked, and what it tells of its run.

Ours is `python -m tidegate.load`. hey, wrk and h2load are Debian's (hey, wrk, nghttp2-client),
Locust is PyPI's in an environment of its own. Vegeta is in no registry: it takes part when it is on
the PATH, or named by TIDEGATE_VEGETA.
"""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import wrk as flat_out
from bench.engine import run
from bench.images import say
from tidegate.load.report import from_json

DEBIAN = {"hey": "hey", "wrk": "wrk", "h2load": "nghttp2-client"}
LOCUST = "locust==2.47.0"
USERS_RPS = 100
LOCUSTFILE = f"""
from locust import FastHttpUser, constant_throughput, task
class User(FastHttpUser):
    wait_time = constant_throughput({USERS_RPS})
    @task
    def get(self):
        self.client.get("/")
"""
OURS = "tidegate"


@dataclass(frozen=True, slots=True)
class Ask:
    """One run: of which URL, how often, how long; `folder` is for what the tool needs or leaves."""

    url: str
    rate: int
    seconds: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Said:
    """What a tool told of its run. `late_ms`: what 1 % of requests left later than; None: untold.

    `own_s` is how long a tool sent that does not keep to the seconds that it was given.
    """

    replies: int
    failed: int
    p99_ms: float
    late_ms: float | None = None
    own_s: float | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """`words` make a command of what is asked, `said` reads what it printed or left."""

    name: str
    words: Callable[[Ask], Sequence[str]]
    said: Callable[[Ask, str], Said]


def _clock(ask: Ask) -> list[str]:
    return [sys.executable, "-m", "bench.clock", str(ask.rate), str(ask.seconds)]


def _of_clock(ask: Ask, text: str) -> Said:
    return Said(ask.rate * ask.seconds, 0, 0, float(text))


CLOCK = Tool("a loop that only reads the clock", _clock, _of_clock)


def tools() -> Iterator[Tool]:
    """All that are here or can be had, ours first."""
    yield Tool(OURS, _tidegate, _of_tidegate)
    if _debian("hey"):
        yield Tool("hey", _hey, _of_hey)
    if _debian("h2load"):
        yield Tool("h2load", _h2load, _of_h2load)
    vegeta = os.environ.get("TIDEGATE_VEGETA") or shutil.which("vegeta")
    if vegeta:
        yield Tool("Vegeta", partial(_vegeta, vegeta), partial(_of_vegeta, vegeta))
    path = locust()
    if path:
        yield Tool("Locust", partial(_locust, path), _of_locust)


def wrk() -> Tool | None:
    """It has no rate: what a request costs a generator in C that never waits."""
    return Tool("wrk", _wrk, _of_wrk) if _debian("wrk") else None


def _debian(name: str) -> bool:
    """Have it installed; whether it is."""
    if not shutil.which(name) and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing {name}: apt-get install {DEBIAN[name]}")
        words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", DEBIAN[name]]
        subprocess.run(words, capture_output=True, check=False)
    return shutil.which(name) is not None


def locust() -> str | None:
    """Where it is, installed if need be in an environment of its own; None when it can't be had."""
    named = os.environ.get("TIDEGATE_LOCUST") or shutil.which("locust")
    if named:
        return named
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(cache, "tidegate-bench", LOCUST)
    program = folder / "bin" / "locust"
    if not program.exists():
        say(f"installing {LOCUST}")
        venv.create(folder, with_pip=True)
        words = [str(folder / "bin" / "pip"), "install", "-q", LOCUST]
        if subprocess.run(words, capture_output=True, check=False).returncode:
            return None
    return str(program)


def _tidegate(ask: Ask) -> list[str]:
    words = [sys.executable, "-m", "tidegate.load", ask.url, "--json"]
    return [*words, "--rate", str(ask.rate), "--for", f"{ask.seconds}s"]


def _of_tidegate(ask: Ask, text: str) -> Said:
    report = from_json(text)
    p99, late = (hdr.percentile_us(99) / 1000 for hdr in (report.latency, report.scheduling))
    return Said(report.counts.ok, report.counts.failed, p99, late)


def _hey(ask: Ask) -> list[str]:
    """Closed: each worker waits for its reply, then for its next turn."""
    workers = 50 if ask.rate <= 5_000 else 100
    each = f"{ask.rate / workers:g}"
    return ["hey", "-z", f"{ask.seconds}s", "-c", str(workers), "-q", each, ask.url]


def _of_hey(ask: Ask, text: str) -> Said:
    replies = sum(int(n) for n in re.findall(r"\[\d+\]\t(\d+) responses", text))
    errors = text.partition("Error distribution:")[2]
    failed = sum(int(n) for n in re.findall(r"\[(\d+)\]\t", errors))
    p99 = re.search(r"99% in ([\d.]+) secs", text)
    return Said(replies, failed, 1000 * float(p99[1]) if p99 else 0)


def _h2load(ask: Ask) -> list[str]:
    """Each client at its own rate, one request at a time; HTTP/1.1."""
    words = ["h2load", "--h1", "-c", "50", "-D", str(ask.seconds), "--rps", f"{ask.rate / 50:g}"]
    return [*words, f"--log-file={ask.folder / 'h2load'}", ask.url]


def _of_h2load(ask: Ask, text: str) -> Said:
    rows = (ask.folder / "h2load").read_text().splitlines()
    times_us = sorted(int(row.split()[2]) for row in rows)
    counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", text)
    ok, *failed = (int(n) for n in counts.groups()) if counts else (0, 0)
    return Said(ok, sum(failed), at(times_us, 0.99) / 1000)


def _vegeta(path: str, ask: Ask) -> list[str]:
    """Open: one worker more whenever none is free."""
    targets = ask.folder / "targets"
    targets.write_text(f"GET {ask.url}\n")
    words = [path, "attack", f"-targets={targets}", f"-output={ask.folder / 'vegeta'}"]
    return [*words, f"-rate={ask.rate}", f"-duration={ask.seconds}s"]


def _of_vegeta(path: str, ask: Ask, text: str) -> Said:
    """It tells when it sent each request, from which its latency runs; when each was due is its
    number by the rate, after a start that is put so late that none left early."""
    rows = list(csv.reader(run(path, "encode", "-to=csv", str(ask.folder / "vegeta")).splitlines()))
    sent_ms = [(int(row[0]) / 1e6, int(row[8])) for row in rows]
    after_ms = [at_ms - 1000 * number / ask.rate for at_ms, number in sent_ms]
    late_ms = sorted(ms - min(after_ms) for ms in after_ms)
    took_ms = sorted(int(row[2]) / 1e6 for row in rows)
    replies = sum(row[1] == "200" for row in rows)
    return Said(replies, len(rows) - replies, at(took_ms, 0.99), at(late_ms, 0.99))


def _locust(path: str, ask: Ask) -> list[str]:
    """Closed: 100 requests/s a user, all users spawned at once."""
    file = ask.folder / "locustfile.py"
    file.write_text(LOCUSTFILE)
    users = str(max(1, ask.rate // USERS_RPS))
    words = [path, "-f", str(file), "--headless", "-u", users, "-r", users]
    quiet = ["--json", "--exit-code-on-error", "0", "--loglevel", "ERROR"]
    return [*words, "-t", f"{ask.seconds}s", *quiet, "-H", ask.url.rstrip("/")]


def _of_locust(ask: Ask, text: str) -> Said:
    (total,) = json.loads(text) or [dict[str, float]()]
    if not total:
        return Said(0, 0, 0)
    times_ms = sorted(float(ms) for ms, n in total["response_times"].items() for _ in range(n))
    failed = total["num_failures"]
    own_s = total["last_request_timestamp"] - total["start_time"]
    return Said(total["num_requests"] - failed, failed, at(times_ms, 0.99), own_s=own_s)


def _wrk(ask: Ask) -> list[str]:
    return flat_out.words(ask.url, ask.seconds)


def _of_wrk(ask: Ask, text: str) -> Said:
    said = flat_out.parse(text)
    return Said(said.replies, said.failed, said.p99_ms)


def at(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of them lies; 0 of none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0
