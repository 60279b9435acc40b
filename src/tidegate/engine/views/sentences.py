"""Every event as one sentence for a person."""

from typing import assert_never

from tidegate.core import decision as d
from tidegate.core import outage
from tidegate.core.balancer_events import BalancerEvent
from tidegate.core.capacity_events import CapacityEvent
from tidegate.core.words import counted
from tidegate.engine.views.capacity_sentences import capacity


def sentence(event: d.Event) -> str:
    """What happened, in one line without a full stop."""
    if isinstance(event, _PipelineEvent):
        return _pipeline(event)
    if isinstance(event, _DeploymentEvent):
        return _deployment(event)
    if isinstance(event, CapacityEvent):
        return capacity(event)
    if isinstance(event, BalancerEvent):
        return outage.sentence(event)
    if isinstance(event, d.ScalingActivity):
        change = f"scales {event.service} from {event.before} to {counted(event.after, 'task')}"
        return f"policy {event.policy} {change}" + _tail(event.reason)
    if isinstance(event, d.BoundsChanged):
        bounds = f"{event.minimum} to {counted(event.maximum, 'task')}"
        return f"{event.service} may have {bounds}" + _tail(event.reason)
    return _rest(event)


def percent(weight_bp: int) -> str:
    """Basis points as a person reads them: 1250 is `12.5 %`."""
    return f"{weight_bp / 100:g} %"


_PipelineEvent = (
    d.AppAccepted
    | d.ExecutionStarted
    | d.StageStarted
    | d.StageSucceeded
    | d.StageFailed
    | d.ImagesBuilt
    | d.VerdictReached
    | d.Approved
    | d.Rejected
    | d.ExecutionFinished
)
_DeploymentEvent = (
    d.ReleaseMade
    | d.DeploymentQueued
    | d.DeploymentSuperseded
    | d.DeploymentStarted
    | d.StageEntered
    | d.StepPassed
    | d.TrafficShifted
    | d.TrafficObserved
    | d.DeploymentPaused
    | d.DeploymentResumed
    | d.PromoteRequested
    | d.AbortRequested
    | d.RollbackStarted
    | d.StablePromoted
    | d.DeploymentFinished
)
_RestEvent = (
    d.TaskStarted
    | d.TaskHealthy
    | d.TaskDraining
    | d.TaskStopping
    | d.TaskStopped
    | d.TaskRemoved
    | d.AlarmChanged
    | d.DesiredChanged
    | d.ControllerStarted
    | d.ReleaseRejudged
)


def _pipeline(event: _PipelineEvent) -> str:  # noqa: C901 — one case per event
    match event:
        case d.AppAccepted(app):
            return f"the app file of {app.name} counts from now on"
        case d.ExecutionStarted(execution, commit, subject, trigger, by):
            return f"{execution} started by {trigger} of {by}: {commit[:12]} {subject}".rstrip()
        case d.StageStarted(execution, stage):
            return f"{execution}: {stage} started"
        case d.StageSucceeded(execution, stage, summary):
            return f"{execution}: {stage} succeeded" + _tail(summary)
        case d.StageFailed(execution, stage, reason):
            return f"{execution}: {stage} failed" + _tail(reason)
        case d.ImagesBuilt(execution, images):
            return f"{execution}: images built for {', '.join(name for name, _ in images)}"
        case d.VerdictReached(execution, service, digest, verdict, reason):
            return f"{execution}: the gate says {verdict} of {service} {short(digest)}: {reason}"
        case d.Approved(execution, by):
            return f"{execution} approved by {by}"
        case d.Rejected(execution, by, reason):
            return f"{execution} rejected by {by}" + _tail(reason)
        case d.ExecutionFinished(execution, outcome, reason):
            return f"{execution} {outcome}" + _tail(reason)
        case _:
            assert_never(event)


def _deployment(event: _DeploymentEvent) -> str:  # noqa: C901, PLR0911, PLR0912
    match event:
        case d.ReleaseMade(release):
            made = f"{release.label} of {release.service.name} made"
            return f"{made} from {release.commit[:12]}, {short(release.digest)}"
        case d.DeploymentQueued(service, release, execution, by, known_good):
            why = "to roll back" if known_good else f"from {execution}"
            return f"v{release} waits for {service} to be free ({why}, by {by})"
        case d.DeploymentSuperseded(service, release, newer):
            return f"v{release} of {service} gave way to v{newer} before it was deployed"
        case d.DeploymentStarted(deployment, service, stable, candidate, colour):
            origin = f"from v{stable}" if stable is not None else "as its first release"
            return f"{deployment} moves {service} {origin} to v{candidate} in {colour}"
        case d.StageEntered(deployment, stage, reason):
            return f"{deployment} entered {stage}" + _tail(reason)
        case d.StepPassed(deployment, step, summary):
            return f"{deployment} passed {step.removeprefix(f'{deployment}/')}" + _tail(summary)
        case d.TrafficShifted(deployment, _, weight_bp, reason):
            return f"{deployment} asks for {percent(weight_bp)} on the candidate" + _tail(reason)
        case d.TrafficObserved(deployment, weight_bp):
            return f"{deployment}: the balancer holds {percent(weight_bp)} on the candidate"
        case d.DeploymentPaused(deployment, by):
            return f"{deployment} paused by {by}"
        case d.DeploymentResumed(deployment, by):
            return f"{deployment} resumed by {by}"
        case d.PromoteRequested(deployment, by):
            return f"{deployment} told to go on at once by {by}"
        case d.AbortRequested(deployment, by):
            return f"{deployment} told to abort by {by}"
        case d.RollbackStarted(deployment, kind, reason, requests, errors):
            touched = f"{errors} of the candidate's {requests} requests failed"
            touched = touched if requests else "the candidate had no request"
            return f"{deployment} rolls back ({kind}): {reason}; {touched}"
        case d.StablePromoted(deployment, service, release):
            return f"{deployment}: v{release} is the stable release of {service}"
        case d.DeploymentFinished(deployment, outcome, reason):
            return f"{deployment} {outcome}" + _tail(reason)
        case _:
            assert_never(event)


def _rest(event: _RestEvent) -> str:  # noqa: C901
    match event:
        case d.TaskStarted(task, service, release, colour, reason, provisioning):
            what = "waits for an instance" if provisioning else "started"
            return f"{task} of {service} v{release} {what} in {colour}" + _tail(reason)
        case d.TaskHealthy(task):
            return f"{task} is healthy"
        case d.TaskDraining(task, reason):
            return f"{task} gets no new requests" + _tail(reason)
        case d.TaskStopping(task):
            return f"{task} is being stopped"
        case d.TaskStopped(task, reason, failed):
            return f"{task} {'failed' if failed else 'stopped'}" + _tail(reason)
        case d.TaskRemoved(task):
            return f"{task} removed"
        case d.AlarmChanged(alarm, state, reason):
            return f"alarm {alarm} is {state}" + _tail(reason)
        case d.DesiredChanged(service, desired, _, reason):
            return f"{service} is to have {counted(desired, 'task')}" + _tail(reason)
        case d.ReleaseRejudged(service, release, _, verdict, reason):
            return f"the running v{release} of {service} is {verdict} now" + _tail(reason)
        case d.ControllerStarted(owner, version):
            return f"controller {owner} started, version {version}"
        case _:
            assert_never(event)


def short(digest: str) -> str:
    """The first 12 hex digits of a digest, with its algorithm."""
    algorithm, colon, value = digest.partition(":")
    return f"{algorithm}{colon}{value[:12]}" if colon else digest[:12]


def _tail(text: str) -> str:
    return f": {text}" if text else ""
