"""The scan gate: findings and policy in, a verdict out.

What is known to be too much is REFUSED. What cannot be told is UNKNOWN, a verdict of its own with
a rule of its own (`on_unknown`), never a silent pass. `core.weighing` says which findings count.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tidegate.core.days import age_text, day_text
from tidegate.core.findings import Finding, ScanReport, Severity
from tidegate.core.grounds import Treatment, Weighed
from tidegate.core.model import GateMode, GatePolicy, UnknownRule, Waiver
from tidegate.core.pipeline_events import VerdictKind
from tidegate.core.waivers import SOON_MS, counts, last_day
from tidegate.core.weighing import Scale, grace_end, ordered, scale_of, weigh

MAY_RUN = frozenset({VerdictKind.PASSED, VerdictKind.OFF})


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one image, and all that led to it.

    `allowed`: it is UNKNOWN and the file lets such an image run. `weighed` holds every finding.
    `waived`, `expired` and `unused` are the waivers that were used, that ended while their finding
    is still there, and that no finding needs. `compared` says against what findings had to be new.
    From `holds_until` (ms) on such an image may not run any more, `then` says why.
    """

    kind: VerdictKind
    reason: str
    allowed: bool = False
    weighed: tuple[Weighed, ...] = ()
    waived: tuple[Waiver, ...] = ()
    expired: tuple[Waiver, ...] = ()
    unused: tuple[Waiver, ...] = ()
    warnings: tuple[str, ...] = ()
    compared: str = ""
    holds_until: int | None = None
    then: str = ""

    @property
    def may_run(self) -> bool:
        """Whether the image may start."""
        return may_run(self.kind, self.allowed)

    def of(self, treatment: Treatment) -> tuple[Finding, ...]:
        """The findings that were treated so, the worst first."""
        return tuple(w.finding for w in self.weighed if w.treatment is treatment)


def may_run(verdict: str, allowed: bool) -> bool:
    """Whether an image of this verdict may start; `allowed` is the file's word on UNKNOWN."""
    return verdict in MAY_RUN or (verdict == VerdictKind.UNKNOWN and allowed)


def judge(
    policy: GatePolicy,
    report: ScanReport | None,
    baseline: ScanReport | None,
    waivers: tuple[Waiver, ...],
    now: int,
) -> Judgement:
    """The verdict on the image of `report` at `now` (ms), and how long it holds.

    `baseline` is the report on the running release's image, None when none runs; `waivers` are
    those in scope (`core.waivers.in_scope`).
    """
    judgement = _judge_at(policy, report, baseline, waivers, now)
    if report is None or not judgement.may_run:
        return judgement
    turns = sorted(t for t in _turns(policy, report, judgement.waived) if t > now)
    first = bisect_left(  # time alone only ever takes from an image what lets it run
        turns, True, key=lambda t: not _judge_at(policy, report, baseline, waivers, t).may_run
    )
    if first == len(turns):
        return judgement
    then = _judge_at(policy, report, baseline, waivers, turns[first]).reason
    return replace(judgement, holds_until=turns[first], then=then)


def _turns(policy: GatePolicy, report: ScanReport, waivers: Iterable[Waiver]) -> frozenset[int]:
    """The moments (ms) at which something that lets the image run comes to its end."""
    ends = {grace_end(policy, finding) for finding in report.findings or ()}
    ends |= {waiver.until for waiver in waivers}
    if report.data_at is not None and policy.data_unknown_ms is not None:
        ends.add(report.data_at + policy.data_unknown_ms)
    return frozenset(end for end in ends if end is not None)


def _judge_at(
    policy: GatePolicy,
    report: ScanReport | None,
    baseline: ScanReport | None,
    waivers: tuple[Waiver, ...],
    now: int,
) -> Judgement:
    if policy.mode is GateMode.OFF:
        return Judgement(VerdictKind.OFF, "the app file says gate: off; nothing was judged")
    if report is None or report.findings is None:
        why = "the scanner gave no report on it" if report is None else report.note
        why = f"nothing is known of this image: {why or 'the scanner had no data'}"
        warnings = report.warnings if report else ()
        return _unknown(policy, [why], Judgement(VerdictKind.PASSED, "", warnings=warnings))
    running, compared, doubt = _compare(policy, report, baseline)
    scale = scale_of(policy, waivers, running, now)
    weighed = tuple(weigh(scale, finding) for finding in ordered(report.findings))
    evidence = _with_waivers(scale, weighed, waivers)
    old, warning = _age(policy, report, now)
    warnings = (*report.warnings, *doubt, *warning, *evidence.warnings)
    return _conclude(policy, report, replace(evidence, warnings=warnings, compared=compared), old)


def _with_waivers(
    scale: Scale, weighed: tuple[Weighed, ...], waivers: tuple[Waiver, ...]
) -> Judgement:
    """What was weighed, with what became of each waiver."""
    used: set[Waiver] = set()
    expired: dict[Waiver, Treatment] = {}
    needed: set[Waiver] = set()
    for one in weighed:
        covering = scale.waivers_of(one.finding)
        needed |= set(covering)
        used |= {w for w in covering if counts(w, scale.now)}
        if one.treatment is not Treatment.WAIVED:
            for waiver in covering:
                before = expired.get(waiver)
                counted = Treatment.COUNTED in (one.treatment, before)
                expired[waiver] = Treatment.COUNTED if counted else one.treatment
    warnings = [
        f"the waiver of {w.id} counts until {last_day(w)} only"
        for w in waivers
        if w in used and w.until is not None and w.until - scale.now <= SOON_MS
    ]
    warnings += [
        f"the waiver of {w.id} counted until {last_day(w)}; its finding does not count otherwise"
        for w in waivers
        if expired.get(w) is Treatment.LET_THROUGH
    ]
    return Judgement(
        VerdictKind.PASSED,
        "",
        weighed=weighed,
        waived=tuple(w for w in waivers if w in used),
        expired=tuple(w for w in waivers if w in expired),
        unused=tuple(w for w in waivers if w not in needed),
        warnings=tuple(warnings),
    )


def _compare(
    policy: GatePolicy, report: ScanReport, baseline: ScanReport | None
) -> tuple[tuple[Finding, ...] | None, str, tuple[str, ...]]:
    """What the running image has (None: all that is found is new), a sentence, and doubts."""
    if not policy.new_only:
        return None, "", ()
    if baseline is None:
        return None, "no running image to compare with: every finding is new", ()
    why = ""
    if baseline.findings is None:
        why = f"nothing is known of the running image ({baseline.note or 'no data'})"
    elif not report.data or baseline.data != report.data:
        why = "the running image was matched with other vulnerability data"
    if why:
        said = f"{why}: every finding is new"
        return None, said, (said,)
    return baseline.findings, f"only what the running image {baseline.digest} lacks is new", ()


def _age(policy: GatePolicy, report: ScanReport, now: int) -> tuple[list[str], tuple[str, ...]]:
    """Why the data is too old to know anything by it, and what to warn of."""
    warn_ms, unknown_ms = policy.data_warn_ms, policy.data_unknown_ms
    if report.data_at is None:
        said = "the scanner does not say how old its vulnerability data is"
        if unknown_ms is not None:
            return [said], ()
        return [], (said,) if warn_ms is not None else ()
    age_ms = now - report.data_at
    said = f"the vulnerability data is {age_text(age_ms)} old, of {day_text(report.data_at)}"
    if unknown_ms is not None and age_ms >= unknown_ms:
        return [f"{said}; it may be {age_text(unknown_ms)} old at most"], ()
    return [], (said,) if warn_ms is not None and age_ms >= warn_ms else ()


def _conclude(
    policy: GatePolicy, report: ScanReport, evidence: Judgement, old: list[str]
) -> Judgement:
    counted = evidence.of(Treatment.COUNTED)
    number = Counter(finding.severity.value for finding in counted)
    limits = dict(policy.limits)
    unrated = limits.pop(Severity.UNKNOWN.value, None)
    over = [f"{number[s]} {s} (limit {most})" for s, most in limits.items() if number[s] > most]
    doubts = list(old)
    if report.unknown:
        doubts.append(f"not all of it could be judged: {', '.join(report.unknown)}")
    if unrated is not None and number[Severity.UNKNOWN.value] > unrated:
        doubts.append(f"{number[Severity.UNKNOWN.value]} of unknown severity (limit {unrated})")
    exploited = [finding for finding in counted if finding.exploited]
    if over or exploited:
        reasons = _refusal(counted, over, exploited)
        reasons += [f"the waiver of {w.id} counted until {last_day(w)}" for w in evidence.expired]
        warnings = (*evidence.warnings, *doubts)
        refused = replace(evidence, kind=VerdictKind.REFUSED, warnings=warnings)
        return replace(refused, reason="; ".join(reasons))
    if doubts:
        return _unknown(policy, doubts, evidence)
    found = ", ".join(f"{n} {severity}" for severity, n in sorted(number.items()))
    rest = _aside(evidence)
    said = found or (f"nothing that counts ({rest})" if rest else "no findings")
    more = f" ({rest})" if found and rest else ""
    if unrated is None and number[Severity.UNKNOWN.value]:
        unknown = f"{number[Severity.UNKNOWN.value]} findings have no known severity"
        evidence = replace(evidence, warnings=(*evidence.warnings, unknown))
    return replace(evidence, reason=f"within the limits: {said}{more}")


def _refusal(counted: tuple[Finding, ...], over: list[str], exploited: list[Finding]) -> list[str]:
    reasons = [f"too many findings: {', '.join(over)}"] if over else []
    if exploited:
        known = ", ".join(f"{f.id} in {f.package}" for f in exploited[:5])
        reasons.append(f"known to be exploited: {known}")
    worst = counted[0]
    fixed = f", fixed in {worst.fixed_version}" if worst.fixed_version else ""
    reasons.append(f"the worst is {worst.id} in {worst.package} {worst.version}{fixed}")
    return reasons


def _aside(evidence: Judgement) -> str:
    """What did not count, in numbers."""
    waived, through = evidence.of(Treatment.WAIVED), evidence.of(Treatment.LET_THROUGH)
    parts = [f"{len(waived)} waived"] if waived else []
    parts += [f"{len(through)} let through"] if through else []
    return ", ".join(parts)


def _unknown(policy: GatePolicy, why: list[str], evidence: Judgement) -> Judgement:
    allowed = policy.on_unknown is UnknownRule.WARN
    reason = "; ".join(why)
    if allowed:
        reason += "; the app file lets it run (on_unknown: warn)"
    return replace(evidence, kind=VerdictKind.UNKNOWN, reason=reason, allowed=allowed)
