"""The gate passes only what it knows to be within the limits; not knowing is no pass."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import T0
from tests.support.findings import DATA, IMAGE, RUNNING, finding, report, waiver
from tidegate.core.decision import VerdictKind
from tidegate.core.findings import Finding, ScanReport, Severity
from tidegate.core.gate import MAY_RUN, Judgement, judge, may_run
from tidegate.core.gate_record import MOST_WEIGHED, grounds, policy_digest
from tidegate.core.grounds import Treatment
from tidegate.core.model import DAY_MS, GateMode, GatePolicy, UnknownRule, Waiver

PASSED, REFUSED, UNKNOWN = VerdictKind.PASSED, VerdictKind.REFUSED, VerdictKind.UNKNOWN
ALL = GatePolicy(only_fixable=False, new_only=False)
"""Nothing is let through but within the limits."""


def judged(
    *findings: Finding,
    policy: GatePolicy = ALL,
    waivers: tuple[Waiver, ...] = (),
    now: int = T0,
    **changes: Any,
) -> Judgement:
    """The judgement on a report with these findings."""
    return judge(policy, report(*findings, **changes), None, waivers, now)


def said(judgement: Judgement) -> tuple[VerdictKind, str]:
    return judgement.kind, judgement.reason


def why(judgement: Judgement) -> dict[str, tuple[Treatment, str]]:
    """What became of each finding."""
    return {w.finding.id: (w.treatment, w.why) for w in judgement.weighed}


# --- limits ----------------------------------------------------------------------------------


def test_no_findings_pass() -> None:
    assert said(judged()) == (PASSED, "within the limits: no findings")


def test_findings_within_the_limits_pass_and_are_named() -> None:
    found = finding("a", "LOW"), finding("b", "MEDIUM"), finding("c", "LOW")
    assert said(judged(*found)) == (PASSED, "within the limits: 2 LOW, 1 MEDIUM")


@pytest.mark.parametrize("severity", ["CRITICAL", "HIGH"])
def test_one_critical_or_high_finding_refuses_the_image_by_default(severity: str) -> None:
    verdict = judged(finding("CVE-1", severity), policy=GatePolicy())
    worst = "the worst is CVE-1 in openssl 3.0.1, fixed in 3.0.2"
    assert said(verdict) == (REFUSED, f"too many findings: 1 {severity} (limit 0); {worst}")
    assert not verdict.may_run


def test_a_limit_lets_as_many_through_as_it_says() -> None:
    policy = replace(ALL, limits=(("HIGH", 2),))
    three = [finding(f"CVE-{n}") for n in range(3)]
    assert judged(*three[:2], policy=policy).kind is PASSED
    assert judged(*three, policy=policy).kind is REFUSED


def test_every_severity_over_its_limit_is_named() -> None:
    reason = judged(finding("a"), finding("b", "CRITICAL")).reason
    assert reason.startswith("too many findings: 1 CRITICAL (limit 0), 1 HIGH (limit 0); ")
    assert "the worst is b in" in reason


def test_the_same_finding_twice_counts_once() -> None:
    assert len(judged(finding(), finding()).of(Treatment.COUNTED)) == 1


def test_a_gate_that_is_off_says_that_nothing_was_judged() -> None:
    verdict = judged(finding(), policy=GatePolicy(GateMode.OFF))
    assert said(verdict) == (VerdictKind.OFF, "the app file says gate: off; nothing was judged")


def test_only_a_passed_image_may_run_or_any_where_the_gate_is_off() -> None:
    assert set(VerdictKind) - MAY_RUN == {REFUSED, UNKNOWN}
    assert not may_run(REFUSED, allowed=True)


# --- unknown ---------------------------------------------------------------------------------


def test_an_image_without_a_report_is_unknown() -> None:
    verdict = judge(ALL, None, None, (), T0)
    why = "nothing is known of this image: the scanner gave no report on it"
    assert said(verdict) == (UNKNOWN, why)


@pytest.mark.parametrize(
    ("note", "why"), [("", "the scanner had no data"), ("no advisories", "no advisories")]
)
def test_a_report_without_findings_data_is_unknown(note: str, why: str) -> None:
    verdict = judge(ALL, ScanReport(IMAGE, None, note), None, (), T0)
    assert said(verdict) == (UNKNOWN, f"nothing is known of this image: {why}")


def test_what_could_not_be_judged_makes_the_image_unknown() -> None:
    verdict = judged(unknown=("npm has no data", "jar without a version"))
    assert said(verdict) == (
        UNKNOWN,
        "not all of it could be judged: npm has no data, jar without a version",
    )
    assert not verdict.may_run


def test_on_unknown_warn_lets_an_unknown_image_run_and_says_so() -> None:
    policy = replace(ALL, on_unknown=UnknownRule.WARN)
    verdict = judged(unknown=("npm has no data",), policy=policy)
    assert verdict.kind is UNKNOWN
    assert verdict.may_run
    assert verdict.reason.endswith("; the app file lets it run (on_unknown: warn)")


def test_what_is_known_to_be_too_much_is_refused_even_if_other_things_are_unknown() -> None:
    policy = replace(ALL, on_unknown=UnknownRule.WARN)
    verdict = judged(finding(), unknown=("npm has no data",), policy=policy)
    assert verdict.kind is REFUSED
    assert not verdict.may_run
    assert "not all of it could be judged: npm has no data" in verdict.warnings


def test_findings_of_unknown_severity_are_warned_of_or_unknown_beyond_their_limit() -> None:
    unrated = finding("CVE-9", "UNKNOWN")
    loose = judged(unrated)
    assert loose.kind is PASSED
    assert loose.warnings == ("1 findings have no known severity",)
    strict = replace(ALL, limits=(("UNKNOWN", 0),))
    assert said(judged(unrated, policy=strict)) == (UNKNOWN, "1 of unknown severity (limit 0)")


# --- the age of the data ---------------------------------------------------------------------


def test_old_data_is_warned_of_and_too_old_data_knows_nothing() -> None:
    fresh = judged(data_at=T0 - 3 * DAY_MS + 1)
    assert (fresh.kind, fresh.warnings) == (PASSED, ())
    stale = judged(data_at=T0 - 3 * DAY_MS)
    assert stale.kind is PASSED
    assert stale.warnings == ("the vulnerability data is 3 days old, of 2023-11-11",)
    dead = judged(data_at=T0 - 14 * DAY_MS)
    old = "the vulnerability data is 14 days old, of 2023-10-31; it may be 14 days old at most"
    assert said(dead) == (UNKNOWN, old)


def test_data_of_no_known_age_knows_nothing_unless_age_is_not_asked_for() -> None:
    said_by_nobody = "the scanner does not say how old its vulnerability data is"
    assert said(judged(data_at=None)) == (UNKNOWN, said_by_nobody)
    warned = judged(data_at=None, policy=replace(ALL, data_unknown_ms=None))
    assert (warned.kind, warned.warnings) == (PASSED, (said_by_nobody,))
    never = judged(data_at=None, policy=replace(ALL, data_warn_ms=None, data_unknown_ms=None))
    assert (never.kind, never.warnings) == (PASSED, ())


# --- what is let through ---------------------------------------------------------------------


def test_only_fixable_lets_through_what_nobody_can_mend() -> None:
    verdict = judged(finding(fixed_version=None), policy=replace(ALL, only_fixable=True))
    assert said(verdict) == (PASSED, "within the limits: nothing that counts (1 let through)")
    assert why(verdict) == {
        "CVE-1": (Treatment.LET_THROUGH, "no fixed version is known (only_fixable)")
    }


def test_grace_lets_a_young_finding_through_until_its_days_are_over() -> None:
    policy = replace(ALL, grace_ms=(("HIGH", 7 * DAY_MS),))
    young = finding(published_at=T0 - 6 * DAY_MS)
    assert why(judged(young, policy=policy))["CVE-1"] == (
        Treatment.LET_THROUGH,
        "published 2023-11-08, counts from 2023-11-15 (grace)",
    )
    assert judged(finding(published_at=T0 - 7 * DAY_MS), policy=policy).kind is REFUSED


@pytest.mark.parametrize("published_at", [None, T0 + 1])
def test_without_a_date_of_publication_there_is_no_grace(published_at: int | None) -> None:
    policy = replace(ALL, grace_ms=(("HIGH", 7 * DAY_MS),))
    assert judged(finding(published_at=published_at), policy=policy).kind is REFUSED


NEW_ONLY = replace(ALL, new_only=True)


def beside(*running: Finding, new: Finding, **changes: Any) -> Judgement:
    """The judgement on one finding beside a running image with these."""
    baseline = report(*running, digest=RUNNING, **changes)
    return judge(NEW_ONLY, report(new), baseline, (), T0)


def test_new_only_lets_through_what_the_running_release_has_too() -> None:
    verdict = beside(finding(version="2.9"), new=finding())
    assert verdict.kind is PASSED
    assert why(verdict)["CVE-1"][1] == "the running release has it too (new_only)"
    assert verdict.compared == f"only what the running image {RUNNING} lacks is new"


def test_new_only_knows_a_vulnerability_by_any_of_its_names() -> None:
    before = finding("GHSA-x", aliases=("CVE-1",))
    assert beside(before, new=finding("PYSEC-1", aliases=("cve-1",))).kind is PASSED


@pytest.mark.parametrize(
    "other",
    [finding("CVE-2"), finding(package="libssl"), finding(purl="pkg:pypi/openssl@1")],
    ids=["vulnerability", "package", "ecosystem"],
)
def test_another_finding_in_the_running_release_excuses_nothing(other: Finding) -> None:
    assert beside(other, new=finding()).kind is REFUSED


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"data": "sha256:older"}, "the running image was matched with other vulnerability data"),
        ({"findings": None, "note": "it is gone"},
         "nothing is known of the running image (it is gone)"),
    ],
)  # fmt: skip
def test_without_a_fair_comparison_every_finding_is_new_and_that_is_said(
    changes: dict[str, Any], doubt: str
) -> None:
    baseline = replace(report(finding(), digest=RUNNING), **changes)
    verdict = judge(NEW_ONLY, report(finding()), baseline, (), T0)
    assert verdict.kind is REFUSED
    assert verdict.warnings == (f"{doubt}: every finding is new",)


def test_data_without_a_name_is_never_the_same_data() -> None:
    baseline = report(finding(), digest=RUNNING, data="")
    assert judge(NEW_ONLY, report(finding(), data=""), baseline, (), T0).kind is REFUSED


def test_a_first_release_has_nothing_to_be_compared_with() -> None:
    verdict = judge(NEW_ONLY, report(finding()), None, (), T0)
    assert verdict.kind is REFUSED
    assert verdict.compared == "no running image to compare with: every finding is new"
    assert verdict.warnings == ()


def test_what_is_known_to_be_exploited_always_counts() -> None:
    kev = finding("CVE-7", "LOW", exploited=True, fixed_version=None, published_at=T0)
    loose = GatePolicy(limits=(), grace_ms=(("LOW", DAY_MS),))
    baseline = report(kev, digest=RUNNING)
    verdict = judge(loose, report(kev), baseline, (), T0)
    known = "known to be exploited: CVE-7 in openssl; the worst is CVE-7 in openssl 3.0.1"
    assert said(verdict) == (REFUSED, known)


def test_only_a_waiver_that_has_not_ended_lets_an_exploited_finding_through() -> None:
    kev = finding(exploited=True)
    assert judged(kev, waivers=(waiver(),)).kind is PASSED
    assert judged(kev, waivers=(waiver(days=0),)).kind is REFUSED


# --- waivers ---------------------------------------------------------------------------------


def test_a_waiver_lets_its_finding_through_and_is_told() -> None:
    verdict = judged(finding(), waivers=(waiver(),))
    assert said(verdict) == (PASSED, "within the limits: nothing that counts (1 waived)")
    told = "waived by ann until 2023-12-14: not reachable (tidegate.yaml)"
    assert why(verdict)["CVE-1"] == (Treatment.WAIVED, told)
    assert verdict.waived == (waiver(),)


def test_a_waiver_that_has_ended_counts_no_more_and_is_named() -> None:
    verdict = judged(finding(), waivers=(waiver(days=0),))
    assert verdict.kind is REFUSED
    assert verdict.reason.endswith("; the waiver of CVE-1 counted until 2023-11-14")
    assert verdict.expired == (waiver(days=0),)
    assert why(verdict)["CVE-1"] == (Treatment.COUNTED, "its waiver counted until 2023-11-14")


def test_a_renewed_waiver_covers_what_an_ended_one_did() -> None:
    verdict = judged(finding(), waivers=(waiver(days=0), waiver(days=30)))
    assert (verdict.kind, verdict.expired) == (PASSED, ())


def test_a_waiver_that_ended_is_warned_of_where_its_finding_does_not_count_otherwise() -> None:
    policy = replace(ALL, only_fixable=True)
    verdict = judged(finding(fixed_version=None), policy=policy, waivers=(waiver(days=0),))
    assert verdict.kind is PASSED
    assert verdict.warnings == (
        "the waiver of CVE-1 counted until 2023-11-14; its finding does not count otherwise",
    )


def test_a_waiver_that_no_finding_needs_is_reported() -> None:
    verdict = judged(finding(), waivers=(waiver(), waiver("CVE-2")))
    assert verdict.unused == (waiver("CVE-2"),)


def test_a_waiver_that_ends_soon_is_warned_of() -> None:
    assert judged(finding(), waivers=(waiver(days=15),)).warnings == ()
    soon = judged(finding(), waivers=(waiver(days=14),))
    assert soon.warnings == ("the waiver of CVE-1 counts until 2023-11-28 only",)


# --- how long it holds -----------------------------------------------------------------------


def test_a_verdict_holds_until_the_first_thing_that_it_needs_ends() -> None:
    verdict = judged(finding(), finding("CVE-2"), waivers=(waiver(), waiver("CVE-2", 10)))
    assert verdict.holds_until == T0 + 10 * DAY_MS
    assert "the waiver of CVE-2 counted until" in verdict.then


def test_a_waiver_that_changes_nothing_does_not_limit_a_verdict() -> None:
    verdict = judged(finding(severity="LOW"), waivers=(waiver(days=2),))
    assert verdict.holds_until == T0 + 14 * DAY_MS
    assert verdict.then.startswith("the vulnerability data is 14 days old")


def test_a_verdict_on_data_that_never_grows_old_holds_for_good() -> None:
    policy = replace(ALL, data_unknown_ms=None)
    assert judged(policy=policy).holds_until is None


# --- what is kept ----------------------------------------------------------------------------


def test_the_grounds_are_bounded_and_keep_what_counted_first() -> None:
    many = [finding(f"CVE-{n:03}", fixed_version=None) for n in range(60)]
    verdict = judged(*many, finding("CVE-999", "LOW"), policy=replace(ALL, only_fixable=True))
    kept = grounds(ALL, report(), verdict)
    assert len(kept.weighed) == MOST_WEIGHED
    assert kept.weighed[0].finding.id == "CVE-999"
    assert kept.left_out == 61 - MOST_WEIGHED
    assert (kept.found, kept.counted) == ((("HIGH", 60), ("LOW", 1)), (("LOW", 1),))
    assert (kept.data, kept.data_at, kept.policy) == (DATA, T0, policy_digest(ALL))


def test_equal_policies_have_equal_digests_and_others_have_others() -> None:
    again = GatePolicy(waivers=(waiver(),))
    assert policy_digest(again) == policy_digest(GatePolicy(waivers=(waiver(),)))
    changed = (GatePolicy(), replace(again, new_only=False), GatePolicy(waivers=(waiver(days=1),)))
    assert len({policy_digest(policy) for policy in (again, *changed)}) == 4


# --- properties ------------------------------------------------------------------------------

_names = st.sampled_from([f"CVE-{n}" for n in range(5)])
findings = st.builds(
    Finding,
    id=_names,
    package=st.sampled_from(["a", "b"]),
    version=st.just("1"),
    severity=st.sampled_from(Severity),
    fixed_version=st.sampled_from([None, "2"]),
    aliases=st.lists(_names, max_size=1).map(tuple),
    exploited=st.sampled_from([False, False, True]),
    published_at=st.sampled_from([None, T0 - 9 * DAY_MS, T0 - DAY_MS]),
)
waivers = st.builds(
    waiver,
    _names,
    st.sampled_from([None, -1, 1, 20]),
    packages=st.sampled_from([(), ("a",)]),
)
policies = st.builds(
    GatePolicy,
    limits=st.sampled_from([(("HIGH", 0),), (("CRITICAL", 0), ("HIGH", 1), ("UNKNOWN", 0))]),
    only_fixable=st.booleans(),
    new_only=st.booleans(),
    on_unknown=st.sampled_from(UnknownRule),
    grace_ms=st.sampled_from([(), (("HIGH", 5 * DAY_MS), ("CRITICAL", 2 * DAY_MS))]),
    data_unknown_ms=st.sampled_from([None, 14 * DAY_MS]),
)
reports = st.builds(
    lambda found, unknown, at: report(*found, unknown=unknown, data_at=at),
    st.lists(findings, max_size=6),
    st.sampled_from([(), ("npm",)]),
    st.sampled_from([None, T0, T0 - 20 * DAY_MS]),
)
baselines = st.none() | st.lists(findings, max_size=3).map(lambda f: report(*f, digest=RUNNING))
several = st.lists(waivers, max_size=3).map(tuple)


@settings(deadline=None)
@given(policies, reports, baselines, several, findings)
def test_one_more_finding_never_lets_a_refused_image_run(
    policy: GatePolicy,
    of: ScanReport,
    baseline: ScanReport | None,
    waived: tuple[Waiver, ...],
    more: Finding,
) -> None:
    before = judge(policy, of, baseline, waived, T0)
    found = replace(of, findings=(*(of.findings or ()), more))
    after = judge(policy, found, baseline, waived, T0)
    assert before.kind is not REFUSED or after.kind is REFUSED
    assert before.may_run or not after.may_run


@settings(deadline=None)
@given(policies, reports, baselines, several, waivers)
def test_one_more_waiver_never_counts_more(
    policy: GatePolicy,
    of: ScanReport,
    baseline: ScanReport | None,
    waived: tuple[Waiver, ...],
    more: Waiver,
) -> None:
    before = judge(policy, of, baseline, waived, T0)
    after = judge(policy, of, baseline, (*waived, more), T0)
    assert set(after.of(Treatment.COUNTED)) <= set(before.of(Treatment.COUNTED))
    assert after.may_run or not before.may_run


@settings(deadline=None)
@given(policies, reports, baselines, several, st.randoms(use_true_random=False))
def test_the_order_of_findings_changes_nothing(
    policy: GatePolicy,
    of: ScanReport,
    baseline: ScanReport | None,
    waived: tuple[Waiver, ...],
    random: Any,
) -> None:
    shuffled = list(of.findings or ())
    random.shuffle(shuffled)
    other = replace(of, findings=tuple(shuffled))
    assert judge(policy, other, baseline, waived, T0) == judge(policy, of, baseline, waived, T0)


@settings(deadline=None)
@given(policies, baselines, several)
def test_whenever_there_is_no_data_the_verdict_is_unknown(
    policy: GatePolicy, baseline: ScanReport | None, waived: tuple[Waiver, ...]
) -> None:
    for of in (None, report(findings=None)):
        assert judge(policy, of, baseline, waived, T0).kind is UNKNOWN


@settings(deadline=None)
@given(policies, reports, baselines, several)
def test_whatever_is_not_known_is_never_a_pass(
    policy: GatePolicy, of: ScanReport, baseline: ScanReport | None, waived: tuple[Waiver, ...]
) -> None:
    asked_age = policy.data_unknown_ms is not None and of.data_at is None
    if of.unknown or asked_age:
        assert judge(policy, of, baseline, waived, T0).kind is not PASSED


@settings(deadline=None)
@given(policies, reports, baselines, several, st.integers(0, 40))
def test_time_alone_never_lets_an_image_run_and_the_judgement_knows_when_it_stops(
    policy: GatePolicy,
    of: ScanReport,
    baseline: ScanReport | None,
    waived: tuple[Waiver, ...],
    days: int,
) -> None:
    now = judge(policy, of, baseline, waived, T0)
    later = judge(policy, of, baseline, waived, T0 + days * DAY_MS)
    ends = now.holds_until is not None and T0 + days * DAY_MS >= now.holds_until
    assert later.may_run == (now.may_run and not ends)


@settings(deadline=None)
@given(st.lists(findings, max_size=6))
def test_every_finding_is_treated_once(found: list[Finding]) -> None:
    verdict = judged(*found)
    assert sorted(map(repr, set(found))) == sorted(repr(w.finding) for w in verdict.weighed)
