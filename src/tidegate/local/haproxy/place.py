"""Where HAProxy's files lie, and how they are written so that a crash never leaves half of one."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tidegate.core.errors import EffectFailed, SetupError

CONFIGURATION = "haproxy.cfg"
SERVICES = "services.map"
MASTER = "master.sock"
WORKER = "worker.sock"
HEARTBEAT = "heartbeat.sock"

_LONGEST_SOCKET = 100  # bytes; the system's limit for the path of a Unix socket is 104 to 108


@dataclass(frozen=True, slots=True)
class Place:
    """HAProxy's directory. HAProxy runs in it, so its files name each other without a path."""

    directory: Path

    @property
    def configuration(self) -> Path:
        """The whole configuration: the listener, the services, and every known target."""
        return self.directory / CONFIGURATION

    @property
    def services(self) -> Path:
        """The map from a service to where its traffic goes now (`routing`)."""
        return self.directory / SERVICES

    @property
    def pid(self) -> Path:
        """The process id of HAProxy's master."""
        return self.directory / "pid"

    @property
    def log(self) -> Path:
        """What HAProxy printed when it was started last."""
        return self.directory / "haproxy.log"

    @property
    def collector(self) -> Path:
        """The port of the collector of metrics, and the word that its lines begin with."""
        return self.directory / "collector"

    def socket(self, name: str) -> str:
        """The path of a Unix socket in the directory. Raises `SetupError` TG225 if too long."""
        path = str(self.directory / name)
        if len(os.fsencode(path)) > _LONGEST_SOCKET:
            raise SetupError(
                "the project's path is too long for HAProxy's sockets",
                cause=f"{path} has more than {_LONGEST_SOCKET} bytes",
                remedy="move the project to a shorter path",
                code="TG225",
            )
        return path


def read(path: Path) -> str:
    """The text of a file, "" when it is not there yet."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def kept(path: Path) -> str:
    """The same, kept in memory while the file stays the same: for what is read at each look.

    Not for files of /proc, which always look the same.
    """
    try:
        found = path.stat()
        return _text(path, found.st_ino, found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        return ""


@lru_cache(maxsize=16)
def _text(path: Path, *version: int) -> str:
    """The text of this version of a file."""
    return path.read_text()


def write(path: Path, text: str) -> None:
    """Replace the file as a whole: write anew, flush to the disk, rename.

    Raises `EffectFailed` TG954 when the disk refuses; the file is then as it was.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
        _text.cache_clear()  # a file made anew within the clock's tick may look the same
        _flush_directory(path.parent)
    except OSError as error:
        raise EffectFailed(
            f"{path} cannot be written",
            cause=str(error),
            remedy="free some disk space, or check who owns the directory",
            code="TG954",
        ) from error


def _flush_directory(directory: Path) -> None:
    """A rename is on the disk once its directory is."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
