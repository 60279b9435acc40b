"""How much of the capacity is spoken for: AWS's two metrics of a cluster."""

from tidegate.core.capacity.assigning import assign
from tidegate.core.capacity.ordering import pool_of
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
    app = progress.app
    if app is None or app.capacity is None:
        return None
    assigned = assign(progress, app, app.capacity, now)
    pools = (pool_of(progress, assigned, provider) for provider in app.capacity.providers)
    return max((float(pool.reservation) for pool in pools), default=None)
