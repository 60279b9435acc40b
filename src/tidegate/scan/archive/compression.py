"""Layers come as they are, in gzip, or in zstd. Which one their first bytes tell.

`isal` makes gzip about 2.4 times faster and `zstandard` reads zstd; both are optional.
"""

import gzip
import importlib
import io
import zlib
from typing import Any

from tidegate.scan.archive import problems
from tidegate.scan.archive.stream import Raw

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
_HEAD = 512
"""A tar says what it is in its first block."""
_ZSTD_WINDOW = 128 * 1024 * 1024
"""The most memory that a frame may ask for; zstd's own tools stop at the same."""


def plain(raw: Raw) -> Raw:
    """The same bytes without their compression, if they have one.

    Raises `GateError` TG415 for a compression that cannot be read here; reading raises TG411 when
    the compressed bytes are damaged.
    """
    return _plain(_head(raw), raw)


def layer(raw: Raw) -> Raw | None:
    """The same, but None for what cannot be a layer: neither a tar nor compressed."""
    head = _head(raw)
    is_tar = head[257:262] == b"ustar" or (len(head) == _HEAD and not any(head))
    return _plain(head, raw) if is_tar or is_compressed(head) else None


def is_compressed(head: bytes) -> bool:
    """Whether bytes that begin so are compressed."""
    return head.startswith((_GZIP, _ZSTD, *_OTHERS))


def _plain(head: bytes, raw: Raw) -> Raw:
    whole = _Chained(head, raw)
    if head.startswith(_GZIP):
        return _gzip_reader(whole)
    if head.startswith(_ZSTD):
        return _zstd_reader(whole)
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            raise problems.compression(name, "build the image with gzip or zstd layers")
    return whole


class _Chained(Raw):
    """Bytes already read, and then the rest."""

    def __init__(self, head: bytes, rest: Raw) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int, /) -> bytes:
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
            return part
        return self._rest.read(size)


class _Checked(Raw):
    """A decompressor whose errors are ours. Errors of the source itself pass as they are."""

    def __init__(self, inner: Raw, errors: tuple[type[Exception], ...]) -> None:
        self._inner, self._errors = inner, errors

    def read(self, size: int, /) -> bytes:
        try:
            return self._inner.read(size)
        except self._errors as error:
            raise problems.damaged(f"its compression: {error}") from error


class _File(io.RawIOBase):
    """A `Raw` as the kind of file that decompressors take."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        part = self._raw.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)


def _file(raw: Raw) -> io.BufferedReader:
    return io.BufferedReader(_File(raw), 256 * 1024)


def _head(raw: Raw) -> bytes:
    head = b""
    while len(head) < _HEAD and (part := raw.read(_HEAD - len(head))):
        head += part
    return head


def _gzip_reader(raw: Raw) -> Raw:
    errors: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error)
    try:
        fast = importlib.import_module("isal.igzip")
    except ImportError:
        return _Checked(gzip.GzipFile(fileobj=_file(raw), mode="rb"), errors)
    own = importlib.import_module("isal.isal_zlib").error
    return _Checked(fast.IGzipFile(fileobj=_file(raw), mode="rb"), (*errors, own))


def _zstd_reader(raw: Raw) -> Raw:
    try:
        module = importlib.import_module("zstandard")
    except ImportError as error:
        raise problems.compression("zstd", "pip install zstandard") from error
    opener = module.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    return _Checked(opener.stream_reader(_file(raw), read_across_frames=True), (module.ZstdError,))
