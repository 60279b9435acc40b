"""The pipeline: source → build → test → scan → approve → deploy, one execution at a time.

An execution that only waits (for its turn, or for approval) gives way to a newer one. One that
builds, tests or scans goes on to the end of its scan. A verdict that has lapsed meanwhile (a waiver
ended, the data grew old) is worth nothing: the execution is refused before it deploys.
"""

from tidegate.core import judging
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
    StageFailed,
    StageStarted,
    StageSucceeded,
    StartJob,
)
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
    return _work(progress, execution, stage, seen, now)


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
        lapsed = judging.lapsed(execution, now)
        if lapsed:
            return started, *_fail(execution, stage, lapsed, Outcome.REFUSED).events
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
    lapsed = judging.lapsed(execution, now)
    if lapsed:
        return _fail(execution, stage.stage, lapsed, Outcome.REFUSED)
    if execution.approved_by:
        summary = f"approved by {execution.approved_by}"
        return Decision(events=(StageSucceeded(execution.id, stage.stage, summary),))
    if newer:
        return _supersede(execution, newer)
    deadline = stage.started_at + execution.app.pipeline.approval_timeout_ms
    if now >= deadline:
        return _fail(execution, stage.stage, "nobody approved it in time", Outcome.REFUSED)
    reason = f"{execution.id} waits for approval: tidegate approve {execution.id}"
    return Decision(reason=reason, look_again_at=min(deadline, judging.holds_until(execution)))


# --- build, test, scan -----------------------------------------------------------------------


def _work(
    progress: Progress, execution: Execution, stage: StageRecord, seen: Seen, now: int
) -> Decision:
    job = _job(progress, execution, stage.stage)
    if job is None:
        return _without_job(progress, execution, stage.stage, now)
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
    return _finish_work(progress, execution, stage.stage, result, now)


def _job(progress: Progress, execution: Execution, stage: PipelineStage) -> Job | None:
    """The job of a stage, or None when there is nothing to do in it."""
    job = f"{execution.id}/{stage}"
    services = execution.app.services
    if stage is PipelineStage.BUILD:
        return BuildImages(job, execution.id, services)
    if stage is PipelineStage.TEST:
        tested = tuple(s for s in services if s.test)
        return RunTests(job, execution.id, tested, execution.images) if tested else None
    return judging.scan(progress, execution, job)


def _without_job(
    progress: Progress, execution: Execution, stage: PipelineStage, now: int
) -> Decision:
    if stage is PipelineStage.TEST:
        return Decision(events=(StageSucceeded(execution.id, stage, "no service has a test"),))
    return _judge(progress, execution, JobSeen("", JobState.SUCCEEDED), now)


def _finish_work(
    progress: Progress, execution: Execution, stage: PipelineStage, result: JobSeen, now: int
) -> Decision:
    if stage is PipelineStage.SCAN:
        return _judge(progress, execution, result, now)
    events: tuple[Event, ...] = (StageSucceeded(execution.id, stage, result.summary),)
    if stage is PipelineStage.BUILD:
        missing = {s.name for s in execution.app.services} - {name for name, _ in result.images}
        if missing:
            return _fail(execution, stage, f"no image for {', '.join(sorted(missing))}")
        events = (ImagesBuilt(execution.id, result.images), *events)
    return Decision(events=events)


def _judge(progress: Progress, execution: Execution, result: JobSeen, now: int) -> Decision:
    """The gate's word on every image; one that may not run refuses the execution."""
    verdicts = judging.verdicts(progress, execution, result, now)
    reason = judging.refusal(verdicts)
    if reason:
        refused = _fail(execution, PipelineStage.SCAN, reason, Outcome.REFUSED)
        return Decision(events=(*verdicts, *refused.events), reason=reason)
    said = judging.summary(verdicts)
    return Decision(events=(*verdicts, StageSucceeded(execution.id, PipelineStage.SCAN, said)))


def _sooner(one: int | None, other: int | None) -> int | None:
    return min((t for t in (one, other) if t is not None), default=None)
