"""Advice: few actions that clear much, the same every time."""

from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.findings import Finding, Origin, Severity
from tidegate.scan.advice import Action, advise


def found(
    purl: str, fixed: str | None = "2.0", *, id: str = "CVE-2024-1", base: bool | None = None
) -> Finding:
    name = purl.partition("@")[0].rpartition("/")[2]
    origin = Origin(base=base)
    return Finding(id, name, "1.0", Severity.HIGH, fixed, purl=purl, origin=origin)


def sentences(*findings: Finding, base: str = "") -> list[str]:
    return [action.sentence for action in advise(findings, base).actions]


def test_one_upgrade_clears_all_findings_of_a_package_at_its_newest_fix() -> None:
    three = [found("pkg:pypi/requests@1.0", fixed, id=fixed) for fixed in ("2.9", "2.31", "2.4")]
    assert sentences(*three) == ["pip: requests ≥ 2.31 clears 3 findings"]


def test_packages_of_one_source_are_upgraded_as_one() -> None:
    openssl = found("pkg:deb/debian/openssl@1.0?arch=amd64")
    library = found("pkg:deb/debian/libssl3@1.0?arch=amd64&upstream=openssl")
    assert sentences(openssl, library) == ["apt-get upgrade openssl to 2.0 clears 2 findings"]


def test_a_newer_base_comes_first_when_it_clears_more_and_the_rest_follows() -> None:
    below = [found(f"pkg:deb/debian/{name}@1.0", base=True) for name in ("a", "b", "c")]
    own = found("pkg:npm/lodash@1.0", base=False)
    assert sentences(*below, own, base="nginx:stable") == [
        "rebuild on a newer nginx:stable clears 3 findings",
        "npm: lodash ≥ 2.0 clears 1 finding",
    ]


def test_a_package_that_clears_as_much_as_the_base_is_the_smaller_step() -> None:
    assert sentences(found("pkg:apk/alpine/busybox@1.0", base=True)) == [
        "apk upgrade busybox to 2.0 clears 1 finding"
    ]


def test_the_go_library_is_the_compiler_s() -> None:
    assert sentences(found("pkg:golang/stdlib@1.20.1", "1.21.5")) == [
        "build with Go ≥ 1.21.5 clears 1 finding"
    ]


def test_what_has_no_fix_is_counted_and_no_action_is_made_up() -> None:
    advice = advise([found("pkg:pypi/a@1.0", None), found("pkg:pypi/b@1.0", None)])
    assert (advice.actions, advice.unfixed) == ((), 2)


def test_a_package_without_an_address_still_has_its_upgrade() -> None:
    finding = Finding("CVE-2024-1", "odd", "1.0", Severity.LOW, "2.0")
    assert advise([finding]).actions == (Action("upgrade odd to 2.0", 1),)


FINDINGS = st.lists(
    st.builds(
        found,
        st.sampled_from(
            [
                *(f"pkg:{kind}/{name}@1.0" for kind in ("pypi", "npm") for name in "abcd"),
                *(f"pkg:deb/debian/{name}@1.0" for name in "abcd"),
            ]
        ),
        st.sampled_from([None, "1.1", "2.0", "3.0"]),
        base=st.sampled_from([True, False, None]),
    ),
    max_size=40,
)


@given(FINDINGS, st.randoms())
def test_actions_clear_every_fixable_finding_once_and_never_more_later(
    findings: list[Finding], shuffling: object
) -> None:
    advice = advise(findings, most=100)
    clears = [action.clears for action in advice.actions]
    assert sum(clears) + advice.unfixed == len(findings)
    assert clears == sorted(clears, reverse=True)
    assert 0 not in clears
    shuffled = findings.copy()
    shuffling.shuffle(shuffled)  # type: ignore[attr-defined]
    assert advise(shuffled, most=100) == advice
