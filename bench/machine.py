"""What the numbers were measured on."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

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
        self._before = _ticks()

    @property
    def percent(self) -> float:
        """Of the time that was asked for, 0..100; proc_stat(5), `steal`."""
        stolen, asked = (now - then for now, then in zip(_ticks(), self._before, strict=True))
        return 100 * stolen / asked if asked else 0.0


def _ticks() -> tuple[int, int]:
    line = Path("/proc/stat").read_text().partition("\n")[0]
    user, nice, system, _idle, _wait, *interrupts, stolen = map(int, line.split()[1:9])
    return stolen, user + nice + system + sum(interrupts) + stolen


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
