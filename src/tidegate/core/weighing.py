"""What the gate makes of each finding, by the first rule that applies.

A waiver that still counts; known to be exploited, which always counts against the image; no fix
yet (`only_fixable`); in the running release too (`new_only`); younger than its severity's grace.
What none of them lets through counts against the limits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tidegate.core.days import day_text
from tidegate.core.findings import Finding, Severity
from tidegate.core.grounds import Treatment, Weighed
from tidegate.core.model import GatePolicy, Waiver
from tidegate.core.waivers import (
    counts,
    covers,
    ecosystem,
    ids,
    last_day,
    names,
    same_vulnerability,
    told,
)

_RANK = {severity: number for number, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Scale:
    """What findings are weighed with; `scale_of` makes one.

    `running` holds the running release's findings by package, None: there is nothing to compare
    with, so whatever `new_only` says everything is new.
    """

    policy: GatePolicy
    waivers: Mapping[str, tuple[Waiver, ...]]
    running: Mapping[tuple[str, str], tuple[Finding, ...]] | None
    now: int

    def waivers_of(self, finding: Finding) -> list[Waiver]:
        """Every waiver that covers the finding, ended or not; the one that lasts longest first."""
        found = {w for name in ids(finding) for w in self.waivers.get(name, ())}
        return sorted(
            (w for w in found if covers(w, finding)),
            key=lambda w: (w.until is not None, -(w.until or 0), repr(w)),
        )


def scale_of(
    policy: GatePolicy,
    waivers: Iterable[Waiver],
    running: Iterable[Finding] | None,
    now: int,
) -> Scale:
    """The scale for one image at `now` (ms)."""
    by_name: dict[str, tuple[Waiver, ...]] = {}
    for waiver in waivers:
        for name in names(waiver):
            by_name[name] = (*by_name.get(name, ()), waiver)
    if running is None:
        return Scale(policy, by_name, None, now)
    by_package: dict[tuple[str, str], tuple[Finding, ...]] = {}
    for finding in running:
        key = (finding.package, ecosystem(finding))
        by_package[key] = (*by_package.get(key, ()), finding)
    return Scale(policy, by_name, by_package, now)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, the worst first: one order, whichever they come in."""
    return sorted(
        dict.fromkeys(findings),
        key=lambda f: (not f.exploited, _RANK[f.severity], f.id, f.package, repr(f)),
    )


def weigh(scale: Scale, finding: Finding) -> Weighed:
    """What becomes of the finding, and why."""
    covering = scale.waivers_of(finding)
    waiver = next((w for w in covering if counts(w, scale.now)), None)
    if waiver:
        return Weighed(finding, Treatment.WAIVED, told(waiver))
    if finding.exploited:
        why = "known to be exploited (CISA KEV), which always counts"
        return Weighed(finding, Treatment.COUNTED, _ended(covering, why))
    why = _let_through(scale, finding)
    if why:
        return Weighed(finding, Treatment.LET_THROUGH, _ended(covering, why))
    return Weighed(finding, Treatment.COUNTED, _ended(covering, ""))


def grace_end(policy: GatePolicy, finding: Finding) -> int | None:
    """When (ms) the finding's grace is over; None when it has none, or no date of publication."""
    grace_ms = dict(policy.grace_ms).get(finding.severity, 0)
    if not grace_ms or finding.published_at is None:
        return None
    return finding.published_at + grace_ms


def _let_through(scale: Scale, finding: Finding) -> str:
    """Why the policy does not hold the finding against the image; empty when it does."""
    policy = scale.policy
    if policy.only_fixable and not finding.fixed_version:
        return "no fixed version is known (only_fixable)"
    if policy.new_only and _runs(scale, finding):
        return "the running release has it too (new_only)"
    end = grace_end(policy, finding)
    published = finding.published_at or 0
    if end is not None and published <= scale.now < end:
        return f"published {day_text(published)}, counts from {day_text(end)} (grace)"
    return ""


def _runs(scale: Scale, finding: Finding) -> bool:
    beside = (scale.running or {}).get((finding.package, ecosystem(finding)), ())
    return any(same_vulnerability(finding, one) for one in beside)


def _ended(covering: list[Waiver], why: str) -> str:
    """The reason, and the waiver that does not count any more, if there was one."""
    ended = f"its waiver counted until {last_day(covering[0])}" if covering else ""
    return "; ".join(part for part in (why, ended) if part)
