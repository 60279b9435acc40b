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
