"""Promise 9, the part of capacity: bounds, base, placement, disruption and cost."""

from collections import Counter

from tidegate.core import decision as d
from tidegate.core.capacity.strategy import strategy_of
from tidegate.core.cost import altogether, so_far
from tidegate.core.instance import InstancePhase
from tidegate.core.progress import TaskPhase
from tidegate.core.provider import Capacity
from tidegate.simulator.checkers.case import Case


class NoInstanceOverfilled:
    """The tasks on an instance never reserve more than it has.

    Counted are the real containers, but for one that a late call has made after its task was given
    up: nobody knows of it until it is seen, and then it is cleared away.
    """

    def check(self, case: Case) -> str | None:
        """The first instance with too much on it."""
        used: dict[str, list[int]] = {}
        for task in case.world.fleet.alive():
            if task.instance is not None and task.id in case.progress.tasks:
                sums = used.setdefault(task.instance, [0, 0])
                sums[0] += task.service.cpu_units
                sums[1] += task.service.memory_mib
        for name, (cpu, memory) in used.items():
            known = case.world.cloud.instances.get(name)
            size = (known.provider.cpu_units, known.provider.memory_mib) if known else (0, 0)
            if cpu > size[0] or memory > size[1]:
                return f"{name} holds {cpu} CPU units and {memory} MiB of {size[0]} and {size[1]}"
        return None


class PlacedWhereItMay:
    """Nothing is placed on an instance that is leaving, and the base is filled before the rest."""

    def __init__(self) -> None:
        self._leaving: set[str] = set()

    def check(self, case: Case) -> str | None:
        """The first task that was placed where it may not be."""
        for event in case.fresh:
            match event:
                case d.InterruptionNoticed(name) | d.InstanceDraining(name):
                    self._leaving.add(name)
                case d.InstanceTerminating(name) | d.InstanceTerminated(name):
                    self._leaving.add(name)
                case d.TaskPlaced(task, _, instance) if instance in self._leaving:
                    return f"{task} was placed on {instance}, which is leaving"
                case d.TaskPlaced():
                    found = _past_the_base(case, event)
                    if found:
                        return found
                case _:
                    pass
        return None


def _past_the_base(case: Case, event: d.TaskPlaced) -> str | None:
    """More tasks outside of the base's provider than its base leaves, while it can deliver."""
    app, task = case.progress.app, case.progress.tasks.get(event.task)
    if app is None or app.capacity is None or task is None:
        return None
    base = next((i for i in strategy_of(app, task.service) if i.base), None)
    if base is None or event.provider == base.capacity_provider:
        return None
    if base.capacity_provider in case.progress.fleet.closures:
        return None  # it failed of late
    alive = (TaskPhase.PROVISIONING, TaskPhase.STARTED, TaskPhase.HEALTHY)
    mine = [t for t in case.progress.tasks_of(task.service, task.release) if t.phase in alive]
    waiting = sum(t.phase is TaskPhase.PROVISIONING for t in mine)
    based = sum(t.provider == base.capacity_provider for t in mine) + waiting
    if based >= base.base:
        return None
    return f"{event.task} went to {event.provider} with {based} of {base.base} on the base"


class InstancesWithinBounds:
    """No provider has more instances than its most, and none is drained below its least.

    By our own wish none is drained during a deployment, nor more at a time than the budget allows.
    """

    def check(self, case: Case) -> str | None:
        """A count out of bounds, or a disruption too much."""
        app = case.progress.app
        if app is None or app.capacity is None:
            return None
        wanted = Counter(i.provider for i in case.progress.fleet.instances.values() if i.wanted)
        for provider in app.capacity.providers:
            if wanted[provider.name] > provider.maximum:
                return f"{provider.name} has {wanted[provider.name]} of {provider.maximum}"
        for event in case.fresh:
            if isinstance(event, d.InstanceDraining):
                found = _disruption(case, app.capacity, event, wanted)
                if found:
                    return found
        return None


def _disruption(
    case: Case, capacity: Capacity, event: d.InstanceDraining, wanted: Counter[str]
) -> str | None:
    known = case.progress.fleet.instances
    moving = [one.id for one in case.progress.deployments.values() if one.live]
    drained = known.get(event.instance)
    if drained is None:
        return None
    if moving:
        return f"{event.instance} was drained during {moving[0]}"
    provider = capacity.provider(drained.provider)
    if provider and wanted[provider.name] < provider.minimum:
        return f"{provider.name} was drained below its least of {provider.minimum}"
    held = {task.instance for task in case.progress.tasks.values()}
    disturbed = [
        one.id
        for one in known.values()
        if one.provider == drained.provider
        and one.phase is InstancePhase.DRAINING
        and one.deadline is None
        and one.id in held
    ]
    whole = wanted[drained.provider] + len(disturbed)
    most = max(1, whole * capacity.disruption_budget_percent // 100)
    return f"{len(disturbed)} of {whole} are drained at a time" if len(disturbed) > most else None


class CostNeverDecreases:
    """What has been spent stays spent."""

    def __init__(self) -> None:
        self._spent = 0

    def check(self, case: Case) -> str | None:
        """A sum that is smaller than it was."""
        if not case.progress.fleet.instances and not case.progress.fleet.spent:
            return None
        spent = altogether(so_far(case.progress.fleet, case.world.clock.now())).micros
        if spent < self._spent:
            return f"the cost went from {self._spent} to {spent} micro-dollars"
        self._spent = spent
        return None
