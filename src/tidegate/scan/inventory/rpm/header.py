"""A header of an rpm package as the database keeps it.

Two big-endian counts (index entries, bytes of data), the index (tag, type, offset, count, four
bytes each), the data. Tags and types are those of rpm's `rpmtag.h`.
"""

import struct

from tidegate.scan.inventory.facts import BadFile, Found
from tidegate.scan.inventory.owned import worth_knowing
from tidegate.scan.packages import Kind

_NAME, _VERSION, _RELEASE, _EPOCH = 1000, 1001, 1002, 1003
_ARCHITECTURE, _SOURCE, _MODULE = 1022, 1044, 5096
_FOLDER_OF, _FILES, _FOLDERS = 1116, 1117, 1118
_ONE = (_NAME, _VERSION, _RELEASE, _EPOCH, _ARCHITECTURE, _SOURCE, _MODULE)
_WANTED = frozenset((*_ONE, _FOLDER_OF, _FILES, _FOLDERS))
_INT32, _STRING, _STRINGS, _TRANSLATED = 4, 6, 8, 9
_MOST_ENTRIES = 65_536

_Values = dict[int, list[str] | list[int]]


def package(header: bytes) -> Found | None:
    """The package of a header; None for a public key, which is kept like one."""
    values = _values(header)
    name = _text(values, _NAME)
    if name == "gpg-pubkey":
        return None
    version = f"{_text(values, _VERSION)}-{_text(values, _RELEASE)}"
    epoch = values.get(_EPOCH, [0])[0]
    source, source_version = _source(_text(values, _SOURCE))
    return Found(
        Kind.RPM,
        name,
        f"{epoch}:{version}" if epoch else version,
        source_name=source or name,
        source_version=source_version or version,
        architecture=_text(values, _ARCHITECTURE)[:40],
        module=_text(values, _MODULE),
        owns=worth_knowing(_files(values)),
    )


def _values(header: bytes) -> _Values:
    if len(header) < 8:
        raise BadFile("its header is cut off")
    entries, size = struct.unpack_from(">II", header)
    start = 8 + 16 * entries
    if entries > _MOST_ENTRIES or start + size > len(header):
        raise BadFile("its header is cut off")
    found: _Values = {}
    for tag, kind, offset, count in struct.iter_unpack(">IIII", header[8:start]):
        if tag in _WANTED:
            found[tag] = _value(header[start : start + size], kind, offset, count)
    return found


def _value(data: bytes, kind: int, offset: int, count: int) -> list[str] | list[int]:
    if kind == _INT32:
        if offset + 4 * count > len(data) or not count:
            raise BadFile("a number of its header is cut off")
        return list(struct.unpack_from(f">{count}I", data, offset))
    if kind in (_STRING, _STRINGS, _TRANSLATED):
        parts = data[offset:].split(b"\0", count)
        if len(parts) <= count or not count:
            raise BadFile("a text of its header is cut off")
        return [part.decode("utf-8", "replace") for part in parts[:count]]
    raise BadFile("a tag of its header has an unknown type")


def _text(values: _Values, tag: int) -> str:
    value = values.get(tag, [""])[0]
    return "" if value == "(none)" else str(value)


def _source(file: str) -> tuple[str, str]:
    """`bash-5.1.8-6.el9.src.rpm` → ("bash", "5.1.8-6.el9")."""
    parts = file.removesuffix(".src.rpm").removesuffix(".nosrc.rpm").rsplit("-", 2)
    return (parts[0], f"{parts[1]}-{parts[2]}") if len(parts) == 3 else ("", "")


def _files(values: _Values) -> list[str]:
    folders = values.get(_FOLDERS, [])
    pairs = zip(values.get(_FOLDER_OF, []), values.get(_FILES, []), strict=False)
    return [
        f"{folders[folder]}{file}"
        for folder, file in pairs
        if isinstance(folder, int) and folder < len(folders)
    ]
