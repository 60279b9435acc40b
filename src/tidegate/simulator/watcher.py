"""What a port answers to a look: a snapshot that a watcher keeps, never older than two seconds."""

from collections.abc import Callable
from typing import Generic, TypeVar

from tidegate.simulator.clock import VirtualClock
from tidegate.simulator.faults import Wire

T = TypeVar("T")

STALE_MS = 2_000
"""An older snapshot is not shown; the answer is None then."""


class Watcher(Generic[T]):
    """Shows the world as it was at most `lag_ms` ago, or longer while it is `blind_until`."""

    def __init__(self, clock: VirtualClock, read: Callable[[], T], wire: Wire, lag_ms: int) -> None:
        self.blind_until = 0
        self._wire = wire
        self._clock = clock
        self._read = read
        self._lag_ms = lag_ms
        self.forget()

    def forget(self) -> None:
        """A new controller begins: nothing has been seen yet."""
        self._snapshot: T | None = None
        self._taken_at = 0

    def look(self) -> T | None:
        """The snapshot, or None when there is none that is fresh enough."""
        now = self._clock.elapsed
        can_see = now >= max(self.blind_until, self._wire.free_at)
        if can_see and (self._snapshot is None or now - self._taken_at >= self._lag_ms):
            self._snapshot, self._taken_at = self._read(), now
        return self._snapshot if now - self._taken_at <= STALE_MS else None
