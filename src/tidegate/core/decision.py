"""What a controller answers: actions to do, events that happened, a reason, when to look again.

`Action` is imperative and safe to do twice; `Event` is past tense and goes to the journal before
any action runs. Both are closed unions: `match` with `assert_never` makes a forgotten case a type
error.
"""

from dataclasses import dataclass
from enum import StrEnum

from tidegate.core.model import (
    App,
    Colour,
    Hook,
    LifecycleStage,
    Release,
    RollbackEvent,
    Service,
    TrafficCheck,
)
from tidegate.core.seen import Routing

# --- jobs: work that takes a while, started by `StartJob`, seen in `Seen.jobs` ------------------


@dataclass(frozen=True, slots=True)
class BuildImages:
    """Build one image for each service from the execution's source; answers `images`."""

    id: str
    execution: str
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class RunTests:
    """Run each service's `test` command inside its image."""

    id: str
    execution: str
    services: tuple[Service, ...]
    images: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ScanImages:
    """Ask the scanner about each digest; answers `reports`."""

    id: str
    execution: str
    images: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RunChecks:
    """Send the smoke checks to the test listener."""

    id: str
    service: Service
    checks: tuple[TrafficCheck, ...]


@dataclass(frozen=True, slots=True)
class RunHook:
    """Run a command or call a URL. The deployment's facts are passed as TIDEGATE_* variables."""

    id: str
    hook: Hook
    deployment: str
    service: str
    release: int
    weight_bp: int


Job = BuildImages | RunTests | ScanImages | RunChecks | RunHook

# --- actions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartTask:
    """Start one container of `release`, by digest. Nothing happens when `task` is already there."""

    task: str
    service: Service
    release: int
    digest: str


@dataclass(frozen=True, slots=True)
class StopTask:
    """Ask the task to stop, and kill it after `grace_ms`. It is STOPPED afterwards."""

    task: str
    grace_ms: int


@dataclass(frozen=True, slots=True)
class RemoveTask:
    """Remove what is left of a STOPPED task; its last log lines are kept."""

    task: str


@dataclass(frozen=True, slots=True)
class RegisterTarget:
    """Put a healthy task into a target group of the balancer, ready for requests."""

    task: str
    service: str
    colour: Colour
    address: str


@dataclass(frozen=True, slots=True)
class DrainTarget:
    """Send the task no new requests; those under way go on."""

    task: str
    service: str
    colour: Colour


@dataclass(frozen=True, slots=True)
class DeregisterTarget:
    """Take the task out of its target group. `force` cuts what is still under way."""

    task: str
    service: str
    colour: Colour
    force: bool = False


@dataclass(frozen=True, slots=True)
class ApplyRouting:
    """Set the split of one service's traffic, at run time, without a reload."""

    routing: Routing


@dataclass(frozen=True, slots=True)
class ApplyListener:
    """Make the balancer serve exactly these services and their routes."""

    app: App


@dataclass(frozen=True, slots=True)
class StartJob:
    """Start a job. Nothing happens when one of that id runs or has ended."""

    job: Job


@dataclass(frozen=True, slots=True)
class PruneImages:
    """Remove the app's images except these digests."""

    keep: tuple[str, ...]


Action = (
    StartTask
    | StopTask
    | RemoveTask
    | RegisterTarget
    | DrainTarget
    | DeregisterTarget
    | ApplyRouting
    | ApplyListener
    | StartJob
    | PruneImages
)


def identity(action: Action) -> str:
    """The deterministic id of an action: two actions with one identity are the same action."""
    kind = type(action).__name__
    match action:
        case StartJob(job):
            return f"{kind}/{job.id}"
        case ApplyRouting(routing):
            return f"{kind}/{routing.service}/{routing.green_bp}/{routing.test or '-'}"
        case ApplyListener(app):
            routes = ",".join(f"{s.name}{[r.path for r in s.routes]}" for s in app.services)
            return f"{kind}/{routes}"
        case PruneImages(keep):
            return f"{kind}/{','.join(keep)}"
        case _:
            return f"{kind}/{action.task}"


# --- events: the pipeline --------------------------------------------------------------------


class PipelineStage(StrEnum):
    SOURCE = "source"
    BUILD = "build"
    TEST = "test"
    SCAN = "scan"
    APPROVE = "approve"
    DEPLOY = "deploy"


class Outcome(StrEnum):
    """How an execution or a deployment ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"
    ROLLED_BACK = "rolled back"
    SUPERSEDED = "superseded"


class VerdictKind(StrEnum):
    """The gate's word. UNKNOWN is a state of its own, never a silent pass."""

    PASSED = "passed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class AppAccepted:
    """This is the app file that counts from now on."""

    app: App


@dataclass(frozen=True, slots=True)
class ExecutionStarted:
    """A revision entered the pipeline. `trigger` is push, deploy or webhook."""

    execution: str
    commit: str
    subject: str
    trigger: str
    by: str
    app: App


@dataclass(frozen=True, slots=True)
class StageStarted:
    execution: str
    stage: PipelineStage


@dataclass(frozen=True, slots=True)
class StageSucceeded:
    execution: str
    stage: PipelineStage
    summary: str


@dataclass(frozen=True, slots=True)
class StageFailed:
    execution: str
    stage: PipelineStage
    reason: str


@dataclass(frozen=True, slots=True)
class ImagesBuilt:
    execution: str
    images: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class VerdictReached:
    """What the gate decided of one digest, and why."""

    execution: str
    service: str
    digest: str
    verdict: VerdictKind
    reason: str


@dataclass(frozen=True, slots=True)
class Approved:
    execution: str
    by: str


@dataclass(frozen=True, slots=True)
class Rejected:
    execution: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExecutionFinished:
    execution: str
    outcome: Outcome
    reason: str


# --- events: releases and deployments -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReleaseMade:
    release: Release


@dataclass(frozen=True, slots=True)
class DeploymentQueued:
    """The release waits for its service to be free. `known_good` skips steps already earned."""

    service: str
    release: int
    execution: str | None
    by: str
    known_good: bool = False


@dataclass(frozen=True, slots=True)
class DeploymentSuperseded:
    """A release that only waited gave way to a newer one."""

    service: str
    release: int
    newer: int


@dataclass(frozen=True, slots=True)
class DeploymentStarted:
    """`candidate` goes into `colour`; `stable` (None at a first deployment) holds the other."""

    deployment: str
    service: str
    stable: int | None
    candidate: int
    colour: Colour
    known_good: bool = False


@dataclass(frozen=True, slots=True)
class StageEntered:
    deployment: str
    stage: LifecycleStage
    reason: str


@dataclass(frozen=True, slots=True)
class StepPassed:
    """A hook or check of a deployment, by its job id, succeeded."""

    deployment: str
    step: str
    summary: str


@dataclass(frozen=True, slots=True)
class TrafficShifted:
    """The candidate is to get `weight_bp` from now on."""

    deployment: str
    step: int
    weight_bp: int
    reason: str


@dataclass(frozen=True, slots=True)
class TrafficObserved:
    """The balancer is seen to hold the weight; the step's clock starts here."""

    deployment: str
    weight_bp: int


@dataclass(frozen=True, slots=True)
class DeploymentPaused:
    deployment: str
    by: str


@dataclass(frozen=True, slots=True)
class DeploymentResumed:
    deployment: str
    by: str


@dataclass(frozen=True, slots=True)
class PromoteRequested:
    """Go on at once: end a pause hook, the steps that are left, or the bake."""

    deployment: str
    by: str


@dataclass(frozen=True, slots=True)
class AbortRequested:
    deployment: str
    by: str


@dataclass(frozen=True, slots=True)
class RollbackStarted:
    """All traffic goes back to stable. `requests` and `errors` are what the candidate answered."""

    deployment: str
    event: RollbackEvent
    reason: str
    requests: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class StablePromoted:
    """The candidate is the stable release from now on; the old tasks are drained next."""

    deployment: str
    service: str
    release: int


@dataclass(frozen=True, slots=True)
class DeploymentFinished:
    deployment: str
    outcome: Outcome
    reason: str


# --- events: tasks, alarms, operators ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskStarted:
    task: str
    service: str
    release: int
    colour: Colour
    reason: str


@dataclass(frozen=True, slots=True)
class TaskHealthy:
    task: str


@dataclass(frozen=True, slots=True)
class TaskDraining:
    """The task is to go. `failed` when that is its own fault, not a wish of ours."""

    task: str
    reason: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class TaskStopping:
    task: str


@dataclass(frozen=True, slots=True)
class TaskStopped:
    """The task ended. `failed` when it was not asked to; `reason` in ECS's wording."""

    task: str
    reason: str
    failed: bool
    exit_code: int | None = None
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True)
class TaskRemoved:
    task: str


class AlarmState(StrEnum):
    """CloudWatch's three alarm states."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True)
class AlarmChanged:
    """`alarm` is `service/name`, since each service evaluates the app's alarms for itself."""

    alarm: str
    state: AlarmState
    reason: str


@dataclass(frozen=True, slots=True)
class DesiredChanged:
    service: str
    desired: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ControllerStarted:
    """A controller took the lease. `version` is Tidegate's."""

    owner: str
    version: str


Event = (
    AppAccepted
    | ExecutionStarted
    | StageStarted
    | StageSucceeded
    | StageFailed
    | ImagesBuilt
    | VerdictReached
    | Approved
    | Rejected
    | ExecutionFinished
    | ReleaseMade
    | DeploymentQueued
    | DeploymentSuperseded
    | DeploymentStarted
    | StageEntered
    | StepPassed
    | TrafficShifted
    | TrafficObserved
    | DeploymentPaused
    | DeploymentResumed
    | PromoteRequested
    | AbortRequested
    | RollbackStarted
    | StablePromoted
    | DeploymentFinished
    | TaskStarted
    | TaskHealthy
    | TaskDraining
    | TaskStopping
    | TaskStopped
    | TaskRemoved
    | AlarmChanged
    | DesiredChanged
    | ControllerStarted
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What one look at the world led to.

    `reason` is one sentence for a person. `look_again_at` (ms) is the latest time for the next
    look; None when only a change of the world can matter.
    """

    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    reason: str = ""
    look_again_at: int | None = None
