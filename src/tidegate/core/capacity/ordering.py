"""How many instances each provider should have (ECS cluster auto scaling: M and N).

Out at once, counting what is already on its way where AWS waits for a warm-up to pass; in slowly,
one that is empty for a while first, and a half-empty one only when that is worth its disruption.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tidegate.core.capacity.assigning import Assigned, destinations
from tidegate.core.capacity.room import Room, need_of, new_instances, open_rooms
from tidegate.core.decision import Event, InstanceDraining, InstanceLaunched
from tidegate.core.instance import InstancePhase, InstanceRecord
from tidegate.core.progress import Progress, TaskPhase
from tidegate.core.provider import Capacity, Provider
from tidegate.core.words import counted


@dataclass(frozen=True, slots=True)
class Pool:
    """One provider at one look: its wanted instances, their rooms, and the tasks that wait."""

    provider: Provider
    wanted: tuple[InstanceRecord, ...]
    rooms: tuple[Room, ...]
    needs: tuple[tuple[int, int], ...]

    @property
    def running(self) -> int:
        """N: the instances that are there or on their way."""
        return len(self.wanted)

    @property
    def launching(self) -> int:
        """Those that are on their way."""
        return sum(one.phase is InstancePhase.LAUNCHING for one in self.wanted)

    @property
    def missing(self) -> int:
        """How many more instances the waiting tasks need than are on their way."""
        return max(0, self._for_waiting - self.launching)

    @property
    def needed(self) -> int:
        """M: instances with tasks, and those that the waiting tasks need."""
        return sum(room.tasks > 0 for room in self.rooms) + self._for_waiting

    @property
    def _for_waiting(self) -> int:
        if not self.needs:
            return 0
        size = (self.provider.cpu_units, self.provider.memory_mib)
        return new_instances(self.needs, [], size)

    @property
    def reservation(self) -> int:
        """`CapacityProviderReservation` in percent: 100 × M / N; 100 at 0 of 0, 200 at M of 0."""
        return reservation(self.needed, self.running)


def reservation(needed: int, running: int) -> int:
    """`CapacityProviderReservation`, with the values that AWS gives without instances."""
    if running == 0:
        return 200 if needed else 100
    return 100 * needed // running


def pool_of(progress: Progress, assigned: Assigned, provider: Provider) -> Pool:
    """The provider as it stands after the tasks with room were placed."""
    known = progress.fleet.instances.values()
    tasks = assigned.waiting.get(provider.name, [])
    return Pool(
        provider,
        tuple(one for one in known if one.provider == provider.name and one.wanted),
        tuple(open_rooms(assigned.rooms.values(), provider.name)),
        tuple(need_of(progress.releases[task.release].service) for task in tasks),
    )


def orders(pool: Pool, first_number: int) -> list[Event]:
    """The instances to launch now, within the provider's steps and bounds.

    One scale-out is over when its instances are ready; until then no more than a step is coming.
    """
    provider, missing = pool.provider, pool.missing
    desired = _with_spares(pool.needed, provider)
    more = max(desired, provider.minimum) - pool.running
    if missing:
        more = max(more, min(max(missing, provider.step_min), provider.step_max))
    more = min(more, provider.maximum - pool.running, provider.step_max - pool.launching)
    if more <= 0:
        return []
    zones = _zones(pool)
    why = f"waiting: {counted(len(pool.needs), 'task')}, M/N is {pool.needed}/{pool.running}"
    if not pool.needs:
        why = f"{pool.running} of at least {max(desired, provider.minimum)}"
    return [
        InstanceLaunched(
            f"i{first_number + n}",
            provider.name,
            provider.kind,
            _next_zone(zones),
            provider.cpu_units,
            provider.memory_mib,
            provider.price_micros,
            provider.on_demand_micros,
            why,
        )
        for n in range(more)
    ]


def surplus(
    progress: Progress, capacity: Capacity, pool: Pool, now: int
) -> InstanceDraining | None:
    """One instance that the provider can do without, or None."""
    least = max(pool.provider.minimum, _with_spares(pool.needed, pool.provider))
    if pool.needs or pool.launching:
        return None
    settled = [room for room in pool.rooms if _settled(room.instance, pool, capacity, now)]
    empty = [room for room in settled if not room.tasks]
    if empty and pool.running > least:
        waited_s = capacity.idle_ms // 1_000
        newest = max(empty, key=lambda room: room.instance.number)
        return InstanceDraining(newest.instance.id, f"it was empty for {waited_s} s")
    if pool.running <= pool.provider.minimum or pool.provider.termination_protection:
        return None
    spare = any(not room.tasks for room in pool.rooms)  # it would only take the place of the other
    if spare or _drained(progress, pool) >= budget(capacity, pool.running):
        return None
    worth = _worth_it(progress, pool, settled)
    return next((one for one in worth if _stays(progress, pool, one, now)), None)


def budget(capacity: Capacity, instances: int) -> int:
    """How many instances of a provider may be drained by our own wish at a time."""
    return max(1, instances * capacity.disruption_budget_percent // 100)


def _settled(instance: InstanceRecord, pool: Pool, capacity: Capacity, now: int) -> bool:
    """Past its warm-up, and nothing was placed on it for a while."""
    quiet_since = max(instance.empty_since or 0, instance.busy_at, instance.ready_at or now)
    warm_at = (instance.ready_at or now) + pool.provider.instance_warmup_period_ms
    return now >= max(quiet_since + capacity.idle_ms, warm_at)


def _drained(progress: Progress, pool: Pool) -> int:
    """How many of the provider's instances are being drained by our own wish."""
    return sum(
        one.provider == pool.provider.name and not one.wanted and one.deadline is None
        for one in progress.fleet.instances.values()
    )


def _worth_it(progress: Progress, pool: Pool, settled: list[Room]) -> Iterable[InstanceDraining]:
    """Instances whose tasks fit on the others, the cheapest to disturb first.

    Karpenter's balanced score: (saved / cost of the pool) / (disruption / disruption of the pool)
    of at least 0.5, where disturbing an instance counts 1 and each of its tasks 1 more.
    """
    whole = sum(1 + room.tasks for room in pool.rooms)
    for room in sorted(settled, key=lambda r: (r.tasks, -r.instance.number)):
        if not room.tasks or 2 * whole < len(pool.rooms) * (1 + room.tasks):
            continue
        tasks = [t for t in progress.tasks.values() if t.instance == room.instance.id]
        if any(task.phase is not TaskPhase.HEALTHY for task in tasks):
            continue
        needs = [need_of(progress.releases[task.release].service) for task in tasks]
        others = [(r.cpu_units, r.memory_mib) for r in pool.rooms if r is not room]
        if new_instances(needs, others, (room.instance.cpu_units, room.instance.memory_mib)) == 0:
            why = f"what is on it ({counted(len(tasks), 'task')}) fits on the others"
            yield InstanceDraining(room.instance.id, why)


def _stays(progress: Progress, pool: Pool, drained: InstanceDraining, now: int) -> bool:
    """Whether the replacements of its tasks would go to the same provider again."""
    tasks = [t for t in progress.tasks.values() if t.instance == drained.instance]
    return set(destinations(progress, tasks, now)) == {pool.provider.name}


def _with_spares(needed: int, provider: Provider) -> int:
    """N for a target capacity: below 100 % some whole instances stand by."""
    return -(-needed * 100 // provider.target_capacity_percent)


def _zones(pool: Pool) -> dict[str, int]:
    return {
        zone: sum(one.zone == zone for one in pool.wanted) for zone in pool.provider.zones or ("a",)
    }


def _next_zone(zones: dict[str, int]) -> str:
    zone = min(zones, key=lambda name: zones[name])
    zones[zone] += 1
    return zone
