"""MemoryReservation and CapacityProviderReservation, with instances and without."""

from dataclasses import replace

from tests.support.scaled import Plant, scaled
from tidegate.core.instance import Fleet, InstancePhase, InstanceRecord
from tidegate.core.provider import Capacity, Provider, ProviderKind
from tidegate.core.scaling.policy import NO_SCALING
from tidegate.core.scaling.reading import read


def plant() -> Plant:
    """Two tasks of 128 MiB on a machine of 4 GiB."""
    return Plant(scaled(NO_SCALING), lambda second: 0)


def instance(name: str, phase: InstancePhase) -> InstanceRecord:
    kind = ProviderKind.ON_DEMAND
    return InstanceRecord(name, "pool", kind, "a", 1_024, 512, 1, 1, 0, phase)


def test_without_instances_the_machine_is_what_is_registered() -> None:
    made = plant()
    reading = read(made.progress, made.seen(), made.now)["cats"]
    assert reading.memory_reservation == 100 * 256 / 4_096
    assert reading.provider_reservation is None


def test_with_instances_those_that_are_there_are() -> None:
    """Two of 512 MiB, one of them draining; a third is still to come."""
    made = plant()
    assert made.progress.app is not None
    app = replace(made.progress.app, capacity=Capacity((Provider("pool"),)))
    ready, leaving = InstancePhase.READY, InstancePhase.DRAINING
    instances = (
        instance("i1", ready), instance("i2", leaving), instance("i3", InstancePhase.LAUNCHING),
    )  # fmt: skip
    fleet = Fleet({one.id: one for one in instances})
    progress = replace(made.progress, app=app, fleet=fleet)
    reading = read(progress, made.seen(), made.now)["cats"]
    assert reading.memory_reservation == 25
    assert reading.provider_reservation is not None
