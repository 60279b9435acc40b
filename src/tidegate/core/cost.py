"""What instances cost, in whole micro-dollars: seconds × price, from the journal alone.

Billed is the time from RUNNING to the end, by the whole second, as EC2 bills Linux (its minimum of
60 s is not modelled). A cost never decreases: the past is a sum, the present only grows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tidegate.core.instance import Fleet, InstanceRecord, Spent
from tidegate.core.provider import HOUR_MS


def micros(ms: int, price_micros: int) -> int:
    """What `ms` of an instance cost at a price per hour; the whole seconds count."""
    return ms // 1_000 * 1_000 * price_micros // HOUR_MS


def spent_on(instance: InstanceRecord, now: int) -> Spent:
    """What one instance has cost until `now`; nothing before it was ready."""
    if instance.ready_at is None:
        return Spent()
    ms = max(0, now - instance.ready_at)
    return Spent(ms, micros(ms, instance.price_micros), micros(ms, instance.on_demand_micros))


def plus(one: Spent, other: Spent) -> Spent:
    """Both together."""
    return Spent(
        one.ms + other.ms,
        one.micros + other.micros,
        one.on_demand_micros + other.on_demand_micros,
    )


def minus(one: Spent, other: Spent) -> Spent:
    """What came since `other`."""
    return Spent(
        one.ms - other.ms,
        one.micros - other.micros,
        one.on_demand_micros - other.on_demand_micros,
    )


def so_far(fleet: Fleet, now: int) -> Mapping[str, Spent]:
    """What each provider has cost until `now`, instances that are gone included."""
    total = dict(fleet.spent)
    for instance in fleet.instances.values():
        known = total.get(instance.provider, Spent())
        total[instance.provider] = plus(known, spent_on(instance, now))
    return total


def altogether(by_provider: Mapping[str, Spent]) -> Spent:
    """The sum over all providers."""
    total = Spent()
    for one in by_provider.values():
        total = plus(total, one)
    return total


def dollars(amount_micros: int) -> str:
    """Micro-dollars for a person: 41,600 is `$0.0416`."""
    digits = 2 if amount_micros >= 10_000_000 else 4
    return f"${amount_micros / 1_000_000:.{digits}f}"


@dataclass(frozen=True, slots=True)
class Stay:
    """A task on an instance for `ms`, with what it reserved of it and the price per hour."""

    ms: int
    cpu_units: int
    memory_mib: int
    instance: InstanceRecord


def share_of(stays: Iterable[Stay]) -> int:
    """What tasks cost: of each instance the larger of the two shares that a task reserved."""
    total = 0
    for stay in stays:
        at = stay.instance
        whole = at.cpu_units * at.memory_mib
        share = max(stay.cpu_units * at.memory_mib, stay.memory_mib * at.cpu_units)
        total += micros(stay.ms, at.price_micros) * share // whole
    return total
