"""Whether a version is in what an advisory calls affected (OSV schema, "Evaluation").

A version that cannot be compared is never "not affected": then the hit is not certain.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from tidegate.scan.advisories.told import FIXED, INTRODUCED, RANGE, STATEMENT, UNIT, Told
from tidegate.scan.versions import Compare, SortKey, Unordered, comparator, sort_key

_INTRODUCED, _FIXED, _LAST, _LIMIT = INTRODUCED[:2], FIXED[:2], "la", "li"
_FIRST = f"{_INTRODUCED}0"
"""`introduced: "0"` is before every version, whatever the ecosystem."""


class Hit(NamedTuple):
    """The version is affected. `fixed` is the first version after it that is not; None: unfixed.

    `certain` is False when the ecosystem's rules could not compare the versions.
    """

    fixed: str | None = None
    certain: bool = True


_UNFIXED, _UNCERTAIN = Hit(), Hit(certain=False)


class Installed(NamedTuple):
    """A version to judge, and how its ecosystem compares versions.

    `key` makes of a version what sorts as it does, and `place` is that of this one. Both are None
    where only two versions at once can be compared; `place` also when it is no version at all.
    """

    version: str
    compare: Compare
    key: SortKey | None = None
    place: Any = None

    @classmethod
    def of(cls, ecosystem: str, version: str) -> Self:
        """A version of an OSV ecosystem."""
        compare, key = comparator(ecosystem), sort_key(ecosystem)
        try:
            return cls(version, compare, key, key(version) if key else None)
        except Unordered:
            return cls(version, compare)


def concerning(told: Told, installed: Installed) -> list[str]:
    """Those of the statements that may hit the version: what has ended before it does not.

    Unless it lists the version, which is one look into the whole text for nearly every package.
    """
    statements, (version, _, key, place) = told.text.split(STATEMENT), installed
    if not told.ends or key is None or place is None:
        return statements
    try:
        past = bisect_right(told.ends.split(UNIT), place, key=key)
    except Unordered:
        return statements
    ended, found = statements[:past], f"{UNIT}{version}{UNIT}"
    listing = [one for one in ended if found in one] if found in told.text else []
    return listing + statements[past:]


def evaluate(ranges: str, listed: str, installed: Installed) -> Hit | None:
    """The hit of this version, or None when it is not affected.

    `ranges` and `listed` are an entry's ranges and exact versions, as `advisories.told` has them.
    """
    uncertain = None if ranges or listed else _UNCERTAIN
    for text in ranges.split(RANGE) if ranges else ():
        try:
            hit = _in_range(text.split(UNIT), installed)
        except Unordered:
            uncertain = _UNCERTAIN
            continue
        if hit:
            return hit
    if listed and _listed(listed, installed, alone=not ranges):
        return _UNFIXED
    return uncertain


def _in_range(units: list[str], installed: Installed) -> Hit | None:
    """Between bounds the place tells; events are walked. Raises `Unordered`."""
    _, _, key, place = installed
    if units[0]:
        return _walked(units, installed)
    if place is None or key is None:
        return _walked(_events(units), installed)
    after = bisect_right(units, place, 1 if units[1] else 2, key=key)
    if after % 2:
        return None
    return Hit(units[after]) if after < len(units) else _UNFIXED


def _events(bounds: Sequence[str]) -> list[str]:
    """The same as events: the bounds begin and end the range by turns."""
    return [
        (_INTRODUCED if n % 2 else _FIXED) + (bound or "0") for n, bound in enumerate(bounds) if n
    ]


def _walked(events: Sequence[str], installed: Installed) -> Hit | None:
    """OSV walks the events in their order; only the last one and the first fix after it decide.

    A `last_affected` at the version itself changes nothing.
    """
    version, compare = installed.version, installed.compare
    last = ""
    fix: str | None = None
    limits = 0
    for event in events:
        kind, bound = event[:2], event[2:]
        if kind == _LIMIT:
            limits += bound != "*"
            continue
        place = 1 if event == _FIRST else compare(version, bound)
        if place < 0:
            if kind == _FIXED and (fix is None or compare(bound, fix) < 0):
                fix = bound
        elif (kind != _LAST or place) and _follows(event, last, compare):
            last = event
    if limits and _is_beyond(events, version, compare):
        return None
    return Hit(fix) if last.startswith(_INTRODUCED) else None


def _follows(event: str, last: str, compare: Compare) -> bool:
    """Whether the event is at or after the last one, of which there may be none yet."""
    if last in (_FIRST, ""):
        return True
    return event != _FIRST and compare(event[2:], last[2:]) >= 0


def _is_beyond(events: Sequence[str], version: str, compare: Compare) -> bool:
    limits = [e[2:] for e in events if e.startswith(_LIMIT) and e[2:] != "*"]
    return all(compare(version, bound) >= 0 for bound in limits)


def _listed(versions: str, installed: Installed, *, alone: bool) -> bool:
    """Whether the version is in the list; in a list alone also in another way of writing."""
    version, compare = installed.version, installed.compare
    if not alone and f"{UNIT}{version}{UNIT}" not in versions:
        return False
    each = versions[1:-1].split(UNIT)
    return version in each or (alone and any(_same(version, one, compare) for one in each))


def _same(version: str, listed: str, compare: Compare) -> bool:
    try:
        return compare(version, listed) == 0
    except Unordered:
        return False
