"""Where everything stands: executions, releases, services, deployments, tasks, alarms.

Only `core.fold` makes a new `Progress`, out of the journal's events; a crash is a replay of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tidegate.core import decision as d
from tidegate.core.instance import Fleet
from tidegate.core.model import App, Colour, LifecycleStage, Release, RollbackEvent
from tidegate.core.scaling.state import ScalingState


class TaskPhase(StrEnum):
    """Where a task is in its life; PROVISIONING waits for an instance."""

    PROVISIONING = "provisioning"
    STARTED = "started"
    HEALTHY = "healthy"
    DRAINING = "draining"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task from its start to its removal. `since` is when its phase began (ms).

    `instance` of `provider` is where it runs; None without capacity providers, or while it waits.
    `leaving` is why it is to be replaced by one elsewhere, or empty.
    """

    id: str
    service: str
    release: int
    colour: Colour
    started_at: int
    phase: TaskPhase = TaskPhase.STARTED
    since: int = 0
    failed: bool = False
    provider: str = ""
    instance: str | None = None
    leaving: str = ""


@dataclass(frozen=True, slots=True)
class Rollback:
    """Why a deployment goes back."""

    event: RollbackEvent
    reason: str
    at: int
    requests: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Deployment:
    """One attempt to move a service from its stable release to a candidate.

    `weight_bp` was asked for at `asked_at`; `observed_at` is when the balancer was seen to hold it,
    or None. Time spent paused is taken out of `stage_since` and `observed_at` on resuming.
    `step` indexes the shift's timetable, -1 before the first. `failed_tasks` counts starts of
    candidate tasks that ended before or after they were healthy; `last_failure` says how the last
    one did. `short_since` is since when it waits for capacity, or None; that time counts for
    nothing either.
    """

    id: str
    service: str
    stable: int | None
    candidate: int
    colour: Colour
    started_at: int
    known_good: bool = False
    stage: LifecycleStage = LifecycleStage.PRE_SCALE_UP
    stage_since: int = 0
    step: int = -1
    weight_bp: int = 0
    asked_at: int = 0
    observed_at: int | None = None
    shifted_at: int | None = None
    paused_by: str | None = None
    paused_at: int = 0
    short_since: int | None = None
    promoted_by: str | None = None
    aborted_by: str | None = None
    passed: frozenset[str] = frozenset()
    failed_tasks: int = 0
    last_failure: str = ""
    rollback: Rollback | None = None
    promoted: bool = False
    finished_at: int | None = None
    outcome: d.Outcome | None = None
    reason: str = ""

    @property
    def live(self) -> bool:
        """Whether it is not over yet."""
        return self.outcome is None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A release that waits for its service to be free."""

    release: int
    execution: str | None
    by: str
    known_good: bool


@dataclass(frozen=True, slots=True)
class FailureRow:
    """So many task failures in a row, each within a minute of the last, which was at `at` (ms)."""

    count: int
    at: int


@dataclass(frozen=True, slots=True)
class ServiceProgress:
    """A service: its stable release and colour, its desired count, what moves and what waits.

    `good` holds the releases that have been stable, the latest last. `failures` holds the rows of
    task failures by release.
    """

    name: str
    desired: int
    stable: int | None = None
    colour: Colour = Colour.BLUE
    deployment: str | None = None
    waiting: Waiting | None = None
    good: tuple[int, ...] = ()
    failures: Mapping[int, FailureRow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One stage of an execution, with its times (ms) and what it said."""

    stage: d.PipelineStage
    started_at: int
    ended_at: int | None = None
    ok: bool | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of the pipeline. `app` is the file of its revision."""

    id: str
    commit: str
    subject: str
    trigger: str
    by: str
    app: App
    started_at: int
    stages: tuple[StageRecord, ...] = ()
    images: tuple[tuple[str, str], ...] = ()
    verdicts: tuple[d.VerdictReached, ...] = ()
    approved_by: str | None = None
    rejected: str | None = None
    finished_at: int | None = None
    outcome: d.Outcome | None = None
    reason: str = ""

    @property
    def live(self) -> bool:
        """Whether it is not over yet."""
        return self.outcome is None

    @property
    def stage(self) -> StageRecord | None:
        """The stage that it is in, or the last one that it was in."""
        return self.stages[-1] if self.stages else None


@dataclass(frozen=True, slots=True)
class Alarmed:
    """The state of one alarm, since when, and why."""

    state: d.AlarmState
    since: int
    reason: str


@dataclass(frozen=True, slots=True)
class BalancerRecord:
    """The process of the balancer that served last, and since when (ms) it is silent, or None.

    `came` is its last coming back, at `came_at` (ms); None while it never was away.
    """

    process: str = ""
    silent_since: int | None = None
    came: d.BalancerServes | None = None
    came_at: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything that the journal says, at one moment.

    `started` counts what was ever started by kind ("task", "deployment", "execution", "release",
    "instance"), so that the next id is known without looking anywhere. `rejudged` holds the
    gate's last word on each service's running release.
    """

    app: App | None = None
    releases: Mapping[int, Release] = field(default_factory=dict)
    services: Mapping[str, ServiceProgress] = field(default_factory=dict)
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    executions: Mapping[str, Execution] = field(default_factory=dict)
    tasks: Mapping[str, TaskRecord] = field(default_factory=dict)
    alarms: Mapping[str, Alarmed] = field(default_factory=dict)
    started: Mapping[str, int] = field(default_factory=dict)
    rejudged: Mapping[str, d.ReleaseRejudged] = field(default_factory=dict)
    fleet: Fleet = field(default_factory=Fleet)
    scaling: Mapping[str, ScalingState] = field(default_factory=dict)
    balancer: BalancerRecord = field(default_factory=BalancerRecord)

    def deployment_of(self, service: str) -> Deployment | None:
        """The deployment of the service that is under way, or None."""
        known = self.services.get(service)
        return self.deployments[known.deployment] if known and known.deployment else None

    def next_id(self, kind: str) -> int:
        """The number that the next one of this kind gets, from 1."""
        return self.started.get(kind, 0) + 1

    def tasks_of(self, service: str, release: int | None = None) -> tuple[TaskRecord, ...]:
        """The service's tasks (of one release, if given), in the order of their start."""
        return tuple(
            t
            for t in self.tasks.values()
            if t.service == service and (release is None or t.release == release)
        )
