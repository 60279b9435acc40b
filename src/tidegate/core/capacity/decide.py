"""Place the tasks that wait, and have as many instances as they need."""

from tidegate.core import decision as d
from tidegate.core.capacity.assigning import NO_INSTANCES, Assigned, assign
from tidegate.core.capacity.closing import closed
from tidegate.core.capacity.due import next_look
from tidegate.core.capacity.ordering import orders, pool_of, surplus
from tidegate.core.capacity.returning import app_moves, relocate
from tidegate.core.fold import advance_all
from tidegate.core.instance import InstancePhase
from tidegate.core.model import App
from tidegate.core.progress import Progress, TaskPhase
from tidegate.core.provider import Capacity
from tidegate.core.seen import Seen

SOON_MS = 1_000
"""A task that waits no longer than this is no news."""


def decide(progress: Progress, seen: Seen, now: int) -> d.Decision:
    """Placements first, then orders for what is missing; in quiet times, what can be given back."""
    app = progress.app
    if app is None or seen.instances is None:
        return d.Decision()
    if app.capacity is None:
        return d.Decision(events=tuple(_all_go(progress, "the app has no capacity providers")))
    assigned = assign(progress, app, app.capacity, now)
    events: list[d.Event] = list(assigned.placed)
    progress = advance_all(progress, tuple(events), now)
    events += _told(progress, assigned, now)
    bought = _bought(progress, app.capacity, assigned, now)
    events += bought
    if not bought and not assigned.placed:
        events += _given_back(progress, app, app.capacity, (assigned, now))
    again_at = next_look(progress, app.capacity, now)
    return d.Decision((), tuple(events), _reason(progress, assigned), again_at)


def _bought(progress: Progress, capacity: Capacity, assigned: Assigned, now: int) -> list[d.Event]:
    """What each provider that is open orders now."""
    events: list[d.Event] = []
    number = progress.next_id("instance")
    shut = closed(progress, now)
    for provider in capacity.providers:
        if provider.name not in shut:
            events += orders(pool_of(progress, assigned, provider), number + len(events))
    return events


def _given_back(
    progress: Progress, app: App, capacity: Capacity, rest: tuple[Assigned, int]
) -> list[d.Event]:
    """Nothing is taken away while a deployment is under way.

    While a task waits, which may be for ever when its provider is at its most, nothing is moved,
    but what stands empty elsewhere is still paid for and goes.
    """
    if app_moves(progress):
        return []
    assigned, now = rest
    events = [] if assigned.waiting else _strangers(progress, capacity)
    for provider in capacity.providers:
        found = surplus(progress, capacity, pool_of(progress, assigned, provider), now)
        if found and not (assigned.waiting and assigned.rooms[found.instance].tasks):
            events.append(found)
    if not events and not assigned.waiting:
        moved = relocate(progress, app, capacity, now)
        events += [moved] if moved else []
    return events


def _strangers(progress: Progress, capacity: Capacity) -> list[d.Event]:
    """Instances of providers that the file does not have any more."""
    return [
        d.InstanceDraining(one.id, f"there is no provider {one.provider} any more")
        for one in progress.fleet.instances.values()
        if one.phase is InstancePhase.READY and capacity.provider(one.provider) is None
    ]


def _all_go(progress: Progress, why: str) -> list[d.Event]:
    return [
        d.InstanceDraining(one.id, why)
        for one in progress.fleet.instances.values()
        if one.phase is InstancePhase.READY
    ]


def _told(progress: Progress, assigned: Assigned, now: int) -> list[d.Event]:
    """News of services whose tasks wait, in ECS's words; told once, and once when it is over."""
    known = progress.fleet.waiting
    waiting = {
        task.service
        for task in progress.tasks.values()
        if task.phase is TaskPhase.PROVISIONING and now >= task.since + SOON_MS
    }
    news = (None, NO_INSTANCES)
    fresh = [
        name
        for name, why in assigned.why.items()
        if name in waiting and known.get(name) in news and known.get(name) != why
    ]
    over = [name for name in known if name not in assigned.why]
    return [
        *(d.PlacementWaits(name, assigned.why[name]) for name in fresh),
        *(d.PlacementWaits(name, "") for name in over),
    ]


def _reason(progress: Progress, assigned: Assigned) -> str:
    parts = []
    for provider, tasks in assigned.waiting.items():
        coming = sum(
            one.phase is InstancePhase.LAUNCHING and one.provider == provider
            for one in progress.fleet.instances.values()
        )
        what = "task waits" if len(tasks) == 1 else "tasks wait"
        parts.append(f"{len(tasks)} {what} for {provider} ({coming} instances on their way)")
    return "; ".join(parts)
