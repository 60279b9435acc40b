"""When time alone may change what is done for capacity: closures, idle ends, moves back to spot."""

from collections.abc import Iterator

from tidegate.core.instance import InstancePhase
from tidegate.core.progress import Progress
from tidegate.core.provider import Capacity


def next_look(progress: Progress, capacity: Capacity, now: int) -> int | None:
    """The next such moment (ms) after `now`, or None."""
    return min((at for at in _moments(progress, capacity) if at > now), default=None)


def _moments(progress: Progress, capacity: Capacity) -> Iterator[int]:
    fleet = progress.fleet
    yield fleet.returned_at + capacity.return_every_ms
    for closure in fleet.closures.values():
        yield closure.until
        yield closure.until + capacity.return_after_ms
    for one in fleet.instances.values():
        provider = capacity.provider(one.provider)
        if one.phase is InstancePhase.READY and one.ready_at is not None and provider is not None:
            yield max(one.empty_since or 0, one.busy_at, one.ready_at) + capacity.idle_ms
            yield one.ready_at + provider.instance_warmup_period_ms
