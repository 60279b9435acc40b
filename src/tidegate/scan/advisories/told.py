"""What all advisories say of one package, as one text: how `build` writes it and `match` reads it.

    told       statements, parted by STATEMENT
    statement  the numbers of the advisories that say the same, parted by ",", then ENTRY and entry
               for each list of ranges
    entry      ranges, exact versions, severity, status, module, parted by FIELD; what is empty at
               the end is left out
    ranges     parted by RANGE, each of them events, parted by UNIT: the first letters of the kind
               and the version, "in0"
    versions   parted by UNIT

A package is looked up in one read whatever it is affected by, and what is the same for hundreds of
advisories (they were fixed at once) is written once and judged once.
"""

from collections.abc import Iterable

from tidegate.scan.advisories.record import SEPARATORS, Affected

STATEMENT, ENTRY, FIELD, RANGE, UNIT = tuple(SEPARATORS)
FIELDS = 5
"""How many an entry has."""
_EMPTY = ("",) * FIELDS

Statements = dict[str, str]
"""The numbers by what they say: what they have in common is the entries' text."""

ENUMERATED = ("PyPI", "npm", "Go", "Maven")
"""The ecosystems whose lists of versions say more than the ranges beside them."""


def entry(affected: Affected) -> str:
    """One entry's text."""
    ecosystem, _, ranges, versions, severity, status, module = affected
    text = RANGE.join(
        [UNIT.join([kind[:2] + version for kind, version in events]) for events in ranges]
    )
    exact = UNIT.join(versions) if versions and (ecosystem in ENUMERATED or not ranges) else ""
    if not (exact or severity or status or module):
        return text
    return FIELD.join((text, exact, severity or "", status, module)).rstrip(FIELD)


def fields_of(entry: str) -> list[str]:
    """Ranges, exact versions, severity, status and module of an entry's text."""
    fields = entry.split(FIELD)
    return fields if len(fields) == FIELDS else [*fields, *_EMPTY[len(fields) :]]


def written(statements: Statements, gone: Iterable[str] = ()) -> str:
    """The package's text, in the order in which it was said, without the numbers `gone`."""
    if gone:
        lost = frozenset(gone)
        kept = {
            said: ",".join([n for n in numbers.split(",") if n not in lost])
            for said, numbers in statements.items()
        }
        statements = {said: numbers for said, numbers in kept.items() if numbers}
    return STATEMENT.join([f"{numbers}{ENTRY}{said}" for said, numbers in statements.items()])


def numbers(told: str) -> set[int]:
    """The numbers of all advisories that speak of the package."""
    each = (statement.partition(ENTRY)[0] for statement in told.split(STATEMENT))
    return {int(number) for some in each for number in some.split(",")}


def parted(text: str) -> tuple[str, ...]:
    """The units of a text; none of an empty one."""
    return tuple(text.split(UNIT)) if text else ()
