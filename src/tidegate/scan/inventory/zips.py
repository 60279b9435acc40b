"""Zip files of unknown origin, in memory and within bounds."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tidegate.scan.inventory.facts import BadFile

_CENTRAL = b"PK\1\2"
_MOST_ENTRIES = 400_000
"""With those of archives that are stored in it as they are: those of large ones have 200,000."""
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, RuntimeError, OverflowError),
)
"""RuntimeError: it is encrypted, or its method is not implemented."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(slots=True)
class Budget:
    """How many bytes may still be unpacked, and files be opened, of one archive with all in it."""

    bytes_left: int
    files_left: int = 20_000

    @classmethod
    def of(cls, content: bytes) -> "Budget":
        """Ten times the archive's size: what is honest unpacks to two or three times its size."""
        return cls(4 * 1024 * 1024 + 10 * len(content))

    def spend(self, size: int) -> None:
        """Count a file of `size` bytes. Raises `BadFile` when it is over the bound."""
        self.bytes_left -= size
        self.files_left -= 1
        if self.bytes_left < 0 or self.files_left < 0:
            raise BadFile("it unpacks to more than is read")


@contextmanager
def opened(content: bytes) -> Iterator[zipfile.ZipFile]:
    """The zip. Raises `BadFile` when it is damaged or has too many entries."""
    if content.count(_CENTRAL) > _MOST_ENTRIES:
        raise BadFile("it has too many entries")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as found:
            yield found
    except BadFile:
        raise
    except _UNREADABLE as error:
        raise BadFile(f"its zip: {error}") from error


def read(zipped: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> bytes:
    """One file of it. Raises `BadFile` when it is damaged, encrypted or over the budget."""
    budget.spend(info.file_size)
    if info.compress_type not in _METHODS:
        raise BadFile("a file in it is compressed in an unusual way")
    try:
        with zipped.open(info) as file:
            return file.read(info.file_size)
    except _UNREADABLE as error:
        raise BadFile(f"a file in it: {error}") from error
