"""The fold: a progress and an event make the next progress. It never looks at the world."""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import TypeVar, assert_never

from tidegate.core import decision as d
from tidegate.core.model import App
from tidegate.core.progress import (
    Alarmed,
    Deployment,
    Execution,
    Progress,
    Rollback,
    ServiceProgress,
    StageRecord,
    TaskPhase,
    TaskRecord,
    Waiting,
)

KEPT_DEPLOYMENTS = 200
"""Ended executions and deployments that stay in memory; the journal keeps all."""


def advance(progress: Progress, event: d.Event, at: int) -> Progress:  # noqa: C901, PLR0911, PLR0912
    """The progress after `event`, which happened at `at` (ms)."""
    match event:
        case d.ControllerStarted():
            return progress
        case d.AppAccepted(app):
            return _accept(progress, app)
        case (
            d.ExecutionStarted()
            | d.StageStarted()
            | d.StageSucceeded()
            | d.StageFailed()
            | d.ImagesBuilt()
            | d.VerdictReached()
            | d.Approved()
            | d.Rejected()
            | d.ExecutionFinished()
        ):
            return _advance_execution(progress, event, at)
        case d.ReleaseMade(release):
            releases = {**progress.releases, release.number: release}
            return replace(_count(progress, "release"), releases=releases)
        case d.DeploymentQueued(service, number, execution, by, known_good):
            waiting = Waiting(number, execution, by, known_good)
            return _service(progress, service, waiting=waiting)
        case d.DeploymentSuperseded():
            return progress
        case d.DeploymentStarted():
            return _start_deployment(progress, event, at)
        case d.StablePromoted(deployment, service, number):
            return _promote(progress, deployment, service, number)
        case d.DeploymentFinished(deployment, outcome, reason):
            ended = progress.deployments[deployment]
            progress = _deployment(
                progress, deployment, finished_at=at, outcome=outcome, reason=reason
            )
            return _service(progress, ended.service, deployment=None)
        case (
            d.StageEntered()
            | d.StepPassed()
            | d.TrafficShifted()
            | d.TrafficObserved()
            | d.DeploymentPaused()
            | d.DeploymentResumed()
            | d.PromoteRequested()
            | d.AbortRequested()
            | d.RollbackStarted()
        ):
            return _advance_deployment(progress, event, at)
        case (
            d.TaskStarted()
            | d.TaskHealthy()
            | d.TaskDraining()
            | d.TaskStopping()
            | d.TaskStopped()
            | d.TaskRemoved()
        ):
            return _advance_task(progress, event, at)
        case d.AlarmChanged(alarm, state, reason):
            return replace(progress, alarms={**progress.alarms, alarm: Alarmed(state, at, reason)})
        case d.DesiredChanged(service, desired, _, _):
            return _service(progress, service, desired=desired)
        case _:
            assert_never(event)


def advance_all(progress: Progress, events: tuple[d.Event, ...], at: int) -> Progress:
    """The progress after all the events, in order."""
    return reduce(lambda sofar, event: advance(sofar, event, at), events, progress)


def _count(progress: Progress, kind: str) -> Progress:
    return replace(progress, started={**progress.started, kind: progress.next_id(kind)})


def _service(progress: Progress, name: str, **changes: object) -> Progress:
    known = progress.services[name]
    changed = replace(known, **changes)  # type: ignore[arg-type]
    return replace(progress, services={**progress.services, name: changed})


def _deployment(progress: Progress, name: str, **changes: object) -> Progress:
    changed = replace(progress.deployments[name], **changes)  # type: ignore[arg-type]
    return replace(progress, deployments={**progress.deployments, name: changed})


def _accept(progress: Progress, app: App) -> Progress:
    """A service keeps its desired count within the new bounds; a new one starts at the file's."""
    services = dict(progress.services)
    for service in app.services:
        known = services.get(service.name)
        desired = known.desired if known else service.count.desired
        desired = min(max(desired, service.count.minimum), service.count.maximum)
        services[service.name] = (
            replace(known, desired=desired) if known else ServiceProgress(service.name, desired)
        )
    return replace(progress, app=app, services=services)


def _start_deployment(progress: Progress, event: d.DeploymentStarted, at: int) -> Progress:
    started = Deployment(
        event.deployment,
        event.service,
        event.stable,
        event.candidate,
        event.colour,
        at,
        event.known_good,
        stage_since=at,
    )
    kept = _forget_ended(progress.deployments)
    progress = replace(
        _count(progress, "deployment"), deployments={**kept, event.deployment: started}
    )
    return _service(progress, event.service, deployment=event.deployment, waiting=None)


def _promote(progress: Progress, deployment: str, service: str, number: int) -> Progress:
    colour = progress.deployments[deployment].colour
    known = progress.services[service]
    good = (*(n for n in known.good if n != number), number)
    progress = _deployment(progress, deployment, promoted=True)
    return _service(progress, service, stable=number, colour=colour, good=good)


_DeploymentEvent = (
    d.StageEntered
    | d.StepPassed
    | d.TrafficShifted
    | d.TrafficObserved
    | d.DeploymentPaused
    | d.DeploymentResumed
    | d.PromoteRequested
    | d.AbortRequested
    | d.RollbackStarted
)


def _advance_deployment(progress: Progress, event: _DeploymentEvent, at: int) -> Progress:
    known = progress.deployments[event.deployment]
    changes: dict[str, object]
    match event:
        case d.StageEntered(_, stage, _):
            changes = {"stage": stage, "stage_since": at, "promoted_by": None}
        case d.StepPassed(_, step, _):
            changes = {"passed": known.passed | {step}}
        case d.TrafficShifted(_, step, weight_bp, _):
            changes = {"step": step, "weight_bp": weight_bp, "asked_at": at, "observed_at": None}
            changes |= {"shifted_at": known.shifted_at or at}
        case d.TrafficObserved():
            changes = {"observed_at": at}
        case d.DeploymentPaused(_, by):
            changes = {"paused_by": by, "paused_at": known.paused_at if known.paused_by else at}
        case d.DeploymentResumed():
            changes = _go_on(known, at)
        case d.PromoteRequested(_, by):
            changes = {"promoted_by": by, **_go_on(known, at)}
        case d.AbortRequested(_, by):
            changes = {"aborted_by": by}
        case d.RollbackStarted(_, kind, reason, requests, errors):
            rollback = Rollback(kind, reason, at, requests, errors)
            changes = {"rollback": rollback, "weight_bp": 0, "observed_at": None}
        case _:
            assert_never(event)
    return _deployment(progress, event.deployment, **changes)


def _go_on(known: Deployment, at: int) -> dict[str, object]:
    """The end of a pause: its time counts for neither the stage nor the step."""
    if known.paused_by is None:
        return {}
    paused_ms = at - known.paused_at
    observed_at = None if known.observed_at is None else known.observed_at + paused_ms
    stage_since = known.stage_since + paused_ms
    return {"paused_by": None, "stage_since": stage_since, "observed_at": observed_at}


_TaskEvent = (
    d.TaskStarted | d.TaskHealthy | d.TaskDraining | d.TaskStopping | d.TaskStopped | d.TaskRemoved
)

_PHASE: Mapping[type[_TaskEvent], TaskPhase] = {
    d.TaskHealthy: TaskPhase.HEALTHY,
    d.TaskDraining: TaskPhase.DRAINING,
    d.TaskStopping: TaskPhase.STOPPING,
    d.TaskStopped: TaskPhase.STOPPED,
}


def _advance_task(progress: Progress, event: _TaskEvent, at: int) -> Progress:
    if isinstance(event, d.TaskRemoved):
        return replace(progress, tasks={k: t for k, t in progress.tasks.items() if k != event.task})
    if isinstance(event, d.TaskStarted):
        record = TaskRecord(event.task, event.service, event.release, event.colour, at, since=at)
        progress = _count(progress, "task")
        return replace(progress, tasks={**progress.tasks, event.task: record})
    known = progress.tasks[event.task]
    failed = known.failed or (isinstance(event, d.TaskDraining) and event.failed)
    record = replace(known, phase=_PHASE[type(event)], since=at, failed=failed)
    progress = replace(progress, tasks={**progress.tasks, event.task: record})
    if isinstance(event, d.TaskStopped) and event.failed:
        return _count_failure(progress, known, at)
    return progress


FAILURE_MEMORY_MS = 60_000
"""Failures further apart than this are not a row of failures."""


def _count_failure(progress: Progress, task: TaskRecord, at: int) -> Progress:
    service = progress.services[task.service]
    row = service.failures + 1 if at - service.failed_at <= FAILURE_MEMORY_MS else 1
    progress = _service(progress, task.service, failures=row, failed_at=at)
    deployment = progress.deployment_of(task.service)
    if deployment and deployment.candidate == task.release:
        return _deployment(progress, deployment.id, failed_tasks=deployment.failed_tasks + 1)
    return progress


_ExecutionEvent = (
    d.ExecutionStarted
    | d.StageStarted
    | d.StageSucceeded
    | d.StageFailed
    | d.ImagesBuilt
    | d.VerdictReached
    | d.Approved
    | d.Rejected
    | d.ExecutionFinished
)


def _advance_execution(progress: Progress, event: _ExecutionEvent, at: int) -> Progress:
    if isinstance(event, d.ExecutionStarted):
        made = Execution(
            event.execution,
            event.commit,
            event.subject,
            event.trigger,
            event.by,
            event.app,
            at,
        )
        kept = _forget_ended(progress.executions)
        return replace(_count(progress, "execution"), executions={**kept, event.execution: made})
    known = progress.executions[event.execution]
    match event:
        case d.StageStarted(_, stage):
            made = replace(known, stages=(*known.stages, StageRecord(stage, at)))
        case d.StageSucceeded(_, _, summary):
            made = replace(known, stages=_end_stage(known, at, True, summary))
        case d.StageFailed(_, _, reason):
            made = replace(known, stages=_end_stage(known, at, False, reason))
        case d.ImagesBuilt(_, images):
            made = replace(known, images=images)
        case d.VerdictReached():
            made = replace(known, verdicts=(*known.verdicts, event))
        case d.Approved(_, by):
            made = replace(known, approved_by=by)
        case d.Rejected(_, by, reason):
            made = replace(known, rejected=f"rejected by {by}: {reason}")
        case d.ExecutionFinished(_, outcome, reason):
            made = replace(known, finished_at=at, outcome=outcome, reason=reason)
        case _:
            assert_never(event)
    return replace(progress, executions={**progress.executions, event.execution: made})


_Ended = TypeVar("_Ended", Deployment, Execution)


def _end_stage(known: Execution, at: int, ok: bool, summary: str) -> tuple[StageRecord, ...]:
    ended = replace(known.stages[-1], ended_at=at, ok=ok, summary=summary)
    return (*known.stages[:-1], ended)


def _forget_ended(known: Mapping[str, _Ended]) -> dict[str, _Ended]:
    """All that live, and the newest of those that ended."""
    ended = [name for name, one in known.items() if not one.live]
    forgotten = set(ended[:-KEPT_DEPLOYMENTS])
    return {name: one for name, one in known.items() if name not in forgotten}
