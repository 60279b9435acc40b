"""rpm's package database in its two common formats: SQLite, and BerkeleyDB's hash.

Each gives the headers of the installed packages; `header` reads those.
"""

from collections.abc import Iterable

from tidegate.scan.inventory.facts import BadFile, Facts, Found
from tidegate.scan.inventory.rpm import berkeley, sqlite
from tidegate.scan.inventory.rpm.header import package


def from_sqlite(content: bytes) -> Facts:
    """The packages of an `rpmdb.sqlite`. Raises `BadFile`."""
    return _read(sqlite.headers(content))


def from_berkeley(content: bytes) -> Facts:
    """The packages of a BerkeleyDB `Packages`. Raises `BadFile`."""
    return _read(berkeley.headers(content))


def from_ndb(content: bytes) -> Facts:
    """SUSE's own format is not read: a note that blinds."""
    return Facts(notes=(("rpm's ndb format is not read", True),))


def _read(headers: Iterable[bytes]) -> Facts:
    packages: list[Found] = []
    notes: list[tuple[str, bool]] = []
    for number, header in enumerate(headers, 1):
        try:
            found = package(header)
        except BadFile as error:
            notes.append((f"package {number}: {error}", True))
        else:
            packages += [found] if found else []
    return Facts(packages=tuple(packages), notes=tuple(notes[:10]))
