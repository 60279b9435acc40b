"""Counters that only grow, for Prometheus: requests by class, and a coarse histogram of latency."""

from bisect import bisect_left
from dataclasses import dataclass, field

from tidegate.core.metrics import BUCKET_BOUNDS_US, Second

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""The upper bounds (`le`) of the histogram, in seconds; one more bucket holds the rest."""

_COARSE = tuple(bisect_left(BOUNDS_S, bound / 1e6) for bound in BUCKET_BOUNDS_US)


@dataclass(slots=True)
class GroupTotals:
    """One target group since the collector began.

    `sum_s` is made of the upper bounds of the fine buckets, so it is at most 5 % too high.
    """

    by_class: dict[int, int] = field(default_factory=dict)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    errors: int = 0
    sum_s: float = 0.0

    def add(self, second: Second) -> None:
        """Count a second more."""
        self.errors += second.errors
        for code_class, count in second.status:
            self.by_class[code_class] = self.by_class.get(code_class, 0) + count
        for bucket, count in second.latency:
            self.buckets[_COARSE[bucket]] += count
            self.sum_s += count * BUCKET_BOUNDS_US[bucket] / 1e6

    def copy(self) -> "GroupTotals":
        """The same counts, which later seconds do not change."""
        return GroupTotals(dict(self.by_class), list(self.buckets), self.errors, self.sum_s)
