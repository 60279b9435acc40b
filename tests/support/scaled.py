"""A service under a load, its tasks, and the controllers that scale it; second by second."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tests.support.builders import T0
from tidegate.core import decision as d
from tidegate.core import watch
from tidegate.core.fold import advance_all
from tidegate.core.metrics import Second, bucket_of
from tidegate.core.model import Alarm, App, Colour, Release, Service, TaskCount
from tidegate.core.progress import Progress, TaskPhase
from tidegate.core.scaling import controller
from tidegate.core.scaling.policy import Scaling
from tidegate.core.scaling.record import Recording, record
from tidegate.core.seen import (
    BalancerSeen,
    Health,
    Routing,
    Seen,
    Target,
    TaskSeen,
    TaskState,
    Usage,
)

Load = Callable[[int], float]
"""Requests per second, given the seconds since the start."""


def scaled(scaling: Scaling, least: int = 1, desired: int = 2, most: int = 20) -> Service:
    """Cats, scaled so."""
    return Service("cats", count=TaskCount(least, desired, most), scaling=scaling)


@dataclass
class Plant:
    """Tasks that start in `start_ms`, serve `capacity` requests a second each, and are measured.

    `blind` names what cannot be read: tasks, metrics. `latency_ms` is of an unsaturated task; each
    request over the capacity adds to the queue. `hung` requests of each task never end.
    """

    service: Service
    load: Load
    alarms: tuple[Alarm, ...] = ()
    capacity: float = 1_000
    latency_ms: float = 20
    start_ms: int = 3_000
    t0: int = T0
    cpu_per_request: float = 1.0
    blind: set[str] = field(default_factory=set)
    deploying: bool = False
    now: int = 0
    progress: Progress = field(default_factory=Progress)
    recording: Recording = field(default_factory=Recording)
    journal: list[tuple[int, d.Event]] = field(default_factory=list)
    metrics: dict[tuple[str, Colour], list[Second]] = field(default_factory=dict)
    queue: float = 0.0
    hung: int = 0

    def __post_init__(self) -> None:
        self.now = self.t0
        app = App("shop", (self.service,), alarms=self.alarms)
        made = Release(1, self.service, "sha256:1", "c0ffee", "e1", "passed", self.t0)
        started = d.DeploymentStarted("d1", "cats", None, 1, Colour.BLUE)
        self.record(
            d.AppAccepted(app), d.ReleaseMade(made), started,
            d.StablePromoted("d1", "cats", 1),
            d.DeploymentFinished("d1", d.Outcome.SUCCEEDED, "serves"),
        )  # fmt: skip
        for _ in range(self.desired):
            self._start()
        for task in list(self.progress.tasks):
            self.record(d.TaskHealthy(task))

    # --- what a test asks ---------------------------------------------------------------------

    @property
    def desired(self) -> int:
        """How many tasks the service should have."""
        return self.progress.services["cats"].desired

    @property
    def healthy(self) -> int:
        """How many it has that serve."""
        return sum(t.phase is TaskPhase.HEALTHY for t in self.progress.tasks.values())

    @property
    def activities(self) -> list[d.ScalingActivity]:
        """What the policies did."""
        return [event for _, event in self.journal if isinstance(event, d.ScalingActivity)]

    @property
    def counts(self) -> list[int]:
        """The desired counts that were set, in order."""
        return [event.desired for _, event in self.journal if isinstance(event, d.DesiredChanged)]

    @property
    def turns(self) -> int:
        """How often the direction changed."""
        ways = [one.after > one.before for one in self.activities]
        return sum(a is not b for a, b in pairwise(ways))

    def changed_at(self) -> list[int]:
        """When (s since the start) a policy acted."""
        acts = [at for at, event in self.journal if isinstance(event, d.ScalingActivity)]
        return [(at - self.t0) // 1_000 for at in acts]

    # --- time ---------------------------------------------------------------------------------

    def run(self, seconds: int, after: Callable[["Plant"], None] = lambda plant: None) -> "Plant":
        """So many seconds, with a look at the end of each."""
        for _ in range(seconds):
            self._answer()
            self.now += 1_000
            self._rise()
            self.look()
            after(self)
        return self

    def look(self) -> d.Decision:
        """Measure, judge the alarms, scale; the tasks follow at once."""
        seen = self.seen()
        self.recording = record(self.recording, self.progress, seen, self.now)
        seen = replace(seen, series=self.recording.series)
        self.record(*watch.decide(self.progress, seen).events)
        decision = controller.decide(self.progress, seen, self.now)
        self.record(*decision.events)
        self._follow()
        return decision

    def seen(self) -> Seen:
        """The world as of now."""
        tasks, targets = [], []
        share = self._served() * self.cpu_per_request / max(self.healthy, 1)
        for task in self.progress.tasks.values():
            up = task.phase is TaskPhase.HEALTHY
            health = Health.HEALTHY if up else Health.UNKNOWN
            state = TaskState.RUNNING if up else TaskState.PENDING
            usage = Usage(share, 40.0) if up else None
            tasks.append(TaskSeen(task.id, "cats", 1, "sha256:1", state, health, usage=usage))
            if up:
                targets.append(Target("cats", Colour.BLUE, task.id, active=self._active()))
        routing = {"cats": Routing("cats", 0)}
        metrics = {key: tuple(seconds) for key, seconds in self.metrics.items()}
        return Seen(
            None if "tasks" in self.blind else tuple(tasks),
            BalancerSeen(tuple(targets), routing),
            None if "metrics" in self.blind else metrics,
            self.now // 1_000 * 1_000,
            registered_mib=4_096,
        )

    def record(self, *events: d.Event) -> None:
        """Write to the journal."""
        self.journal += [(self.now, event) for event in events]
        self.progress = advance_all(self.progress, events, self.now)

    # --- what the world does ------------------------------------------------------------------

    def _rate(self) -> float:
        return self.load((self.now - self.t0) // 1_000)

    def _served(self) -> float:
        return min(self._rate() + self.queue, self.healthy * self.capacity)

    def _latency_ms(self) -> float:
        return self.latency_ms + 1_000 * self.queue / max(self.healthy * self.capacity, 1)

    def _active(self) -> int:
        busy = self._served() * self._latency_ms() / 1_000 / max(self.healthy, 1)
        return self.hung + round(busy)

    def _answer(self) -> None:
        served = self._served()
        self.queue = max(0.0, self._rate() + self.queue - served)
        requests = round(served)
        if requests:
            latency = ((bucket_of(round(self._latency_ms() * 1_000)), requests),)
            made = Second(self.now // 1_000 * 1_000, requests, 0, latency, ((2, requests),))
            self.metrics.setdefault(("cats", Colour.BLUE), []).append(made)
            del self.metrics["cats", Colour.BLUE][:-400]

    def _start(self) -> None:
        number = self.progress.next_id("task")
        self.record(d.TaskStarted(f"t{number}", "cats", 1, Colour.BLUE, "desired"))

    def _rise(self) -> None:
        for task in list(self.progress.tasks.values()):
            if task.phase is TaskPhase.STARTED and self.now - task.started_at >= self.start_ms:
                self.record(d.TaskHealthy(task.id))

    def _follow(self) -> None:
        for _ in range(self.desired - len(self.progress.tasks)):
            self._start()
        surplus = list(self.progress.tasks)[self.desired :]
        for task in surplus:
            self.record(d.TaskRemoved(task))
        assert self.progress.app is not None
