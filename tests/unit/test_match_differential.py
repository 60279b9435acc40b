"""The matcher judges by keys and from the index's text; here it is proven on the plain rules.

The reference compares every event with the version, one after the other, and never makes a key.
"""

from hypothesis import given
from hypothesis import strategies as some
from packaging.version import InvalidVersion, Version

from tidegate.core.findings import Severity
from tidegate.scan.advisories.record import EVENTS, Affected, Event
from tidegate.scan.advisories.told import ENTRY, ENUMERATED, entry, fields_of, written
from tidegate.scan.match.merge import Said, merge
from tidegate.scan.match.ranges import Installed, concerning, evaluate
from tidegate.scan.versions import Compare, Unordered, comparator

ECOSYSTEMS = ("Debian:12", "Alpine:v3.20", "AlmaLinux:9", "PyPI", "npm", "Go", "Maven", "unknown")
VERSIONS = (
    *("0", "0.0.0", "0.0.0-alpha", "1", "1.0", "1.0.0", "1.0.0-rc.1", "1.0rc1", "1.0.dev1"),
    *("1.0.post1", "1.0+local", "1.1", "1.2", "1.10", "1.10-1", "1.10-1~deb12u1", "1:0.5-2", "2"),
    *("2.7.16-33", "2.7.16-r1", "2.0.0", "1!0.1", "10.0", "v1.2.0", "latest", "*", "x y", ""),
)
"""Some that are equal and written otherwise, and some that are none, each in some ecosystem."""

FIRST: Event = ("introduced", "0")

version = some.sampled_from(VERSIONS)
event = some.tuples(some.sampled_from((*EVENTS[:2], *EVENTS)), version)
in_turns = some.lists(version, min_size=1, max_size=8).map(
    lambda bounds: [(EVENTS[n % 2], bound) for n, bound in enumerate(bounds)]
)
one_range = (some.lists(event, min_size=1, max_size=5) | in_turns).map(tuple)
ranges = some.lists(one_range, max_size=3).map(tuple)

Judged = tuple[str | None, bool] | None


def by_the_rules(affected: Affected, installed: str, compare: Compare) -> Judged:
    """(fixed, certain), or None: not affected."""
    uncertain = None if affected.ranges or affected.versions else (None, False)
    for events in affected.ranges:
        try:
            hit = in_range(events, installed, compare)
        except Unordered:
            uncertain = (None, False)
            continue
        if hit:
            return hit
    if installed in affected.versions:
        return None, True
    if not affected.ranges and any(same(installed, v, compare) for v in affected.versions):
        return None, True
    return uncertain


def in_range(events: tuple[Event, ...], installed: str, compare: Compare) -> Judged:
    """The last event up to the version in the versions' order, and the lowest fix above it."""
    last: Event | None = None
    fix: str | None = None
    for kind, bound in (event for event in events if event[0] != "limit"):
        place = 1 if (kind, bound) == FIRST else compare(installed, bound)
        if place < 0 and kind == "fixed":
            fix = bound if fix is None or compare(bound, fix) < 0 else fix
        elif place > 0 or (place == 0 and kind != "last_affected"):
            last = (kind, bound) if is_after((kind, bound), last, compare) else last
    limits = [bound for kind, bound in events if kind == "limit" and bound != "*"]
    if limits and all(compare(installed, bound) >= 0 for bound in limits):
        return None
    return (fix, True) if last and last[0] == "introduced" else None


def is_after(one: Event, other: Event | None, compare: Compare) -> bool:
    """Whether the event is no earlier than the other one; the beginning is before all."""
    if other in (None, FIRST):
        return True
    return one != FIRST and compare(one[1], other[1] if other else "") >= 0


def same(a: str, b: str, compare: Compare) -> bool:
    """Whether they are one version, as far as anybody can say."""
    try:
        return compare(a, b) == 0
    except Unordered:
        return False


@given(some.sampled_from(ECOSYSTEMS), version, ranges, some.lists(version, max_size=3))
def test_from_the_index_s_text_follows_what_the_rules_say(
    ecosystem: str, installed: str, told: tuple[tuple[Event, ...], ...], listed: list[str]
) -> None:
    affected = Affected(ecosystem, "a", told, tuple(filter(None, listed)))
    if ecosystem.partition(":")[0] in ("Debian", "Alpine", "AlmaLinux", "unknown") and told:
        affected = affected._replace(versions=())
    told_ranges, exact, *_ = fields_of(entry(affected))
    hit = evaluate(told_ranges, exact, Installed.of(ecosystem, installed))
    expected = by_the_rules(affected, installed, comparator(ecosystem))
    assert (hit and (hit.fixed, hit.certain)) == expected


@given(
    some.sampled_from(ECOSYSTEMS),
    version,
    some.lists(some.tuples(some.lists(ranges, min_size=1, max_size=2), version), max_size=12),
)
def test_no_statement_that_hits_is_skipped_among_those_that_have_ended(
    ecosystem: str,
    installed: str,
    told: list[tuple[list[tuple[tuple[Event, ...], ...]], str]],
) -> None:
    """Each is judged on its own by the rules, in the order in which it was said."""
    statements: dict[str, str] = {}
    hit = set[str]()
    for n, (each, listed) in enumerate(told):
        exact = (listed,) if listed and ecosystem in ENUMERATED else ()
        several = [Affected(ecosystem, "a", one, exact) for one in each]
        said = ENTRY.join(map(entry, several))
        statements[said] = f"{statements[said]},{n}" if said in statements else str(n)
        if any(by_the_rules(one, installed, comparator(ecosystem)) for one in several):
            hit.add(str(n))
    place, found = Installed.of(ecosystem, installed), set[str]()
    for statement in concerning(written(ecosystem, statements), place) if statements else ():
        numbers, *entries = statement.split(ENTRY)
        if any(evaluate(one[0], one[1], place) for one in map(fields_of, entries)):
            found.update(numbers.split(","))
    assert found == hit


parts = some.sampled_from(("0", "1", "2", "10", "01", ".", ".0", "a", "b", "rc", "c", ".post"))
more = some.sampled_from(("-1", ".dev", "!", "+", "+x.1", "+1.x", "v", "_", "alpha", "rev", "dev"))
made = some.lists(parts | more, min_size=1, max_size=7).map("".join)


@given(made, made)
def test_the_key_of_a_python_version_sorts_as_packaging_does(a: str, b: str) -> None:
    compare = comparator("PyPI")
    try:
        left, right = Version(a), Version(b)
    except InvalidVersion:
        try:
            compare(a, b)
        except Unordered:
            return
        raise AssertionError(f"{a!r} or {b!r} is no version") from None
    assert compare(a, b) == (left > right) - (left < right)


names = some.sets(some.sampled_from("ABCDEFGH"), min_size=1, max_size=3)


@given(some.lists(names, max_size=8))
def test_advisories_are_one_when_their_names_touch_however_far_apart(told: list[set[str]]) -> None:
    joined = merge([Said(tuple(one), (), Severity.LOW) for one in told], list)
    groups: list[set[str]] = []
    for one in told:
        near = [group for group in groups if group & one]
        groups = [group for group in groups if not group & one] + [one.union(*near)]
    assert sorted(sorted(one.names) for one in joined) == sorted(map(sorted, groups))
