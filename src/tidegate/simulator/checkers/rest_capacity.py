"""Liveness of capacity: instances for the tasks that need them, no others, and spot again."""

from collections import Counter
from itertools import permutations

from tidegate.core.capacity.strategy import imbalance, strategy_of
from tidegate.core.instance import InstancePhase
from tidegate.core.model import App
from tidegate.simulator.checkers.case import Case
from tidegate.simulator.checkers.cost import overpaid

_SETTLE_MS = 3_000  # the looks between a wait that is over and what follows from it


def restless_capacity(case: Case) -> str | None:
    """What of the instances is still on its way, or astray; None when they are at rest."""
    app, fleet = case.progress.app, case.progress.fleet
    if app is None or app.capacity is None:
        return None
    for one in fleet.instances.values():
        if one.phase is not InstancePhase.READY:
            return f"instance {one.id} is still {one.phase}"
    strays = sorted(set(case.world.cloud.instances) - set(fleet.instances))
    if strays:
        return f"instance {strays[0]} is an orphan"
    for provider in app.capacity.providers:
        count = sum(one.provider == provider.name for one in fleet.instances.values())
        if count < provider.minimum:
            return f"{provider.name} has {count} instances of at least {provider.minimum}"
    settled_at = _settled_at(case, app) + _SETTLE_MS
    if case.world.clock.now() < settled_at:
        return "capacity may still be given back, or move"
    return overpaid(case, app.capacity) or _unbalanced(case, app)


def _unbalanced(case: Case, app: App) -> str | None:
    """Whether a task that moved to another provider would bring a service closer to its strategy.

    Every provider is open by now: what fell back to on-demand is to have returned to spot.
    """
    for service in case.options.app.services:
        strategy = strategy_of(app, service.name)
        tasks = case.progress.tasks_of(service.name)
        counts = Counter(task.provider for task in tasks)
        names = {item.capacity_provider for item in strategy} | set(counts)
        for giver, taker in permutations(sorted(names), 2):
            moved = counts + Counter({taker: 1})
            moved[giver] -= 1
            if counts[giver] and imbalance(strategy, moved) < imbalance(strategy, counts):
                share = ", ".join(f"{counts[name]} on {name}" for name in sorted(names))
                return f"{service.name} has {share}, and base and weights want more on {taker}"
    return None


def _settled_at(case: Case, app: App) -> int:
    """The end of every wait that is running: of an empty instance, of a provider that is closed."""
    capacity, fleet = app.capacity, case.progress.fleet
    assert capacity is not None
    warm_ms = max(p.instance_warmup_period_ms for p in capacity.providers)
    changed = [
        max(one.since, one.busy_at, one.empty_since or 0) + capacity.idle_ms + warm_ms
        for one in fleet.instances.values()
    ]
    closed = [c.until + capacity.return_after_ms for c in fleet.closures.values()]
    moved = fleet.returned_at + capacity.return_every_ms
    return max([*changed, *closed, moved], default=0)


def capacity_bound_ms(app: App, pending: int) -> int:
    """What providers may cost on top: a closure, launches, and tasks that move one by one."""
    capacity = app.capacity
    if capacity is None:
        return 0
    launch_ms = max(p.launch_ms + p.instance_warmup_period_ms for p in capacity.providers)
    once_ms = capacity.backoff_most_ms + launch_ms + capacity.pending_ms + capacity.idle_ms
    tasks = sum(service.count.maximum for service in app.services)
    last_ms = tasks * (capacity.return_every_ms + launch_ms + 2 * capacity.idle_ms)
    drained_ms = max(s.drain_timeout_ms + s.stop_grace_ms for s in app.services)
    notice_ms = capacity.interruption_notice_ms + capacity.return_after_ms
    return (pending + 2) * once_ms + last_ms + tasks * drained_ms + notice_ms
