"""The scan bench's pure parts: what counts as a difference, and that its inputs are real ones."""

import json
import zipfile
from collections import Counter
from pathlib import Path

from bench import scan_made, scan_ours
from bench.scan import compared, named

from tidegate.scan import sbom
from tidegate.scan.advisories.index import Index
from tidegate.scan.match import match
from tidegate.scan.packages import Kind


def test_a_difference_is_told_and_only_more_of_ours_can_have_a_reason() -> None:
    equal = Counter[str]()
    ours = {Kind.GO: {"a 1", "stdlib 1.21"}, Kind.DEB: {"x 1"}, Kind.NPM: {"n 1"}}
    theirs = {Kind.GO: {"a 1"}, Kind.DEB: {"x 2"}, Kind.NPM: {"n 1"}}
    found = {one.kind: one for one in compared(ours, theirs, equal)}
    assert equal == {"golang": 1, "npm": 1, "deb": 0}
    assert set(found) == {Kind.GO, Kind.DEB}
    assert found[Kind.GO].why and found[Kind.GO].ours == ["stdlib 1.21"]
    assert not found[Kind.DEB].why
    assert str(found[Kind.DEB]) == "deb: 1 only ours, 1 only theirs (x 1, x 2)"
    lost = list(compared({Kind.GO: set()}, {Kind.GO: {"a 1"}}, equal))
    assert [one.why for one in lost] == [""]
    other = compared({Kind.GO: {"stdlib 1.21", "g.co/a 1"}}, {Kind.GO: set()}, equal)
    assert [one.why for one in other] == [""]


def test_the_images_hold_packages_of_every_kind(tmp_path: Path) -> None:
    counts = Counter[Kind]()
    for name, made in {"debian": scan_made.debian("1.0", 9), **scan_made.others()}.items():
        archive = made.saved(tmp_path / f"{name}.tar")
        inventory = sbom.read(scan_ours.inventory(archive, tmp_path / "cache"))
        counts.update({kind: len(found) for kind, found in named(inventory).items()})
    assert set(counts) == set(Kind)
    assert counts[Kind.DEB] == scan_made.DEBS and counts[Kind.RPM] == 2 * scan_made.RPMS


def test_the_advisories_are_read_whole_and_match(tmp_path: Path) -> None:
    dumps = scan_made.dumps(tmp_path / "dumps", 2_000)
    assert scan_ours.index(dumps, tmp_path / "index.db") == 2_000
    with zipfile.ZipFile(dumps / "PyPI" / "all.zip") as archive:
        assert json.loads(archive.read(archive.namelist()[0]))["affected"]
    index = Index(tmp_path / "index.db")
    for kind, ecosystem in ((Kind.PYPI, "PyPI"), (Kind.DEB, "Debian:12")):
        assert match(scan_made.installed(kind, ecosystem, 200), index).matches
    index.close()
