"""HAProxy's process: checked, started, reloaded and stopped. It outlives the one who started it."""

import contextlib
import os
import resource
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Set
from pathlib import Path

from tidegate.core.errors import EffectFailed, SetupError
from tidegate.core.model import Listener
from tidegate.local.haproxy.listening import wait_until_free
from tidegate.local.haproxy.place import CONFIGURATION, MASTER, Place, read
from tidegate.local.haproxy.runtime import Runtime
from tidegate.local.haproxy.tables import Look

_HANG_S = 5.0
_START_S = 10.0
_RELEASE_S = 2.0
"""How long the ports of a process that just died may stay taken."""


class Process:
    """The one HAProxy of a directory: a master that reloads, and its workers."""

    def __init__(self, place: Place, binary: str | None) -> None:
        self._place = place
        self._binary = binary
        self._runtime = Runtime(place)

    def look(self) -> Look | None:
        """What it holds, or None when it does not run, or gives no answer for 5 s.

        A machine may be too busy for a quick answer, and a HAProxy that serves must not be killed.
        """
        until = time.monotonic() + _HANG_S
        while _processes(self._place):
            with contextlib.suppress(EffectFailed):
                return self._runtime.look()
            if time.monotonic() > until:
                break
            time.sleep(0.05)
        return None

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
        for port in (listener.port, listener.test_port):
            if f"{listener.address}:{port}" not in bound:
                wait_until_free(listener.address, port, 0)

    def start(self, listener: Listener) -> None:
        """Start it anew, on free ports only; what is left of one that hangs is killed first.

        Raises `SetupError` TG220 (port in use) or TG223 (it did not start).
        """
        self.stop()
        for port in (listener.port, listener.test_port):
            wait_until_free(listener.address, port, _RELEASE_S)
        master = f"unix@{MASTER},mode,600,level,admin"
        done = self._run("-W", "-D", "-S", master, "-p", self._place.pid.name, "-f", CONFIGURATION)
        if done.returncode != 0 or not _wait(lambda: self._serves_anew(0), _START_S):
            raise SetupError(
                "HAProxy did not start",
                cause=_alerts(done.stdout),
                where=str(self._place.log),
                remedy="see the cause; `tidegate doctor` checks what HAProxy needs",
                code="TG223",
            )

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
        for pid in _processes(self._place):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _wait(lambda: not _processes(self._place), _RELEASE_S)

    def _serves_anew(self, before: int) -> bool:
        try:
            return self._runtime.look().serving.pid != before
        except EffectFailed:
            return False  # the master is replacing itself

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run HAProxy in its directory; what it prints goes to its log.

        A file, not a pipe: a process that stays would keep the pipe open.
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
                start_new_session=True,
            )
            log.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, log.read(), "")


def find_binary(binary: str | None) -> str:
    """The path of HAProxy: the one named, or the one installed. Raises `SetupError` TG224."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin"
    found = shutil.which(binary or "haproxy", path=path)
    if found is None:
        raise SetupError(
            f"{binary or 'HAProxy'} is not on this machine",
            remedy="run `tidegate setup`, or install the package haproxy (2.6 or newer)",
            code="TG224",
        )
    return found


def check_certificate(path: str | None) -> None:
    """Read a certificate with its key, if one is named. Raises `SetupError` TG221."""
    if path is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(
            "the listener's certificate cannot be used",
            cause=str(error),
            where=path,
            remedy="put the certificate chain and its key, in PEM, into this one file",
            code="TG221",
        ) from error


def max_connections() -> int:
    """How many clients HAProxy may have: each needs two file handles, and it refuses to overdraw.

    The system's hard limit on open files is what there is to share.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 20_000 if hard == resource.RLIM_INFINITY else min(20_000, max(100, (hard - 200) // 2))


def _wait(done: Callable[[], bool], limit_s: float) -> bool:
    until = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _processes(place: Place) -> list[int]:
    """The HAProxy of this directory: the master and its workers, by their command lines."""
    mark = f"-C {place.directory} "
    return [pid for pid, command in _commands() if mark in command]


def _commands() -> Iterator[tuple[int, str]]:
    """Every process with its command line, from /proc or, where there is none, from `ps`."""
    if not Path("/proc/self").exists():
        listed = subprocess.run(
            ["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True
        )
        for line in listed.stdout.splitlines():
            pid, _, command = line.strip().partition(" ")
            yield int(pid), command
        return
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            command = os.fsdecode((process / "cmdline").read_bytes().replace(b"\0", b" "))
            yield int(process.name), command


def _alerts(printed: str) -> str:
    """The lines of HAProxy's that say what is wrong."""
    lines = [line for line in printed.splitlines() if "[ALERT]" in line]
    return "; ".join(line.partition(": ")[2].strip() for line in lines) or printed.strip()
