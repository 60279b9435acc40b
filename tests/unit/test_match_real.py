"""Real advisories through the index and the matcher say what the records themselves say.

The reference walks each record's events as the OSV schema ("Evaluation") does, without an index.
"""

import random
import zipfile
from collections.abc import Iterator
from functools import cmp_to_key

import pytest

from tests.support.advisory_files import REAL
from tidegate.scan.advisories.bring import import_folder
from tidegate.scan.advisories.index import Index
from tidegate.scan.advisories.record import Advisory, Affected, Event, parse
from tidegate.scan.advisories.store import Store
from tidegate.scan.match import match
from tidegate.scan.packages import Kind, Package
from tidegate.scan.versions import Compare, Unordered, comparator

KINDS = {"Debian": Kind.DEB, "Alpine": Kind.APK, "PyPI": Kind.PYPI, "Go": Kind.GO}
PACKAGES, VERSIONS = 120, 6
NOW_MS = 1_900_000_000_000

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real data is not on this machine")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    store = Store(tmp_path_factory.mktemp("advisories"))
    import_folder(store, REAL, NOW_MS)
    found = store.index()
    yield found
    found.close()


def records(ecosystem: str) -> dict[tuple[str, str], list[tuple[Advisory, Affected]]]:
    """What is said of each package: the newest record of an id, none that was withdrawn."""
    newest: dict[str, Advisory] = {}
    with zipfile.ZipFile(REAL / ecosystem / "all.zip") as dump:
        for name in dump.namelist():
            if name.endswith(".json"):
                one = parse(dump.read(name))
                if one.id not in newest or one.modified > newest[one.id].modified:
                    newest[one.id] = one
    told: dict[tuple[str, str], list[tuple[Advisory, Affected]]] = {}
    for one in newest.values():
        if not one.withdrawn and one.is_advisory:
            for affected in one.affected:
                told.setdefault((affected.ecosystem, affected.package), []).append((one, affected))
    return told


def walked(events: tuple[Event, ...], version: str, compare: Compare) -> bool:
    """As the schema has it: in the order of the versions, each event that is reached decides."""

    def order(a: Event, b: Event) -> int:
        first = (b[1] == "0") - (a[1] == "0")
        return first or compare(a[1], b[1])

    hit = False
    for kind, bound in sorted(events, key=cmp_to_key(order)):
        place = 1 if bound == "0" else compare(version, bound)
        if kind == "introduced" and place >= 0:
            hit = True
        elif (kind == "fixed" and place >= 0) or (kind == "last_affected" and place > 0):
            hit = False
    return hit


def is_said(affected: Affected, version: str, compare: Compare) -> bool:
    listed = version in affected.versions
    return listed or any(walked(events, version, compare) for events in affected.ranges)


@pytest.mark.parametrize("ecosystem", KINDS)
def test_the_matcher_names_just_the_records_that_the_version_is_in(
    ecosystem: str, index: Index
) -> None:
    rng, told = random.Random(ecosystem), records(ecosystem)
    asked = rng.sample(sorted(told), min(PACKAGES, len(told)))
    hits = checked = 0
    for of, name in asked:
        compare = comparator(of)
        bounds = {
            bound
            for _, affected in told[of, name]
            for events in affected.ranges
            for _, bound in events
        }
        for version in rng.sample(sorted(bounds), min(VERSIONS, len(bounds))):
            try:
                said = {
                    one.id
                    for one, affected in told[of, name]
                    if is_said(affected, version, compare)
                }
            except Unordered:
                continue
            package = Package(name, version, of, KINDS[ecosystem], f"pkg:generic/{name}@{version}")
            found = match([package], index).matches
            ids = {one.id for one, _ in told[of, name]}
            assert {n for one in found for n in one.names} & ids == expected(said, told[of, name])
            checked, hits = checked + 1, hits + len(said)
    assert checked >= 40
    assert hits >= 20


def expected(said: set[str], told: list[tuple[Advisory, Affected]]) -> set[str]:
    """The records themselves, and those that are only another name of one of them."""
    others = {name for one, _ in told if one.id in said for name in (*one.aliases, *one.covers)}
    return said | ({one.id for one, _ in told} & others)
