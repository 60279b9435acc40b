"""Seeded traffic of a stable release and a candidate, for the comparison of the two."""

from dataclasses import dataclass
from random import Random

from tests.support.builders import T0
from tidegate.core.metrics import Second, bucket_of

BASELINE_S = 30


@dataclass(frozen=True)
class Side:
    """How one side answers: requests a second, share of errors, and how much slower than usual."""

    requests: int
    errors: float = 0.005
    slower: float = 1.0


@dataclass(frozen=True)
class Stream:
    """Seconds of both sides; the candidate's begin at `since`, both end at `until` (ms)."""

    stable: tuple[Second, ...]
    candidate: tuple[Second, ...]
    since: int
    until: int


def pool(side: Side, seed: int, size: int = 200) -> list[Second]:
    """So many possible seconds of that side, log-normal latencies around 20 ms."""
    rng = Random(seed)
    made = []
    for _ in range(size):
        counts: dict[int, int] = {}
        for _ in range(side.requests):
            bucket = bucket_of(int(20_000 * side.slower * rng.lognormvariate(0, 0.5)))
            counts[bucket] = counts.get(bucket, 0) + 1
        errors = sum(rng.random() < side.errors for _ in range(side.requests))
        status = ((2, side.requests - errors), (5, errors))
        made.append(Second(0, side.requests, errors, tuple(sorted(counts.items())), status))
    return made


def stream(stable: list[Second], candidate: list[Second], seed: int, seconds: int = 60) -> Stream:
    """Half a minute of stable alone, then both sides, each second drawn from its pool."""
    rng = Random(seed)
    since = T0 + BASELINE_S * 1_000

    def draw(of: list[Second], from_s: int) -> tuple[Second, ...]:
        return tuple(
            _at(rng.choice(of), T0 + s * 1_000) for s in range(from_s, BASELINE_S + seconds)
        )

    return Stream(draw(stable, 0), draw(candidate, BASELINE_S), since, since + seconds * 1_000)


def _at(second: Second, at_ms: int) -> Second:
    return Second(at_ms, second.requests, second.errors, second.latency, second.status)
