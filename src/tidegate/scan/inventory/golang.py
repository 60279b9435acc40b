"""Modules of a Go program: the build info that the linker puts into every one.

Format: Go's `debug/buildinfo`. A magic of 14 bytes, the size of a pointer, flags; since Go 1.18
(flag 2) two strings follow, before that two pointers to strings: the version of Go, and lines of
`mod`, `dep` and `=>`.
"""

import re
import struct

from tidegate.scan.inventory.facts import BadFile, Facts, Found
from tidegate.scan.inventory.programs import Program, parse
from tidegate.scan.packages import Kind

_MAGIC = b"\xff Go buildinf:"
_SECTIONS = (b".go.buildinfo", b"__go_buildinfo")
_VERSION = re.compile(r"go(\d+)\.(\d+)(?:\.(\d+))?(?:(rc|beta)(\d+))?(?=$|[ \-+])")
_UNNAMED = ("", "(devel)")
"""The version of what was built from a folder."""
_PACKED = b"UPX!"


def program(content: bytes) -> Facts:
    """The modules of a program and Go's own library; nothing when Go did not make it."""
    parsed = parse(content)
    data = parsed.data(*_SECTIONS)
    at = data.find(_MAGIC)
    if at < 0:
        packed = _PACKED in content[:4096]
        return Facts(notes=(("it is packed: what it holds cannot be told", False),) * packed)
    version, modules = _strings(parsed, data[at:])
    standard = _standard(version)
    if standard is None:
        unknown = (f"made by an unknown Go, {version[:60]!r}", False)
        return Facts(tuple(_modules(modules)), notes=(unknown,))
    return Facts((standard, *_modules(modules)))


def _strings(parsed: Program, info: bytes) -> tuple[str, str]:
    if len(info) < 32:
        raise BadFile("its build info is cut off")
    pointer, flags = info[14], info[15]
    if flags & 2:
        version, rest = _prefixed(info[32:])
        modules, _ = _prefixed(rest)
    else:
        if pointer not in (4, 8):
            raise BadFile("its build info has pointers of an odd size")
        layout = (">" if flags & 1 else "<") + ("Q" if pointer == 8 else "I")
        version, modules = (
            _string_at(parsed, struct.unpack_from(layout, info, 16 + pointer * n)[0], layout)
            for n in (0, 1)
        )
    if len(modules) >= 33 and modules[-17:-16] == b"\n":
        modules = modules[16:-16]
    return version.decode("utf-8", "replace"), modules.decode("utf-8", "replace")


def _prefixed(data: bytes) -> tuple[bytes, bytes]:
    """A string after its length (base 128, low bits first), and what follows it."""
    size = shift = 0
    for at, byte in enumerate(data[:10]):
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            end = at + 1 + size
            if end > len(data):
                break
            return data[at + 1 : end], data[end:]
    raise BadFile("its build info is cut off")


def _string_at(parsed: Program, address: int, layout: str) -> bytes:
    """Go's string header: a pointer to the bytes, and how many."""
    if address == 0:
        return b""
    size = struct.calcsize(layout)
    header = parsed.at(address, 2 * size)
    start, length = struct.unpack(f"{layout}{layout[1]}", header)
    return parsed.at(start, length)


def _modules(lines: str) -> list[Found]:
    """The main module and its dependencies; one that another version replaced counts as that."""
    rows: list[tuple[str, str]] = []
    for line in lines.splitlines():
        word, *fields = line.split("\t")
        if len(fields) < 2:
            continue
        if word in ("mod", "dep"):
            rows.append((fields[0], fields[1]))
        elif word == "=>" and rows and fields[1] not in _UNNAMED:
            rows[-1] = fields[0], fields[1]
    return [
        Found(Kind.GO, path, version.removeprefix("v"))
        for path, version in dict.fromkeys(rows)
        if version not in _UNNAMED
    ]


def _standard(version: str) -> Found | None:
    """`go1.22rc1` → stdlib 1.22.0-rc.1, as the Go vulnerability database writes it."""
    match = _VERSION.match(version)
    if match is None:
        return None
    major, minor, patch, stage, number = match.groups()
    text = f"{major}.{minor}.{patch or 0}" + (f"-{stage}.{number}" if stage else "")
    return Found(Kind.GO, "stdlib", text)
