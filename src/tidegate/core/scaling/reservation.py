"""How much of the capacity is spoken for: AWS's two metrics of a cluster."""

from tidegate.core.capacity.measures import reservations
from tidegate.core.instance import InstancePhase
from tidegate.core.progress import Progress
from tidegate.core.seen import Seen

_REGISTERED = (InstancePhase.READY, InstancePhase.DRAINING)
"""As ECS counts: ACTIVE and DRAINING container instances."""


def registered_mib(progress: Progress, seen: Seen) -> int | None:
    """The memory that tasks may have: the instances', or the machine's where there are none."""
    if progress.app is None or progress.app.capacity is None:
        return seen.registered_mib
    instances = progress.fleet.instances.values()
    return sum(one.memory_mib for one in instances if one.phase in _REGISTERED)


def provider_reservation(progress: Progress, now: int) -> float | None:
    """`CapacityProviderReservation` of the provider that is shortest; None without any."""
    return max(map(float, reservations(progress, now).values()), default=None)
