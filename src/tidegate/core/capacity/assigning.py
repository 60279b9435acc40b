"""Give every task that waits a provider, and an instance of it where there is room."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tidegate.core.capacity.closing import closed
from tidegate.core.capacity.leaving import why_leaving
from tidegate.core.capacity.room import Room, choose, need_of, open_rooms, rooms_of
from tidegate.core.capacity.strategy import next_provider, strategy_of, usable
from tidegate.core.decision import TaskPlaced
from tidegate.core.model import App
from tidegate.core.progress import Progress, TaskPhase, TaskRecord
from tidegate.core.provider import Capacity, Provider

NO_INSTANCES = "Reason: No Container Instances were found in your capacity provider."


@dataclass(slots=True)
class Assigned:
    """Who got a place, who waits for which provider, and what is free after that.

    `why` says for a service, in ECS's words, why a task of it has no place.
    """

    placed: list[TaskPlaced] = field(default_factory=list)
    waiting: dict[str, list[TaskRecord]] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)


def assign(progress: Progress, app: App, capacity: Capacity, now: int) -> Assigned:
    """One pass over the tasks in PROVISIONING, in the order of their start."""
    found = Assigned(rooms=rooms_of(progress))
    counts = _counts(progress)
    shut = closed(progress, now)
    for task in progress.tasks.values():
        if task.phase is not TaskPhase.PROVISIONING:
            continue
        mine = counts.setdefault((task.service, task.release), Counter())
        strategy = usable(capacity, strategy_of(app, task.service), shut)
        provider = next_provider(strategy, mine)
        if provider is None:
            continue
        mine[provider] += 1
        _place(progress, capacity, found, task, provider)
    return found


def destinations(progress: Progress, tasks: Iterable[TaskRecord], now: int) -> list[str | None]:
    """The providers that the replacements of these tasks would go to, were they to leave now."""
    app = progress.app
    if app is None or app.capacity is None:
        return []
    leaving = list(tasks)
    counts = _counts(progress)
    shut = closed(progress, now)
    for task in leaving:
        mine = counts.setdefault((task.service, task.release), Counter())
        mine[task.provider] -= 1
    found: list[str | None] = []
    for task in leaving:
        mine = counts[task.service, task.release]
        provider = next_provider(usable(app.capacity, strategy_of(app, task.service), shut), mine)
        mine[provider or ""] += 1
        found.append(provider)
    return found


def _place(
    progress: Progress, capacity: Capacity, found: Assigned, task: TaskRecord, provider: str
) -> None:
    need = need_of(progress.releases[task.release].service)
    known = capacity.provider(provider)
    rooms = open_rooms(found.rooms.values(), provider)
    room = choose(_before_spares(rooms, known), task.service, need, capacity.placement)
    room = room or choose(rooms, task.service, need, capacity.placement)
    if room is None:
        found.waiting.setdefault(provider, []).append(task)
        found.why.setdefault(task.service, _closest(rooms, need[0]))
        return
    room.take(task.service, need)
    found.placed.append(TaskPlaced(task.id, provider, room.instance.id))


def _before_spares(rooms: list[Room], provider: Provider | None) -> list[Room]:
    """Where empty instances stand by, those in use are filled first: else none would be spare."""
    if provider is None or provider.target_capacity_percent == 100:
        return rooms
    return [room for room in rooms if room.tasks]


def _closest(rooms: list[Room], cpu_units: int) -> str:
    """What the closest matching instance lacks, in ECS's words."""
    if not rooms:
        return NO_INSTANCES
    closest = max(rooms, key=lambda room: (room.memory_mib, room.cpu_units))
    lacks = "CPU units" if closest.cpu_units < cpu_units else "memory"
    name = closest.instance.id
    return f"The closest matching (container-instance {name}) has insufficient {lacks} available."


def _counts(progress: Progress) -> dict[tuple[str, int], Counter[str]]:
    """The tasks that stay, by provider, of each release of each service."""
    found: dict[tuple[str, int], Counter[str]] = {}
    for task in progress.tasks.values():
        alive = task.phase in (TaskPhase.STARTED, TaskPhase.HEALTHY)
        if alive and task.provider and not why_leaving(progress, task):
            found.setdefault((task.service, task.release), Counter())[task.provider] += 1
    return found
