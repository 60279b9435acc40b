"""One look's numbers of each service: hosts, requests under way, CPU and memory."""

from dataclasses import dataclass, field
from typing import NamedTuple

from tidegate.core.model import Colour, Service
from tidegate.core.progress import Progress, TaskPhase, TaskRecord
from tidegate.core.scaling.reservation import provider_reservation, registered_mib
from tidegate.core.seen import Health, Seen, Target, TaskSeen, TaskState


class Reading(NamedTuple):
    """As in `Sample`, at one moment; None where it cannot be read."""

    hosts: int | None = None
    active: int | None = None
    cpu_percent: float | None = None
    memory_percent: float | None = None
    healthy: tuple[int, int] | None = None
    unhealthy: tuple[int, int] | None = None
    memory_reservation: float | None = None
    provider_reservation: float | None = None


@dataclass(slots=True)
class _Group:
    """What is added up over the tasks of one service in one colour."""

    healthy: int = 0
    unhealthy: int = 0
    active: int = 0
    measured: int = 0
    cpu_percent: float = 0.0
    memory_percent: float = 0.0


@dataclass(slots=True)
class _Sums:
    """Both colours of a service."""

    groups: dict[Colour, _Group] = field(
        default_factory=lambda: {colour: _Group() for colour in Colour}
    )


def read(progress: Progress, seen: Seen, now: int) -> dict[str, Reading]:
    """A reading of every service."""
    if seen.tasks is None or seen.balancer is None:
        return {name: Reading() for name in progress.services}
    containers = {task.id: task for task in seen.tasks}
    targets = {target.task: target for target in seen.balancer.targets}
    sums = {name: _Sums() for name in progress.services}
    reserved_mib = 0
    for task in progress.tasks.values():
        container = containers.get(task.id)
        if container is not None and container.state is TaskState.RUNNING:
            reserved_mib += progress.releases[task.release].service.memory_mib
        if task.service in sums:
            group = sums[task.service].groups[task.colour]
            _add(group, progress, task, container, targets.get(task.id))
    registered = registered_mib(progress, seen)
    share = 100 * reserved_mib / registered if registered else None
    reserved = share, provider_reservation(progress, now)
    return {name: _reading(seen, name, sums[name], reserved) for name in progress.services}


def _add(
    group: _Group,
    progress: Progress,
    task: TaskRecord,
    container: TaskSeen | None,
    target: Target | None,
) -> None:
    if target is not None:
        group.active += target.active
    if task.phase is not TaskPhase.HEALTHY or target is None or target.draining:
        return
    sick = container is None or container.state is not TaskState.RUNNING
    if container is None or sick or container.health is Health.UNHEALTHY:
        group.unhealthy += 1
        return
    group.healthy += 1
    if container.usage is not None:
        service: Service = progress.releases[task.release].service
        group.measured += 1
        group.cpu_percent += 100 * container.usage.cpu_units / service.cpu_units
        group.memory_percent += 100 * container.usage.memory_mib / service.memory_mib


def _reading(
    seen: Seen, name: str, sums: _Sums, reserved: tuple[float | None, float | None]
) -> Reading:
    """Tasks that are not measured yet are taken to be like those that are."""
    blue, green = sums.groups[Colour.BLUE], sums.groups[Colour.GREEN]
    routing = seen.balancer.routing.get(name) if seen.balancer else None
    serving = [
        group for colour, group in sums.groups.items() if routing and routing.weight_bp(colour)
    ]
    hosts = max((group.healthy for group in serving), default=0)
    measured = sum(group.measured for group in serving)
    all_of_them = sum(group.healthy for group in serving)
    cpu = memory = None
    if measured and hosts:
        cpu = sum(group.cpu_percent for group in serving) / measured * all_of_them / hosts
        memory = sum(group.memory_percent for group in serving) / measured
    return Reading(
        hosts,
        blue.active + green.active,
        cpu,
        memory,
        (blue.healthy, green.healthy),
        (blue.unhealthy, green.unhealthy),
        *reserved,
    )
