"""Move tasks back to where base and weights want them: to spot once it holds again.

One task at a time, not during a deployment, and only when it brings the counts closer to the
strategy, so that it comes to an end; and only where there is a place, for one that is replaced by a
task that waits for ever would hold every deployment.
"""

from collections import Counter

from tidegate.core.capacity.closing import closed, open_for_ms
from tidegate.core.capacity.leaving import why_leaving
from tidegate.core.capacity.room import need_of, open_rooms, rooms_of
from tidegate.core.capacity.strategy import imbalance, next_provider, remove_provider, strategy_of
from tidegate.core.decision import TaskRelocated
from tidegate.core.model import App
from tidegate.core.progress import Progress, ServiceProgress, TaskPhase, TaskRecord
from tidegate.core.provider import Capacity


def relocate(progress: Progress, app: App, capacity: Capacity, now: int) -> TaskRelocated | None:
    """The task that is to be replaced by one with another provider, or None."""
    if now < progress.fleet.returned_at + capacity.return_every_ms:
        return None
    shut = closed(progress, now)
    for service in progress.services.values():
        tasks = _at_rest(progress, service)
        if not tasks:
            continue
        found = _better(app, service.name, tasks)
        if found is None or found[1] in shut or not _has_place(progress, capacity, *found):
            continue
        held_ms = open_for_ms(progress, found[1], now)
        if held_ms is None or held_ms >= capacity.return_after_ms:
            task, provider = found
            return TaskRelocated(task.id, f"{provider} has capacity again")
    return None


def _has_place(progress: Progress, capacity: Capacity, task: TaskRecord, provider: str) -> bool:
    """Whether the provider has room for the task's replacement, or may order an instance for it."""
    known = capacity.provider(provider)
    if known is None:
        return False
    need = need_of(progress.releases[task.release].service)
    if any(room.fits(need) for room in open_rooms(rooms_of(progress).values(), provider)):
        return True
    there = sum(i.provider == provider and i.wanted for i in progress.fleet.instances.values())
    large = need[0] <= known.cpu_units and need[1] <= known.memory_mib
    return large and there < known.maximum


def _at_rest(progress: Progress, service: ServiceProgress) -> list[TaskRecord]:
    """The service's tasks, if all that are desired are healthy and none is on its way out."""
    if service.stable is None or app_moves(progress):
        return []
    tasks = progress.tasks_of(service.name)
    healthy = [t for t in tasks if t.phase is TaskPhase.HEALTHY and not why_leaving(progress, t)]
    return healthy if len(healthy) == len(tasks) == service.desired else []


def app_moves(progress: Progress) -> bool:
    """Whether a deployment is under way."""
    return any(service.deployment for service in progress.services.values())


def _better(app: App, service: str, tasks: list[TaskRecord]) -> tuple[TaskRecord, str] | None:
    strategy = strategy_of(app, service)
    counts = Counter(task.provider for task in tasks)
    giver = remove_provider(strategy, counts)
    if giver is None:
        return None
    after = counts.copy()
    after[giver] -= 1
    taker = next_provider(strategy, after)
    if taker is None or taker == giver:
        return None
    after[taker] += 1
    if imbalance(strategy, after) >= imbalance(strategy, counts):
        return None
    return [task for task in tasks if task.provider == giver][-1], taker
