"""Members of a tar, in order, in memory of a fixed size whatever the tar says.

Read as Go's archive/tar does, which the engines unpack with: a reader that saw other members than
they do would be a way past the gate. Headers of more than 1 MiB and headers whose checksum is off
are errors there and here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from tidegate.scan.archive import problems
from tidegate.scan.archive.image import printable
from tidegate.scan.archive.limits import MIB, Limits
from tidegate.scan.archive.stream import Source

_BLOCK = 512
_ZERO = bytes(_BLOCK)
_SPECIAL_BYTES = MIB


class MemberKind(Enum):
    """What a member is, as far as an inventory cares."""

    FILE = "file"
    FOLDER = "folder"
    HARD_LINK = "hard link"
    SYMLINK = "symlink"
    OTHER = "other"


_KINDS = {
    b"\0": MemberKind.FILE,
    b"0": MemberKind.FILE,
    b"7": MemberKind.FILE,
    b"1": MemberKind.HARD_LINK,
    b"2": MemberKind.SYMLINK,
    b"5": MemberKind.FOLDER,
    b"S": MemberKind.FILE,
}
_NO_CONTENT = b"123456"
"""Links, devices, folders and pipes have none, whatever their size field says."""


@dataclass(slots=True)
class Member:
    """One entry. `name` and `target` are as written, but for letters that would steer a
    terminal; `sparse` content cannot be read."""

    name: str
    kind: MemberKind
    size: int
    target: str = ""
    sparse: bool = False


class Tar:
    """The members of a tar. `read` gives the content of the member last handed out."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Member]:
        extra: dict[bytes, bytes] = {}
        long: dict[bytes, bytes] = {}
        count = 0
        while (header := self._next_header()) is not None:
            count += 1
            if count > self._limits.members:
                raise problems.too_large("files in a layer", self._limits.members)
            flag = header[156:157]
            if flag == b"x":
                extra = _pax(self._special(header))
            elif flag in (b"L", b"K"):
                long[flag] = _until_nul(self._special(header))
            elif flag == b"g":
                self._open(_number(header[124:136]))
            else:
                yield self._member(header, extra, long)
                extra, long = {}, {}

    def read(self, size: int, /) -> bytes:
        """The next `size` bytes of the member's content, fewer at its end."""
        size = min(size, self._left)
        self._left -= size
        return self._source.read(size)

    def peek(self, size: int, /) -> bytes:
        """The first bytes of that content, without going past them."""
        return self._source.peek(min(size, self._left))

    def _next_header(self) -> bytes | None:
        self._source.skip(self._left + self._padding)
        self._left = self._padding = 0
        header = self._source.read_or_end(_BLOCK)
        if not header:
            return None
        if header == _ZERO:
            if self._source.read_or_end(_BLOCK) not in (b"", _ZERO):
                raise problems.damaged("its tar goes on after its end")
            return None
        if not _sum_holds(header):
            raise problems.damaged("a header of its tar has a wrong checksum")
        return header

    def _open(self, size: int) -> None:
        self._left, self._padding = size, -size % _BLOCK

    def _special(self, header: bytes) -> bytes:
        size = _number(header[124:136])
        if size > _SPECIAL_BYTES:
            raise problems.damaged("a header of its tar is larger than 1 MiB")
        self._open(size)
        return self.read(size)

    def _member(self, header: bytes, extra: dict[bytes, bytes], long: dict[bytes, bytes]) -> Member:
        flag = header[156:157]
        size = _number(header[124:136])
        if b"size" in extra:
            size = _decimal(extra[b"size"])
        self._open(0 if flag in _NO_CONTENT else size)
        sparse = flag == b"S" or any(key.startswith(b"GNU.sparse.") for key in extra)
        if flag == b"S":
            self._skip_sparse_map(header)
        name = long.get(b"L") or extra.get(b"GNU.sparse.name") or extra.get(b"path")
        name = name or _header_name(header)
        target = long.get(b"K") or extra.get(b"linkpath") or _until_nul(header[157:257])
        kind = _KINDS.get(flag, MemberKind.OTHER)
        if kind is MemberKind.FILE and name.endswith(b"/"):
            kind = MemberKind.FOLDER
        return Member(_text(name), kind, self._left, _text(target), sparse)

    def _skip_sparse_map(self, header: bytes) -> None:
        """GNU's old sparse files go on with blocks of their map, not counted in the size."""
        more = header[482]
        while more:
            more = self._source.read(_BLOCK)[504]


def _sum_holds(header: bytes) -> bool:
    """Whether the checksum is right, with bytes taken as unsigned or, in old tars, as signed."""
    written, field = _number(header[148:156]), header[148:156]
    found = sum(header) - sum(field) + 8 * ord(" ")
    if found == written:
        return True
    high = sum(byte > 127 for byte in header) - sum(byte > 127 for byte in field)
    return found - 256 * high == written


def _number(field: bytes) -> int:
    """An octal number, or binary when the first bit is set (GNU). Never negative."""
    if field[0] & 0x80:
        if field[0] & 0x40:
            raise problems.damaged("a number in its tar is negative")
        return int.from_bytes(bytes([field[0] & 0x3F]) + field[1:], "big")
    text = _until_nul(field).strip(b" ")
    if not text.isdigit() and text:
        raise problems.damaged("a number in its tar is none")
    try:
        return int(text or b"0", 8)
    except ValueError as error:
        raise problems.damaged("a number in its tar is none") from error


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 19:
        raise problems.damaged("a number in its tar is none")
    return int(text)


def _pax(data: bytes) -> dict[bytes, bytes]:
    """Records of the form "length key=value\\n", by key; empty values say nothing."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        length = _decimal(data[at:space]) if space > 0 else 0
        record = data[space + 1 : at + length]
        key, equals, value = record.removesuffix(b"\n").partition(b"=")
        if at + length > len(data) or not equals or not record.endswith(b"\n"):
            raise problems.damaged("a pax header of its tar does not follow the format")
        found[key] = value
        at += length
    return {key: value for key, value in found.items() if value}


def _header_name(header: bytes) -> bytes:
    name = _until_nul(header[:100])
    prefix = b""
    if header[257:263] == b"ustar\0":
        star = header[508:512] == b"tar\0"
        prefix = _until_nul(header[345:476] if star else header[345:500])
    return prefix + b"/" + name if prefix else name


def _until_nul(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _text(name: bytes) -> str:
    return printable(name.decode("utf-8", "backslashreplace"))
