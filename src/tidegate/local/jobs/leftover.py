"""The command of a controller that was killed, ended before the next one starts it again."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path


class Leftover:
    """The note of a running command beside its job's log: its process group and when it began."""

    def __init__(self, log: Path) -> None:
        self._path = log.with_suffix(".running")

    def end(self) -> str:
        """Kill the group that an earlier controller left running; says so, or "" without one."""
        try:
            pid, _, began = self._path.read_text().partition(" ")
        except FileNotFoundError:
            return ""
        self.forget()
        if not pid.isdigit() or not began or _began(int(pid)) != began:
            return ""
        with suppress(ProcessLookupError):
            os.killpg(int(pid), signal.SIGKILL)
        return f"ended process {pid}, which an earlier controller left running"

    def note(self, pid: int) -> None:
        """Remember the command that runs now. Raises OSError when the disk is full."""
        self._path.write_text(f"{pid} {_began(pid)}")

    def forget(self) -> None:
        """It has ended."""
        self._path.unlink(missing_ok=True)


def _began(pid: int) -> str:
    """When the process began, in the words of ps(1), so that a reused id is not taken for it."""
    asked = ["ps", "-o", "lstart=", "-p", str(pid)]
    with suppress(OSError):
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return ""
