"""Whether a version is in what an advisory calls affected (OSV schema, "Evaluation").

A version that cannot be compared is never "not affected": then the hit is not certain.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from tidegate.scan.advisories.told import RANGE, UNIT
from tidegate.scan.versions import Compare, SortKey, Unordered, comparator, sort_key

_FIRST = "in0"
"""`introduced: "0"` is before every version, whatever the ecosystem."""
_INTRODUCED, _FIXED, _LAST, _LIMIT = "in", "fi", "la", "li"
_TO_FIX = f"{_FIRST}{UNIT}{_FIXED}"
"""How most ranges begin, and all that is in them but the version that has the fix."""

_BY_TURNS = {(_INTRODUCED, _FIXED) * n + more for n in range(5) for more in ((), (_INTRODUCED,))}
"""The kinds of the events of a range that begins and ends, some times."""


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


def evaluate(ranges: str, listed: str, installed: Installed) -> Hit | None:
    """The hit of this version, or None when it is not affected.

    `ranges` and `listed` are an entry's ranges and exact versions, as `advisories.told` has them.
    """
    uncertain = None if ranges or listed else _UNCERTAIN
    for text in ranges.split(RANGE) if ranges else ():
        try:
            hit = _in_range(text, installed)
        except Unordered:
            uncertain = _UNCERTAIN
            continue
        if hit:
            return hit
    if listed and _listed(listed.split(UNIT), installed, alone=not ranges):
        return _UNFIXED
    return uncertain


def _in_range(text: str, installed: Installed) -> Hit | None:
    """What the last event up to the version says, and the first fix after it. Raises `Unordered`.

    Nearly every range is a fix or a few, in their order: of those the place tells.
    """
    _, _, key, place = installed
    if place is None or key is None:
        return _walked(text.split(UNIT), installed)
    if text.startswith(_TO_FIX) and UNIT not in (bound := text[len(_TO_FIX) :]):
        return Hit(bound) if place < key(bound) else None
    events = text.split(UNIT)
    if tuple([event[:2] for event in events]) not in _BY_TURNS or _FIRST in events[1:]:
        return _walked(events, installed)
    first = events[0] == _FIRST
    places = [key(event[2:]) for event in events[first:]]
    if places != sorted(places):
        return _walked(events, installed)
    after = first + bisect_right(places, place)
    if not after % 2:
        return None
    return Hit(events[after][2:]) if after < len(events) else _UNFIXED


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


def _listed(versions: Sequence[str], installed: Installed, *, alone: bool) -> bool:
    """Whether the version is in the list; in a list alone also in another way of writing."""
    version, compare = installed.version, installed.compare
    return version in versions or (
        alone and any(_same(version, listed, compare) for listed in versions)
    )


def _same(version: str, listed: str, compare: Compare) -> bool:
    try:
        return compare(version, listed) == 0
    except Unordered:
        return False
