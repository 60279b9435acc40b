"""Ask the index: what is known of a package, and which CVEs are exploited."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from tidegate.scan.advisories import problems
from tidegate.scan.advisories.build import FORMAT
from tidegate.scan.advisories.told import Told, parted

_TOLD = "SELECT package, told, ends FROM affected WHERE ecosystem = ? AND package IN ({})"
_KNOWN = """
SELECT id, n, severity, score, summary, names, covers, published_at FROM vuln WHERE n IN ({})
"""
_CHANCES = "SELECT cve, chance FROM epss WHERE cve IN ({})"
_AT_ONCE = 400

Asked = tuple[str, str]
"""An ecosystem and a package's name, as in OSV."""


Row = tuple[str, int, str | None, float | None, str, str, str, int | None]
"""An advisory as its row: the fields of `Known`, the names and covers as texts parted by UNIT."""


class Known(NamedTuple):
    """An advisory as the index knows it, without what it says of packages.

    `severity` is None when nobody rated it; `score` is CVSS, 0 to 10. `names` are all names of its
    vulnerability, in the order in which they are shown, and `covers` what a notice covers, sorted.
    `published_at` as in `record.Advisory`.
    """

    id: str
    number: int
    severity: str | None
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
        with ExitStack() as left:
            try:
                self._database = sqlite3.connect(address, uri=True, check_same_thread=False)
                left.callback(self.close)
                found = self._database.execute("PRAGMA user_version").fetchone()[0]
            except sqlite3.Error as error:
                raise problems.bad_index(str(path), str(error)) from error
            if found != FORMAT:
                raise problems.bad_index(str(path), f"version {found}, this is version {FORMAT}")
            left.pop_all()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What its rows say is not as `told` has it: the index is damaged (`GateError` TG426)."""
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            cause = f"a row cannot be read: {error!r:.100}"
            raise problems.bad_index(str(self.path), cause) from error

    def told(self, asked: Iterable[Asked]) -> dict[Asked, Told]:
        """What is said of each of these packages; of whom nothing is, is left out."""
        packages: dict[str, set[str]] = {}
        for ecosystem, package in asked:
            packages.setdefault(ecosystem, set()).add(package)
        return {
            (ecosystem, package): Told(text, ends)
            for ecosystem, names in packages.items()
            for package, text, ends in self._each(_TOLD, names, ecosystem)
        }

    def known(self, numbers: Iterable[int]) -> dict[int, Row]:
        """The advisories of these numbers. Raises `GateError` (TG426) when one is not there."""
        wanted = set(numbers)
        found: dict[int, Row] = {row[1]: row for row in self._each(_KNOWN, wanted)}
        if len(found) < len(wanted):
            raise problems.bad_index(str(self.path), "an advisory is missing")
        return found

    def find(self, ecosystem: str, package: str) -> list[Known]:
        """All that is known of the package, by its name in OSV, whatever its version."""
        told = self.told([(ecosystem, package)]).get((ecosystem, package))
        rows = self.known(told.numbers).values() if told else ()
        return [Known(*row[:5], parted(row[5]), parted(row[6]), row[7]) for row in rows]

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
        return dict(self._each(_CHANCES, set(names))) if self._has_chances else {}

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
