"""What all advisories say of one package, as one text: how `build` writes it and `match` reads it.

    text       statements, parted by STATEMENT
    statement  the numbers of the advisories that say the same, parted by ",", then ENTRY and entry
               for each list of ranges
    entry      ranges, exact versions, severity, status, module, parted by FIELD
    ranges     parted by RANGE, each of them bounds or events
    bounds     UNIT before each version, by turns of what begins and what ends a range, from old to
               new; "" is before every version
    events     parted by UNIT: the first letters of the kind and the version, "in0"; what no bounds
               can say, or nobody can order
    versions   UNIT before each and after the last, so that one can be looked for in the text

A package is looked up in one read whatever it is affected by, and what is the same for hundreds of
advisories (they were fixed at once) is written once and judged once. The statements that end with a
fix come first, the older fix before the newer: most of an old package's need not be looked at.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import cycle
from typing import NamedTuple

from tidegate.scan.advisories.record import EVENTS, SEPARATORS, Affected, Event
from tidegate.scan.versions import SortKey, Unordered, sort_key

STATEMENT, ENTRY, FIELD, RANGE, UNIT = tuple(SEPARATORS)
_TURNS = INTRODUCED, FIXED = EVENTS[:2]
FIRST = (INTRODUCED, "0")
"""This event is before every version, whatever the ecosystem."""

Statements = dict[str, str]
"""The numbers by what they say: what they have in common is the entries' text."""

ENUMERATED = ("PyPI", "npm", "Go", "Maven")
"""The ecosystems whose lists of versions say more than the ranges beside them."""


class Told(NamedTuple):
    """The statements on a package, and of the first of them, as many as end with a fix, the ends.

    `ends` are parted by UNIT, from old to new: no version at or after an end is in the ranges of
    its statement, nor of those before it.
    """

    text: str
    ends: str = ""

    @property
    def numbers(self) -> set[int]:
        """The numbers of all advisories that speak of the package."""
        each = (statement.partition(ENTRY)[0] for statement in self.text.split(STATEMENT))
        return {int(number) for some in each for number in some.split(",")}


def entry(affected: Affected) -> str:
    """One entry's text."""
    ecosystem, _, ranges, versions, severity, status, module = affected
    key = sort_key(ecosystem)
    text = RANGE.join([_range(events, key) for events in ranges])
    listed = versions and (ecosystem in ENUMERATED or not ranges)
    exact = UNIT.join(("", *versions, "")) if listed else ""
    return FIELD.join((text, exact, severity or "", status, module))


def fields_of(entry: str) -> list[str]:
    """Ranges, exact versions, severity, status and module of an entry's text."""
    return entry.split(FIELD)


def written(ecosystem: str, statements: Statements, gone: Iterable[str] = ()) -> Told:
    """What is told of a package, without the numbers `gone`."""
    if gone:
        lost = frozenset(gone)
        kept = {
            said: ",".join([n for n in numbers.split(",") if n not in lost])
            for said, numbers in statements.items()
        }
        statements = {said: numbers for said, numbers in kept.items() if numbers}
    key = sort_key(ecosystem)
    ending, rest = dict[str, list[str]](), list[str]()
    for said, numbers in statements.items():
        end = _end(said, key) if key else ""
        same = ending.setdefault(end, []) if end else rest
        same.append(f"{numbers}{ENTRY}{said}")
    ends = sorted(ending, key=key)
    text = STATEMENT.join([*[one for end in ends for one in ending[end]], *rest])
    return Told(text, UNIT.join([end for end in ends for _ in ending[end]]))


def parted(text: str) -> tuple[str, ...]:
    """The units of a text; none of an empty one."""
    return tuple(text.split(UNIT)) if text else ()


@lru_cache(maxsize=16384)
def _range(events: tuple[Event, ...], key: SortKey | None) -> str:
    """Bounds when the events come by turns and in order, else as they are.

    What was fixed at once has the same in many releases and advisories.
    """
    try:
        if key and (bounds := _bounds(events, key)) is not None:
            return bounds
    except Unordered:
        pass
    return UNIT.join([kind[:2] + version for kind, version in events])


def _bounds(events: Sequence[Event], key: SortKey) -> str | None:
    """The bounds; None when the events are not by turns, or not in order. Raises `Unordered`."""
    begins = events[0] == FIRST
    if any(kind != turn for (kind, _), turn in zip(events, cycle(_TURNS), strict=False)):
        return None
    bounds = [version for _, version in events[begins:]]
    places = [key(bound) for bound in bounds]
    if places != sorted(places) or FIRST in events[1:]:
        return None
    return UNIT.join(["", "", *bounds] if begins else ["", *bounds])


def _end(said: str, key: SortKey) -> str:
    """The last fix of a statement whose every range ends with one; else empty."""
    ends = []
    for one in said.split(ENTRY):
        for bounds in one.partition(FIELD)[0].split(RANGE):
            if not bounds.startswith(UNIT) or bounds.count(UNIT) % 2:
                return ""
            ends.append(bounds.rpartition(UNIT)[2])
    return ends[0] if len(ends) == 1 else max(ends, key=key)
