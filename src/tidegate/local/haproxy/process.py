"""HAProxy's process: checked, started, reloaded and stopped. It outlives the one who started it."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Set
from pathlib import Path

from tidegate.core.errors import EffectFailed, SetupError
from tidegate.core.model import Listener
from tidegate.local.haproxy.listening import wait_until_free
from tidegate.local.haproxy.machine import find_binary, processes
from tidegate.local.haproxy.place import CONFIGURATION, MASTER, WORKER, Place, kept, read
from tidegate.local.haproxy.runtime import Runtime
from tidegate.local.haproxy.tables import Look
from tidegate.precedence import go_before

_HANG_S = 5.0
"""A machine may be too busy for a quick answer, and a HAProxy that serves must not be killed."""
_START_S = 10.0
_NICE = -10
"""Traffic goes before builds, scans and tests."""
_RELEASE_S = 2.0
"""How long the ports of a process that just died may stay taken."""
KEEP_BUFFERS = "-dMglobal"
"""Freed buffers are kept for the next request instead of given back to the C library.

HAProxy's own cache holds 32 of them, and each request that may be repeated needs two. Elsewhere
than with glibc it is the default (HAProxy 2.6 management guide, §3: `-dM`, `global`).
"""
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""Ask the kernel for huge pages: each request that may be repeated touches all of two buffers.

Of no effect before glibc 2.35, with another C library, or where the kernel gives none on request
(GNU C Library manual, "Memory Allocation Tunables").
"""


class Process:
    """The one HAProxy of a directory: a master that reloads, and its workers."""

    def __init__(self, place: Place, binary: str | None) -> None:
        self._place = place
        self._binary = binary
        self._runtime = Runtime(place)

    def look(self) -> Look | None:
        """What it holds, or None when it does not run, or gives no answer for 5 s."""
        until = time.monotonic() + _HANG_S
        while processes(self._place.directory):
            with contextlib.suppress(EffectFailed):
                return self._runtime.look()
            if time.monotonic() > until:
                break
            time.sleep(0.05)
        return None

    def name(self) -> str:
        """The process that was started last: its id and, where the system tells, its start.

        Reloads keep it. Source: proc(5), the 22nd word of /proc/PID/stat.
        """
        pid = kept(self._place.pid).strip()
        _, _, rest = read(Path(f"/proc/{pid}/stat")).rpartition(")")
        return f"{pid}@{rest.split()[19]}" if rest else pid

    def check(self, configuration: Path) -> None:
        """Have HAProxy read a configuration. Raises `SetupError` TG222 with its words."""
        done = self._run("-c", "-f", configuration.name)
        if done.returncode != 0:
            raise SetupError(
                "HAProxy refuses the configuration made from the app file",
                cause=_alerts(done.stdout),
                where=str(configuration),
                remedy="see the cause; `tidegate doctor` checks what HAProxy needs",
                code="TG222",
            )

    def check_ports(self, listener: Listener, bound: Set[str]) -> None:
        """See that the ports that are new to it are free. Raises `SetupError` TG220, TG227."""
        for key, port in _ports(listener):
            if f"{listener.address}:{port}" not in bound:
                wait_until_free(listener.address, port, 0, key)

    def start(self, listener: Listener) -> None:
        """Start it anew, on free ports only; what is left of one that hangs is killed first.

        Raises `SetupError` TG220 (port in use), TG223 (it did not start) or TG225 (long path).
        """
        self._place.socket(WORKER)
        self.stop()
        for key, port in _ports(listener):
            wait_until_free(listener.address, port, _RELEASE_S, key)
        master = f"unix@{MASTER},mode,600,level,admin"
        options = ("-S", master, "-p", self._place.pid.name, KEEP_BUFFERS, "-f", CONFIGURATION)
        done = self._run("-W", "-D", *options)
        if done.returncode != 0 or not _wait(lambda: self._serves_anew(0), _START_S):
            raise SetupError(
                "HAProxy did not start",
                cause=_alerts(done.stdout),
                where=str(self._place.log),
                remedy="see the cause; `tidegate doctor` checks what HAProxy needs",
                code="TG223",
            )
        for pid in processes(self._place.directory):  # the workers of a reload inherit it
            go_before(_NICE, pid)

    def reload(self) -> None:
        """Have a new worker read the configuration; the old one ends what it has begun.

        Returns once the new one serves. Raises `EffectFailed` TG955 when it does not come.
        """
        before = self._runtime.look().serving.pid
        os.kill(int(read(self._place.pid)), signal.SIGUSR2)
        if not _wait(lambda: self._serves_anew(before), _START_S):
            raise EffectFailed(
                "HAProxy did not take the new configuration",
                cause="no new worker came; the old one goes on",
                code="TG955",
            )

    def stop(self) -> None:
        """End it and cut what is under way; nothing if it does not run."""
        for pid in processes(self._place.directory):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _wait(lambda: not processes(self._place.directory), _RELEASE_S)

    def _serves_anew(self, before: int) -> bool:
        try:
            return self._runtime.look().serving.pid != before
        except EffectFailed:
            return False  # the master is replacing itself

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run HAProxy in its directory; what it prints goes to its log.

        A file, not a pipe: a process that stays would keep the pipe open. Tunables that are set
        already stay as they are.
        """
        command = [find_binary(self._binary), "-C", str(self._place.directory), *arguments]
        with self._place.log.open("w+") as log:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=30,
                check=False,
                env=HUGE_PAGES | os.environ,
                start_new_session=True,
            )
            log.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, log.read(), "")


def _ports(listener: Listener) -> tuple[tuple[str, int], ...]:
    """The listener's ports by their keys of the app file."""
    return ("port", listener.port), ("test_port", listener.test_port)


def _wait(done: Callable[[], bool], limit_s: float) -> bool:
    until = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _alerts(printed: str) -> str:
    """The lines of HAProxy's that say what is wrong."""
    lines = [line for line in printed.splitlines() if "[ALERT]" in line]
    return "; ".join(line.partition(": ")[2].strip() for line in lines) or printed.strip()
