"""The cluster's metrics by AWS's names: `CapacityProviderReservation` and `MemoryReservation`."""

from collections.abc import Mapping

from tidegate.core.capacity.assigning import assign
from tidegate.core.capacity.ordering import pool_of
from tidegate.core.capacity.room import rooms_of
from tidegate.core.progress import Progress


def reservations(progress: Progress, now: int) -> Mapping[str, int]:
    """100 × M / N of each provider, in percent."""
    app = progress.app
    if app is None or app.capacity is None:
        return {}
    assigned = assign(progress, app, app.capacity, now)
    return {p.name: pool_of(progress, assigned, p).reservation for p in app.capacity.providers}


def capacity_provider_reservation(progress: Progress, provider: str, now: int) -> int | None:
    """That of one provider; None when the app has no such provider."""
    return reservations(progress, now).get(provider)


def memory_reservation(progress: Progress) -> int | None:
    """What tasks reserve of the memory of ready and draining instances, in percent; None without.

    It cannot exceed 100 and does not see tasks that wait: for the walk-through's alarms, not to
    scale by.
    """
    rooms = rooms_of(progress).values()
    registered = sum(room.instance.memory_mib for room in rooms)
    free = sum(room.memory_mib for room in rooms)
    return 100 * (registered - free) // registered if registered else None
