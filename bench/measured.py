"""Run a program and measure it: time on the clock, time on the CPU, and its memory at most.

A small process starts it: what Linux tells of a child's memory includes its parent's at the fork.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_START = """
import json, os, sys, time
began = time.monotonic()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(pid, 0)
wall = time.monotonic() - began
with open(sys.argv[1], "w") as file:
    json.dump([wall, used.ru_utime + used.ru_stime, used.ru_maxrss], file)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run, its children included."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    output: bytes


def measured(words: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
    """Run it to its end. Raises `SystemExit` when it fails: that is no measurement."""
    with tempfile.NamedTemporaryFile() as told:
        start = [sys.executable, "-I", "-S", "-c", _START, told.name, *words]
        done = subprocess.run(
            start, stdin=subprocess.DEVNULL, capture_output=True, env=environment, check=False
        )
        if done.returncode:
            complaint = done.stderr[-500:].decode("utf-8", "replace")
            raise SystemExit(f"{words[0]} ended with {done.returncode}: {complaint}")
        wall_s, cpu_s, peak = json.load(told)
    peak_mib = peak / (1024 if sys.platform == "linux" else 1024 * 1024)
    return Measured(wall_s, cpu_s, peak_mib, done.stdout)
