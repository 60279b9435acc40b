"""Whether a version is in what an advisory calls affected (OSV schema, "Evaluation").

A version that cannot be compared is never "not affected": then the hit is not certain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cmp_to_key

from tidegate.scan.advisories.record import Affected, Event
from tidegate.scan.versions import Compare, Unordered

BEGINNING = "0"
"""`introduced: "0"` is before every version, whatever the ecosystem."""


@dataclass(frozen=True, slots=True)
class Hit:
    """The version is affected. `fixed` is the first version after it that is not; None: unfixed.

    `certain` is False when the ecosystem's rules could not compare the versions.
    """

    fixed: str | None = None
    certain: bool = True


def evaluate(affected: Affected, version: str, compare: Compare) -> Hit | None:
    """The hit of this version, or None when it is not affected."""
    uncertain = None if affected.ranges or affected.versions else Hit(certain=False)
    for events in affected.ranges:
        try:
            hit = _in_range(events, version, compare)
        except Unordered:
            uncertain = Hit(certain=False)
            continue
        if hit:
            return hit
    if version in affected.versions or _listed(affected, version, compare):
        return Hit()
    return uncertain


def _in_range(events: Sequence[Event], version: str, compare: Compare) -> Hit | None:
    """Walk the events up to the version. Raises `Unordered`."""

    def order(a: Event, b: Event) -> int:
        first = (_begins(b) > _begins(a)) - (_begins(a) > _begins(b))
        return first or (0 if _begins(a) else compare(a[1], b[1]))

    limits = [bound for kind, bound in events if kind == "limit" and bound != "*"]
    if limits and all(compare(version, bound) >= 0 for bound in limits):
        return None
    inside = False
    for kind, bound in sorted(events, key=cmp_to_key(order)):
        place = 1 if _begins((kind, bound)) else compare(version, bound)
        if kind == "introduced":
            inside = inside or place >= 0
        elif kind == "fixed" and inside and place < 0:
            return Hit(fixed=bound)
        elif (kind == "fixed" and place >= 0) or (kind == "last_affected" and place > 0):
            inside = False
    return Hit() if inside else None


def _begins(event: Event) -> bool:
    return event == ("introduced", BEGINNING)


def _listed(affected: Affected, version: str, compare: Compare) -> bool:
    """Whether the list has the version in another way of writing; asked only without ranges."""
    if affected.ranges:
        return False
    return any(_same(version, listed, compare) for listed in affected.versions)


def _same(version: str, listed: str, compare: Compare) -> bool:
    try:
        return compare(version, listed) == 0
    except Unordered:
        return False
