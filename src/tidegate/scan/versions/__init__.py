"""Which of two versions is the newer, by the rules of the ecosystem that they come from.

Every comparator is proven against the ecosystem's own implementation where one is installed.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tidegate.scan.versions import apk, deb, maven, pep440, rpm, semver
from tidegate.scan.versions.unordered import Unordered

__all__ = ["ECOSYSTEMS", "Compare", "SortKey", "Unordered", "comparator", "sort_key"]

Compare = Callable[[str, str], int]
"""Below 0, 0 or above 0, as the first version is older, the same or newer.

Raises `Unordered` when the ecosystem's rules do not say; that never means "the same".
"""

SortKey = Callable[[str], Any]
"""Makes of a version what sorts as the version does. Raises `Unordered`: it is no version."""

_BY_ECOSYSTEM: dict[str, Compare] = {
    "Debian": deb.compare,
    "Ubuntu": deb.compare,
    "Alpine": apk.compare,
    "Wolfi": apk.compare,
    "Chainguard": apk.compare,
    "AlmaLinux": rpm.compare,
    "Rocky Linux": rpm.compare,
    "Red Hat": rpm.compare,
    "SUSE": rpm.compare,
    "openSUSE": rpm.compare,
    "openEuler": rpm.compare,
    "PyPI": pep440.compare,
    "npm": semver.compare,
    "Go": semver.compare,
    "Maven": maven.compare,
}

_KEYS: dict[Compare, SortKey] = {
    deb.compare: deb.key,
    rpm.compare: rpm.key,
    semver.compare: semver.key,
    pep440.compare: pep440.key,
}

ECOSYSTEMS = frozenset(_BY_ECOSYSTEM)
"""The ecosystems whose versions can be compared, by the first part of their OSV name."""


@lru_cache(maxsize=256)
def comparator(ecosystem: str) -> Compare:
    """The comparator of an OSV ecosystem, such as "Debian:12" or "PyPI".

    Of an ecosystem that is not known, only a version and itself can be compared.
    """
    return _BY_ECOSYSTEM.get(ecosystem.partition(":")[0], _exactly)


@lru_cache(maxsize=256)
def sort_key(ecosystem: str) -> SortKey | None:
    """The key that its comparator compares; None where there is but the comparison of two."""
    return _KEYS.get(comparator(ecosystem))


def _exactly(a: str, b: str) -> int:
    if a == b:
        return 0
    raise Unordered(a, b)
