"""What the journal tells of the deployments; read from its file, since the controller dies."""

from dataclasses import dataclass
from pathlib import Path

from tidegate.core import decision as d
from tidegate.core.fold import advance
from tidegate.core.instance import InstancePhase
from tidegate.core.model import LifecycleStage
from tidegate.core.progress import Deployment, Execution, Progress, TaskPhase
from tidegate.core.provider import ProviderKind
from tidegate.engine.journal import Entry, peek


@dataclass(frozen=True, slots=True)
class Told:
    """A deployment in the words of the demo. Times are in ms since the Unix epoch."""

    id: str
    outcome: d.Outcome | None
    reason: str
    shifted_at: int
    rollback_at: int
    weight_most_bp: int


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time in which the balancer was seen to hold one weight."""

    begin_ms: int
    end_ms: int
    weight_bp: int


class Story:
    """Reads what is new each time that it is asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: list[Entry] = []
        self._progress = Progress()

    def quiet(self) -> bool:
        """Whether no execution and no deployment is under way."""
        progress = self._read()
        live = any(one.live for one in progress.deployments.values())
        return not live and not any(e.live for e in progress.executions.values())

    def succeeded(self) -> int:
        """How many deployments have succeeded so far."""
        ended = self._read().deployments.values()
        return sum(1 for one in ended if one.outcome is d.Outcome.SUCCEEDED)

    def weight_bp(self, service: str) -> int:
        """The weight that the service's deployment was seen to have, 0 without one."""
        deployment = self._read().deployment_of(service)
        if deployment is None or deployment.observed_at is None or deployment.promoted:
            return 0
        return deployment.weight_bp

    def stage(self, service: str) -> LifecycleStage | None:
        """The stage of the service's deployment; None without one, or when it goes back."""
        deployment = self._read().deployment_of(service)
        return deployment.stage if deployment and not deployment.rollback else None

    def rolls_back(self, service: str) -> bool:
        """Whether the service's deployment goes back now."""
        deployment = self._read().deployment_of(service)
        return deployment is not None and deployment.rollback is not None

    def desired(self, service: str) -> int:
        """How many tasks the service should have now."""
        return self._read().services[service].desired

    def full(self) -> bool:
        """Whether every service has as many healthy tasks of its stable release as it should."""
        progress = self._read()
        return self.quiet() and all(
            sum(t.phase is TaskPhase.HEALTHY for t in progress.tasks_of(one.name, one.stable))
            == one.desired
            for one in progress.services.values()
        )

    def ready(self, kind: ProviderKind) -> int:
        """How many instances of that kind take tasks now."""
        instances = self._read().fleet.instances.values()
        return sum(i.kind is kind and i.phase is InstancePhase.READY for i in instances)

    def noticed(self) -> int:
        """How many instances are there that will be taken back."""
        return sum(i.deadline is not None for i in self._read().fleet.instances.values())

    def alarmed(self, alarm: str) -> bool:
        """Whether the alarm (`service/name`) is in ALARM, or was before it calmed down."""
        return bool(self.times(d.AlarmChanged, 0, alarm=alarm, state=d.AlarmState.ALARM))

    def times(self, kind: type[d.Event], since: int, **fields: object) -> list[int]:
        """When (ms) such events with these fields were recorded, from `since` on."""
        self._read()
        return [
            entry.at
            for entry in self._entries
            if isinstance(entry.event, kind)
            and entry.at >= since
            and all(getattr(entry.event, name) == value for name, value in fields.items())
        ]

    def healthy_since(self, service: str, since: int) -> list[int]:
        """When (ms) tasks of the service became healthy, from `since` on."""
        self._read()
        own = {
            entry.event.task
            for entry in self._entries
            if isinstance(entry.event, d.TaskStarted) and entry.event.service == service
        }
        return [
            entry.at
            for entry in self._entries
            if isinstance(entry.event, d.TaskHealthy)
            and entry.event.task in own
            and entry.at >= since
        ]

    def last_execution(self) -> Execution:
        """The newest run of the pipeline."""
        return list(self._read().executions.values())[-1]

    def last_deployment(self, service: str) -> Told:
        """The newest deployment of the service."""
        found = self._last(service)
        shifts = [e for e in self._of(found.id) if isinstance(e.event, d.TrafficShifted)]
        weights = [e.event.weight_bp for e in shifts if isinstance(e.event, d.TrafficShifted)]
        return Told(
            found.id,
            found.outcome,
            found.reason,
            shifts[0].at if shifts else 0,
            found.rollback.at if found.rollback else 0,
            max(weights, default=0),
        )

    def windows(self, deployment: str) -> list[Window]:
        """Each step of its shift, from when it was observed to when the next was asked for."""
        found: list[Window] = []
        begin: tuple[int, int] | None = None
        for entry in self._of(deployment):
            if begin and not isinstance(entry.event, d.StepPassed):
                found.append(Window(begin[0], entry.at, begin[1]))
                begin = None
            if isinstance(entry.event, d.TrafficObserved):
                begin = (entry.at, entry.event.weight_bp)
        return found

    def _last(self, service: str) -> Deployment:
        deployments = self._read().deployments.values()
        return [one for one in deployments if one.service == service][-1]

    def _of(self, deployment: str) -> list[Entry]:
        self._read()
        return [e for e in self._entries if getattr(e.event, "deployment", None) == deployment]

    def _read(self) -> Progress:
        after = self._entries[-1].seq if self._entries else 0
        for entry in peek(self._path, after):
            self._entries.append(entry)
            self._progress = advance(self._progress, entry.event, entry.at)
        return self._progress
