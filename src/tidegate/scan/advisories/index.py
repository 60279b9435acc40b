"""Ask the index: what is known of a package, and which CVEs are exploited."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tidegate.core.seen import Severity
from tidegate.scan.advisories import problems
from tidegate.scan.advisories.build import FILE, FORMAT, GROUP, RECORD, UNIT
from tidegate.scan.advisories.record import EVENTS, Affected, Event

_KINDS = {kind[:2]: kind for kind in EVENTS}
_FIND = """
WITH asked (e, p) AS (VALUES {})
SELECT e, p, id, severity, score, summary, names, entries, published_at
FROM asked CROSS JOIN affected ON ecosystem = e AND package = p CROSS JOIN vuln USING (n)
"""
"""In this order: the few that are asked for, and what is found of them by key."""
_AT_ONCE = 400
_LEVELS: dict[str | None, Severity | None] = {None: None, "": None, **{s: s for s in Severity}}

Asked = tuple[str, str]
"""An ecosystem and a package's name, as in OSV."""


@dataclass(frozen=True, slots=True)
class Known:
    """An advisory as the index knows it, with what it says of the package that was asked for.

    `severity` is None when nobody rated it; `score` is CVSS, 0 to 10; `published_at`
    as in `record.Advisory`. Its texts are read when they are looked at: most advisories on a
    package are not on its version.
    """

    id: str
    severity: Severity | None
    score: float | None
    summary: str
    asked: Asked
    names: str
    entries: str
    published_at: int | None = None

    @property
    def aliases(self) -> tuple[str, ...]:
        """As in `record.Advisory`."""
        return _units(self.names.partition(GROUP)[0])

    @property
    def covers(self) -> tuple[str, ...]:
        """As in `record.Advisory`."""
        return _units(self.names.partition(GROUP)[2])

    @property
    def affected(self) -> tuple[Affected, ...]:
        """What it says of the package, an entry for each list of ranges."""
        return tuple([_affected(entry, *self.asked) for entry in self.entries.split(FILE)])


class Index:
    """One index file, read only. `digest` is its name: that of its content."""

    def __init__(self, path: Path, digest: str = "") -> None:
        """Open the file. Raises `GateError` (TG426) when it is none of ours."""
        self.path, self.digest = path, digest
        address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        try:
            self._database = sqlite3.connect(address, uri=True, check_same_thread=False)
            found = self._database.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as error:
            raise problems.bad_index(str(path), str(error)) from error
        if found != FORMAT:
            self.close()
            raise problems.bad_index(str(path), f"version {found}, this is version {FORMAT}")

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def find(self, ecosystem: str, package: str) -> tuple[Known, ...]:
        """All that is known of the package, by its name in OSV; sorted by id."""
        return self.find_all([(ecosystem, package)])[ecosystem, package]

    def find_all(self, asked: Iterable[Asked]) -> dict[Asked, tuple[Known, ...]]:
        """The same for many at once, by what was asked for."""
        found: dict[Asked, list[Known]] = {one: [] for one in asked}
        every = list(found)
        for at in range(0, len(every), _AT_ONCE):
            some = every[at : at + _AT_ONCE]
            query = _FIND.format(",".join(["(?,?)"] * len(some)))
            for row in self._rows(query, [text for one in some for text in one]):
                asked_for, (id, level, score, *told) = row[:2], row[2:]
                summary, names, entries, published_at = told
                found[asked_for].append(
                    Known(
                        *(id, _LEVELS[level], score, summary),
                        *(asked_for, names, entries, published_at),
                    )
                )
        return {one: tuple(sorted(known, key=_id)) for one, known in found.items()}

    def has(self, ecosystem: str) -> bool:
        """Whether there is anything at all of the ecosystem, "Debian:12" or "PyPI"."""
        query = "SELECT 1 FROM affected WHERE ecosystem = ? LIMIT 1"
        return bool(self._rows(query, (ecosystem,)))

    @cached_property
    def exploited(self) -> frozenset[str]:
        """The CVEs that CISA knows to be exploited; empty when there is no such data."""
        return frozenset(row[0] for row in self._rows("SELECT cve FROM kev", ()))

    def chance(self, names: Iterable[str]) -> float | None:
        """The highest EPSS of these CVEs, 0 to 1; None when none has one."""
        if not self._has_chances:
            return None
        query = "SELECT chance FROM epss WHERE cve = ?"
        found = [row[0] for name in names for row in self._rows(query, (name,))]
        return max(found, default=None)

    @cached_property
    def _has_chances(self) -> bool:
        return bool(self._rows("SELECT 1 FROM epss LIMIT 1", ()))

    def _rows(self, query: str, values: Sequence[object]) -> list[Any]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise problems.bad_index(str(self.path), str(error)) from error


def _id(known: Known) -> str:
    return known.id


def _units(text: str) -> tuple[str, ...]:
    return tuple(text.split(UNIT)) if text else ()


def _affected(entry: str, ecosystem: str, package: str) -> Affected:
    """What `build` wrote."""
    ranges, *more = entry.split(GROUP)
    exact, level, status, module = more + [""] * (4 - len(more))
    return Affected(
        ecosystem=ecosystem,
        package=package,
        ranges=tuple([_events(events) for events in ranges.split(RECORD)]) if ranges else (),
        versions=_units(exact),
        severity=_LEVELS[level],
        status=status,
        module=module,
    )


def _events(text: str) -> tuple[Event, ...]:
    return tuple([(_KINDS[event[:2]], event[2:]) for event in _units(text)])
