"""What a count of requests tells of the load behind it, and what is only chance.

Requests of independent clients come at random: a load of one a second is 2 in one beat and 9 in
another, and a controller that believes each beat goes out and in for ever. So a need is believed
as far as the requests that it was measured by bear it out: between the bounds that a Poisson count
of so many has (F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28, 1936; in
Byar's closed form, N. Breslow and N. Day, "Statistical Methods in Cancer Research" II, 1987).

Out and in are judged against the same mark, the middle of the tolerance: out when the need is
surely above it, in when it is surely below it. So whatever a constant load is, one of the two would
be a mistake, and `Z` makes that one in 300,000. With some 10,000 requests in a beat the bounds are
within the tolerance and nobody notices them; with ten it takes minutes until a change is sure.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import inf, sqrt
from typing import NamedTuple

TOLERANCE = 0.1
Z = 4.5
"""Standard deviations of a mistake: 3.4 in a million."""

MIDDLE = 1 + TOLERANCE / 2


@lru_cache(maxsize=4_096)  # a beat is asked at every look while it is in the window
def lower(count: float) -> float:
    """The least mean that a Poisson count of so many may well come from."""
    if count <= 0:
        return 0.0
    return count * max(0.0, 1 - 1 / (9 * count) - Z / (3 * sqrt(count))) ** 3


def upper(count: float) -> float:
    """The greatest mean that a Poisson count of so many may well come from."""
    more = count + 1
    return more * (1 - 1 / (9 * more) + Z / (3 * sqrt(more))) ** 3


class Need(NamedTuple):
    """How many tasks (not rounded) a metric asked for in one beat, or on average in several.

    `slow`: because of the p95. `counted` is how many independent requests the number comes from,
    infinite where chance has no part in it; `unit` is the need that one request a beat makes, where
    the need is of their rate, or 0.
    """

    tasks: float
    metric: str = ""
    value: float = 0.0
    slow: bool = False
    counted: float = inf
    unit: float = 0.0
    beats: int = 1

    @property
    def at_least(self) -> float:
        """The need that is sure: by the requests that were counted, no less."""
        if self.counted in (0, inf):
            return self.tasks
        return self.tasks * lower(self.counted) / self.counted

    @property
    def at_most(self) -> float:
        """The need that is sure: by the requests that were counted, no more."""
        if self.counted == inf:
            return self.tasks
        if self.counted < 1:
            return self.tasks + self.unit * upper(0) / self.beats
        return self.tasks * upper(self.counted) / self.counted

    def over(self, count: float) -> bool:
        """Whether so many tasks are too few, beyond the tolerance and surely."""
        return self.tasks > count * (1 + TOLERANCE) and self.at_least > count * MIDDLE

    @property
    def seen(self) -> float:
        """The need as far as it is more than chance."""
        return min(self.tasks, self.at_least / (2 - MIDDLE))

    @property
    def enough(self) -> float:
        """So many tasks are surely not too few."""
        return max(self.tasks, self.at_most / MIDDLE)


def mean_of(needs: Sequence[Need]) -> Need:
    """The mean need of beats in a row, the newest first, which gives its name."""
    count, newest = len(needs), needs[0]
    if count == 1:
        return newest
    return Need(
        sum([need.tasks for need in needs]) / count,
        newest.metric,
        sum([need.value for need in needs]) / count,
        any(need.slow for need in needs),
        sum([need.counted for need in needs]),
        max([need.unit for need in needs]),
        count,
    )


def largest(needs: Sequence[Need]) -> float:
    """The largest need that was more than chance: in one of the beats, or in 2, 4, 8 … in a row.

    Where every beat has many requests, it is the largest of all.
    """
    found, size = 0.0, 1
    while size <= len(needs):
        rows = [needs[at : at + size] for at in range(0, len(needs) - size + 1, size)]
        means = [sum([need.tasks for need in row]) / size for row in rows]
        if max(means) <= found:
            break
        for at in sorted(range(len(rows)), key=means.__getitem__, reverse=True):
            if means[at] <= found:
                break
            found = max(found, mean_of(rows[at]).seen)
        size *= 2
    return found
