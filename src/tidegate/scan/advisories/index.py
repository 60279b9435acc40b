"""Ask the index: what is known of a package, and which CVEs are exploited."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from tidegate.core.findings import Severity
from tidegate.scan.advisories import problems
from tidegate.scan.advisories.build import FORMAT
from tidegate.scan.advisories.told import numbers, parted

_TOLD = "SELECT package, told FROM affected WHERE ecosystem = ? AND package IN ({})"
_KNOWN = """
SELECT n, id, severity, score, summary, names, covers, published_at FROM vuln WHERE n IN ({})
"""
_CHANCES = "SELECT cve, chance FROM epss WHERE cve IN ({})"
_AT_ONCE = 400
_LEVELS: dict[str | None, Severity | None] = {None: None, **{s: s for s in Severity}}

Asked = tuple[str, str]
"""An ecosystem and a package's name, as in OSV."""


class Known(NamedTuple):
    """An advisory as the index knows it, without what it says of packages.

    `names` are all names of its vulnerability, its id the first. `severity` is None when nobody
    rated it; `score` is CVSS, 0 to 10; `covers` and `published_at` as in `record.Advisory`.
    """

    id: str
    severity: Severity | None
    score: float | None
    summary: str
    names: tuple[str, ...]
    covers: tuple[str, ...]
    published_at: int | None


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

    def told(self, asked: Iterable[Asked]) -> dict[Asked, str]:
        """What is said of each of these packages, as in `told`; of whom nothing is, is left out."""
        packages: dict[str, set[str]] = {}
        for ecosystem, package in asked:
            packages.setdefault(ecosystem, set()).add(package)
        return {
            (ecosystem, package): told
            for ecosystem, names in packages.items()
            for package, told in self._each(_TOLD, names, ecosystem)
        }

    def known(self, numbers: Iterable[int]) -> dict[int, Known]:
        """The advisories of these numbers. Raises `GateError` (TG426) when one is not there."""
        wanted = set(numbers)
        found = {
            n: Known(id, _LEVELS[level], score, summary, parted(names), parted(covers), at)
            for n, id, level, score, summary, names, covers, at in self._each(_KNOWN, wanted)
        }
        if len(found) < len(wanted):
            raise problems.bad_index(str(self.path), "an advisory is missing")
        return found

    def find(self, ecosystem: str, package: str) -> list[Known]:
        """All that is known of the package, by its name in OSV, whatever its version."""
        told = self.told([(ecosystem, package)]).get((ecosystem, package))
        return list(self.known(numbers(told)).values()) if told else []

    def has(self, ecosystem: str) -> bool:
        """Whether there is anything at all of the ecosystem, "Debian:12" or "PyPI"."""
        query = "SELECT 1 FROM affected WHERE ecosystem = ? LIMIT 1"
        return bool(self._rows(query, (ecosystem,)))

    @cached_property
    def exploited(self) -> frozenset[str]:
        """The CVEs that CISA knows to be exploited; empty when there is no such data."""
        return frozenset(row[0] for row in self._rows("SELECT cve FROM kev", ()))

    def chances(self, names: Iterable[str]) -> dict[str, float]:
        """The EPSS of those of these CVEs that have one, 0 to 1."""
        return dict(self._each(_CHANCES, names)) if self._has_chances else {}

    @cached_property
    def _has_chances(self) -> bool:
        return bool(self._rows("SELECT 1 FROM epss LIMIT 1", ()))

    def _each(self, query: str, wanted: Iterable[object], *first: object) -> Iterator[Any]:
        """The rows of the wanted, so many at once; `first` are values that stand before them."""
        every = list(wanted)
        for at in range(0, len(every), _AT_ONCE):
            some = every[at : at + _AT_ONCE]
            yield from self._rows(query.format(",".join("?" * len(some))), (*first, *some))

    def _rows(self, query: str, values: Sequence[object]) -> list[Any]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise problems.bad_index(str(self.path), str(error)) from error
