"""What the world looked like at one moment: tasks, targets, routing, metrics, jobs,
instances.

A part that could not be read is None, never empty: UNKNOWN is not the same as "nothing there".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from tidegate.core.findings import ScanReport
from tidegate.core.metrics import Second
from tidegate.core.model import Colour
from tidegate.core.scaling.sample import Series


class TaskState(StrEnum):
    """A task's last status, by ECS's names. A STOPPED task is still there until it is removed."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


class Health(StrEnum):
    """What the health check says of a task. UNKNOWN until it has passed or failed enough times."""

    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a task used since it was last measured: CPU units (1,024 are one core) and memory."""

    cpu_units: float
    memory_mib: float


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """A task as the container engine and the health check show it.

    `address` is `host:port` on loopback once running. `exit_code` is set when STOPPED. `note` says
    what is known of the cause when it is STOPPED or UNHEALTHY. `usage` is None while it has not
    been measured.
    """

    id: str
    service: str
    release: int
    digest: str
    state: TaskState
    health: Health = Health.UNKNOWN
    address: str | None = None
    exit_code: int | None = None
    out_of_memory: bool = False
    note: str = ""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A task in a target group of the balancer.

    `draining` targets get no new requests; `active` counts requests and connections under way.
    """

    service: str
    colour: Colour
    task: str
    draining: bool = False
    active: int = 0


@dataclass(frozen=True, slots=True)
class Routing:
    """How a service's traffic is split: `green_bp` to green, the rest to blue.

    `test` is the colour that the test listener and the test header reach, or None for neither.
    """

    service: str
    green_bp: int
    test: Colour | None = None

    def weight_bp(self, colour: Colour) -> int:
        """The share of production traffic, in basis points, that this colour gets."""
        return self.green_bp if colour is Colour.GREEN else 10_000 - self.green_bp


@dataclass(frozen=True, slots=True)
class BalancerSeen:
    """The balancer's own word: its targets, and the routing of each service that it serves.

    `listener` is `core.routing.listener_key` of the app file that its configuration was made from.
    `process` is the id of the process that serves, and after `@` what tells it from an earlier one
    of that id; "" when it does not say.
    """

    targets: tuple[Target, ...] = ()
    routing: Mapping[str, Routing] = field(default_factory=dict)
    listener: str = ""
    process: str = field(default="", compare=False)


class InstanceState(StrEnum):
    """An instance's state, by EC2's names. One that is gone is not seen any more."""

    PENDING = "pending"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class InstanceSeen:
    """An instance as its source shows it.

    `deadline` (ms) is when it will be taken back, None without a notice; `note` says who says so.
    """

    id: str
    state: InstanceState
    deadline: int | None = None
    note: str = ""


class JobState(StrEnum):
    """How far a job has come."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class AdvisoriesSeen:
    """The vulnerability data that a scan would be matched against now.

    `digest` names it by content, `at` (ms) is since when it grows old, None when nobody knows.
    `note` says what is wrong with it, if anything is.
    """

    digest: str
    at: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class JobSeen:
    """A long piece of work, by the id that its action gave it.

    `images` (service, digest) is filled by a build, `reports` by a scan.
    """

    id: str
    state: JobState
    summary: str = ""
    images: tuple[tuple[str, str], ...] = ()
    reports: tuple[ScanReport, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionFailure:
    """An action that an adapter could not do, since the last look. `action` is its identity.

    `unreachable`: what should have done it did not answer, so it says nothing of the action.
    """

    action: str
    error: str
    unreachable: bool = False


@dataclass(frozen=True)
class Seen:
    """The world as of this look.

    `metrics` holds the past seconds of each target group, oldest first, complete up to
    `metrics_until` (ms); a second without requests is left out. `jobs` forgets nothing while the
    engine lives; after a restart unfinished jobs are gone and are started again. `advisories` is
    None where nobody looks at vulnerability data. `series` is what was measured of each
    service (`core.scaling.record`). `registered_mib` is the memory that tasks may have
    altogether, None when it is not known. `balancer_silent_ms` is how long the balancer gave no
    answer before this look, 0 if it answered the last one too.
    """

    tasks: tuple[TaskSeen, ...] | None = None
    balancer: BalancerSeen | None = None
    metrics: Mapping[tuple[str, Colour], tuple[Second, ...]] | None = None
    metrics_until: int = 0
    jobs: Mapping[str, JobSeen] = field(default_factory=dict)
    failures: tuple[ActionFailure, ...] = ()
    advisories: AdvisoriesSeen | None = None
    series: Mapping[str, Series] = field(default_factory=dict)
    registered_mib: int | None = None
    instances: tuple[InstanceSeen, ...] | None = None
    balancer_silent_ms: int = 0

    def instance(self, instance_id: str) -> InstanceSeen | None:
        """The instance of that id, or None when it is not there or none could be read."""
        return next((i for i in self.instances or () if i.id == instance_id), None)

    def task(self, task_id: str) -> TaskSeen | None:
        """The task of that id, or None when it is not there or the engine could not be read."""
        return self._tasks.get(task_id)

    def target(self, task_id: str) -> Target | None:
        """The task's place in the balancer, or None."""
        return self._targets.get(task_id)

    @cached_property
    def _tasks(self) -> Mapping[str, TaskSeen]:
        return {task.id: task for task in reversed(self.tasks or ())}

    @cached_property
    def _targets(self) -> Mapping[str, Target]:
        targets = self.balancer.targets if self.balancer else ()
        return {target.task: target for target in reversed(targets)}
