"""The pipeline: source → build → test → scan → approve → deploy, one execution at a time.

An execution that only waits (for its turn, or for approval) gives way to a newer one. One that
builds, tests or scans goes on to the end of its scan.
"""

from tidegate.core import gate
from tidegate.core.decision import (
    BuildImages,
    Decision,
    Event,
    ExecutionFinished,
    ImagesBuilt,
    Job,
    Outcome,
    PipelineStage,
    RunTests,
    ScanImages,
    StageFailed,
    StageStarted,
    StageSucceeded,
    StartJob,
    VerdictKind,
    VerdictReached,
)
from tidegate.core.model import GateMode
from tidegate.core.progress import Execution, Progress, StageRecord
from tidegate.core.releases import follow_deployments, make_releases
from tidegate.core.seen import JobSeen, JobState, Seen

_ORDER = tuple(PipelineStage)
_WORKING = frozenset({PipelineStage.BUILD, PipelineStage.TEST, PipelineStage.SCAN})


def decide(progress: Progress, seen: Seen, now: int) -> Decision:
    """Take every live execution at most one stage further."""
    decision = Decision()
    for execution in [e for e in progress.executions.values() if e.live]:
        one = _decide_one(progress, execution, seen, now)
        decision = Decision(
            decision.actions + one.actions,
            decision.events + one.events,
            "; ".join(r for r in (decision.reason, one.reason) if r),
            _sooner(decision.look_again_at, one.look_again_at),
        )
        if one.events:
            break  # the next look sees what this one changed
    return decision


def _decide_one(progress: Progress, execution: Execution, seen: Seen, now: int) -> Decision:
    stage = execution.stage
    newer = _newer(progress, execution)
    if stage is None or stage.ended_at is not None:
        following = _following(execution, stage)
        if newer and following in (PipelineStage.BUILD, PipelineStage.APPROVE):
            return _supersede(execution, newer)
        if following is PipelineStage.BUILD and _somebody_works(progress, execution):
            return Decision(reason=f"{execution.id} waits for its turn to build")
        return Decision(events=_enter(progress, execution, following, now))
    if stage.stage is PipelineStage.APPROVE:
        return _approve(execution, stage, newer, now)
    if stage.stage is PipelineStage.DEPLOY:
        return follow_deployments(progress, execution)
    return _work(execution, stage, seen, now)


def _following(execution: Execution, stage: StageRecord | None) -> PipelineStage:
    if stage is None:
        return PipelineStage.SOURCE
    following = _ORDER[_ORDER.index(stage.stage) + 1]
    needs_approval = execution.app.pipeline.approval
    if following is PipelineStage.APPROVE and not needs_approval:
        return PipelineStage.DEPLOY
    return following


def _enter(
    progress: Progress, execution: Execution, stage: PipelineStage, now: int
) -> tuple[Event, ...]:
    started = StageStarted(execution.id, stage)
    if stage is PipelineStage.SOURCE:
        summary = f"{execution.commit[:12]} {execution.subject}"
        return started, StageSucceeded(execution.id, stage, summary)
    if stage is PipelineStage.DEPLOY:
        return started, *make_releases(progress, execution, now)
    return (started,)


def _newer(progress: Progress, execution: Execution) -> Execution | None:
    """The newest live execution, if that is not this one."""
    newest = [e for e in progress.executions.values() if e.live][-1]
    return newest if newest.id != execution.id else None


def _somebody_works(progress: Progress, execution: Execution) -> bool:
    others = [e for e in progress.executions.values() if e.live and e.id != execution.id]
    return any(_at_work(other) for other in others)


def _at_work(execution: Execution) -> bool:
    """Between the start of its build and the end of its scan."""
    stage = execution.stage
    if stage is None:
        return False
    scanned = stage.stage is PipelineStage.SCAN and stage.ended_at is not None
    return stage.stage in _WORKING and not scanned


def _supersede(execution: Execution, newer: Execution) -> Decision:
    reason = f"{newer.id} ({newer.commit[:12]}) is newer"
    return Decision(events=(ExecutionFinished(execution.id, Outcome.SUPERSEDED, reason),))


def _fail(
    execution: Execution, stage: PipelineStage, reason: str, outcome: Outcome = Outcome.FAILED
) -> Decision:
    failed = StageFailed(execution.id, stage, reason)
    finished = ExecutionFinished(execution.id, outcome, f"{stage}: {reason}")
    return Decision(events=(failed, finished), reason=reason)


# --- approve ---------------------------------------------------------------------------------


def _approve(
    execution: Execution, stage: StageRecord, newer: Execution | None, now: int
) -> Decision:
    if execution.rejected:
        return _fail(execution, stage.stage, execution.rejected, Outcome.REFUSED)
    if execution.approved_by:
        summary = f"approved by {execution.approved_by}"
        return Decision(events=(StageSucceeded(execution.id, stage.stage, summary),))
    if newer:
        return _supersede(execution, newer)
    deadline = stage.started_at + execution.app.pipeline.approval_timeout_ms
    if now >= deadline:
        return _fail(execution, stage.stage, "nobody approved it in time", Outcome.REFUSED)
    reason = f"{execution.id} waits for approval: tidegate approve {execution.id}"
    return Decision(reason=reason, look_again_at=deadline)


# --- build, test, scan -----------------------------------------------------------------------


def _work(execution: Execution, stage: StageRecord, seen: Seen, now: int) -> Decision:
    job = _job(execution, stage.stage)
    if job is None:
        return _without_job(execution, stage.stage)
    result = seen.jobs.get(job.id)
    deadline = stage.started_at + execution.app.pipeline.stage_timeout_ms
    if result is None or result.state is JobState.RUNNING:
        if now >= deadline:
            minutes = execution.app.pipeline.stage_timeout_ms / 60_000
            return _fail(execution, stage.stage, f"not done after {minutes:g} minutes")
        actions = (StartJob(job),) if result is None else ()
        return Decision(actions, reason=f"{execution.id}: {stage.stage}", look_again_at=deadline)
    if result.state is JobState.FAILED:
        return _fail(execution, stage.stage, result.summary)
    return _finish_work(execution, stage.stage, result)


def _job(execution: Execution, stage: PipelineStage) -> Job | None:
    """The job of a stage, or None when there is nothing to do in it."""
    job = f"{execution.id}/{stage}"
    services = execution.app.services
    if stage is PipelineStage.BUILD:
        return BuildImages(job, execution.id, services)
    if stage is PipelineStage.TEST:
        tested = tuple(s for s in services if s.test)
        return RunTests(job, execution.id, tested, execution.images) if tested else None
    if execution.app.gate.mode is GateMode.OFF:
        return None
    return ScanImages(job, execution.id, execution.images)


def _without_job(execution: Execution, stage: PipelineStage) -> Decision:
    if stage is PipelineStage.TEST:
        return Decision(events=(StageSucceeded(execution.id, stage, "no service has a test"),))
    return _judge(execution, JobSeen("", JobState.SUCCEEDED))


def _finish_work(execution: Execution, stage: PipelineStage, result: JobSeen) -> Decision:
    if stage is PipelineStage.SCAN:
        return _judge(execution, result)
    events: tuple[Event, ...] = (StageSucceeded(execution.id, stage, result.summary),)
    if stage is PipelineStage.BUILD:
        missing = {s.name for s in execution.app.services} - {name for name, _ in result.images}
        if missing:
            return _fail(execution, stage, f"no image for {', '.join(sorted(missing))}")
        events = (ImagesBuilt(execution.id, result.images), *events)
    return Decision(events=events)


def _judge(execution: Execution, result: JobSeen) -> Decision:
    """The gate's word on every image; one that may not run refuses the execution."""
    reports = {report.digest: report for report in result.reports}
    verdicts = []
    for service, digest in execution.images:
        kind, reason = gate.judge(execution.app.gate, digest, reports)
        verdicts.append(VerdictReached(execution.id, service, digest, kind, reason))
    bad = [v for v in verdicts if v.verdict not in gate.MAY_RUN]
    if bad:
        reason = "; ".join(f"{v.service} is {v.verdict}: {v.reason}" for v in bad)
        refused = _fail(execution, PipelineStage.SCAN, reason, Outcome.REFUSED)
        return Decision(events=(*verdicts, *refused.events), reason=reason)
    said = "gate: off" if any(v.verdict is VerdictKind.OFF for v in verdicts) else "passed"
    return Decision(events=(*verdicts, StageSucceeded(execution.id, PipelineStage.SCAN, said)))


def _sooner(one: int | None, other: int | None) -> int | None:
    return min((t for t in (one, other) if t is not None), default=None)
