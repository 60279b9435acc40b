"""Capacity as it stands: providers, their instances and tasks, and what they have cost."""

from collections import Counter
from dataclasses import dataclass

from tidegate.core.capacity.assigning import Assigned, assign
from tidegate.core.capacity.closing import closed
from tidegate.core.capacity.ordering import pool_of
from tidegate.core.capacity.room import rooms_of
from tidegate.core.cost import altogether, so_far, spent_on
from tidegate.core.instance import InstancePhase, InstanceRecord, Spent
from tidegate.core.progress import Progress
from tidegate.core.provider import Provider


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One instance: its phase since when, what is reserved of it, its tasks, its cost so far.

    `deadline` (ms) is when it is taken back, or None. Money is micro-dollars.
    """

    id: str
    provider: str
    kind: str
    zone: str
    phase: str
    since: int
    deadline: int | None
    reason: str
    cpu_reserved: int
    cpu_units: int
    memory_reserved_mib: int
    memory_mib: int
    tasks: tuple[str, ...]
    cost_micros: int


@dataclass(frozen=True, slots=True)
class ProviderView:
    """One provider. The four counts are instances by phase; `pending` counts tasks that wait.

    `reservation` is `CapacityProviderReservation`; `closed_until` (ms) is None while it is open.
    """

    name: str
    kind: str
    minimum: int
    maximum: int
    launching: int
    ready: int
    draining: int
    terminating: int
    cpu_reserved: int
    cpu_units: int
    memory_reserved_mib: int
    memory_mib: int
    pending: int
    reservation: int
    closed_until: int | None
    price_micros: int
    cost_micros: int


@dataclass(frozen=True, slots=True)
class CostView:
    """What all instances have cost, and what they would have cost on demand, in micro-dollars."""

    micros: int
    on_demand_micros: int
    per_hour_micros: int


@dataclass(frozen=True, slots=True)
class CapacityView:
    """All of it at `at` (ms). `waiting` holds (service, why in ECS's words).

    `note` is what must be said beside the numbers: what they leave out, and why.
    """

    at: int
    providers: tuple[ProviderView, ...]
    instances: tuple[InstanceView, ...]
    waiting: tuple[tuple[str, str], ...]
    cost: CostView
    note: str


def view_capacity(progress: Progress, now: int, note: str = "") -> CapacityView:
    """The capacity of the app; empty without `capacity` in its file."""
    capacity = progress.app.capacity if progress.app else None
    instances = tuple(_instance(progress, i, now) for i in progress.fleet.instances.values())
    providers: tuple[ProviderView, ...] = ()
    if progress.app and capacity:
        assigned = assign(progress, progress.app, capacity, now)
        providers = tuple(_provider(progress, assigned, p, now) for p in capacity.providers)
    waiting = tuple(sorted(progress.fleet.waiting.items()))
    return CapacityView(now, providers, instances, waiting, cost_view(progress, now), note)


def cost_view(progress: Progress, now: int) -> CostView:
    """What the app's instances have cost until now, and cost an hour."""
    spent = altogether(so_far(progress.fleet, now))
    running = (i for i in progress.fleet.instances.values() if i.ready_at is not None)
    return CostView(spent.micros, spent.on_demand_micros, sum(i.price_micros for i in running))


def _instance(progress: Progress, one: InstanceRecord, now: int) -> InstanceView:
    room = rooms_of(progress).get(one.id)
    tasks = tuple(task.id for task in progress.tasks.values() if task.instance == one.id)
    return InstanceView(
        one.id,
        one.provider,
        one.kind.value,
        one.zone,
        one.phase.value,
        one.since,
        one.deadline,
        one.reason,
        one.cpu_units - room.cpu_units if room else 0,
        one.cpu_units,
        one.memory_mib - room.memory_mib if room else 0,
        one.memory_mib,
        tasks,
        spent_on(one, now).micros,
    )


def _provider(progress: Progress, assigned: Assigned, one: Provider, now: int) -> ProviderView:
    mine = [i for i in progress.fleet.instances.values() if i.provider == one.name]
    rooms = [r for r in rooms_of(progress).values() if r.instance.provider == one.name]
    cpu, memory = (
        sum(r.instance.cpu_units for r in rooms),
        sum(r.instance.memory_mib for r in rooms),
    )
    phase = Counter(instance.phase for instance in mine)
    shut = one.name in closed(progress, now)
    return ProviderView(
        one.name,
        one.kind.value,
        one.minimum,
        one.maximum,
        phase[InstancePhase.LAUNCHING],
        phase[InstancePhase.READY],
        phase[InstancePhase.DRAINING],
        phase[InstancePhase.TERMINATING],
        cpu - sum(r.cpu_units for r in rooms),
        cpu,
        memory - sum(r.memory_mib for r in rooms),
        memory,
        len(assigned.waiting.get(one.name, ())),
        pool_of(progress, assigned, one).reservation,
        progress.fleet.closures[one.name].until if shut else None,
        one.price_micros,
        so_far(progress.fleet, now).get(one.name, Spent()).micros,
    )
