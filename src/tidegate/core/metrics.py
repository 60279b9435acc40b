"""One second of a target group's answers, and the sums and percentiles over many.

Latency is kept as counts per bucket: bounds grow by 5 %, so a percentile is at most 5 % too high.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import compress
from math import ceil
from operator import attrgetter
from typing import NamedTuple


def _bounds() -> tuple[int, ...]:
    """Upper bounds in microseconds: 50 µs growing by 5 % (at least 1 µs) to over two minutes."""
    bounds = [50]
    while bounds[-1] < 120_000_000:
        bounds.append(max(bounds[-1] + 1, bounds[-1] * 21 // 20))
    return tuple(bounds)


BUCKET_BOUNDS_US = _bounds()


def bucket_of(latency_us: int) -> int:
    """The bucket of a latency in microseconds: the first whose upper bound holds it."""
    return min(bisect_left(BUCKET_BOUNDS_US, latency_us), len(BUCKET_BOUNDS_US) - 1)


class Second(NamedTuple):
    """What one target group answered in the second that begins at `at_ms`.

    `errors` counts 5xx answers and connections that got none. `latency` is sparse and sorted:
    (bucket, requests) pairs; see `BUCKET_BOUNDS_US`. `status` holds (first digit, requests) pairs.
    """

    at_ms: int
    requests: int
    errors: int = 0
    latency: tuple[tuple[int, int], ...] = ()
    status: tuple[tuple[int, int], ...] = ()

    def __hash__(self) -> int:
        """Its time: to hash the rest costs more than it tells apart."""
        return hash(self.at_ms)


at_ms_of = attrgetter("at_ms")
"""The time of a second; as a key it sorts and finds them."""


def between(seconds: Sequence[Second], from_ms: int, until_ms: int) -> tuple[Second, ...]:
    """Those that begin at `from_ms` or later and before `until_ms`, out of sorted ones."""
    first = bisect_left(seconds, from_ms, key=at_ms_of)
    return tuple(seconds[first : bisect_left(seconds, until_ms, first, key=at_ms_of)])


def merge(seconds: Iterable[Second]) -> Second:
    """All of them as one, with the time of the first (0 when there is none)."""
    first: int | None = None
    requests = errors = 0
    latency = [0] * len(BUCKET_BOUNDS_US)
    status = [0] * 10
    for second in seconds:
        first = second.at_ms if first is None else first
        requests += second.requests
        errors += second.errors
        for bucket, count in second.latency:
            latency[bucket] += count
        for code_class, count in second.status:
            status[code_class] += count
    return Second(first or 0, requests, errors, _sparse(latency), _sparse(status))


def _sparse(counts: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """(place, count) pairs without those that count nothing."""
    return tuple(compress(enumerate(counts), counts))


def percentile_us(second: Second, percent: float) -> int | None:
    """The latency in µs that `percent` of the requests stay within, or None without requests.

    `percent` is 0 to 100 and may be a fraction: 99.9. The answer is a bucket's upper bound.
    """
    total = sum(count for _, count in second.latency)
    if total == 0:
        return None
    rank = max(1, ceil(round(total * percent / 100, 6)))  # 99.9 % of 1,000 is 999, not 1,000
    seen = 0
    for bucket, count in second.latency:
        seen += count
        if seen >= rank:
            return BUCKET_BOUNDS_US[bucket]
    return BUCKET_BOUNDS_US[second.latency[-1][0]]


def slower_than(second: Second, latency_us: int) -> int:
    """How many requests fell in a bucket above the one that holds `latency_us`."""
    return slower_than_bucket(second, bucket_of(latency_us))


def slower_than_bucket(second: Second, limit: int) -> int:
    """How many requests fell in a bucket above `limit`. Costs only what it counts."""
    count = 0
    for bucket, requests in reversed(second.latency):
        if bucket <= limit:
            break
        count += requests
    return count
