"""Start Docker's daemon where no init system does, and stop only the one that was started here.

The flags and the traps (stale pid files, a plain file in the socket's place, one start in many
that fails after a crash) were measured: `research/runtime.md` §1.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tidegate.core.errors import SetupError
from tidegate.local.engine_socket import ping

START_S = 30.0
STOP_S = 30.0
FAST = ("--userland-proxy=false", "--icc=false")
"""Ports by the kernel: three times as fast. Containers parted on the engine's own network, which
tasks are started on then (`local.containers.network`)."""
ATTEMPTS = (
    (*FAST, "--live-restore"),
    (*FAST, "--live-restore"),  # again: it may have waited on a dying one
    ("--live-restore",),
    (),
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the daemon keeps its things, and where we note which one is ours."""

    command: tuple[str, ...] = ("dockerd",)
    socket: Path = Path("/var/run/docker.sock")
    pid_files: tuple[Path, ...] = (
        Path("/var/run/docker.pid"),
        Path("/var/run/docker/containerd/containerd.pid"),
    )
    log: Path = Path("/var/log/tidegate-dockerd.log")
    ours: Path = Path("/run/tidegate/dockerd.pid")
    name: str = "dockerd"

    @property
    def url(self) -> str:
        """The engine's address."""
        return f"unix://{self.socket}"


def start_dockerd(places: Places | None = None) -> None:
    """Start it in the background and wait until it answers; nothing when one answers already.

    Raises `SetupError`: TG241 when it does not start, TG242 when one runs and does not answer.
    """
    places = places or Places()
    if ping(places.url) is None:
        return
    running = _running(places)
    if running:
        _wait_for_running(places, running)
        return
    for flags in ATTEMPTS:
        _clear_remains(places)
        pid = _spawn(places, flags)
        if _comes_up(places, pid):
            places.ours.parent.mkdir(parents=True, exist_ok=True)
            places.ours.write_text(f"{pid}\n")
            return
    raise SetupError(
        "the container engine does not start",
        cause="; ".join(_last_lines(places.log)),
        where=str(places.log),
        remedy="correct what its log says, or install and start Docker by hand",
        code="TG241",
    )


def stop_own_dockerd(places: Places | None = None) -> bool:
    """Stop the daemon that `start_dockerd` started; False when there is none.

    Its containers go on (`--live-restore`).
    """
    places = places or Places()
    pid = _number(places.ours)
    places.ours.unlink(missing_ok=True)
    if pid is None or not _is_alive(pid, places.name):
        return False
    os.kill(pid, signal.SIGTERM)
    for _ in _until(STOP_S):
        if not _is_alive(pid, places.name):
            break
    return True


def _running(places: Places) -> int | None:
    pid = _number(places.pid_files[0])
    return pid if pid is not None and _is_alive(pid, places.name) else None


def _wait_for_running(places: Places, pid: int) -> None:
    for _ in _until(START_S):
        if ping(places.url) is None:
            return
    raise SetupError(
        f"a container engine runs (process {pid}) and does not answer",
        where=str(places.socket),
        remedy=f"look at its log; if it hangs, end it (kill {pid}) and run tidegate setup again",
        code="TG242",
    )


def _clear_remains(places: Places) -> None:
    """Remove what a crash left: dockerd refuses to start beside it."""
    for file in places.pid_files:
        pid = _number(file)
        if pid is None or not (_is_alive(pid, places.name) or _is_alive(pid, "containerd")):
            file.unlink(missing_ok=True)
    if places.socket.exists() and not places.socket.is_socket():
        places.socket.unlink()


def _spawn(places: Places, flags: tuple[str, ...]) -> int:
    """In a session of its own with nothing of ours open: else a caller's pipe never ends."""
    places.log.parent.mkdir(parents=True, exist_ok=True)
    script = 'setsid "$@" </dev/null >>"$0" 2>&1 & echo $!'
    command = ("sh", "-c", script, str(places.log), *places.command, *flags, "--log-level=warn")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


def _comes_up(places: Places, pid: int) -> bool:
    for _ in _until(START_S):
        if ping(places.url) is None:
            return True
        if not _is_alive(pid):
            return False
    return False


def _until(limit_s: float) -> Iterator[None]:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        yield
        time.sleep(0.1)


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _is_alive(pid: int, name: str = "") -> bool:
    """Whether the process runs, and is that program if one is named: numbers are used again."""
    try:
        before, _, after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except OSError:
        return False
    ended = after.split()[0] == "Z"  # nobody has taken notice of its end
    return not ended and name in ("", before.partition("(")[2])


def _last_lines(log: Path, count: int = 3) -> list[str]:
    try:
        return log.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        return []
