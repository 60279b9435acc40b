"""The headers in `rpmdb.sqlite`, read in memory. SQLite treats the file as untrusted."""

import sqlite3
from collections.abc import Iterator

from tidegate.scan.inventory.facts import BadFile

_MAGIC = b"SQLite format 3\0"
_STEPS = 50_000_000
"""Virtual machine steps that the query may take: some hundred times what a full system needs."""


def headers(content: bytes) -> Iterator[bytes]:
    """Each package's header. Raises `BadFile`."""
    if not content.startswith(_MAGIC):
        raise BadFile("it is no SQLite database")
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(_without_wal(content))
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.set_progress_handler(lambda: 1, _STEPS)
        kind = connection.execute("SELECT type FROM sqlite_schema WHERE name = 'Packages'")
        if kind.fetchone() != ("table",):
            raise BadFile("it has no table of packages")
        for (blob,) in connection.execute("SELECT blob FROM Packages ORDER BY hnum"):
            yield blob if isinstance(blob, bytes) else b""
    except (sqlite3.Error, UnicodeError, OverflowError) as error:  # its own error texts too
        raise BadFile(f"SQLite: {error}") from error
    finally:
        connection.close()


def _without_wal(content: bytes) -> bytes:
    """Say "rollback journal" in the header: a database in memory has no write-ahead log."""
    return content[:18] + b"\1\1" + content[20:]
