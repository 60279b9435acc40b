"""A dump: the zip of one ecosystem's OSV records, read within bounds. Nothing is unpacked to disk.

The names in the zip are not used for anything, so they can do nothing.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tidegate.scan.advisories import problems
from tidegate.scan.advisories.record import Advisory, BadRecord, parse
from tidegate.scan.advisories.report import Report, silent
from tidegate.scan.advisories.settings import Bounds

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What the library raises for a zip that is cut short, encrypted, or compressed otherwise."""
_LOCAL = struct.Struct("<4x22xHH")
_MAGIC = b"PK\x03\x04"
"""A member's own header: where its name and extra field end, its bytes begin (APPNOTE 4.3.7)."""
_ENCRYPTED = 1
_KNOWN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_OVERHEAD = 64 * 1024
"""More than deflate ever adds to what does not compress, for records of the largest size."""


class Dump:
    """One zip. After all was read `read` and `bad` count its records and what is none, and `newest`
    is when the newest was modified (ISO 8601).
    """

    def __init__(self, source: str, path: Path, bounds: Bounds) -> None:
        self.source, self.path, self.bounds = source, path, bounds
        self.read = 0
        self.bad = 0
        self.newest = ""

    def advisories(self, report: Report = silent) -> Iterator[Advisory]:
        """Every record that can be read; `report` hears of every thousandth.

        Raises `GateError`: the zip is damaged (TG421), holds too much (TG422), or more of its
        records than `bad_share` are none.
        """
        for text in self._texts():
            try:
                found = parse(text)
            except BadRecord:
                self.bad += 1
                continue
            self.read += 1
            self.newest = max(self.newest, found.modified)
            if self.read % 1000 == 0:
                report(self.source, self.read, None)
            yield found
        if self.bad > self.bounds.bad_share * (self.read + self.bad):
            cause = f"{self.bad} of {self.read + self.bad} records are no OSV records"
            raise problems.damaged(self.source, cause)

    def _texts(self) -> Iterator[bytes]:
        left = self.bounds.unpacked_bytes
        with (
            self._damage_told(),
            self.path.open("rb") as file,
            zipfile.ZipFile(file) as archive,
        ):
            members = [m for m in archive.infolist() if m.filename.endswith(".json")]
            if len(members) > self.bounds.records:
                raise problems.too_large(self.source, f"{len(members):,} records")
            for member in members:
                text = self._member(file, member)
                left -= len(text)
                if left < 0:
                    limit = f"over {self.bounds.unpacked_bytes:,} bytes unpacked"
                    raise problems.too_large(self.source, limit)
                yield text

    def _member(self, file: BinaryIO, member: zipfile.ZipInfo) -> bytes:
        """One record. What its header says of its size is not believed: it is counted.

        Read here and not by `ZipFile.open`, which takes longer than the record's JSON.
        """
        most = self.bounds.record_bytes
        if member.flag_bits & _ENCRYPTED or member.compress_type not in _KNOWN:
            raise NotImplementedError(f"a member is encrypted or packed by {member.compress_type}")
        file.seek(member.header_offset)
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(_MAGIC):
            raise zipfile.BadZipFile("a member is not where the directory says")
        name_bytes, extra_bytes = _LOCAL.unpack(header)
        file.seek(name_bytes + extra_bytes, io.SEEK_CUR)
        packed = file.read(min(member.compress_size, most + _OVERHEAD))
        if len(packed) < member.compress_size:
            if len(packed) == most + _OVERHEAD:
                raise problems.too_large(self.source, f"a record of over {most:,} bytes")
            raise EOFError("it is cut short")
        text = packed
        if member.compress_type == zipfile.ZIP_DEFLATED:
            opener = zlib.decompressobj(-zlib.MAX_WBITS)
            text = opener.decompress(packed, most + 1)
            if not opener.eof and len(text) <= most:
                raise EOFError("a member is cut short")
        if len(text) > most:
            raise problems.too_large(self.source, f"a record of over {most:,} bytes")
        if zlib.crc32(text) != member.CRC:
            raise zipfile.BadZipFile("a member's checksum is off")
        return text

    @contextmanager
    def _damage_told(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            raise problems.damaged(self.source, str(error) or type(error).__name__) from error
        except OSError as error:
            raise problems.disk(str(self.path), str(error)) from error
