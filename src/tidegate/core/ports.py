"""What a world implements, so that the engine can see it and act on it.

Calls may block; the engine runs them off its loop (`engine.execute`). Every write is safe to call
twice. A call that cannot be done raises `EffectFailed`; a read that cannot be done returns None.
`tests/contract` holds every implementation, the simulator's included, to the same suite.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tidegate.core.decision import (
    DeregisterTarget,
    DrainTarget,
    Job,
    LaunchInstance,
    RegisterTarget,
    StartTask,
)
from tidegate.core.findings import ScanReport
from tidegate.core.metrics import Second
from tidegate.core.model import App, Colour
from tidegate.core.seen import (
    AdvisoriesSeen,
    BalancerSeen,
    InstanceSeen,
    JobSeen,
    Routing,
    TaskSeen,
)


class Clock(Protocol):
    """Time that never runs backwards."""

    def now(self) -> int:
        """Milliseconds since the Unix epoch, never less than the last answer."""
        ...


class Tasks(Protocol):
    """Containers of this app on a container engine."""

    def start(self, action: StartTask) -> None:
        """Create and start the task by digest, unless it is already there."""
        ...

    def stop(self, task: str, grace_ms: int) -> None:
        """Stop the task and wait for it, killing it after the grace; nothing if it is not there."""
        ...

    def remove(self, task: str) -> None:
        """Remove a stopped task; nothing if it is not there."""
        ...

    def observe(self) -> tuple[TaskSeen, ...] | None:
        """Every task of this app, or None when the engine cannot be read."""
        ...


class Balancer(Protocol):
    """The data plane: listeners, target groups and weights."""

    def serve(self, app: App) -> None:
        """Serve exactly these services. Weights and targets of services that stay are kept."""
        ...

    def register(self, action: RegisterTarget) -> None:
        """Add the target, or make it ready again when it was draining."""
        ...

    def drain(self, action: DrainTarget) -> None:
        """No new requests for the target; nothing if it is not there."""
        ...

    def deregister(self, action: DeregisterTarget) -> None:
        """Take the target out; refused with `EffectFailed` while it is busy, unless forced."""
        ...

    def route(self, routing: Routing) -> None:
        """Set a service's split at once."""
        ...

    def observe(self) -> BalancerSeen | None:
        """What the balancer itself holds, or None when it cannot be read."""
        ...


class Metrics(Protocol):
    """Requests, errors and latency of each target group, second by second."""

    def observe(
        self, since_ms: int
    ) -> tuple[Mapping[tuple[str, Colour], tuple[Second, ...]], int] | None:
        """Complete seconds from `since_ms` on, and the time up to which they are complete.

        None when the data plane's stream cannot be read.
        """
        ...


class Jobs(Protocol):
    """Builds, tests, scans, checks and hooks."""

    def start(self, job: Job) -> None:
        """Start the job in the background, unless one of its id runs or has ended."""
        ...

    def observe(self) -> Mapping[str, JobSeen]:
        """Every job of this engine's life, by id."""
        ...

    def prune(self, keep: tuple[str, ...]) -> None:
        """Remove the app's images except these digests and those that a task still uses."""
        ...


NO_CAPACITY = "InsufficientInstanceCapacity"
"""EC2's word for "there are none to be had". It is in the text of the failure of such a launch."""


class Instances(Protocol):
    """Machines that tasks run on, each by the id that its launch gave it."""

    def launch(self, action: LaunchInstance) -> None:
        """Order the instance, unless it is there; it is RUNNING some time later.

        `EffectFailed` with `NO_CAPACITY` in it when the provider has none.
        """
        ...

    def terminate(self, instance: str) -> None:
        """End it, with all that is on it; nothing if it is not there."""
        ...

    def observe(self) -> tuple[InstanceSeen, ...] | None:
        """Every instance of this app, or None when they cannot be read."""
        ...


class Scanner(Protocol):
    """Finds the vulnerabilities of an image; `Jobs` asks it in the scan stage."""

    def scan(self, digest: str) -> ScanReport:
        """What is known of the image; findings None, with a note, when nothing can be."""
        ...


class Advisories(Protocol):
    """The vulnerability data that scans are matched against."""

    def observe(self) -> AdvisoriesSeen | None:
        """Which data there is now; None when that cannot be told. Cheap: asked at every look."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """The five ports that an engine runs on, and the data of the gate where there is any.

    Without `instances` no app file may have `capacity`.
    `registered_mib` is the memory that tasks may have altogether, None when it is not known.
    """

    clock: Clock
    tasks: Tasks
    balancer: Balancer
    metrics: Metrics
    jobs: Jobs
    advisories: Advisories | None = None
    instances: Instances | None = None
    registered_mib: int | None = None
