"""The pipeline's scan stage: what to scan, the gate's word on each image, and how long it holds."""

from dataclasses import replace

from tidegate.core import gate
from tidegate.core.days import day_text
from tidegate.core.decision import ScanImages, VerdictKind, VerdictReached
from tidegate.core.findings import ScanReport
from tidegate.core.gate_record import grounds
from tidegate.core.model import GateMode, Waiver
from tidegate.core.progress import Execution, Progress
from tidegate.core.seen import JobSeen
from tidegate.core.waivers import in_scope

NEVER = 1 << 62
"""A moment (ms) that does not come."""


def scan(progress: Progress, execution: Execution, job: str) -> ScanImages | None:
    """The job of the stage, or None when the gate is off.

    With `new_only` the images of the stable releases are scanned beside the new ones, so that both
    are matched with the same data.
    """
    policy = execution.app.gate
    if policy.mode is GateMode.OFF:
        return None
    beside = ((name, _running(progress, name)) for name, _ in execution.images)
    running = tuple((name, digest) for name, digest in beside if digest and policy.new_only)
    return ScanImages(job, execution.id, execution.images, running)


def verdicts(
    progress: Progress, execution: Execution, result: JobSeen, now: int
) -> tuple[VerdictReached, ...]:
    """The gate's word on every image of the execution."""
    policy = execution.app.gate
    reports = {report.digest: report for report in result.reports}
    judged: list[tuple[str, ScanReport | None, gate.Judgement]] = []
    for service, digest in execution.images:
        report, baseline = reports.get(digest), _baseline(progress, service, reports)
        waivers = in_scope(policy.waivers, service, digest)
        judged.append((service, report, gate.judge(policy, report, baseline, waivers, now)))
    needed = {w for _, _, one in judged for w in (*one.waived, *one.expired)}
    images = dict(execution.images)
    return tuple(
        VerdictReached(
            execution.id,
            service,
            images[service],
            one.kind,
            one.reason,
            one.allowed,
            grounds(policy, report, replace(one, unused=_idle(one, needed))),
        )
        for service, report, one in judged
    )


def refusal(said: tuple[VerdictReached, ...]) -> str:
    """Why the execution may not go on; empty when it may."""
    bad = [v for v in said if not gate.may_run(v.verdict, v.allowed)]
    return "; ".join(f"{v.service} is {v.verdict}: {v.reason}" for v in bad)


def summary(said: tuple[VerdictReached, ...]) -> str:
    """What the stage says when every image may run: the verdict, and what is to be heeded."""
    if any(v.verdict is VerdictKind.OFF for v in said):
        return "gate: off"
    unknown = [v for v in said if v.verdict is VerdictKind.UNKNOWN]
    text = "; ".join(f"{v.service} is unknown: {v.reason}" for v in unknown) or "passed"
    warnings = list(dict.fromkeys(w for v in said for w in v.grounds.warnings))
    idle = list(dict.fromkeys(name for v in said for name in v.grounds.unused))
    if idle:
        warnings.append(f"no finding needs the waiver of {', '.join(idle[:5])}")
    return "; ".join([text, *(f"warning: {warning}" for warning in warnings[:5])])


def lapsed(execution: Execution, now: int) -> str:
    """Why a verdict that let an image run holds no longer; empty while all do."""
    for said in execution.verdicts:
        until = said.grounds.holds_until
        if until is not None and now >= until:
            return (
                f"the verdict on {said.service} held until {day_text(until - 1)}: "
                f"{said.grounds.then}"
            )
    return ""


def holds_until(execution: Execution) -> int:
    """When (ms) the first of its verdicts lapses; `NEVER` when none does."""
    ends = (said.grounds.holds_until for said in execution.verdicts)
    return min((end for end in ends if end is not None), default=NEVER)


def _running(progress: Progress, service: str) -> str:
    """The digest of the service's stable release; empty when there is none."""
    known = progress.services.get(service)
    if known is None or known.stable is None:
        return ""
    return progress.releases[known.stable].digest


def _baseline(
    progress: Progress, service: str, reports: dict[str, ScanReport]
) -> ScanReport | None:
    """The report on what runs; one without findings when it was not scanned with the rest."""
    digest = _running(progress, service)
    if not digest:
        return None
    return reports.get(digest, ScanReport(digest, None, "it was not scanned with the new one"))


def _idle(judgement: gate.Judgement, needed: set[Waiver]) -> tuple[Waiver, ...]:
    """The waivers that no image of the execution needs."""
    return tuple(waiver for waiver in judgement.unused if waiver not in needed)
