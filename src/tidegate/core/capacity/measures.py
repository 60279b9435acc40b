"""The cluster's metrics by AWS's names: `CapacityProviderReservation` and `MemoryReservation`."""

from tidegate.core.capacity.assigning import assign
from tidegate.core.capacity.ordering import pool_of
from tidegate.core.capacity.room import rooms_of
from tidegate.core.progress import Progress


def capacity_provider_reservation(progress: Progress, provider: str, now: int) -> int | None:
    """100 × M / N of the provider, in percent; None when the app has no such provider."""
    app = progress.app
    known = app.capacity.provider(provider) if app and app.capacity else None
    if app is None or app.capacity is None or known is None:
        return None
    return pool_of(progress, assign(progress, app, app.capacity, now), known).reservation


def memory_reservation(progress: Progress) -> int | None:
    """What tasks reserve of the memory of ready and draining instances, in percent; None without.

    It cannot exceed 100 and does not see tasks that wait: for the walk-through's alarms, not to
    scale by.
    """
    rooms = rooms_of(progress).values()
    registered = sum(room.instance.memory_mib for room in rooms)
    free = sum(room.memory_mib for room in rooms)
    return 100 * (registered - free) // registered if registered else None
