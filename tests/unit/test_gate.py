"""The gate passes only what it knows to be within the limits; not knowing is no pass."""

import pytest

from tidegate.core.decision import VerdictKind
from tidegate.core.gate import MAY_RUN, judge
from tidegate.core.model import GateMode, GatePolicy
from tidegate.core.seen import Finding, ScanReport, Severity

IMAGE = "sha256:cats"


def report(*severities: Severity) -> dict[str, ScanReport]:
    """A report on the image with one finding of each severity."""
    found = tuple(Finding(f"CVE-{n}", "libc", "1", s) for n, s in enumerate(severities))
    return {IMAGE: ScanReport(IMAGE, found)}


def test_no_findings_pass() -> None:
    wanted = (VerdictKind.PASSED, "within the limits: no findings")
    assert judge(GatePolicy(), IMAGE, report()) == wanted


def test_findings_within_the_limits_pass_and_are_named() -> None:
    verdict = judge(GatePolicy(), IMAGE, report(Severity.LOW, Severity.MEDIUM, Severity.LOW))
    assert verdict == (VerdictKind.PASSED, "within the limits: 2 LOW, 1 MEDIUM")


@pytest.mark.parametrize("severity", [Severity.CRITICAL, Severity.HIGH])
def test_one_critical_or_high_finding_refuses_the_image_by_default(severity: Severity) -> None:
    verdict = judge(GatePolicy(), IMAGE, report(severity))
    assert verdict == (VerdictKind.REFUSED, f"too many findings: 1 {severity} (limit 0)")


def test_a_limit_lets_as_many_through_as_it_says() -> None:
    policy = GatePolicy(limits=(("HIGH", 2),))
    assert judge(policy, IMAGE, report(*[Severity.HIGH] * 2))[0] is VerdictKind.PASSED
    assert judge(policy, IMAGE, report(*[Severity.HIGH] * 3))[0] is VerdictKind.REFUSED


def test_every_severity_over_its_limit_is_named() -> None:
    _, reason = judge(GatePolicy(), IMAGE, report(Severity.HIGH, Severity.CRITICAL))
    assert reason == "too many findings: 1 CRITICAL (limit 0), 1 HIGH (limit 0)"


def test_an_image_without_a_report_is_unknown() -> None:
    verdict = judge(GatePolicy(), IMAGE, {"sha256:dogs": ScanReport("sha256:dogs", ())})
    assert verdict == (VerdictKind.UNKNOWN, f"no scan report for {IMAGE}")


@pytest.mark.parametrize(
    ("note", "why"), [("", "the scanner had no data"), ("no advisories", "no advisories")]
)
def test_a_report_without_findings_data_is_unknown(note: str, why: str) -> None:
    verdict = judge(GatePolicy(), IMAGE, {IMAGE: ScanReport(IMAGE, None, note)})
    assert verdict == (VerdictKind.UNKNOWN, f"nothing is known of this image: {why}")


def test_a_gate_that_is_off_says_that_nothing_was_judged() -> None:
    verdict = judge(GatePolicy(GateMode.OFF), IMAGE, report(Severity.CRITICAL))
    assert verdict == (VerdictKind.OFF, "the app file says gate: off; nothing was judged")


def test_only_a_passed_image_may_run_or_any_where_the_gate_is_off() -> None:
    assert set(VerdictKind) - MAY_RUN == {VerdictKind.REFUSED, VerdictKind.UNKNOWN}
