"""Where a program keeps its data: just enough of ELF, PE and Mach-O to find Go's build info.

Go's own `debug/buildinfo` looks for a section of its name, as here. A program whose sections have
no names, or whose headers are broken, is searched whole: it may run all the same.
"""

import struct
from dataclasses import dataclass
from typing import Any

from tidegate.scan.inventory.facts import BadFile

_ELF = b"\x7fELF"
_PE = b"MZ"
_MACH_O = b"\xcf\xfa\xed\xfe"
_LOADED, _SEGMENT_64 = 1, 0x19
_MOST = 4096
"""No program has more sections or segments; a count above is made up."""


@dataclass(frozen=True, slots=True)
class Piece:
    """`size` bytes at `offset` of the file, loaded at `address`."""

    name: bytes
    offset: int
    size: int
    address: int


@dataclass(frozen=True, slots=True)
class Program:
    """A program and its pieces."""

    content: bytes
    pieces: tuple[Piece, ...] = ()

    def at(self, address: int, size: int) -> bytes:
        """What is loaded at an address. Raises `BadFile` when nothing is."""
        for piece in self.pieces:
            if piece.address <= address and address + size <= piece.address + piece.size:
                start = piece.offset + address - piece.address
                if start + size <= len(self.content):
                    return self.content[start : start + size]
        raise BadFile("an address in it leads nowhere")

    def data(self, *sections: bytes) -> bytes:
        """The section of one of these names; the whole of a program without named sections."""
        for piece in self.pieces:
            if piece.name in sections:
                return self.content[piece.offset : piece.offset + piece.size]
        return b"" if any(piece.name for piece in self.pieces) else self.content


def is_program(head: bytes) -> bool:
    """Whether a file that begins so may be one."""
    return head.startswith((_ELF, _PE, _MACH_O))


def parse(content: bytes) -> Program:
    """The program's pieces, none when its headers are broken."""
    try:
        if content.startswith(_ELF):
            return _elf(content)
        return _pe(content) if content.startswith(_PE) else _mach_o(content)
    except (struct.error, OverflowError, BadFile):
        return Program(content)


def _elf(content: bytes) -> Program:
    order = ">" if content[5:6] == b"\2" else "<"
    wide = content[4:5] == b"\2"
    tables = struct.unpack_from(order + ("QQ" if wide else "II"), content, 32 if wide else 28)
    counts = struct.unpack_from(f"{order}5H", content, 54 if wide else 42)
    segment_size, segments, section_size, sections, names = counts
    _check(segments, sections)
    layout = order + ("I4xQQ8xQ" if wide else "III4xI")
    pieces = [
        Piece(b"", offset, size, address)
        for kind, offset, address, size in _rows(content, layout, tables[0], segment_size, segments)
        if kind == _LOADED
    ]
    layout = order + ("II8xQQQ" if wide else "II4xIII")
    rows = _rows(content, layout, tables[1], section_size, sections)
    texts = rows[names][3] if names < len(rows) else len(content)
    pieces += [
        Piece(_text(content, texts + name), offset, size, address)
        for name, kind, address, offset, size in rows
        if kind == _LOADED
    ]
    return Program(content, tuple(pieces))


def _pe(content: bytes) -> Program:
    (start,) = struct.unpack_from("<I", content, 0x3C)
    if content[start : start + 4] != b"PE\0\0":
        raise BadFile("it is no program")
    sections, optional = struct.unpack_from("<H12xH", content, start + 6)
    _check(sections)
    wide = struct.unpack_from("<H", content, start + 24) == (0x20B,)
    (base,) = struct.unpack_from("<Q" if wide else "<4xI", content, start + 48)
    rows = _rows(content, "<8x4xIII", start + 24 + optional, 40, sections)
    pieces = (Piece(b"", offset, size, base + address) for address, size, offset in rows)
    return Program(content, tuple(pieces))


def _mach_o(content: bytes) -> Program:
    """64-bit only: nothing else has been made for ten years."""
    (commands,) = struct.unpack_from("<I", content, 16)
    _check(commands)
    pieces, at = [], 32
    for _ in range(commands):
        command, length = struct.unpack_from("<II", content, at)
        if command == _SEGMENT_64:
            address, offset, size, sections = struct.unpack_from("<Q8xQQ8xI", content, at + 24)
            _check(sections)
            pieces.append(Piece(b"", offset, size, address))
            pieces += [
                Piece(name.rstrip(b"\0"), offset, size, address)
                for name, address, size, offset in _rows(
                    content, "<16s16xQQI", at + 72, 80, sections
                )
            ]
        at += max(length, 8)
    return Program(content, tuple(pieces))


def _rows(content: bytes, layout: str, at: int, size: int, count: int) -> list[tuple[Any, ...]]:
    return [struct.unpack_from(layout, content, at + size * n) for n in range(count)]


def _check(*counts: int) -> None:
    if max(counts) > _MOST:
        raise BadFile("the program has too many sections")


def _text(content: bytes, at: int) -> bytes:
    return content[at : at + 64].split(b"\0", 1)[0]
