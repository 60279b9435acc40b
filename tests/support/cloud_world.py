"""The smallest world with instances: what is ordered is RUNNING after its provider's latency."""

from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.builders import app_of
from tests.support.small_world import World
from tidegate.core import decision as d
from tidegate.core.model import App, Service
from tidegate.core.ports import NO_CAPACITY
from tidegate.core.provider import Capacity, Provider, ProviderKind, StrategyItem
from tidegate.core.seen import ActionFailure, InstanceSeen, InstanceState, Seen, TaskState

OD = Provider(
    "od",
    cpu_units=512,
    memory_mib=512,
    launch_ms=2_000,
    price_micros=40_000,
    on_demand_micros=40_000,
)
SPOT = replace(OD, name="spot", kind=ProviderKind.SPOT, price_micros=10_000)
BASED = (StrategyItem("od", 1, 1), StrategyItem("spot", 0, 4))
NOTICE_MS = 30_000


def capacity(*providers: Provider, **changes: Any) -> Capacity:
    """Providers with short times, od and spot if none is given."""
    times = {"idle_ms": 5_000, "backoff_ms": 10_000, "return_after_ms": 6_000}
    times |= {"return_every_ms": 1_000, "interruption_notice_ms": NOTICE_MS, "pending_ms": 3_000}
    return Capacity(providers or (OD, SPOT), **{"default_strategy": BASED, **times, **changes})


def cloudy(*services: Service, **changes: Any) -> App:
    """An app with these services on instances of two default tasks each."""
    return app_of(*services, capacity=capacity(**changes))


@dataclass
class CloudWorld(World):
    """A world whose tasks run on instances. `dry` names providers that have none to give.

    `hosts` says which instance a task was started on.
    """

    instances: dict[str, InstanceSeen] = field(default_factory=dict)
    ready_at: dict[str, int] = field(default_factory=dict)
    dry: set[str] = field(default_factory=set)
    hosts: dict[str, str | None] = field(default_factory=dict)

    def seen(self) -> Seen:
        """With the instances as of now."""
        for name, one in self.instances.items():
            if self.now >= self.ready_at[name]:
                self.instances[name] = replace(one, state=InstanceState.RUNNING)
        for name in [n for n, i in self.instances.items() if i.deadline and i.deadline <= self.now]:
            self.take(name)
        known = None if "instances" in self.blind else tuple(self.instances.values())
        return replace(super().seen(), instances=known)

    def notice(self, *names: str, in_ms: int = NOTICE_MS) -> None:
        """These will be taken back."""
        for name in names:
            self.instances[name] = replace(self.instances[name], deadline=self.now + in_ms)

    def take(self, name: str) -> None:
        """The instance is gone, with all that was on it."""
        del self.instances[name]
        for task in [t for t, host in self.hosts.items() if host == name and t in self.tasks]:
            if self.tasks[task].state is TaskState.RUNNING:
                self.change(task, state=TaskState.STOPPED, exit_code=137)

    def spot(self) -> list[str]:
        """The spot instances that are there."""
        known = self.progress.fleet.instances
        return [name for name in self.instances if name in known and known[name].kind.spot]

    def on(self, provider: str) -> int:
        """How many tasks run with the provider."""
        alive = (TaskState.RUNNING,)
        known = self.progress.tasks.values()
        return sum(
            t.provider == provider and t.id in self.tasks and self.tasks[t.id].state in alive
            for t in known
        )

    def _do(self, action: d.Action) -> None:
        match action:
            case d.LaunchInstance(name, provider) if provider.name in self.dry:
                why = f"{NO_CAPACITY} for {name}"
                self.failures.append(ActionFailure(d.identity(action), why))
            case d.LaunchInstance(name, provider):
                self.instances.setdefault(name, InstanceSeen(name, InstanceState.PENDING))
                self.ready_at.setdefault(name, self.now + provider.launch_ms)
            case d.TerminateInstance(name):
                held = [t for t, host in self.hosts.items() if host == name and t in self.tasks]
                assert not held, f"{name} was given back with {held} on it"
                self.instances.pop(name, None)
            case d.StartTask(task) if task not in self.tasks:
                managed = self.progress.app is not None and self.progress.app.capacity is not None
                assert not managed or action.instance in self.instances, f"{task} has no instance"
                self.hosts[task] = action.instance
                super()._do(action)
            case _:
                super()._do(action)
