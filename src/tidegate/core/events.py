"""What happened, in the past tense: it goes to the journal before any action runs.

`Event` is a closed union: `match` with `assert_never` makes a forgotten case a type error.
"""

from dataclasses import dataclass
from enum import StrEnum

from tidegate.core.balancer_events import BalancerEvent
from tidegate.core.capacity_events import CapacityEvent
from tidegate.core.gate_events import ReleaseRejudged
from tidegate.core.model import App, Colour, LifecycleStage, Release, RollbackEvent
from tidegate.core.pipeline_events import (
    Approved,
    ExecutionFinished,
    ExecutionStarted,
    ImagesBuilt,
    Outcome,
    Rejected,
    StageFailed,
    StageStarted,
    StageSucceeded,
    VerdictReached,
)
from tidegate.core.scaling_events import ScalingEvent


@dataclass(frozen=True, slots=True)
class AppAccepted:
    """This is the app file that counts from now on."""

    app: App


@dataclass(frozen=True, slots=True)
class ReleaseMade:
    """An image and its settings got a number."""

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
    """The deployment is in this lifecycle stage from now on."""

    deployment: str
    stage: LifecycleStage
    reason: str


@dataclass(frozen=True, slots=True)
class StepPassed:
    """A hook or check, by its job id, succeeded; `promoted`: a pause that a promote ended."""

    deployment: str
    step: str
    summary: str
    promoted: bool = False


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
    """Nothing moves until somebody resumes, promotes or aborts."""

    deployment: str
    by: str


@dataclass(frozen=True, slots=True)
class DeploymentResumed:
    """It goes on from where it was paused."""

    deployment: str
    by: str


@dataclass(frozen=True, slots=True)
class PromoteRequested:
    """Go on at once: end a pause hook, the steps that are left, or the bake."""

    deployment: str
    by: str


@dataclass(frozen=True, slots=True)
class AbortRequested:
    """Somebody wants all traffic back on stable."""

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
    """It is over: its service is free for the next."""

    deployment: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task is to run, and to serve in `colour`; first it may have to wait for an instance."""

    task: str
    service: str
    release: int
    colour: Colour
    reason: str
    provisioning: bool = False


@dataclass(frozen=True, slots=True)
class TaskHealthy:
    """It passed its health check, and goes into the balancer."""

    task: str


@dataclass(frozen=True, slots=True)
class TaskDraining:
    """The task is to go. `failed` when that is its own fault, not a wish of ours."""

    task: str
    reason: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class TaskStopping:
    """Nothing is sent to it any more: it is asked to stop."""

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
    """Nothing is left of it."""

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
    | ScalingEvent
    | ControllerStarted
    | ReleaseRejudged
    | CapacityEvent
    | BalancerEvent
)
