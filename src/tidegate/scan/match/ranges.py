"""Whether a version is in what an advisory calls affected (OSV schema, "Evaluation").

A version that cannot be compared is never "not affected": then the hit is not certain.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.scan.advisories.record import Affected, Event
from tidegate.scan.versions import Compare, Unordered

BEGINNING = "0"
"""`introduced: "0"` is before every version, whatever the ecosystem."""
_FIRST: Event = ("introduced", BEGINNING)
_NONE: Event = ("", "")


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
    """What the last event up to the version says, and the first fix after it. Raises `Unordered`.

    OSV walks the events in their order; only these two of them decide. A `last_affected` at the
    version itself changes nothing.
    """
    last = _NONE
    fix: str | None = None
    limits = 0
    for event in events:
        kind, bound = event
        if kind == "limit":
            limits += bound != "*"
            continue
        place = 1 if event == _FIRST else compare(version, bound)
        if place < 0:
            if kind == "fixed" and (fix is None or compare(bound, fix) < 0):
                fix = bound
        elif (kind != "last_affected" or place) and _follows(event, last, compare):
            last = event
    if limits and _is_beyond(events, version, compare):
        return None
    return Hit(fixed=fix) if last[0] == "introduced" else None


def _follows(event: Event, last: Event, compare: Compare) -> bool:
    """Whether the event is at or after the last one, of which there may be none yet."""
    if last in (_FIRST, _NONE):
        return True
    return event != _FIRST and compare(event[1], last[1]) >= 0


def _is_beyond(events: Sequence[Event], version: str, compare: Compare) -> bool:
    limits = [bound for kind, bound in events if kind == "limit" and bound != "*"]
    return all(compare(version, bound) >= 0 for bound in limits)


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
