"""Which files of an image are read, and by whom. A name decides; programs tell by their bytes."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from tidegate.scan.archive.image import printable
from tidegate.scan.archive.limits import MIB
from tidegate.scan.inventory import apk, dpkg, golang, java, npm, osrelease, python, rpm
from tidegate.scan.inventory.facts import BadFile, Facts

_SURPRISES = (
    *(ValueError, LookupError, TypeError, ArithmeticError),
    *(struct.error, RecursionError, MemoryError),
)
"""What a reader with a mistake may raise on bytes that nobody thought of."""


@dataclass(frozen=True, slots=True)
class Reader:
    """`read` takes path and content; `database` says that packages are missing if it fails."""

    read: Callable[[str, bytes], Facts]
    database: bool = False
    most_bytes: int = 4 * MIB

    def facts(self, path: str, content: bytes) -> Facts:
        """What the file tells; that it is bad becomes a note. Nothing is raised."""
        try:
            return self.read(path, content)
        except BadFile as error:
            return self.unread(str(error))
        except _SURPRISES as error:
            return self.unread(f"{type(error).__name__}: {error}")

    def unread(self, why: str) -> Facts:
        """The note in place of what the file would have told."""
        return Facts(notes=((printable(why[:300]), self.database),))


def _plain(read: Callable[[bytes], Facts]) -> Callable[[str, bytes], Facts]:
    return lambda path, content: read(content)


def _wal(content: bytes) -> Facts:
    """SQLite's log of changes that are not yet in the database. rpm leaves it empty."""
    blind = ("it holds changes of the package database, which are not read", True)
    return Facts(notes=(blind,) if content else ())


_STATUS = Reader(_plain(dpkg.status), True, 64 * MIB)
_LIST = Reader(_plain(dpkg.file_list), False, 64 * MIB)
_SUMS = Reader(_plain(dpkg.checksums), False, 64 * MIB)
_METADATA = Reader(_plain(python.metadata))
_LOCK = Reader(_plain(npm.lock_file), False, 32 * MIB)
_JAR = Reader(java.archive, False, 256 * MIB)
_OS = Reader(_plain(osrelease.os_release))
PROGRAM = Reader(_plain(golang.program), False, 256 * MIB)

_RPM = {
    "rpmdb.sqlite": Reader(_plain(rpm.from_sqlite), True, 256 * MIB),
    "rpmdb.sqlite-wal": Reader(_plain(_wal), True, 256 * MIB),
    "Packages": Reader(_plain(rpm.from_berkeley), True, 256 * MIB),
    "Packages.db": Reader(_plain(rpm.from_ndb), True, 256 * MIB),
}
_RPM_FOLDERS = ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
_BY_PATH = {
    "etc/os-release": _OS,
    "usr/lib/os-release": _OS,
    "var/lib/dpkg/status": _STATUS,
    "lib/apk/db/installed": Reader(_plain(apk.installed), True, 64 * MIB),
    "usr/lib/apk/db/installed": Reader(_plain(apk.installed), True, 64 * MIB),
    **{f"{folder}/{name}": reader for folder in _RPM_FOLDERS for name, reader in _RPM.items()},
}
_BY_NAME = {
    "package.json": Reader(_plain(npm.manifest)),
    "package-lock.json": _LOCK,
    "npm-shrinkwrap.json": _LOCK,
}
_BY_ENDING = {
    **dict.fromkeys(java.ENDINGS, _JAR),
    ".egg-info": _METADATA,
    ".egg": Reader(_plain(python.egg), False, 64 * MIB),
}


def reader_for(path: str) -> Reader | None:
    """The reader of the file at this path from the root; None when its name says nothing."""
    folder, _, name = path.rpartition("/")
    if folder.startswith("var/lib/dpkg/"):
        return _of_dpkg(folder, name)
    if name in ("METADATA", "PKG-INFO"):
        described = folder.endswith((".dist-info", ".egg-info")) or folder.endswith("EGG-INFO")
        return _METADATA if described else None
    found = _BY_NAME.get(name) or _BY_PATH.get(path)
    return found or _BY_ENDING.get(name[name.rfind(".") :].lower() if "." in name else "")


def _of_dpkg(folder: str, name: str) -> Reader | None:
    if folder == "var/lib/dpkg/status.d":
        return _SUMS if name.endswith(".md5sums") else _STATUS
    if folder == "var/lib/dpkg/info" and name.endswith(".list"):
        return _LIST
    return None
