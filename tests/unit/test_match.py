"""Matching: which advisories hit a package, and how several of them become one finding."""

from pathlib import Path

import pytest

from tests.support.advisory_files import (
    CRITICAL,
    MEDIUM,
    Record,
    affected,
    deb,
    index_of,
    of,
    python,
    record,
    rpm,
)
from tidegate.core.findings import Severity
from tidegate.scan.match import Match, Matching, match
from tidegate.scan.packages import Kind, Package

FLASK = ("PyPI", "flask")
OPENSSL = ("Debian:12", "openssl")


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return tmp_path


def matching(folder: Path, package: Package, *records: Record, kev: str = "") -> Matching:
    index = index_of(folder, *records, kev=[kev] if kev else [])
    try:
        return match([package], index)
    finally:
        index.close()


def found(folder: Path, package: Package, *records: Record) -> tuple[Match, ...]:
    return matching(folder, package, *records).matches


def ids(folder: Path, package: Package, *records: Record) -> list[str]:
    return [one.id for one in found(folder, package, *records)]


@pytest.mark.parametrize(
    ("version", "events", "hit", "fixed"),
    [
        ("1.0", ("introduced 0", "fixed 1.1"), True, "1.1"),
        ("1.1", ("introduced 0", "fixed 1.1"), False, None),
        ("1.0", ("introduced 0",), True, None),
        ("1.0", ("introduced 1.0", "fixed 2"), True, "2"),
        ("0.9", ("introduced 1.0", "fixed 2"), False, None),
        ("1.1", ("introduced 0", "last_affected 1.1"), True, None),
        ("1.2", ("introduced 0", "last_affected 1.1"), False, None),
        ("2.5", ("introduced 0", "fixed 1.5", "introduced 2.0", "fixed 2.6"), True, "2.6"),
        ("1.7", ("introduced 0", "fixed 1.5", "introduced 2.0", "fixed 2.6"), False, None),
        ("2.5", ("fixed 2.6", "introduced 2.0", "fixed 1.5", "introduced 0"), True, "2.6"),
        ("1.0", ("introduced 0", "fixed 0"), False, None),
        ("1.9", ("introduced 0", "limit 2"), True, None),
        ("2.0", ("introduced 0", "limit 2"), False, None),
        ("2.0", ("introduced 0", "limit 2", "limit *"), False, None),
    ],
)
def test_a_version_is_judged_by_the_range(
    folder: Path, version: str, events: tuple[str, ...], hit: bool, fixed: str | None
) -> None:
    matches = found(folder, python("flask", version), record("A", affected(FLASK, *events)))
    assert [(m.fixed_version, m.certain) for m in matches] == ([(fixed, True)] if hit else [])


def test_the_list_of_versions_adds_to_the_ranges(folder: Path) -> None:
    entry = affected(FLASK, "introduced 1.0", "fixed 2.0", versions=["1.0rc1"])
    assert ids(folder, python("flask", "1.0rc1"), record("A", entry)) == ["A"]
    assert ids(folder, python("flask", "1.0rc2"), record("A", entry)) == []


def test_a_list_alone_holds_every_way_to_write_a_version(folder: Path) -> None:
    advisory = record("A", affected(FLASK, versions=["x", "1.0"]))
    assert ids(folder, python("flask", "1.0.0"), advisory) == ["A"]
    assert ids(folder, python("flask", "1.1"), advisory) == []


@pytest.mark.parametrize("version", ["2004d-x", "unknown", "latest"])
def test_a_version_without_sense_is_never_not_affected(folder: Path, version: str) -> None:
    advisory = record("A", affected(FLASK, "introduced 0", "fixed 1.0"))
    (one,) = found(folder, python("flask", version), advisory)
    assert not one.certain


def test_a_version_without_sense_that_is_listed_is_certain(folder: Path) -> None:
    entry = affected(FLASK, "introduced 0", "fixed 1.0", versions=["2004d-x"])
    (one,) = found(folder, python("flask", "2004d-x"), record("A", entry))
    assert one.certain


def test_a_bound_without_sense_is_never_not_affected(folder: Path) -> None:
    entry = affected(("Alpine:v3.20", "a"), "introduced 0", "fixed 2.7.16-33")
    alpine = of(Kind.APK, "Alpine:v3.20", "a", "2.7.16-r1")
    (one,) = found(folder, alpine, record("A", entry))
    assert not one.certain
    newer = of(Kind.APK, "Alpine:v3.20", "a", "2.7.17-r0")
    assert ids(folder, newer, record("A", entry)) == []


def test_an_advisory_that_names_no_versions_is_not_certain(folder: Path) -> None:
    (one,) = found(folder, python("flask", "1.0"), record("A", affected(FLASK)))
    assert not one.certain


def test_debian_is_matched_by_source_package(folder: Path) -> None:
    advisory = record("CVE-2024-1", affected(OPENSSL, "introduced 0", "fixed 3.0.2-1"))
    library = deb("libssl3", "3.0.1-1+b1", "openssl", "3.0.1-1")
    assert ids(folder, library, advisory) == ["CVE-2024-1"]
    assert ids(folder, deb("libssl3", "3.0.1", "openssl", "3.0.2-1"), advisory) == []
    assert ids(folder, deb("openssl", "3.0.1-1"), advisory) == ["CVE-2024-1"]


def test_each_binary_package_of_a_source_is_named(folder: Path) -> None:
    index = index_of(folder, record("A", affected(OPENSSL, "introduced 0")))
    packages = [deb("libssl3", "1", "openssl", "1"), deb("openssl", "1", "openssl", "1")]
    assert [m.package for m in match(packages, index).matches] == packages
    index.close()


def test_the_release_of_the_distribution_counts(folder: Path) -> None:
    entry = affected(("Debian:11", "openssl"), "introduced 0")
    matches = matching(folder, deb("openssl", "1.0"), record("A", entry))
    assert (matches.matches, matches.uncovered) == ((), ("Debian:12",))


def test_withdrawn_advisories_and_plain_bugs_are_left_out(folder: Path) -> None:
    entry = affected(FLASK, "introduced 0")
    withdrawn = record("A", entry, withdrawn="2026-01-01T00:00:00Z")
    assert ids(folder, python("flask", "1.0"), withdrawn, record("ALBA-1", entry)) == []


def test_development_dependencies_are_not_installed(folder: Path) -> None:
    dev = Package("flask", "1.0", "PyPI", Kind.PYPI, "pkg:pypi/flask", dev=True)
    assert ids(folder, dev, record("A", affected(FLASK, "introduced 0"))) == []


def test_names_of_one_vulnerability_are_one_finding(folder: Path) -> None:
    entry = affected(FLASK, "introduced 0", "fixed 1.1")
    later = affected(FLASK, "introduced 0", "fixed 1.2")
    (one,) = found(
        folder,
        python("flask", "1.0"),
        record("PYSEC-1", entry, aliases=["CVE-2024-1"]),
        record("GHSA-1", later, aliases=["CVE-2024-1"], database_specific={"severity": "HIGH"}),
    )
    assert (one.id, one.aliases) == ("CVE-2024-1", ("GHSA-1", "PYSEC-1"))
    assert (one.severity, one.fixed_version) == (Severity.HIGH, "1.2")


def test_a_chain_of_names_is_one_finding(folder: Path) -> None:
    entry = affected(FLASK, "introduced 0")
    chain = (("A", ["B"]), ("C", ["D"]), ("E", ["B", "D"]))
    records = [record(id, entry, aliases=names) for id, names in chain]
    (one,) = found(folder, python("flask", "1.0"), *records)
    assert one.names == {"A", "B", "C", "D", "E"}


def test_an_unrated_advisory_takes_the_rating_of_its_alias(folder: Path) -> None:
    elsewhere = affected(("npm", "other"), "introduced 0")
    rated = record("GHSA-1", elsewhere, aliases=["CVE-2024-1"])
    rated["severity"] = [{"type": "CVSS_V3", "score": CRITICAL}]
    unrated = record("PYSEC-1", affected(FLASK, "introduced 0"), aliases=["CVE-2024-1"])
    (one,) = found(folder, python("flask", "1.0"), unrated, rated)
    assert (one.severity, one.score) == (Severity.CRITICAL, 9.8)


def test_nobody_s_rating_is_unknown(folder: Path) -> None:
    (one,) = found(folder, python("flask", "1"), record("A", affected(FLASK, "introduced 0")))
    assert one.severity is Severity.UNKNOWN


def test_the_distribution_s_word_is_before_the_score(folder: Path) -> None:
    urgency = {"urgency": "unimportant"}
    entry = affected(OPENSSL, "introduced 0", ecosystem_specific=urgency)
    rated = record("CVE-2024-1", entry, severity=[{"type": "CVSS_V3", "score": CRITICAL}])
    (one,) = found(folder, deb("openssl", "1"), rated)
    assert (one.severity, one.score, one.status) == (Severity.NEGLIGIBLE, 9.8, "unimportant")


def test_a_notice_adds_its_name_to_the_vulnerabilities_that_it_covers(folder: Path) -> None:
    entry = affected(OPENSSL, "introduced 0", "fixed 2")
    notice = record("DSA-1-1", entry, upstream=["CVE-2024-1", "CVE-2024-2"])
    singles = [record(f"DEBIAN-CVE-2024-{n}", entry, upstream=[f"CVE-2024-{n}"]) for n in (1, 2)]
    matches = found(folder, deb("openssl", "1"), notice, *singles)
    assert [m.id for m in matches] == ["CVE-2024-1", "CVE-2024-2"]
    assert [m.aliases for m in matches] == [
        ("DEBIAN-CVE-2024-1", "DSA-1-1"),
        ("DEBIAN-CVE-2024-2", "DSA-1-1"),
    ]


def test_a_notice_stands_for_what_only_it_knows(folder: Path) -> None:
    entry = affected(OPENSSL, "introduced 0", "fixed 2")
    notice = record("DSA-1-1", entry, upstream=["CVE-2024-1", "CVE-2024-2", "CVE-2024-3"])
    single = record("CVE-2024-1", entry)
    past = record("CVE-2024-2", affected(OPENSSL, "introduced 0", "fixed 0.5"))
    matches = found(folder, deb("openssl", "1"), notice, single, past)
    assert [(m.id, m.covers) for m in matches] == [
        ("CVE-2024-1", ()),
        ("DSA-1-1", ("CVE-2024-3",)),
    ]


def test_a_corrected_notice_is_one_finding_with_the_later_fix(folder: Path) -> None:
    cves = ["CVE-2024-1", "CVE-2024-2"]
    first = record("DSA-1-1", affected(OPENSSL, "introduced 0", "fixed 2"), upstream=cves)
    second = record("DSA-1-2", affected(OPENSSL, "introduced 0", "fixed 10"), upstream=cves)
    (one,) = found(folder, deb("openssl", "1"), first, second)
    assert one.names == {"DSA-1-1", "DSA-1-2", *cves}
    assert one.fixed_version == "10"


def test_kev_and_epss_are_told_through_aliases(folder: Path) -> None:
    advisory = record("PYSEC-1", affected(FLASK, "introduced 0"), aliases=["CVE-2024-1"])
    (one,) = matching(folder, python("flask", "1"), advisory, kev="CVE-2024-1").matches
    assert (one.exploited, one.chance) == (True, 0.5)
    (one,) = matching(folder, python("flask", "1"), advisory, kev="CVE-2024-2").matches
    assert (one.exploited, one.chance) == (False, None)


MODULAR = "1:18.1-1.module_el9+1"


@pytest.mark.parametrize(
    ("version", "module", "expected"),
    [
        (MODULAR, "nodejs:18:9010020231201:abc", ["ALSA-1"]),
        (MODULAR, "nodejs:20:9010020231201:abc", []),
        (MODULAR, "", []),
        ("1:18.1-1.el9", "", ["ALSA-2"]),
    ],
)
def test_a_modular_rpm_is_matched_within_its_stream(
    folder: Path, version: str, module: str, expected: list[str]
) -> None:
    alma = ("AlmaLinux:9", "npm")
    stream = affected(alma, "introduced 0", "fixed 1:18.2-1.module_el9+2")
    records = (
        record("ALSA-1", stream, summary="Important: nodejs:18 security update"),
        record("ALSA-2", affected(alma, "introduced 0", "fixed 1:18.2-1.el9")),
    )
    assert ids(folder, rpm("npm", version, module), *records) == expected


def test_a_modular_advisory_without_its_stream_is_not_certain(folder: Path) -> None:
    entry = affected(("AlmaLinux:9", "npm"), "introduced 0", "fixed 1:18.2-1.module_el9+2")
    (one,) = found(folder, rpm("npm", MODULAR, "nodejs:18:1:a"), record("ALSA-1", entry))
    assert not one.certain


def test_what_cannot_be_looked_up_is_told(folder: Path) -> None:
    jar = of(Kind.MAVEN, "Maven", "log4j-core", "2.14.1")
    nothing = matching(folder, jar, record("A", affected(FLASK, "introduced 0")))
    assert (nothing.unidentified, nothing.uncovered) == ((jar,), ("Maven",))
    modular = rpm("npm", MODULAR)
    told = matching(folder, modular, record("A", affected(("AlmaLinux:9", "x"), "introduced 0")))
    assert (told.unidentified, told.uncovered) == ((modular,), ())


def test_the_worst_of_the_names_counts(folder: Path) -> None:
    entry = affected(FLASK, "introduced 0")
    records = [
        record(id, entry, aliases=["CVE-2024-1"], severity=[{"type": "CVSS_V3", "score": vector}])
        for id, vector in (("A", MEDIUM), ("B", CRITICAL))
    ]
    (one,) = found(folder, python("flask", "1"), *records)
    assert (one.severity, one.score) == (Severity.CRITICAL, 9.8)
