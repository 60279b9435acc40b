"""A container engine of the bench's own, in a network namespace of its own.

The machine's engine and its firewall are never touched: two engines in one namespace would share
their iptables chains. `ip netns exec` would hide the cgroups, so it is `nsenter --net`.
Everything that is made here goes when the bench ends, also when it fails; what a killed bench has
left is cleared by the next one.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidegate.local.setup.dockerd import FAST

PREFIX = "tidegate-bench-"
ROOT = Path("/var/tmp")
NEEDED = ("dockerd", "docker", "ip", "nsenter", "git", "haproxy")
START_S = 30.0


@dataclass(frozen=True, slots=True)
class PrivateEngine:
    """`folder` holds all its files; it is named by the process that made it."""

    folder: Path

    @property
    def name(self) -> str:
        """The name of its network namespace."""
        return self.folder.name

    @property
    def url(self) -> str:
        """Its socket: good in any network namespace."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def inside(self) -> tuple[str, ...]:
        """The words before a command that is to run in its network namespace."""
        return ("nsenter", f"--net=/run/netns/{self.name}")

    def bench(self, module: str, *words: str) -> dict[str, Any]:
        """Run `python -m bench.<module>` in the namespace; what it prints as JSON.

        Raises `SystemExit` when it fails; what went wrong is on stderr already.
        """
        done = subprocess.run(
            [*self.inside, sys.executable, "-m", f"bench.{module}", "--engine", self.url, *words],
            stdout=subprocess.PIPE,
            env=os.environ | {"TIDEGATE_ENGINE": self.url, "NO_COLOR": "1"},
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"bench.{module} ended with exit code {done.returncode}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@contextmanager
def private_engine() -> Iterator[PrivateEngine]:
    """Start it, and end it with all that is on it. Raises `SystemExit` when it cannot be had."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if os.getuid() != 0 or missing:
        raise SystemExit(
            f"a private engine needs root, and also: {', '.join(missing) or 'nothing'}"
        )
    for old in ROOT.glob(f"{PREFIX}*"):
        if not Path(f"/proc/{old.name.removeprefix(PREFIX)}").exists():
            clear(old)
    engine = PrivateEngine(ROOT / f"{PREFIX}{os.getpid()}")
    engine.folder.mkdir(mode=0o700)
    try:
        _start(engine)
        yield engine
    finally:
        clear(engine.folder)


def _start(engine: PrivateEngine) -> None:
    run("ip", "netns", "add", engine.name)
    run(*engine.inside, "ip", "link", "set", "lo", "up")
    folder = engine.folder
    with (folder / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(*engine.inside, "dockerd", *FAST, "--log-level=warn"),
                *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
                *("--pidfile", str(folder / "docker.pid"), "--host", engine.url),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | {"DOCKER_SERVICE_PREFER_OFFLINE_IMAGE": "1"},
            start_new_session=True,
        )
    give_up_at = time.monotonic() + START_S
    while subprocess.run(_docker(folder, "version"), capture_output=True, check=False).returncode:
        if process.poll() is not None or time.monotonic() > give_up_at:
            said = (folder / "dockerd.log").read_text().splitlines()[-5:]
            raise SystemExit("the private engine does not start:\n" + "\n".join(said))
        time.sleep(0.1)


def clear(folder: Path) -> None:
    """End the engine of that folder with its containers, and remove every trace of it."""
    ids = subprocess.run(_docker(folder, "ps", "-aq"), capture_output=True, text=True, check=False)
    if not ids.returncode:
        quiet(*_docker(folder, "swarm", "leave", "--force"))
        for container in ids.stdout.split():
            quiet(*_docker(folder, "rm", "--force", "--volumes", container))
    with suppress(FileNotFoundError, ProcessLookupError):
        pid = int((folder / "docker.pid").read_text())
        if f"{folder}/data".encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, 15)
            _wait_until_gone(pid)
    for left in _inside(folder.name):  # a bench that was killed has a daemon and a HAProxy left
        with suppress(ProcessLookupError):
            os.kill(left, 9)
    for mount in _mounts(folder):
        quiet("umount", "--lazy", mount)
    quiet("ip", "netns", "delete", folder.name)
    shutil.rmtree(folder, ignore_errors=True)


def _wait_until_gone(pid: int) -> None:
    give_up_at = time.monotonic() + START_S
    while time.monotonic() < give_up_at:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.05)
    os.kill(pid, 9)


def _inside(name: str) -> list[int]:
    """The processes of that network namespace; nobody else is in it."""
    done = subprocess.run(
        ["ip", "netns", "pids", name], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in done.stdout.split()]


def _mounts(folder: Path) -> list[str]:
    """What is mounted under the folder, the innermost first."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = (line.split()[1] for line in lines)
    return sorted((p for p in points if p.startswith(f"{folder}/")), key=len, reverse=True)


def _docker(folder: Path, *words: str) -> list[str]:
    return ["docker", "--host", f"unix://{folder}/docker.sock", *words]


def run(*words: str) -> str:
    """The output of a command. Raises `SystemExit` with its last words when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words[:6])} failed: {done.stderr.strip()[-800:]}")
    return done.stdout


def quiet(*words: str) -> None:
    """Run a command whose failure means that there was nothing to do."""
    subprocess.run(words, capture_output=True, timeout=120, check=False)
