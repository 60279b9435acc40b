"""A clock that a jump of the machine's clock cannot move."""

import time


class SteadyClock:
    """Implements `core.ports.Clock`: the wall clock when it was made, and steady time since.

    It begins at `not_before` (ms) when the wall clock is behind that: time never runs back.
    """

    def __init__(self, not_before: int = 0) -> None:
        start_ns = max(time.time_ns(), not_before * 1_000_000)
        self._base_ns = start_ns - time.monotonic_ns()

    def now(self) -> int:
        """Milliseconds since the Unix epoch."""
        return (self._base_ns + time.monotonic_ns()) // 1_000_000

    def ahead_ms(self) -> int:
        """How far it is ahead of the machine's own clock: add it to a time that was read there."""
        return self.now() - time.time_ns() // 1_000_000


def unix_ms() -> int:
    """This machine's time as it is (ms): it may run backwards."""
    return time.time_ns() // 1_000_000
