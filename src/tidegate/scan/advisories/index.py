"""Ask the index: what is known of a package, and which CVEs are exploited."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tidegate.core.seen import Severity
from tidegate.scan.advisories import problems
from tidegate.scan.advisories.build import FORMAT
from tidegate.scan.advisories.record import EVENTS, Affected

_KINDS = {kind[:2]: kind for kind in EVENTS}
_FIND = """
SELECT id, severity, score, summary, names, published_at, entries
FROM affected JOIN vuln USING (n) WHERE ecosystem = ? AND package = ? ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Known:
    """An advisory as the index knows it, with what it says of the package that was asked for.

    `severity` is None when nobody rated it; `score` is CVSS, 0 to 10. `aliases` and `covers` as in
    `record.Advisory`, as is `published_at`.
    """

    id: str
    severity: Severity | None
    score: float | None
    summary: str
    aliases: tuple[str, ...]
    covers: tuple[str, ...]
    affected: tuple[Affected, ...]
    published_at: int | None = None


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
        return tuple(
            _known(row, ecosystem, package) for row in self._rows(_FIND, (ecosystem, package))
        )

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


def _known(row: tuple[Any, ...], ecosystem: str, package: str) -> Known:
    id, level, score, summary, names, published_at, entries = row
    aliases, covers = json.loads(names)
    return Known(
        id=id,
        severity=Severity(level) if level else None,
        score=score,
        summary=summary,
        aliases=tuple(aliases),
        covers=tuple(covers),
        affected=tuple(_affected(entry, ecosystem, package) for entry in json.loads(entries)),
        published_at=published_at,
    )


def _affected(entry: list[Any], ecosystem: str, package: str) -> Affected:
    """What `build` wrote: fields that are empty at the end were left out."""
    ranges, exact, level, status, module = entry + [[], [], "", "", ""][len(entry) :]
    return Affected(
        ecosystem=ecosystem,
        package=package,
        ranges=tuple(tuple((_KINDS[e[:2]], e[2:]) for e in events) for events in ranges),
        versions=tuple(exact),
        severity=Severity(level) if level else None,
        status=status,
        module=module,
    )
