"""The port `Scanner`: evidence is written, read again instead of the image, and never a guess."""

import json
from pathlib import Path

import pytest

from tests.support.advisory_files import affected, record, write_dump
from tests.support.images_made import DEBIAN, STATUS, FakeEngine, Made, digest, layer, stanza
from tidegate.core.findings import ScanReport
from tidegate.local.scanning import Assessor, Evidence, LocalAdvisories, LocalScanner
from tidegate.local.scanning.apt import Apt, SecuritySuites
from tidegate.local.scanning.scanner import OtherTool
from tidegate.scan import sbom
from tidegate.scan.advisories import problems
from tidegate.scan.inventory import KnownBase, LayerCache

NOW_MS = 1_900_000_000_000
OPENSSL = record("CVE-2024-1", affected(("Debian:12", "openssl"), "introduced 0", "fixed 3.0.17"))
BASE = layer({"etc/os-release": DEBIAN, STATUS: stanza("libssl3", "3.0.15", Source="openssl")})
OWN = layer({"app/x.dist-info/METADATA": "Name: flask\nVersion: 1.0\n\n"})
IMAGE = Made([BASE, OWN], ["ADD base", "COPY app /app"])


class Place:
    """A scanner with everything of its own below a folder."""

    def __init__(self, folder: Path, image: Made = IMAGE) -> None:
        self.folder, self.engine = folder, FakeEngine(image)
        self.digest = digest(image.config)
        self.evidence = Evidence(folder / "evidence")
        self.advisories = LocalAdvisories(folder / "advisories")
        self.brought: list[list[str]] = []
        suites = SecuritySuites(Apt(folder / "apt", {}))
        bring = lambda names: self.brought.append(list(names))  # noqa: E731
        self.scanner = LocalScanner(
            self.engine,
            self.evidence,
            LayerCache(folder / "layers"),
            Assessor(self.advisories, suites, bring),
            lambda: NOW_MS,
        )

    def know(self, *records: dict[str, object]) -> None:
        """Take these records of Debian in."""
        write_dump(self.folder / "carried" / "Debian" / "all.zip", records)
        self.advisories.take(self.folder / "carried", NOW_MS)


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.know(OPENSSL)
    return place


def test_a_scan_finds_and_leaves_its_evidence(place: Place) -> None:
    place.evidence.keep_bases(place.digest, [KnownBase("debian:12", (digest(BASE),))])
    report = place.scanner.scan(place.digest)
    (finding,) = report.findings or ()
    assert (finding.id, finding.package, finding.origin.base) == ("CVE-2024-1", "libssl3", True)
    assert report.unknown == ("there are no advisories for PyPI",)
    assert report.scanner.startswith("tidegate ")
    entry = place.evidence.of(place.digest)
    assert entry and entry.sbom == report.sbom
    inventory = sbom.read(place.evidence.get(entry.sbom))
    assert {package.name for package in inventory.packages} == {"libssl3", "flask"}
    (kept,) = entry.reports
    stored = json.loads(place.evidence.get(kept))
    assert stored["findings"][0]["origin"]["path"] == STATUS
    assert stored["data"] == place.advisories.observe().digest


def test_the_ecosystems_are_asked_for_and_remembered(place: Place) -> None:
    place.scanner.scan(place.digest)
    assert place.brought == [["Debian:12", "PyPI"]]
    assert place.advisories.ecosystems() == ("Debian:12", "PyPI")


def test_new_data_is_matched_with_the_stored_sbom_without_the_engine(place: Place) -> None:
    first = place.scanner.scan(place.digest)
    saves = place.engine.saves
    worse = record("CVE-2024-2", affected(("Debian:12", "openssl"), "introduced 0"))
    place.know(OPENSSL, worse)
    place.engine.image = Made([])  # the image is gone
    second = place.scanner.scan(place.digest)
    assert [finding.id for finding in second.findings or ()] == ["CVE-2024-1", "CVE-2024-2"]
    assert (second.sbom, place.engine.saves) == (first.sbom, saves)
    assert second.data != first.data
    entry = place.evidence.of(place.digest)
    assert entry
    reports = [json.loads(place.evidence.get(report)) for report in entry.reports]
    assert [report["data"] for report in reports] == [first.data, second.data]


def test_evidence_that_was_tampered_with_is_made_again_from_the_image(place: Place) -> None:
    first = place.scanner.scan(place.digest)
    blob = place.folder / "evidence" / "blobs" / "sha256" / first.sbom[7:]
    blob.write_bytes(b'{"bomFormat": "CycloneDX"}')
    blob.unlink()
    second = place.scanner.scan(place.digest)
    assert second.findings == first.findings
    assert second.sbom == first.sbom


def test_the_same_image_gives_the_same_sbom_on_another_machine(
    place: Place, tmp_path: Path
) -> None:
    other = Place(tmp_path / "other")
    assert other.scanner.scan(other.digest).sbom == place.scanner.scan(place.digest).sbom


def test_without_data_nothing_is_known_and_the_report_says_what_to_do(tmp_path: Path) -> None:
    place = Place(tmp_path)
    report = place.scanner.scan(place.digest)
    assert report.findings is None
    assert report.note.startswith("there are no advisories yet: tidegate advisories update")
    assert report.sbom, "what is in it is known all the same"


def test_an_image_that_is_not_there_or_damaged_is_not_known(place: Place) -> None:
    report = place.scanner.scan(digest(b"another"))
    assert (report.findings, report.sbom) == (None, "")
    assert report.note.startswith("there is no image sha256:")


def test_a_damaged_package_database_is_unknown(tmp_path: Path) -> None:
    broken = layer({"etc/os-release": DEBIAN, STATUS: "Package: a\nStatus: install ok installed\n"})
    place = Place(tmp_path, Made([broken], ["ADD base"]))
    place.know(OPENSSL)
    assert any(STATUS in text for text in place.scanner.scan(place.digest).unknown)


def test_evidence_that_cannot_be_stored_is_no_evidence(place: Place) -> None:
    (place.folder / "evidence").write_text("a file where the folder belongs")
    report = place.scanner.scan(place.digest)
    assert report.findings is None
    assert report.note.startswith("the evidence cannot be stored")


def test_that_it_cannot_be_noted_what_to_refresh_is_a_warning_only(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: LocalAdvisories, ecosystems: object) -> None:
        raise problems.disk("ecosystems.json", "no space left")

    monkeypatch.setattr(LocalAdvisories, "remember", full)
    report = place.scanner.scan(place.digest)
    assert report.findings
    assert report.warnings[-1].startswith("what to refresh cannot be noted: ")


def test_another_scanner_s_word_has_our_sbom_and_its_own_name(place: Place) -> None:
    class Trivy:
        def scan(self, image: str) -> ScanReport:
            return ScanReport(image, (), scanner="trivy 0.50", data="sha256:aa")

    other = OtherTool(Trivy())
    layers = LayerCache(place.folder / "layers")
    report = LocalScanner(place.engine, place.evidence, layers, other, lambda: NOW_MS).scan(
        place.digest
    )
    assert (report.scanner, report.data) == ("trivy 0.50", "sha256:aa")
    assert sbom.read(place.evidence.get(report.sbom)).digest == place.digest
