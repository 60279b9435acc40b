"""The real Trivy, where it is: `TIDEGATE_TRIVY`, or what `python -m bench --only scan` fetched."""

from collections import Counter
from pathlib import Path

import pytest
from bench import scan_made, scan_ours, trivy
from bench.scan import compared, named

from tests.support.images_made import FakeEngine, Made, digest
from tidegate.scan import sbom
from tidegate.scan.adapters.external import External, Place
from tidegate.scan.adapters.program import Bounds
from tidegate.scan.adapters.trivy import Trivy

PROGRAM = trivy.here()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Trivy")


@pytest.mark.parametrize("kind", ["debian", "apk", "rpm"])
def test_both_name_the_same_packages(kind: str, tmp_path: Path) -> None:
    assert PROGRAM is not None
    made = scan_made.debian("1.0", 20) if kind == "debian" else scan_made.others()[kind]
    archive = made.saved(tmp_path / "image.tar")
    ours = sbom.read(scan_ours.inventory(archive, tmp_path / "ours"))
    theirs = sbom.read(trivy.inventory(PROGRAM, archive, tmp_path / "theirs").output)
    equal = Counter[str]()
    assert [one for one in compared(named(ours), named(theirs), equal) if not one.why] == []
    assert sum(equal.values()) > 300


def test_without_its_database_trivy_is_unknown_and_says_why(tmp_path: Path) -> None:
    image: Made = scan_made.others()["apk"]
    place = Place(tmp_path / "work", tmp_path / "no-cache", [tmp_path / "work" / "none"])
    scanner = External(Trivy(), str(PROGRAM), FakeEngine(image), place, Bounds(120.0))
    report = scanner.scan(digest(image.config))
    assert report.findings is None
    assert report.note.startswith("trivy could not tell: it ended with 1:")
    assert "DB" in report.note
    assert report.scanner.startswith("trivy dev (sha256:")
