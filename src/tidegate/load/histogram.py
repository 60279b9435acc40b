"""Latencies as counts in HdrHistogram's buckets: three significant digits at every size. Pure.

The buckets are those of HdrHistogram (Gil Tene), so percentiles agree with that library's; its
Python package would bring pbr and setuptools along for these few lines. Times in microseconds.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from math import ceil

SUB_BUCKET_BITS = 11  # 2,048 buckets per doubling range, half of them new: 1 part in 1,000


@dataclass(frozen=True, slots=True)
class Histogram:
    """Sorted pairs (lowest value of the bucket, count), and the exact largest value and sum."""

    buckets: tuple[tuple[int, int], ...] = ()
    max_us: int = 0
    sum_us: int = 0

    @property
    def count(self) -> int:
        """How many values it holds."""
        return sum(n for _, n in self.buckets)

    @property
    def mean_us(self) -> float:
        """The exact mean, 0 when it is empty."""
        return self.sum_us / self.count if self.buckets else 0.0

    def percentile_us(self, percent: float) -> int:
        """The highest value of the bucket that holds this percentile; 0 when it is empty."""
        return self.percentiles_us((percent,))[0]

    def percentiles_us(self, percents: Iterable[float]) -> list[int]:
        """The same for many, which must rise, in one pass."""
        total, found = self.count, []
        pairs = zip(self.buckets, accumulate(n for _, n in self.buckets), strict=True)
        (low, _), below = next(pairs, ((0, 0), 0))
        for percent in percents:
            rank = min(total, max(1, ceil(total * percent / 100 - 1e-9)))
            while below < rank:
                (low, _), below = next(pairs)
            found.append(min(self.max_us, low + width(low) - 1))
        return found

    def __add__(self, other: "Histogram") -> "Histogram":
        """Both together."""
        counts = Counter(dict(self.buckets))
        counts.update(dict(other.buckets))
        pairs = tuple(sorted(counts.items()))
        return Histogram(pairs, max(self.max_us, other.max_us), self.sum_us + other.sum_us)


def width(value_us: int) -> int:
    """How many whole microseconds share the bucket of this value: 1 up to 2,047, then 2, 4 …"""
    return 1 << max(0, value_us.bit_length() - SUB_BUCKET_BITS)


def histogram(values_us: Iterable[int]) -> Histogram:
    """Count values of 0 or more."""
    exact = Counter(values_us)
    counts = Counter[int]()
    for value, n in exact.items():
        counts[value - value % width(value)] += n
    total = sum(value * n for value, n in exact.items())
    return Histogram(tuple(sorted(counts.items())), max(exact, default=0), total)
