"""Made by hand: rpm's database in both formats, Go programs, Java archives."""

import io
import sqlite3
import struct
import zipfile
from collections.abc import Mapping, Sequence

RPM_TAGS = {"name": 1000, "version": 1001, "release": 1002, "arch": 1022, "sourcerpm": 1044}
MODULE, EPOCH, FOLDER_OF, FILES, FOLDERS = 5096, 1003, 1116, 1117, 1118


def rpm_header(
    name: str,
    version: str,
    release: str,
    *,
    epoch: int | None = None,
    module: str = "",
    files: Sequence[str] = (),
) -> bytes:
    """A package's header as rpm's database keeps it."""
    source = f"{name}-{version}-{release}.src.rpm"
    texts = dict(zip(RPM_TAGS, (name, version, release, "x86_64", source), strict=True))
    entries: list[tuple[int, int, int, bytes]] = [
        (RPM_TAGS[key], 6, 1, text.encode() + b"\0") for key, text in texts.items()
    ]
    if module:
        entries.append((MODULE, 6, 1, module.encode() + b"\0"))
    if epoch is not None:
        entries.append((EPOCH, 4, 1, struct.pack(">I", epoch)))
    if files:
        folders = [file.rpartition("/")[0] + "/" for file in files]
        names = [file.rpartition("/")[2] for file in files]
        entries.append(
            (FOLDER_OF, 4, len(files), struct.pack(f">{len(files)}I", *range(len(files))))
        )
        entries.append((FILES, 8, len(files), _strings(names)))
        entries.append((FOLDERS, 8, len(files), _strings(folders)))
    return _header(entries)


def rpm_sqlite(headers: Sequence[bytes]) -> bytes:
    """An `rpmdb.sqlite` in the mode that rpm leaves behind, with a write-ahead log."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
    connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(h,) for h in headers])
    connection.commit()
    data = connection.serialize()
    connection.close()
    return data[:18] + b"\2\2" + data[20:]


def rpm_berkeley(headers: Sequence[bytes], order: str = "<", size: int = 4096) -> bytes:
    """A BerkeleyDB hash: large headers on pages of their own, small ones among the keys."""
    pages: list[bytes] = [b""]
    items = [(b"\1" + bytes(4), b"\1" + struct.pack("<I", len(headers)))]
    for number, header in enumerate(headers, 1):
        key = b"\1" + struct.pack("<I", number)
        if len(header) < size // 16:
            items.append((key, b"\1" + header))
        else:
            first = len(pages)
            pages += _overflow(header, first, order, size)
            items.append((key, struct.pack(f"{order}B3xII", 3, first, len(header))))
    pages.append(_hash_page([], len(pages), order, size))
    for at in range(0, len(items), 4):
        pages.append(_hash_page(items[at : at + 4], len(pages), order, size))
    pages[0] = struct.pack(f"{order}12xIIIxB6xI", 0x00061561, 9, size, 8, len(pages) - 1)
    return b"".join(page.ljust(size, b"\0") for page in pages)


def go_program(modules: str, version: str = "go1.21.5", sections: bool = True) -> bytes:
    """An ELF program with Go's build info inline, as of Go 1.18."""
    info = b"\xff Go buildinf:\x08\x02" + bytes(16)
    info += _prefixed(version.encode()) + _prefixed(b"0" * 16 + modules.encode() + b"1" * 16)
    return elf(info, b".go.buildinfo" if sections else b"")


def old_go_program(modules: str, version: str = "go1.17.2") -> bytes:
    """The same with pointers to the strings, as up to Go 1.17."""
    base, text = 0x400000, b"0" * 16 + modules.encode() + b"1" * 16
    at = base + DATA + 32
    strings = [version.encode(), text]
    heads = b"".join(
        struct.pack("<QQ", at + 32 + (len(strings[0]) if n else 0), len(value))
        for n, value in enumerate(strings)
    )
    info = b"\xff Go buildinf:\x08\x00" + struct.pack("<QQ", at, at + 16)
    return elf(info + heads + b"".join(strings), b".go.buildinfo", base)


DATA = 64 + 56 + 8
"""Where the data begins: aligned, as Go looks for it."""


def elf(data: bytes, section: bytes, base: int = 0x400000) -> bytes:
    """A 64-bit ELF with one segment and, if named, one section, both holding `data`."""
    names = b"\0" + section + b"\0.shstrtab\0"
    end = DATA + len(data)
    whole = end + len(names)
    head = b"\x7fELF\2\1\1".ljust(16, b"\0")
    count = 3 if section else 0
    head += struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, whole, 0, 64, 56, 1, 64, count, count - 1 if count else 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 6, 0, base, base, whole, whole, 4096)
    rows = [
        bytes(64),
        struct.pack("<IIQQQQIIQQ", 1, 1, 3, base + DATA, DATA, len(data), 0, 0, 16, 0),
        struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, end, len(names), 0, 0, 1, 0),
    ]
    return head + segment + bytes(8) + data + names + (b"".join(rows) if section else b"")


def jar(files: Mapping[str, str | bytes]) -> bytes:
    """A Java archive with these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return target.getvalue()


def pom(group: str, artifact: str, version: str) -> dict[str, str | bytes]:
    """The file by which an archive names its Maven coordinates."""
    text = f"#made\ngroupId={group}\nartifactId={artifact}\nversion={version}\n"
    return {f"META-INF/maven/{group}/{artifact}/pom.properties": text}


def _header(entries: Sequence[tuple[int, int, int, bytes]]) -> bytes:
    index, data = b"", b""
    for tag, kind, count, content in sorted(entries):
        data += bytes(-len(data) % 4) if kind == 4 else b""
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += content
    return struct.pack(">II", len(entries), len(data)) + index + data


def _strings(values: Sequence[str]) -> bytes:
    return b"".join(value.encode() + b"\0" for value in values)


def _overflow(data: bytes, first: int, order: str, size: int) -> list[bytes]:
    room = size - 26
    parts = [data[at : at + room] for at in range(0, len(data), room)]
    pages = []
    for n, part in enumerate(parts):
        following = first + n + 1 if n + 1 < len(parts) else 0
        head = struct.pack(f"{order}8xIIIHHBB", first + n, 0, following, 1, len(part), 0, 7)
        pages.append(head + part)
    return pages


def _hash_page(items: Sequence[tuple[bytes, bytes]], number: int, order: str, size: int) -> bytes:
    offsets, body, end = [], b"", size
    for item in (part for pair in items for part in pair):
        end -= len(item)
        offsets.append(end)
        body = item + body
    head = struct.pack(f"{order}8xIIIHHBB", number, 0, 0, len(offsets), end, 0, 13)
    head += struct.pack(f"{order}{len(offsets)}H", *offsets)
    return head.ljust(end, b"\0") + body


def _prefixed(data: bytes) -> bytes:
    size, head = len(data), b""
    while size >= 0x80:
        head += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + bytes([size]) + data
