"""Whether a port can be listened on, and who has it if not.

HAProxy shares a port with any other HAProxy without a word (SO_REUSEPORT), and then each gets a
part of the traffic. So a port is tried before HAProxy is started on it.
"""

import contextlib
import errno
import os
import socket
import time
from pathlib import Path

from tidegate.core.errors import SetupError


def wait_until_free(address: str, port: int, limit_s: float, key: str = "port") -> None:
    """Return once the port is free; a process that just died may hold one for a moment.

    `key` is the app file's word for the port. Raises `SetupError` TG220 with the holder's name as
    far as `/proc` tells, or TG227 when the address or port may not be used at all.
    """
    until = time.monotonic() + limit_s
    while not _free(address, port):
        if time.monotonic() > until:
            raise SetupError(
                f"port {port} on {address} is in use",
                cause=_holder(port),
                where=f"listener.{key}",
                remedy=f"stop that process, or choose another: listener: {{{key}: PORT}}",
                code="TG220",
            )
        time.sleep(0.02)


def _free(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("" if address == "*" else address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise SetupError(
                f"port {port} on {address} cannot be used",
                cause=str(error),
                remedy="choose an address of this machine, and a port above 1023",
                code="TG227",
            ) from error
    return True


def _holder(port: int) -> str:
    """The process that listens on the port, in words."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is not ours to look into
            if any(_link(handle) in sockets for handle in (process / "fd").iterdir()):
                name = (process / "comm").read_text().strip()
                return f"{name} (process {process.name}) listens there"
    return "another process listens there"


def _link(handle: Path) -> str:
    """What an open file is, "" when it was closed meanwhile."""
    try:
        return os.readlink(handle)
    except FileNotFoundError:
        return ""


def _listening(port: int) -> set[str]:
    """The inodes of the sockets that listen on the port. Source: proc(5), /proc/net/tcp."""
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port:
                found.add(words[9])
    return found
