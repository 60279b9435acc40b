"""Bytes that are read once from front to back: counted, bounded and hashed on the way."""

import hashlib
import io
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, Protocol

from tidegate.scan.archive import problems
from tidegate.scan.archive.limits import MIB

_WORTH_A_THREAD = 64 * 1024
_hashers = ThreadPoolExecutor(2, "hash")
"""Hashing takes a third of the time, and runs beside the interpreter."""


class Raw(Protocol):
    """Anything that can be read forward; a short answer is not yet the end, an empty one is."""

    def read(self, size: int, /) -> bytes: ...


class Source(Protocol):
    """What a tar is read from. `position` counts the bytes before the next one."""

    @property
    def position(self) -> int: ...

    def read(self, size: int, /) -> bytes: ...

    def peek(self, size: int, /) -> bytes: ...

    def read_or_end(self, size: int, /) -> bytes: ...

    def skip(self, size: int, /) -> None: ...


class Stream:
    """A `Source` that reads `raw` in large pieces and hands out small ones.

    Raises `GateError` TG414 when more than `limit` bytes come, TG411 when fewer than asked are
    left, or they cannot be read.
    """

    def __init__(self, raw: Raw, limit: int) -> None:
        self._raw = raw
        self._limit = limit
        self._hash = hashlib.sha256()
        self._hashing: Future[None] | None = None
        self._piece = b""
        self._at = 0
        self._count = 0

    @property
    def position(self) -> int:
        """How many bytes were handed out or skipped."""
        return self._count - len(self._piece) + self._at

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        end = self._at + size
        if end <= len(self._piece):
            found = self._piece[self._at : end]
            self._at = end
            return found
        parts = []
        while size:
            part = self._take(size)
            if not part:
                raise problems.damaged("it ends in the middle")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def peek(self, size: int) -> bytes:
        """The next `size` bytes without going past them, fewer at the end."""
        while len(self._piece) - self._at < size:
            rest = self._piece[self._at :]
            if not self._fill():
                self._piece, self._at = rest, 0
                break
            self._piece = rest + self._piece
        return self._piece[self._at : self._at + size]

    def read_or_end(self, size: int) -> bytes:
        """Exactly `size` bytes, or none at all at the end."""
        if self._at == len(self._piece) and not self._fill():
            return b""
        return self.read(size)

    def skip(self, size: int) -> None:
        """Go `size` bytes forward."""
        while size:
            step = min(size, len(self._piece) - self._at)
            self._at += step
            size -= step
            if size and not self._fill():
                raise problems.damaged("it ends in the middle")

    def finish(self) -> str:
        """Read what is left; answer the digest of the whole, "sha256:…"."""
        while self._fill():
            pass
        self._settle()
        return f"sha256:{self._hash.hexdigest()}"

    def _take(self, size: int) -> bytes:
        if self._at == len(self._piece) and not self._fill():
            return b""
        part = self._piece[self._at : self._at + size]
        self._at += len(part)
        return part

    def _fill(self) -> bool:
        try:
            self._piece, self._at = self._raw.read(MIB), 0
        except OSError as error:
            raise problems.damaged(str(error)) from error
        self._count += len(self._piece)
        if self._count > self._limit:
            raise problems.too_large("bytes in a layer", self._limit)
        self._settle()
        if len(self._piece) < _WORTH_A_THREAD:
            self._hash.update(self._piece)
        else:
            self._hashing = _hashers.submit(self._hash.update, self._piece)
        return bool(self._piece)

    def _settle(self) -> None:
        """Wait for the piece before: pieces are hashed in their order."""
        if self._hashing is not None:
            self._hashing.result()
            self._hashing = None


class OnDisk:
    """A `Source` on a file that is not compressed: what is skipped is not read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = file.seek(0, io.SEEK_END)
        file.seek(0)

    @property
    def position(self) -> int:
        """The offset in the file."""
        return self._file.tell()

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes. Raises `GateError` TG411 when there are fewer."""
        found = self._file.read(size)
        if len(found) < size:
            raise problems.damaged("it ends in the middle")
        return found

    def peek(self, size: int) -> bytes:
        """The next `size` bytes without going past them, fewer at the end."""
        found = self._file.read(size)
        self._file.seek(-len(found), io.SEEK_CUR)
        return found

    def read_or_end(self, size: int) -> bytes:
        """Exactly `size` bytes, or none at all at the end."""
        return b"" if self._file.tell() == self._end else self.read(size)

    def skip(self, size: int) -> None:
        """Go `size` bytes forward."""
        if self._file.tell() + size > self._end:
            raise problems.damaged("it ends in the middle")
        self._file.seek(size, io.SEEK_CUR)


class Part:
    """A `Raw` of the next `size` bytes of another."""

    def __init__(self, source: Raw, size: int) -> None:
        self._source, self._left = source, size

    def read(self, size: int, /) -> bytes:
        """Up to `size` of what is left."""
        size = min(size, self._left)
        self._left -= size
        return self._source.read(size)
