"""From an inventory and the data of the day to a report: what is found, known and not known."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.advisory_files import affected, deb, index_of, of, python, record, rpm
from tidegate.core.findings import ScanReport, Severity
from tidegate.scan.advisories.store import SourceState
from tidegate.scan.assess import NO_DATA, Data, assess
from tidegate.scan.packages import Base, Inventory, Kind, Layer, Note, OsRelease, Package
from tidegate.scan.pending import SecurityIndex, pending, read_packages

FLASK = record(
    "GHSA-1",
    affected(("PyPI", "flask"), "introduced 0", "fixed 2.0"),
    aliases=["CVE-2024-1"],
    published="2024-02-03T00:00:00Z",
)
DEBIAN = OsRelease("debian", "12", "Debian 12")
PACKAGES = """\
Package: openssl
Version: 3.0.17-1
Filename: openssl.deb

Package: libssl3
Source: openssl (3.0.17)
Version: 3.0.17-1

Package: libssl3
Source: openssl
Version: 3.0.16-1
"""
SUITE = SecurityIndex("Debian:12", "amd64", "sha256:aa", 500, read_packages(PACKAGES))


def inventory(*packages: Package, **more: object) -> Inventory:
    layers = (Layer(0, "sha256:00", "FROM"), Layer(1, "sha256:11", "RUN pip install flask"))
    made = Inventory("sha256:ee", packages=packages, layers=layers, base=Base(1, "python:3", True))
    return replace(made, **more)  # type: ignore[arg-type]


def report(tmp_path: Path, found: Inventory, *records: dict[str, object]) -> ScanReport:
    index = index_of(tmp_path, *records)
    try:
        return assess(found, "sha256:ee", Data(index=index))
    finally:
        index.close()


def test_a_finding_tells_its_path_its_layer_its_step_and_whose_it_is(tmp_path: Path) -> None:
    flask = replace(python("flask", "1.0"), path="a/METADATA", layer=1, layer_digest="sha256:11")
    (finding,) = report(tmp_path, inventory(flask), FLASK).findings or ()
    assert (finding.id, finding.aliases, finding.fixed_version) == (
        "CVE-2024-1",
        ("GHSA-1",),
        "2.0",
    )
    assert finding.published_at == 1_706_918_400_000
    origin = finding.origin
    assert (origin.path, origin.layer, origin.base) == ("a/METADATA", "sha256:11", False)
    assert origin.step == "RUN pip install flask"


def test_what_a_notice_covers_is_no_other_name_of_it(tmp_path: Path) -> None:
    names = ["CVE-2024-1", "CVE-2024-2"]
    notice = record("DSA-1-1", affected(("Debian:12", "curl"), "introduced 0"), upstream=names)
    (finding,) = report(tmp_path, inventory(deb("curl", "1.0")), notice).findings or ()
    assert not set(names) & {finding.id, *finding.aliases}


def test_what_the_distribution_has_given_up_is_at_most_medium(tmp_path: Path) -> None:
    urgency = {"urgency": "end-of-life"}
    entry = affected(("Debian:12", "curl"), "introduced 0", ecosystem_specific=urgency)
    worst = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    old = record("CVE-2024-1", entry, severity=worst)
    (finding,) = report(tmp_path, inventory(deb("curl", "1.0")), old).findings or ()
    assert finding.severity is Severity.MEDIUM


def test_versions_that_nobody_can_order_are_found_and_leave_the_image_unknown(
    tmp_path: Path,
) -> None:
    found = report(tmp_path, inventory(python("flask", "banana")), FLASK)
    assert [finding.id for finding in found.findings or ()] == ["CVE-2024-1"]
    assert found.unknown == ("versions that cannot be ordered: flask banana (CVE-2024-1)",)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (inventory(python("flask", "3.0"), deb("curl", "1")), "no advisories for Debian:12"),
        (inventory(of(Kind.MAVEN, "Maven", "log4j", "1")), "does not tell its group"),
        (inventory(rpm("a", "1-1.module_el9+1")), "an rpm without its module): a 1-1.module"),
        (inventory(), "no package was found in it"),
        (inventory(notes=(Note("var/lib/dpkg/status", "cut short", blinds=True),)), "cut short"),
    ],
)
def test_what_cannot_be_judged_is_named(tmp_path: Path, found: Inventory, said: str) -> None:
    maven = record("GHSA-2", affected(("Maven", "a:b"), "introduced 0"))
    alma = record("ALSA-1", affected(("AlmaLinux:9", "z"), "introduced 0"))
    assert any(said in text for text in report(tmp_path, found, FLASK, maven, alma).unknown)


def test_what_is_covered_and_clean_is_known(tmp_path: Path) -> None:
    found = report(tmp_path, inventory(python("flask", "2.0")), FLASK)
    assert (found.findings, found.unknown, found.packages) == ((), (), 1)


def test_without_any_data_nothing_is_known() -> None:
    found = assess(inventory(python("flask", "1.0")), "sha256:ee", Data())
    assert (found.findings, found.note) == (None, NO_DATA)


def test_the_data_is_as_old_as_its_oldest_part_that_was_asked(tmp_path: Path) -> None:
    index = index_of(tmp_path, FLASK)
    states = {name: SourceState(name, at) for name, at in (("PyPI", 30), ("KEV", 20), ("npm", 1))}
    failures = {"KEV": "no answer", "npm": "no answer"}
    data = Data(index, states=states, failures=failures)
    found = assess(inventory(python("flask", "1.0")), "sha256:ee", data)
    index.close()
    assert found.data_at == 20
    assert found.warnings == ("the last refresh of KEV failed: no answer",)


def test_the_distribution_s_own_index_stands_in_where_there_are_no_advisories(
    tmp_path: Path,
) -> None:
    """And only for its own release: what else is in the image stays unknown."""
    packages = deb("libssl3", "3.0.15-1"), deb("openssl", "3.0.17-1"), python("flask", "1.0")
    found = assess(inventory(*packages, os=DEBIAN), "sha256:ee", Data(security=SUITE))
    (finding,) = found.findings or ()
    assert (finding.id, finding.severity) == ("SECURITY-UPDATE-openssl", Severity.UNKNOWN)
    assert (finding.package, finding.fixed_version) == ("libssl3", "3.0.17-1")
    assert found.unknown == ("there are no advisories for PyPI",)
    assert "waiting security updates were counted" in found.warnings[0]
    assert (found.data, found.data_at) == ("sha256:aa", 500)


def test_advisories_of_the_release_come_before_its_own_index(tmp_path: Path) -> None:
    curl = record("CVE-2024-1", affected(("Debian:12", "curl"), "introduced 0"))
    index = index_of(tmp_path, curl)
    found = assess(inventory(deb("libssl3", "1")), "x", Data(index, security=SUITE))
    index.close()
    assert (found.findings, found.data) == ((), index.digest)


def test_the_newest_of_a_package_in_the_suite_counts_and_other_releases_do_not() -> None:
    assert SUITE.updates["libssl3"] == ("3.0.17-1", "openssl")
    other = replace(deb("libssl3", "1"), ecosystem="Debian:11")
    assert pending(inventory(other), SUITE) == ()


def test_a_version_that_cannot_be_ordered_has_its_update_waiting() -> None:
    (finding,) = pending(inventory(deb("libssl3", "not a version")), SUITE)
    assert finding.fixed_version == "3.0.17-1"


def test_a_report_is_the_same_bytes_for_the_same_report(tmp_path: Path) -> None:
    from tidegate.local.scanning.scanner import report_json

    found = report(tmp_path, inventory(python("flask", "1.0")), FLASK)
    assert report_json(found) == report_json(replace(found))
    assert json.loads(report_json(found))["findings"][0]["severity"] == "UNKNOWN"


STANZA = st.fixed_dictionaries(
    {}, optional={key: st.text(max_size=8) for key in ("Package", "Version", "Source", "Else")}
)


@given(st.lists(STANZA, max_size=6), st.text(max_size=40))
def test_no_list_of_packages_breaks_the_reader(stanzas: list[dict[str, str]], rest: str) -> None:
    text = "\n\n".join("\n".join(f"{k}: {v}" for k, v in s.items()) for s in stanzas) + rest
    index = replace(SUITE, updates=read_packages(text))
    for name, (version, _) in index.updates.items():
        assert name and version
        pending(inventory(deb(name, "1.0")), index)
