"""What HAProxy takes from the machine: the binary, file handles, a certificate; its processes."""

import contextlib
import os
import resource
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tidegate.core.errors import SetupError


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


def processes(directory: Path) -> list[int]:
    """The HAProxy of this directory: the master and its workers, by their command lines."""
    mark = f" -C {directory} -W -D "
    return [pid for pid, command in commands() if mark in command]


def commands() -> Iterator[tuple[int, str]]:
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
