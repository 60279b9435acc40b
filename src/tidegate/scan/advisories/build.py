"""Write the index: a fresh SQLite file from advisories, one ecosystem after the other.

The same advisories in the same order give the same bytes, so its digest names the content.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from tidegate.core.findings import Severity
from tidegate.scan.advisories import problems, severity
from tidegate.scan.advisories.names import shown
from tidegate.scan.advisories.record import Advisory
from tidegate.scan.advisories.told import ENTRY, UNIT, Statements, entry, written

FORMAT = 5
"""The version of the tables. A file of another version is built anew, not read."""

TABLES = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -65536;
PRAGMA user_version = {FORMAT};
CREATE TABLE vuln (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL, severity TEXT, score REAL, summary TEXT NOT NULL,
    names TEXT NOT NULL, covers TEXT NOT NULL, published_at INTEGER);
CREATE TABLE affected (
    ecosystem TEXT, package TEXT, told TEXT NOT NULL, ends TEXT NOT NULL,
    PRIMARY KEY (ecosystem, package)) WITHOUT ROWID;
CREATE TABLE kev (cve TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE epss (cve TEXT PRIMARY KEY, chance REAL NOT NULL) WITHOUT ROWID;
"""
Known = tuple[Severity, float | None]
Row = tuple[str, str | None, float | None, str, str, str, int | None]
"""Of the table `vuln`, without its number; of plain values, which the collector passes by."""


class Builder:
    """Takes advisories and writes them into `path`, which must not be there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: dict[str, tuple[int, str]] = {}
        self._known: dict[str, Known] = {}
        self._rates: dict[Known, Known] = {}
        self._untold: dict[int, tuple[str, ...]] = {}
        self._vulns: dict[int, Row] = {}
        self._told: dict[tuple[str, str], Statements] = {}
        self._gone: list[str] = []
        self._next = 0

    def __enter__(self) -> Self:
        try:
            self._database = sqlite3.connect(self.path, isolation_level=None)
            self._database.executescript(TABLES)
            self._database.execute("BEGIN")
        except sqlite3.Error as error:
            raise problems.disk(str(self.path), str(error)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: object, trace: TracebackType | None
    ) -> None:
        """Close; what was not finished is no index, and its owner removes the file."""
        self._database.close()

    def add(self, advisories: Iterable[Advisory]) -> None:
        """Take records. Of one id the newest counts; withdrawn ones and plain bugs are left out.

        Raises `GateError`: TG427, and whatever reading the records raises.
        """
        for advisory in advisories:
            if not advisory.withdrawn and advisory.is_advisory:
                self._take(advisory)

    def add_feeds(self, kev: Iterable[str], epss: Iterable[tuple[str, float]]) -> None:
        """Take the CVEs of KEV, and EPSS's (CVE, chance)."""
        self._write("INSERT INTO kev VALUES (?)", ((cve,) for cve in kev))
        self._write("INSERT OR REPLACE INTO epss VALUES (?, ?)", epss)

    def finish(self) -> None:
        """Write what is left, and give each unrated advisory the worst rating of its aliases."""
        for n, names in self._untold.items():
            found = [self._known[name] for name in names if name in self._known]
            if found:
                level, score = max(found, key=lambda known: severity.rank(known[0]))
                row = self._vulns[n]
                self._vulns[n] = (row[0], level.value, score, *row[3:])
        vulns = ((n, *row) for n, row in self._vulns.items())
        self._write("INSERT INTO vuln VALUES (?, ?, ?, ?, ?, ?, ?, ?)", vulns)
        rows = ((*key, *written(key[0], self._told[key], self._gone)) for key in sorted(self._told))
        self._write("INSERT INTO affected VALUES (?, ?, ?, ?)", (row for row in rows if row[2]))
        try:
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise problems.disk(str(self.path), str(error)) from error

    def _take(self, advisory: Advisory) -> None:
        before = self._seen.get(advisory.id)
        if before is not None:
            if advisory.modified <= before[1]:
                return
            del self._vulns[before[0]]
            self._untold.pop(before[0], None)
            self._gone.append(str(before[0]))
        self._next += 1
        n, names = self._next, advisory.names
        self._seen[advisory.id] = (n, advisory.modified)
        level, score = advisory.severity, advisory.score
        if level is None:
            self._untold[n] = names
        else:
            self._rate(names, (level, score))
        covers = UNIT.join(sorted(advisory.covers)) if advisory.covers else ""
        told = (advisory.summary, UNIT.join(shown(names)), covers, advisory.published_at)
        self._vulns[n] = (advisory.id, level.value if level else None, score, *told)
        entries: dict[tuple[str, str], str] = {}
        for one in advisory.affected:
            key, text = (one.ecosystem, one.package), entry(one)
            entries[key] = f"{entries[key]}{ENTRY}{text}" if key in entries else text
        number = str(n)
        for key, text in entries.items():
            statements = self._told.setdefault(key, {})
            same = statements.get(text)
            statements[text] = f"{same},{number}" if same else number

    def _rate(self, names: Iterable[str], known: Known) -> None:
        """The worst that is known of each; what is equal is kept once."""
        known = self._rates.setdefault(known, known)
        for name in names:
            other = self._known.get(name)
            if other is None or severity.rank(other[0]) < severity.rank(known[0]):
                self._known[name] = known

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        try:
            self._database.executemany(statement, rows)
        except sqlite3.Error as error:
            raise problems.disk(str(self.path), str(error)) from error
