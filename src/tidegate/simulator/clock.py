"""Virtual time: an integer clock in ms and a heap of what happens next."""

import heapq
from collections.abc import Callable
from itertools import count

EPOCH_MS = 1_700_000_000_000
"""Where every simulation begins; any fixed moment does."""


class VirtualClock:
    """Implements `core.ports.Clock`; time moves only by `run_until`.

    `elapsed` (ms) is true time since the start. `now()` is what the parts read: it also holds
    the jumps that a machine's clock made. Every change of the world goes through `change`, so
    that the traffic up to it meets the world as it was, and the checkers see it as it is then.
    """

    def __init__(self, epoch_ms: int = EPOCH_MS) -> None:
        self.elapsed = 0
        self.before: list[Callable[[], None]] = []
        self.behind: list[Callable[[], None]] = []
        self._offset = epoch_ms
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()

    def now(self) -> int:
        """Milliseconds since the Unix epoch."""
        return self.elapsed + self._offset

    def jump(self, by_ms: int) -> None:
        """The machine's clock is set forward; true time stands still."""
        self._offset += by_ms

    def change(self, happen: Callable[[], None]) -> None:
        """Change the world now: first what is `before` a change, then it, then what is `behind`."""
        for hook in self.before:
            hook()
        happen()
        for hook in self.behind:
            hook()

    @property
    def next_due(self) -> int | None:
        """When the next change is due (elapsed ms), or None."""
        return self._heap[0][0] if self._heap else None

    def after(self, delay_ms: int, happen: Callable[[], None]) -> None:
        """Change the world in `delay_ms`; what is due together happens in the order of asking."""
        heapq.heappush(self._heap, (self.elapsed + delay_ms, next(self._order), happen))

    def run_until(self, elapsed_ms: int) -> None:
        """Let everything due until then happen, in order, and stand at that moment."""
        while self._heap and self._heap[0][0] <= elapsed_ms:
            due, _, happen = heapq.heappop(self._heap)
            self.elapsed = max(self.elapsed, due)
            self.change(happen)
        self.elapsed = max(self.elapsed, elapsed_ms)

    def run_for(self, ms: int) -> None:
        """Let that much time pass."""
        self.run_until(self.elapsed + ms)
