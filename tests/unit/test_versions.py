"""Each ecosystem's order of versions, by cases that its own documents or data name."""

import random
from itertools import pairwise

import pytest

from tidegate.scan.versions import Unordered, comparator

IN_ORDER = {
    "Debian:12": (
        "1.0~~",
        "1.0~~a",
        "1.0~",
        "1.0~rc1-1",
        "1.0",
        "1.0-0.1",
        "1.0-1~deb12u1",
        "1.0-1",
        "1.0-1+b1",
        "1.0-1+deb12u1",
        "1.0-10",
        "1.0a",
        "1.0+dfsg-1",
        "1.0.1",
        "1.9",
        "1.10",
        "1:0.1",
        "2:0~1",
    ),
    "AlmaLinux:9": (
        "1.0~rc1-1",
        "1.0-1",
        "1.0-1.el9",
        "1.0-1.el9_2",
        "1.0-1.el10",
        "1.0-2.el9",
        "1.0^git1-1",
        "1.0^git1.x-1",
        "1.0a-1",
        "1.0.1-1",
        "1.1-1",
        "1.10-1",
        "1:0.9-1",
    ),
    "Alpine:v3.20": (
        "1.2_alpha",
        "1.2_alpha1",
        "1.2_beta-r0",
        "1.2_rc2-r0",
        "1.2",
        "1.2-r0",
        "1.2-r10",
        "1.2_git20230101-r0",
        "1.2_p1-r0",
        "1.2a-r0",
        "1.2.01-r0",
        "1.2.1-r0",
        "1.10-r0",
    ),
    "npm": (
        "1.0.0-0",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1-pre",
        "1.2.0",
        "1.10.0",
        "2.0.0",
    ),
    "Go": (
        "0.0.0-20180101000000-abcdefabcdef",
        "0.0.0-20230101000000-abcdefabcdef",
        "1.20.14",
        "1.21rc2",
        "1.21",
        "1.21.1",
        "2.0.0+incompatible",
    ),
    "PyPI": ("1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0+local", "1.0.post1", "1.1", "1!0.1"),
    "Maven": (
        "1.0-alpha-1",
        "1.0-beta",
        "1.0-m1",
        "1.0-rc1",
        "1.0-snapshot",
        "1.0",
        "1.0-sp1",
        "1.0-jre",
        "1.0-1",
        "1.0.1",
        "1.10",
        "2",
    ),
}
THE_SAME = (
    ("Debian", "1.0", "0:1.0-0"),
    ("Debian", "1.00", "1.0"),
    ("Red Hat", "1.0-1", "0:1_0-01"),
    ("Go", "1.21", "1.21.0"),
    ("npm", "v1.0.0+build", "1.0.0"),
    ("PyPI", "1.0", "1.0.0"),
    ("Maven", "1.0.0.Final", "1"),
    ("Maven", "1.0-a1", "1.0-alpha-1"),
    ("Alpine", "1.2-r0", "1.2-r0"),
)
NOT_COMPARED = (
    ("Debian", "", "1.0"),
    ("Debian", "x:1.0", "1.0"),
    ("Debian", "1.0 beta", "1.0"),
    ("AlmaLinux", "x:1.0", "1.0"),
    ("AlmaLinux", "1:", "1.0"),
    ("npm", "latest", "1.0.0"),
    ("Go", "(devel)", "1.0.0"),
    ("PyPI", "2004d.x", "1.0"),
    ("Maven", "", "1"),
    ("Maven", "1-" * 100, "1"),
    ("Alpine", "edge", "1.0"),
    ("Alpine", "2.7.16-33", "2.7.16-r1"),
    ("Alpine", "6.6.2p1-r0", "6.6.2p2-r0"),
    ("Pub", "1.0.0", "1.0.1"),
    ("Debian", "1" * 5000, "1"),
)


@pytest.mark.parametrize("ecosystem", IN_ORDER)
def test_versions_sort_as_their_ecosystem_says(ecosystem: str) -> None:
    compare = comparator(ecosystem)
    for older, newer in pairwise(IN_ORDER[ecosystem]):
        assert compare(older, newer) < 0, (older, newer)
        assert compare(newer, older) > 0, (older, newer)


@pytest.mark.parametrize("ecosystem", IN_ORDER)
def test_an_order_holds_across_all_of_its_versions(ecosystem: str) -> None:
    compare, versions = comparator(ecosystem), IN_ORDER[ecosystem]
    picks = random.Random(1)
    for _ in range(100):
        i, j = sorted(picks.sample(range(len(versions)), 2))
        assert compare(versions[i], versions[j]) < 0, (versions[i], versions[j])


@pytest.mark.parametrize(("ecosystem", "a", "b"), THE_SAME)
def test_two_ways_to_write_a_version_are_the_same(ecosystem: str, a: str, b: str) -> None:
    assert comparator(ecosystem)(a, b) == 0


@pytest.mark.parametrize(("ecosystem", "a", "b"), NOT_COMPARED)
def test_what_has_no_order_is_not_given_one(ecosystem: str, a: str, b: str) -> None:
    with pytest.raises(Unordered):
        comparator(ecosystem)(a, b)


def test_an_invalid_part_does_not_matter_where_it_does_not_decide() -> None:
    compare = comparator("Alpine:v3.11")
    assert compare("2.7.16-33", "2.7.17-r0") < 0
    assert compare("4.8.0.-r1", "4.7.9-r1") > 0


def test_a_version_of_an_unknown_ecosystem_equals_itself() -> None:
    assert comparator("Pub")("1.0.0", "1.0.0") == 0
