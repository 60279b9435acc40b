"""What is free on each instance, and which instance a task goes to (ECS: task placement).

First by resources, then by the strategies in their order, then the fullest that it fits on.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tidegate.core.instance import InstancePhase, InstanceRecord
from tidegate.core.model import Service
from tidegate.core.progress import Progress
from tidegate.core.provider import Placement, PlacementField

Need = tuple[int, int]
"""CPU units and MiB of memory that a task reserves."""


@dataclass(slots=True)
class Room:
    """What is free on an instance, and how many tasks of each service it holds."""

    instance: InstanceRecord
    cpu_units: int
    memory_mib: int
    services: Counter[str] = field(default_factory=Counter)

    def fits(self, need: Need) -> bool:
        """Whether such a task has room."""
        return need[0] <= self.cpu_units and need[1] <= self.memory_mib

    def take(self, service: str, need: Need) -> None:
        """A task moves in."""
        self.cpu_units -= need[0]
        self.memory_mib -= need[1]
        self.services[service] += 1

    @property
    def tasks(self) -> int:
        """How many tasks it holds."""
        return self.services.total()


def need_of(service: Service) -> Need:
    """What one task of the service reserves."""
    return service.cpu_units, service.memory_mib


def rooms_of(progress: Progress) -> dict[str, Room]:
    """Every instance that is ready or draining, less what its tasks reserve until they are gone."""
    there = (InstancePhase.READY, InstancePhase.DRAINING)
    rooms = {
        one.id: Room(one, one.cpu_units, one.memory_mib)
        for one in progress.fleet.instances.values()
        if one.phase in there
    }
    for task in progress.tasks.values():
        if task.instance in rooms:
            settings = progress.releases[task.release].service
            rooms[task.instance].take(task.service, need_of(settings))
    return rooms


def open_rooms(rooms: Iterable[Room], provider: str) -> list[Room]:
    """Those of the provider that take tasks."""
    return [
        room
        for room in rooms
        if room.instance.provider == provider and room.instance.phase is InstancePhase.READY
    ]


def choose(
    rooms: list[Room], service: str, need: Need, placement: tuple[Placement, ...]
) -> Room | None:
    """The room that a task of the service goes to, or None when it fits in none."""
    zones: Counter[str] = Counter()
    for room in rooms:
        zones[room.instance.zone] += room.services[service]
    fitting = [room for room in rooms if room.fits(need)]

    def rank(room: Room) -> tuple[int, ...]:
        ordered = (_rank(room, service, zones, one.field) for one in placement)
        return (*ordered, room.memory_mib, room.instance.number)

    return min(fitting, key=rank, default=None)


def _rank(room: Room, service: str, zones: Counter[str], by: PlacementField) -> int:
    match by:
        case PlacementField.ZONE:
            return zones[room.instance.zone]
        case PlacementField.INSTANCE:
            return room.services[service]
        case PlacementField.CPU:
            return room.cpu_units
        case PlacementField.MEMORY:
            return room.memory_mib


def new_instances(needs: Iterable[Need], free: Iterable[Need], size: Need) -> int:
    """How many more instances of `size` the tasks need, once `free` is full: M - N.

    First fit decreasing. A task that is larger than an instance is left out, as ECS leaves it out.
    """
    bins = [list(one) for one in free]
    there = len(bins)
    for cpu, memory in _largest_first(needs, size):
        found = next((b for b in bins if cpu <= b[0] and memory <= b[1]), None)
        if found is None:
            found = list(size)
            bins.append(found)
        found[0] -= cpu
        found[1] -= memory
    return len(bins) - there


def _largest_first(needs: Iterable[Need], size: Need) -> Iterator[Need]:
    fitting = (need for need in needs if need[0] <= size[0] and need[1] <= size[1])
    cpu, memory = max(1, size[0]), max(1, size[1])
    yield from sorted(fitting, key=lambda n: (-max(n[0] * memory, n[1] * cpu), n))
