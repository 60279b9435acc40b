"""What a person may ask of a running app, and the events that say yes.

What cannot be granted raises a `TidegateError` that says why, and what to do; nothing is recorded.
"""

from dataclasses import dataclass
from typing import assert_never

from tidegate.core import decision as d
from tidegate.core.errors import Busy, NotFound, UsageError
from tidegate.core.model import App
from tidegate.core.progress import Deployment, Execution, Progress, ServiceProgress
from tidegate.core.scaling.bounds import bounds
from tidegate.core.words import counted


@dataclass(frozen=True, slots=True)
class AcceptApp:
    """Make this the app file that counts, before anything is deployed from it."""

    app: App
    by: str


@dataclass(frozen=True, slots=True)
class StartExecution:
    """Put a revision into the pipeline; its source lies ready under the execution's id."""

    execution: str
    commit: str
    subject: str
    trigger: str
    by: str
    app: App


@dataclass(frozen=True, slots=True)
class Approve:
    """Let an execution that waits for approval go on."""

    execution: str
    by: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse an execution that waits for approval."""

    execution: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Hold the service's deployment where it is."""

    service: str
    by: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Let a paused deployment go on."""

    service: str
    by: str


@dataclass(frozen=True, slots=True)
class Promote:
    """Go on at once: end a pause, the steps that are left, or the bake."""

    service: str
    by: str


@dataclass(frozen=True, slots=True)
class Abort:
    """Take all traffic back to stable."""

    service: str
    by: str


@dataclass(frozen=True, slots=True)
class RollBack:
    """Back to `release`, or to the last good one before the stable one when None."""

    service: str
    release: int | None
    by: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Give the service so many tasks."""

    service: str
    desired: int
    by: str


Request = (
    AcceptApp
    | StartExecution
    | Approve
    | Reject
    | Pause
    | Resume
    | Promote
    | Abort
    | RollBack
    | Scale
)


def answer(progress: Progress, request: Request, now: int) -> tuple[d.Event, ...]:  # noqa: C901
    """The events that grant `request`, none when it is so already, or a `TidegateError`."""
    match request:
        case AcceptApp(app, _):
            return (d.AppAccepted(app),)
        case StartExecution():
            return _start(progress, request)
        case Approve(execution, by):
            return (d.Approved(_waiting_for_approval(progress, execution).id, by),)
        case Reject(execution, by, reason):
            return (d.Rejected(_waiting_for_approval(progress, execution).id, by, reason),)
        case Pause(service, by):
            moving = _moving(progress, service)
            return (d.DeploymentPaused(moving.id, by),) if moving.paused_by is None else ()
        case Resume(service, by):
            return (d.DeploymentResumed(_paused(progress, service).id, by),)
        case Promote(service, by):
            return (d.PromoteRequested(_moving(progress, service).id, by),)
        case Abort(service, by):
            return (d.AbortRequested(_moving(progress, service).id, by),)
        case RollBack():
            return _roll_back(progress, request)
        case Scale(service, desired, by):
            return _scale(progress, service, desired, by)
        case _:
            assert_never(request)


def _start(progress: Progress, request: StartExecution) -> tuple[d.Event, ...]:
    if request.execution in progress.executions:
        raise Busy(
            f"execution {request.execution} has already started",
            remedy="follow it: tidegate status",
            code="TG801",
        )
    fields = (request.execution, request.commit, request.subject, request.trigger)
    return (d.ExecutionStarted(*fields, request.by, request.app),)


def _waiting_for_approval(progress: Progress, name: str) -> Execution:
    execution = progress.executions.get(name)
    if execution is None:
        known = [e.id for e in progress.executions.values() if e.live]
        raise NotFound(
            f"no execution {name}",
            remedy=f"running: {', '.join(known) or 'none'}",
            code="TG702",
        )
    stage = execution.stage
    waits = stage is not None and stage.stage is d.PipelineStage.APPROVE and stage.ok is None
    if not execution.live or not waits:
        raise UsageError(
            f"execution {name} does not wait for approval",
            cause=f"it has ended: {execution.outcome}"
            if execution.outcome
            else "it is not there yet",
            remedy="tidegate status shows what is under way",
            code="TG102",
        )
    return execution


def _service(progress: Progress, name: str) -> ServiceProgress:
    known = progress.services.get(name)
    if known is None:
        raise NotFound(
            f"no service {name}",
            remedy=f"services: {', '.join(sorted(progress.services)) or 'none yet'}",
            code="TG701",
        )
    return known


def _moving(progress: Progress, service: str) -> Deployment:
    _service(progress, service)
    deployment = progress.deployment_of(service)
    if deployment is None:
        raise NotFound(
            f"no deployment of {service} is under way",
            remedy=f"start one with a push, or go back with: tidegate rollback {service}",
            code="TG703",
        )
    if deployment.promoted:
        raise NotFound(
            f"deployment {deployment.id} of {service} is over: v{deployment.candidate} is stable",
            cause="only its old tasks are still being drained",
            remedy=f"to go back: tidegate rollback {service}",
            code="TG704",
        )
    if deployment.rollback is not None:
        raise Busy(
            f"deployment {deployment.id} of {service} is already rolling back",
            cause=deployment.rollback.reason,
            code="TG802",
        )
    return deployment


def _paused(progress: Progress, service: str) -> Deployment:
    deployment = _moving(progress, service)
    if deployment.paused_by is None:
        raise UsageError(
            f"the deployment of {service} is not paused",
            remedy=f"it goes on by itself; past its waiting at once: tidegate promote {service}",
            code="TG103",
        )
    return deployment


def _roll_back(progress: Progress, request: RollBack) -> tuple[d.Event, ...]:
    """While a deployment is under way, going back means aborting it."""
    service = _service(progress, request.service)
    deployment = progress.deployment_of(service.name)
    if deployment and not deployment.promoted and request.release in (None, deployment.stable):
        return (d.AbortRequested(_moving(progress, service.name).id, request.by),)
    if deployment:
        raise Busy(
            f"a deployment of {service.name} is under way",
            cause=f"{deployment.id} moves it to v{deployment.candidate}",
            remedy=f"tidegate abort {service.name}, or wait for its end",
            code="TG803",
        )
    retention = _in_file(progress, service.name).retention
    number = request.release if request.release is not None else _previous(service)
    kept = service.good[-retention:]
    if number not in kept:
        good = ", ".join(f"v{n}" for n in kept)
        raise NotFound(
            f"v{number} is not among the good releases of {service.name} that are kept",
            remedy=f"good ones: {good or 'none yet'}",
            code="TG705",
        )
    if number == service.stable:
        others = ", ".join(f"v{n}" for n in kept if n != number)
        raise UsageError(
            f"v{number} already serves {service.name}",
            remedy=f"good ones beside it: {others or 'none yet'}",
            code="TG104",
        )
    queued = d.DeploymentQueued(service.name, number, None, request.by, known_good=True)
    if service.waiting is None:
        return (queued,)
    return d.DeploymentSuperseded(service.name, service.waiting.release, number), queued


def _in_file(progress: Progress, name: str) -> App:
    """The app file, if it has the service."""
    app = progress.app
    if app is None or app.service(name) is None:
        listed = ", ".join(one.name for one in app.services) if app else "none yet"
        raise NotFound(
            f"service {name} is not in the app file any more",
            remedy=f"services: {listed}",
            code="TG707",
        )
    return app


def _previous(service: ServiceProgress) -> int:
    earlier = [n for n in service.good if n != service.stable]
    if not earlier:
        raise NotFound(
            f"{service.name} has no earlier good release to go back to",
            cause="the first good release is the stable one",
            remedy="push a second one; tidegate releases lists those that there are",
            code="TG706",
        )
    return earlier[-1]


def _scale(progress: Progress, name: str, desired: int, by: str) -> tuple[d.Event, ...]:
    _service(progress, name)
    _in_file(progress, name)
    least, most = bounds(progress, name)
    if not least <= desired <= most:
        raise UsageError(
            f"{name} cannot have {counted(desired, 'task')}",
            cause=f"the app file allows {least} to {most}",
            where=f"services.{name}.tasks",
            remedy="change min or max in tidegate.yaml and push",
            code="TG105",
        )
    return (d.DesiredChanged(name, desired, by, f"{by} asked for {desired}"),)
