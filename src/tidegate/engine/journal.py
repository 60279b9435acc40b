"""The journal: every event in order, in SQLite, each transaction on disk before anything is done.

Reading is open to everybody; writing is for the holder of the lease (`engine.lease`).
"""

import contextlib
import sqlite3
import threading
import weakref
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tidegate.core.decision import Event
from tidegate.core.errors import JournalError
from tidegate.core.fold import advance
from tidegate.core.progress import Progress
from tidegate.engine.codec import decode, encode
from tidegate.engine.lease import Lease

SCHEMA = 1
RESERVE_BYTES = 2 << 20
"""Room kept for the journal, given back when the disk is full, so that an abort can be recorded."""

_TABLE = """
CREATE TABLE IF NOT EXISTS entry (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL, crc INTEGER NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event: its number from 1, when it was recorded (ms), and what happened."""

    seq: int
    at: int
    event: Event


class Journal:
    """Append-only. Use it from any thread; `append` and `read` take turns."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path | None = None, lease: Lease | None = None
    ) -> None:
        self._connection = connection
        self._path = path
        self._lease = lease
        self._lock = threading.Lock()
        self._grown = threading.Condition(self._lock)
        self.last_seq, self.last_at = self._end()

    @classmethod
    def open(cls, path: Path, owner: str) -> "Journal":
        """Open or create the file and take its lease.

        Raises `Busy` when another controller has it, `JournalError` when it is damaged, of another
        version, or cannot be written.
        """
        lease = Lease.take(path.with_suffix(".lease"), owner)
        try:
            journal = cls(_connect(path), path, lease)
            _keep_reserve(path)
        except (sqlite3.Error, OSError) as error:
            lease.release()
            raise _translated(error, path) from error
        except JournalError:
            lease.release()
            raise
        return journal

    @classmethod
    def in_memory(cls) -> Self:
        """A journal that ends when nobody has it any more, for the simulator and tests."""
        connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        connection.execute(_TABLE)
        journal = cls(connection)
        weakref.finalize(journal, connection.close)
        return journal

    def append(self, events: Sequence[Event], at: int) -> tuple[Entry, ...]:
        """Record the events in one transaction; they are on disk when this returns.

        Raises `JournalError`; then none of them is recorded.
        """
        entries = tuple(Entry(self.last_seq + n, at, e) for n, e in enumerate(events, start=1))
        bodies = [encode(event) for event in events]
        rows = [(e.seq, at, body, _crc(body)) for e, body in zip(entries, bodies, strict=True)]
        with self._grown:
            try:
                self._write(rows)
            except sqlite3.Error as error:
                if not self._free_reserve():
                    raise _translated(error, self._path) from error
                try:
                    self._write(rows)
                except sqlite3.Error as again:
                    raise _translated(again, self._path) from again
            self.last_seq, self.last_at = self.last_seq + len(rows), at
            self._grown.notify_all()
        return entries

    def read(self, after: int = 0) -> Iterator[Entry]:
        """Every entry after that number, in order, a thousand at a time. Raises `JournalError`."""
        while rows := self._rows(after):
            for seq, at, body, crc in rows:
                if crc != _crc(body) or seq != after + 1:
                    raise _damaged(self._path, f"entry {after + 1} does not match its checksum")
                yield Entry(seq, at, _decoded(body, seq, self._path))
                after = seq

    def wait(self, after: int, timeout_s: float) -> bool:
        """Wait until there is an entry after that number; False when the time ran out."""
        with self._grown:
            return self._grown.wait_for(lambda: self.last_seq > after, timeout_s)

    def close(self) -> None:
        """Close the file and release the lease."""
        with self._lock:
            self._connection.close()
        if self._lease:
            self._lease.release()

    def _end(self) -> tuple[int, int]:
        row = self._connection.execute("SELECT max(seq), max(at) FROM entry").fetchone()
        return row[0] or 0, row[1] or 0

    def _rows(self, after: int) -> list[tuple[int, int, str, int]]:
        query = "SELECT seq, at, body, crc FROM entry WHERE seq > ? ORDER BY seq LIMIT 1000"
        try:
            with self._lock:
                return self._connection.execute(query, (after,)).fetchall()
        except sqlite3.Error as error:
            raise _translated(error, self._path) from error

    def _write(self, rows: Sequence[tuple[int, int, str, int]]) -> None:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", rows)
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _free_reserve(self) -> bool:
        """Give the reserved room back to the disk; False when there was none left."""
        reserve = self._path.with_suffix(".reserve") if self._path else None
        if reserve is None or not reserve.exists():
            return False
        reserve.unlink()
        return True


def repair(path: Path) -> tuple[int, Path]:
    """Keep every entry up to the first damaged one in a new file; the old file is set aside.

    Answers how many were kept, and where the damaged file is now. Raises `Busy` while a controller
    has the journal, `JournalError` when another version wrote it: that is no damage, and cutting it
    off would lose what happened.
    """
    lease = Lease.take(path.with_suffix(".lease"), "repair")
    try:
        entries = list(_readable(path))
    except JournalError:
        lease.release()
        raise
    aside = path.with_name(f"{path.name}.damaged")
    aside = next(p for n in range(1000) if not (p := aside.with_suffix(f".damaged-{n}")).exists())
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    journal = Journal(_connect(path), path, lease)
    for entry in entries:
        journal.append((entry.event,), entry.at)
    journal.close()
    return len(entries), aside


def peek(path: Path, after: int = 0) -> Iterator[Entry]:
    """The entries after that number, for a reader beside the controller. Raises `JournalError`."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None)
        with contextlib.closing(connection):
            _check_format(connection, path)
            yield from Journal(connection, path).read(after)
    except sqlite3.Error as error:
        raise _translated(error, path) from error


def _readable(path: Path) -> Iterator[Entry]:
    try:
        yield from peek(path)
    except JournalError as error:
        if error.number != JournalError.code:
            raise
        return  # here begins the damage; what came before is what can be kept


def recorded(path: Path) -> Progress:
    """What the journal says, read without the lease; a fresh start where there is none.

    Raises `JournalError` when it is damaged, or of another version.
    """
    progress = Progress()
    for entry in peek(path) if path.exists() else ():
        progress = advance(progress, entry.event, entry.at)
    return progress


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
    with contextlib.ExitStack() as left:
        left.callback(connection.close)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _check_format(connection, path)
        (health,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if health != "ok":
            raise _damaged(path, health)
        connection.execute(_TABLE)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
        left.pop_all()
    return connection


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, SCHEMA):
        raise JournalError(
            f"the journal has format {version}, and this Tidegate reads {SCHEMA}",
            where=str(path),
            remedy="run the version that wrote it; nothing is lost, traffic goes on",
            code="TG923",
        )


def _decoded(body: str, seq: int, path: Path | None) -> Event:
    """The event of an entry whose checksum is right."""
    try:
        return decode(body)
    except JournalError as error:
        error.where = f"{path or 'memory'}, entry {seq}"
        raise


def _keep_reserve(path: Path) -> None:
    reserve = path.with_suffix(".reserve")
    if not reserve.exists():
        reserve.write_bytes(bytes(RESERVE_BYTES))


def _crc(body: str) -> int:
    return zlib.crc32(body.encode())


def _damaged(path: Path | None, cause: str) -> JournalError:
    return JournalError(
        "the journal is damaged; traffic goes on as it is",
        cause=cause,
        where=str(path or "memory"),
        remedy="keep all before the damage with `tidegate up --repair` (the file is set aside)",
        code="TG920",
    )


def _translated(error: Exception, path: Path | None) -> JournalError:
    """SQLite's or the system's word, as one of ours."""
    text = str(error)
    if isinstance(error, OSError) or "full" in text or "disk I/O" in text or "readonly" in text:
        return JournalError(
            "the journal cannot be written, so nothing is changed until it can; traffic goes on",
            cause=text,
            where=str(path or "memory"),
            remedy="free some disk space; the controller goes on by itself",
            code="TG922",
        )
    return _damaged(path, text)
