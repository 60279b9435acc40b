"""What the numbers were measured on."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import sub
from pathlib import Path
from typing import NamedTuple, TypeVar

from tidegate.precedence import go_before

Measured = TypeVar("Measured")

BEST = -20
"""The nice value of who goes first."""

_TOOLS = {
    "HAProxy": ("haproxy", "-v"),
    "container engine": ("dockerd", "--version"),
    "wrk": ("wrk", "-v"),
}
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?(?:[-+.~\w]*)?")


def facts() -> Mapping[str, str]:
    """Cores, memory, kernel, versions, and how busy the machine was."""
    found = {
        "cores": f"{os.cpu_count()} ({_processor()})",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{_system()}, Linux {platform.release()}",
        "Python": platform.python_version(),
    }
    found |= {name: version(words) for name, words in _TOOLS.items()}
    return found


def load_average() -> str:
    """Of the last 1, 5 and 15 minutes."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


class Theft:
    """What the host of a virtual machine kept of its processors since this was made."""

    def __init__(self) -> None:
        self._before = processors_s()

    @property
    def percent(self) -> float:
        """Of the time that was asked for, 0..100."""
        spent = processors_s().since(self._before)
        asked_s = spent.worked + spent.stolen
        return 100 * spent.stolen / asked_s if asked_s else 0.0


def least_stolen(
    take: Callable[[], Measured], most: float, tries: int = 4
) -> tuple[Measured, float]:
    """What it measured, again while the host kept more (%) of that time, and what it kept then.

    After so many tries it is that of which the host kept the least: it measures the host as well.
    """
    taken: list[tuple[Measured, float]] = []
    while not taken or (taken[-1][1] > most and len(taken) < tries):
        theft = Theft()
        answer = take()
        taken.append((answer, theft.percent))
    return min(taken, key=lambda one: one[1])


@contextmanager
def before_others() -> Iterator[None]:
    """This process, its session and all that they start; nobody where that is not allowed."""
    nice, group = os.getpriority(os.PRIO_PROCESS, 0), Path("/proc/self/autogroup")
    of_group = group.read_text().split()[-1] if group.exists() else ""
    may = go_before(BEST)
    try:
        yield
    finally:
        if may:
            os.setpriority(os.PRIO_PROCESS, 0, nice)
        if may and of_group:
            group.write_text(of_group)


class Processors(NamedTuple):
    """Seconds of all processors: each is of one kind. `stolen` is what the host of a virtual
    machine kept.
    """

    worked: float
    idle: float
    stolen: float

    def since(self, before: "Processors") -> "Processors":
        """What came after `before`."""
        return Processors(*map(sub, self, before))


def processors_s(stat: Path = Path("/proc/stat")) -> Processors:
    """Since the start of the machine; proc_stat(5)."""
    line = stat.read_text().partition("\n")[0]
    user, nice, system, idle, wait, *interrupts, stolen = map(int, line.split()[1:9])
    ticks = os.sysconf("SC_CLK_TCK")
    worked = user + nice + system + sum(interrupts)
    return Processors(worked / ticks, (idle + wait) / ticks, stolen / ticks)


def busy_ns(pid: int) -> int:
    """The CPU time of a process with one thread so far (proc(5), schedstat)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def version(words: tuple[str, ...]) -> str:
    """What the program calls itself, or that it is not here."""
    if not shutil.which(words[0]):
        return "not installed"
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = _VERSION.search(done.stdout + done.stderr)
    return found[0] if found else "unknown"


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
