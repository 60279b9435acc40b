"""A dump: the zip of one ecosystem's OSV records, read within bounds. Nothing is unpacked to disk.

The names in the zip are not used for anything, so they can do nothing.
"""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidegate.scan.advisories import problems
from tidegate.scan.advisories.record import Advisory, BadRecord, parse
from tidegate.scan.advisories.report import Report, silent
from tidegate.scan.advisories.settings import Bounds

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What the library raises for a zip that is cut short, encrypted, or compressed otherwise."""


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
        with self._damage_told(), zipfile.ZipFile(self.path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".json")]
            if len(members) > self.bounds.records:
                raise problems.too_large(self.source, f"{len(members):,} records")
            for member in members:
                text = self._member(archive, member)
                left -= len(text)
                if left < 0:
                    limit = f"over {self.bounds.unpacked_bytes:,} bytes unpacked"
                    raise problems.too_large(self.source, limit)
                yield text

    def _member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
        """One record. What its header says of its size is not believed: it is counted."""
        most = self.bounds.record_bytes
        with archive.open(member) as file:
            text = file.read(most + 1)
        if len(text) > most:
            raise problems.too_large(self.source, f"a record of over {most:,} bytes")
        return text

    @contextmanager
    def _damage_told(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            raise problems.damaged(self.source, str(error) or type(error).__name__) from error
        except OSError as error:
            raise problems.disk(str(self.path), str(error)) from error
