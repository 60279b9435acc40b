"""The lease: one controller for one state directory, named by its owner.

It is a lock of the kernel on a file, so it ends with the process, however that dies; nothing is
left for a person to clear away.
"""

import fcntl
import json
import os
from pathlib import Path
from typing import IO

from tidegate.core.errors import Busy


class Lease:
    """Held from `take` until `release` or the end of the process."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    @classmethod
    def take(cls, path: Path, owner: str) -> "Lease":
        """Take it, or raise `Busy` that names who has it."""
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(file)
            file.close()
            raise Busy(
                "another controller holds this state",
                cause=holder,
                where=str(path),
                remedy="use that one, or stop it first: tidegate down",
                code="TG804",
            ) from None
        file.seek(0)
        file.truncate()
        json.dump({"owner": owner, "pid": os.getpid()}, file)
        file.flush()
        return cls(file)

    def release(self) -> None:
        """Let the next one in."""
        self._file.close()


def _holder(file: IO[str]) -> str:
    file.seek(0)
    text = file.read()
    if not text:
        return "it has just taken the lease"
    told = json.loads(text)
    return f"process {told['pid']} ({told['owner']}) has the lease"
