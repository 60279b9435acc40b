"""How the answers of a target group spread over the latency buckets, by the formulas of `queueing`.

What is reckoned is kept: a day asks for the same load many times.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate

from tidegate.core.metrics import bucket_of
from tidegate.simulator.queueing import Group, answer_times

_PAIRS = 256  # pairs of so many requests or more are not kept


class Pairs(dict[int, tuple[int, int]]):
    """(bucket, requests) by requests: a day has millions, but not so many different ones."""

    def __init__(self, bucket: int) -> None:
        super().__init__()
        self._bucket = bucket

    def __missing__(self, requests: int) -> tuple[int, int]:
        pair = self._bucket, requests
        if requests < _PAIRS:
            self[requests] = pair
        return pair


@dataclass(frozen=True, slots=True)
class Spread:
    """How answer times spread: for each latency bucket, the quickest first, the share of requests
    up to it, and its pairs; the last share is 1. `late`: the slowest come too late for their
    clients.
    """

    upto: tuple[tuple[float, Pairs], ...]
    late: bool


@lru_cache(maxsize=8_192)
def spread_of(group: Group, mean_us: int, delay_us: int, timeout_us: int) -> Spread:
    """How the answers of a group under that load spread, each delayed by so much."""
    shares: dict[int, float] = {}
    for share, times in answer_times(group):
        bucket = bucket_of(min(timeout_us, round(times * mean_us) + delay_us))
        shares[bucket] = shares.get(bucket, 0.0) + share
    buckets = sorted(shares)
    upto = (*list(accumulate(shares[bucket] for bucket in buckets))[:-1], 1.0)
    late = buckets[-1] >= bucket_of(timeout_us)
    return Spread(tuple(zip(upto, map(_pairs_of, buckets), strict=True)), late)


_pairs_of = cache(Pairs)
"""The same ones for the same bucket."""
