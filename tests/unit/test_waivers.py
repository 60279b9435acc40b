"""A waiver covers what it names, by any name, and nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import T0
from tests.support.findings import finding, waiver
from tidegate.core.days import day_text
from tidegate.core.model import DAY_MS
from tidegate.core.waivers import counts, covers, in_scope, last_day, told

PURL = "pkg:deb/debian/openssl@3.0.1?arch=amd64&distro=debian-12"


@pytest.mark.parametrize(
    ("waived", "aliases", "found", "other_names"),
    [
        ("CVE-1", (), "CVE-1", ()),
        ("cve-1", (), "CVE-1", ()),
        ("CVE-1", (), "GHSA-a", ("CVE-1",)),
        ("GHSA-a", (), "CVE-1", ("GHSA-a",)),
        ("PYSEC-1", ("CVE-1",), "CVE-1", ()),
        ("PYSEC-1", ("CVE-1",), "GHSA-a", ("CVE-1",)),
    ],
)
def test_a_waiver_is_matched_through_the_names_of_both(
    waived: str, aliases: tuple[str, ...], found: str, other_names: tuple[str, ...]
) -> None:
    assert covers(waiver(waived, aliases=aliases), finding(found, aliases=other_names))


def test_a_waiver_of_another_vulnerability_covers_nothing() -> None:
    assert not covers(waiver("CVE-2"), finding("CVE-1", aliases=("GHSA-a",)))


def test_a_waiver_of_one_cve_never_waives_a_notice_that_covers_several() -> None:
    """The scanner keeps what a DSA covers apart from its aliases; only its own id is its name."""
    notice = finding("DSA-5000-1")
    assert not covers(waiver("CVE-1"), notice)
    assert covers(waiver("DSA-5000-1"), notice)


@pytest.mark.parametrize(
    ("packages", "covered"),
    [
        ((), True),
        (("openssl",), True),
        (("open*",), True),
        (("openss",), False),
        (("zlib", "openssl"), True),
        (("pkg:deb/debian/openssl",), True),
        (("pkg:deb/debian/openssl@3.0.1",), True),
        (("pkg:deb/debian/openssl@3.0.2",), False),
        (("pkg:deb/ubuntu/openssl",), False),
        (("pkg:deb/*/openssl",), True),
    ],
)
def test_a_waiver_may_be_for_some_packages_only(packages: tuple[str, ...], covered: bool) -> None:
    assert covers(waiver(packages=packages), finding(purl=PURL)) is covered


def test_a_purl_names_no_package_of_a_finding_without_one() -> None:
    assert not covers(waiver(packages=("pkg:deb/debian/openssl",)), finding(purl=""))


@pytest.mark.parametrize(
    ("scope", "there"),
    [
        ({}, True),
        ({"service": "cats"}, True),
        ({"service": "dogs"}, False),
        ({"digest": "sha256:a"}, True),
        ({"digest": "sha256:b"}, False),
    ],
)
def test_a_waiver_may_be_for_one_service_or_image_only(scope: dict[str, Any], there: bool) -> None:
    one = waiver(**scope)
    assert in_scope([one], "cats", "sha256:a") == ((one,) if there else ())


def test_a_waiver_counts_up_to_its_end_and_not_at_it() -> None:
    one = waiver(days=1)
    assert counts(one, T0 + DAY_MS - 1)
    assert not counts(one, T0 + DAY_MS)
    assert counts(waiver(days=None), T0 + 10_000 * DAY_MS)


def test_a_waiver_is_told_with_all_that_one_must_know_of_it() -> None:
    assert told(waiver(source="vex.json")) == (
        "waived by ann until 2023-12-14: not reachable (vex.json)"
    )
    bare = waiver(days=None, owner="", reason="", source=".trivyignore")
    assert told(bare) == "waived without an end: no reason given (.trivyignore)"
    assert last_day(bare) == "no end"


@given(st.integers(0, 4_102_444_800_000))
def test_days_are_those_of_the_calendar(ms: int) -> None:
    assert day_text(ms) == datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")
