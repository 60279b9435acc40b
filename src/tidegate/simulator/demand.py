"""How many requests a second are wanted of a service, over time."""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf

from tidegate.load.profile import Profile, constant


@dataclass(frozen=True, slots=True)
class Demand:
    """A load profile that begins at `start_ms` (elapsed); before and after it nothing is wanted."""

    profile: Profile
    start_ms: int = 0
    _ends_s: tuple[float, ...] = field(init=False)

    def __post_init__(self) -> None:
        ends = tuple(accumulate(segment.seconds for segment in self.profile.segments))
        object.__setattr__(self, "_ends_s", ends)

    @classmethod
    def of(cls, per_second: float) -> "Demand":
        """The same rate for ever."""
        return cls(constant(per_second))

    def beginning(self, at_ms: int) -> "Demand":
        """The same, from then on."""
        return Demand(self.profile, at_ms)

    @property
    def end_ms(self) -> float:
        """When it ends (elapsed ms); infinite for an endless one."""
        return self.start_ms + 1000 * self._ends_s[-1]

    def rate(self, at_ms: int) -> float:
        """Requests a second wanted at that time (elapsed ms)."""
        at_s = (at_ms - self.start_ms) / 1000
        place = bisect_right(self._ends_s, at_s)
        if at_s < 0 or place == len(self._ends_s):
            return 0.0
        segment = self.profile.segments[place]
        if segment.from_rps == segment.to_rps or segment.seconds == inf:
            return segment.from_rps
        begin_s = self._ends_s[place] - segment.seconds
        return segment.from_rps + (segment.to_rps - segment.from_rps) * (
            (at_s - begin_s) / segment.seconds
        )
