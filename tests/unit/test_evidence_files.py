"""The evidence store: files named by their content, whole or not there, kept as long as needed."""

import os
from pathlib import Path

import pytest

from tidegate.core.errors import GateError, NotFound
from tidegate.local.scanning import Evidence
from tidegate.local.scanning.evidence import REPORTS, Entry
from tidegate.scan.inventory import KnownBase

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64


@pytest.fixture(name="evidence")
def _evidence(tmp_path: Path) -> Evidence:
    return Evidence(tmp_path / "evidence")


def age(folder: Path) -> None:
    """Let every blob be an hour old."""
    for path in (folder / "blobs" / "sha256").iterdir():
        os.utime(path, (path.stat().st_mtime - 3600,) * 2)


def test_content_is_had_back_by_its_digest(evidence: Evidence) -> None:
    digest = evidence.put(b"an SBOM")
    assert evidence.get(digest) == b"an SBOM"
    assert evidence.put(b"an SBOM") == digest


def test_content_that_was_changed_is_no_evidence(evidence: Evidence, tmp_path: Path) -> None:
    digest = evidence.put(b"an SBOM")
    (tmp_path / "evidence" / "blobs" / "sha256" / digest[7:]).write_bytes(b"another")
    with pytest.raises(GateError) as told:
        evidence.get(digest)
    assert told.value.number == "TG419"


@pytest.mark.parametrize("digest", [ONE, "sha256:../../owner", "../owner", ""])
def test_what_is_not_there_or_no_digest_is_not_found(evidence: Evidence, digest: str) -> None:
    with pytest.raises(NotFound) as told:
        evidence.get(digest)
    assert told.value.number == "TG729"


def test_an_image_s_evidence_and_bases_are_listed_by_its_digest(evidence: Evidence) -> None:
    entry = Entry(ONE, evidence.put(b"sbom"), (evidence.put(b"report"),), 1)
    evidence.record(entry)
    evidence.keep_bases(ONE, [KnownBase("nginx:stable", ("a", "b"))])
    assert (evidence.of(ONE), evidence.images()) == (entry, (ONE,))
    assert evidence.bases(ONE) == (KnownBase("nginx:stable", ("a", "b")),)
    assert (evidence.of(TWO), evidence.bases(TWO)) == (None, ())


def test_pruning_keeps_what_is_kept_and_what_it_shares(evidence: Evidence, tmp_path: Path) -> None:
    shared, alone = evidence.put(b"shared"), evidence.put(b"alone")
    evidence.record(Entry(ONE, shared))
    evidence.record(Entry(TWO, shared, (alone,)))
    evidence.keep_bases(TWO, [])
    age(tmp_path / "evidence")
    evidence.prune([ONE])
    assert evidence.images() == (ONE,)
    assert evidence.get(shared) == b"shared"
    with pytest.raises(NotFound):
        evidence.get(alone)


def test_pruning_leaves_what_a_scan_writes_just_now(evidence: Evidence) -> None:
    digest = evidence.put(b"not recorded yet")
    evidence.prune([])
    assert evidence.get(digest) == b"not recorded yet"


def test_a_place_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file where the folder belongs")
    with pytest.raises(GateError) as told:
        Evidence(tmp_path / "evidence").put(b"an SBOM")
    assert told.value.number == "TG418"


def test_the_latest_reports_of_an_image_stay_each_once() -> None:
    entry = Entry(ONE, TWO)
    for number in (*range(REPORTS + 5), 7):
        entry = entry.with_report(f"r{number}")
    assert len(entry.reports) == REPORTS
    assert entry.reports[-1] == "r7" and entry.reports.count("r7") == 1
