"""A folder's files as if they were a layer. Links are not followed."""

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tidegate.scan.archive import problems
from tidegate.scan.archive.image import printable
from tidegate.scan.archive.limits import Limits
from tidegate.scan.archive.tar import Member, MemberKind

_SKIPPED = (".git", ".hg", ".svn")


class Folder:
    """The members of a folder, in the order of their names."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._limits = path, limits
        self._file: io.BufferedReader | None = None

    def __iter__(self) -> Iterator[Member]:
        """Each file. Raises `GateError` TG411 when one cannot be read, TG414 for too many."""
        try:
            for count, path in enumerate(_paths(self._path)):
                if count >= self._limits.members:
                    raise problems.too_large("files in the folder", self._limits.members)
                yield from self._member(path)
        except OSError as error:
            raise problems.damaged(str(error), str(self._path)) from error

    def read(self, size: int, /) -> bytes:
        """The next `size` bytes of the file last handed out, fewer at its end."""
        return b"" if self._file is None else self._file.read(size)

    def peek(self, size: int, /) -> bytes:
        """Its first bytes, without going past them."""
        return b"" if self._file is None else self._file.peek(size)[:size]

    def _member(self, path: Path) -> Iterator[Member]:
        status = path.lstat()
        name = str(path.relative_to(self._path))
        name = printable(os.fsencode(name).decode("utf-8", "backslashreplace"))
        if stat.S_ISREG(status.st_mode):
            with path.open("rb") as self._file:
                yield Member(name, MemberKind.FILE, status.st_size)
            self._file = None
        else:
            link = stat.S_ISLNK(status.st_mode)
            yield Member(name, MemberKind.SYMLINK if link else MemberKind.OTHER, 0)


def _paths(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root, onerror=_refuse):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        yield from (Path(folder, name) for name in sorted(names))


def _refuse(error: OSError) -> None:
    raise error
