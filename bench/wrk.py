"""wrk: how much goes through when clients ask again as soon as they are answered."""

import re
import shutil
import subprocess
from dataclasses import dataclass

from bench.engine import run
from bench.images import say

CONNECTIONS = 64
_REPLIES = re.compile(r"(\d+) requests in")
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_P99 = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
_FAILED = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_ERRORS = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_UNIT_MS = {"us": 0.001, "ms": 1.0, "s": 1_000.0}


@dataclass(frozen=True, slots=True)
class Said:
    """What one run came to."""

    replies: int
    per_second: float
    p99_ms: float
    failed: int


def ensure() -> None:
    """Have it installed. Raises `SystemExit` where that cannot be done."""
    if shutil.which("wrk"):
        return
    say("installing wrk, Debian's package: apt-get install wrk")
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "wrk")


def words(url: str, seconds: int) -> list[str]:
    """The command that loads it for so long, as fast as it goes."""
    return ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url]


def load(port: int, seconds: int) -> Said:
    """Load 127.0.0.1 for so long. Raises `SystemExit` when wrk fails."""
    done = subprocess.run(
        words(f"http://127.0.0.1:{port}/", seconds),
        capture_output=True,
        text=True,
        timeout=seconds + 30,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"wrk failed: {done.stderr.strip()}")
    return parse(done.stdout)


def parse(text: str) -> Said:
    """Read what wrk prints. Raises `SystemExit` for anything else."""
    replies, rate, p99 = (one.search(text) for one in (_REPLIES, _RATE, _P99))
    if replies is None or rate is None or p99 is None:
        raise SystemExit(f"wrk said something unknown: {text[:500]}")
    failed = sum(int(found[1]) for found in [_FAILED.search(text)] if found)
    failed += sum(map(int, found.groups())) if (found := _ERRORS.search(text)) else 0
    return Said(int(replies[1]), float(rate[1]), float(p99[1]) * _UNIT_MS[p99[2]], failed)
