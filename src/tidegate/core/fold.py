"""The fold: a progress and an event make the next progress. It never looks at the world."""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import assert_never

from tidegate.core import decision as d
from tidegate.core.balancer_events import BalancerEvent
from tidegate.core.capacity_events import CapacityEvent
from tidegate.core.fold_balancer import advance_balancer
from tidegate.core.fold_capacity import advance_capacity, task_removed, wait_anew
from tidegate.core.fold_gate import advance_gate
from tidegate.core.fold_pipeline import ExecutionEvent, advance_execution, count, forget_ended
from tidegate.core.fold_scaling import accept_scaling, advance_scaling
from tidegate.core.model import App
from tidegate.core.progress import (
    Alarmed,
    Deployment,
    FailureRow,
    Progress,
    Rollback,
    ServiceProgress,
    TaskPhase,
    TaskRecord,
    Waiting,
)
from tidegate.core.scaling.bounds import bounds_of


def advance(progress: Progress, event: d.Event, at: int) -> Progress:  # noqa: C901, PLR0911
    """The progress after `event`, which happened at `at` (ms)."""
    if isinstance(event, CapacityEvent):
        return advance_capacity(progress, event, at)
    if isinstance(event, ExecutionEvent):
        return advance_execution(progress, event, at)
    if isinstance(event, _DeploymentEvent):
        return _advance_deployment(progress, event, at)
    if isinstance(event, _TaskEvent):
        return _advance_task(progress, event, at)
    if isinstance(event, _ReleaseEvent):
        return _advance_release(progress, event, at)
    if isinstance(event, d.ScalingEvent):
        return advance_scaling(progress, event, at)
    if isinstance(event, BalancerEvent):
        return advance_balancer(progress, event, at)
    match event:
        case d.ReleaseRejudged():
            return advance_gate(progress, event)
        case d.ControllerStarted():
            return _take_over(progress, at)
        case d.AppAccepted(app):
            return _accept(accept_scaling(progress, app, at), app)
        case d.AlarmChanged(alarm, state, reason):
            known = progress.alarms.get(alarm)
            since = known.since if known and known.state is state else at
            changed = Alarmed(state, since, reason)
            return replace(progress, alarms={**progress.alarms, alarm: changed})
        case _:
            assert_never(event)


def advance_all(progress: Progress, events: tuple[d.Event, ...], at: int) -> Progress:
    """The progress after all the events, in order."""
    return reduce(lambda sofar, event: advance(sofar, event, at), events, progress)


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
        least, most = bounds_of(progress, service.name, service.count)
        desired = min(max(desired, least), most)
        services[service.name] = (
            replace(known, desired=desired) if known else ServiceProgress(service.name, desired)
        )
    return replace(progress, app=app, services=services)


def _take_over(progress: Progress, at: int) -> Progress:
    """Nobody watched while there was no controller: that time counts for no step and no bake."""
    clocks = {"stage_since": at, "asked_at": at, "paused_at": at, "observed_at": None}
    for deployment in progress.deployments.values():
        if deployment.live:
            short = {"short_since": None if deployment.short_since is None else at}
            progress = _deployment(progress, deployment.id, **clocks, **short)
    return wait_anew(progress, at)


_ReleaseEvent = (
    d.ReleaseMade
    | d.DeploymentQueued
    | d.DeploymentSuperseded
    | d.DeploymentStarted
    | d.StablePromoted
    | d.DeploymentFinished
)


def _advance_release(progress: Progress, event: _ReleaseEvent, at: int) -> Progress:
    match event:
        case d.ReleaseMade(release):
            releases = {**progress.releases, release.number: release}
            return replace(count(progress, "release"), releases=releases)
        case d.DeploymentQueued(service, number, execution, by, known_good):
            waiting = Waiting(number, execution, by, known_good)
            return _service(progress, service, waiting=waiting)
        case d.DeploymentSuperseded():
            return progress
        case d.DeploymentStarted():
            return _start_deployment(progress, event, at)
        case d.StablePromoted(deployment, service, number):
            return _promote(progress, deployment, service, number)
        case d.DeploymentFinished(name, outcome, reason):
            service = progress.deployments[name].service
            progress = _deployment(progress, name, finished_at=at, outcome=outcome, reason=reason)
            return _service(progress, service, deployment=None)
        case _:
            assert_never(event)


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
    kept = forget_ended(progress.deployments)
    progress = replace(
        count(progress, "deployment"), deployments={**kept, event.deployment: started}
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
        case d.StepPassed(_, step, _, promoted):
            changes = {"passed": known.passed | {step}}
            changes |= {"promoted_by": None} if promoted else {}
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
    return {
        "paused_by": None,
        "stage_since": known.stage_since + paused_ms,
        "asked_at": known.asked_at + paused_ms,
        "observed_at": None if known.observed_at is None else known.observed_at + paused_ms,
    }


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
        instance = progress.tasks[event.task].instance
        left = {k: t for k, t in progress.tasks.items() if k != event.task}
        return task_removed(replace(progress, tasks=left), instance, at)
    if isinstance(event, d.TaskStarted):
        record = TaskRecord(event.task, event.service, event.release, event.colour, at, since=at)
        if event.provisioning:
            record = replace(record, phase=TaskPhase.PROVISIONING)
        progress = count(progress, "task")
        return replace(progress, tasks={**progress.tasks, event.task: record})
    known = progress.tasks[event.task]
    failed = known.failed or (isinstance(event, d.TaskDraining) and event.failed)
    record = replace(known, phase=_PHASE[type(event)], since=at, failed=failed)
    progress = replace(progress, tasks={**progress.tasks, event.task: record})
    if isinstance(event, d.TaskStopped) and event.failed:
        return _count_failure(progress, known, event.reason, at)
    return progress


FAILURE_MEMORY_MS = 60_000
"""Failures further apart than this are not a row of failures."""


def _count_failure(progress: Progress, task: TaskRecord, reason: str, at: int) -> Progress:
    rows = progress.services[task.service].failures
    rows = {n: row for n, row in rows.items() if at - row.at <= FAILURE_MEMORY_MS}
    before = rows[task.release].count if task.release in rows else 0
    rows[task.release] = FailureRow(before + 1, at)
    progress = _service(progress, task.service, failures=rows)
    deployment = progress.deployment_of(task.service)
    if deployment and deployment.candidate == task.release:
        failed = deployment.failed_tasks + 1
        return _deployment(progress, deployment.id, failed_tasks=failed, last_failure=reason)
    return progress
