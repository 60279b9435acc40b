"""How a release behaves once it runs: well, or in one of the ways that releases go wrong."""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, log, sqrt
from statistics import NormalDist

from tidegate.core.metrics import bucket_of
from tidegate.simulator.queueing import Work

DRAWS = 256
"""Service times are drawn from a table of this many equally likely ones."""

_SIGMA = 0.6
_SLOW_TAIL = 40
"""The slowest draw takes this many times the median: what a drain has to wait for."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a task of a release does. Times in ms, shares 0..1.

    `crash_after_ms` counts from the start, `out_of_memory_after_ms` from readiness.
    `knee_rps` is the load on one task above which it is `overload_factor` times slower and fails
    `overload_errors` of its requests; None for no knee. A task that is not `graceful` ends at the
    first signal with whatever it was doing. `fails_hooks`: every hook finds fault with it.
    With `work` its workers are few and requests queue for them; without it there is one for each
    request, which takes `median_us` or so.
    """

    name: str = "good"
    median_us: int = 20_000
    ready_ms: int = 300
    error_share: float = 0.0
    slow_factor: float = 1.0
    crash_after_ms: int | None = None
    exit_code: int = 1
    out_of_memory_after_ms: int | None = None
    never_healthy: bool = False
    knee_rps: int | None = None
    overload_factor: float = 4.0
    overload_errors: float = 0.1
    graceful: bool = True
    fails_hooks: bool = False
    work: Work | None = None

    @property
    def bad(self) -> bool:
        """Whether a deployment of it should end in a rollback, given traffic and alarms."""
        return self.name != "good"

    def overloaded(self) -> "Behaviour":
        """The same release under more load than it bears."""
        return replace(
            self,
            slow_factor=self.slow_factor * self.overload_factor,
            error_share=max(self.error_share, self.overload_errors),
        )


GOOD = Behaviour()


def failing(share: float) -> Behaviour:
    """Answers that share of its requests with a 5xx, healthy all the while."""
    return Behaviour("failing", error_share=share)


def slow(factor: float) -> Behaviour:
    """Takes that many times as long, healthy all the while."""
    return Behaviour("slow", slow_factor=factor)


CRASH_LOOP = Behaviour("crash loop", crash_after_ms=400)
NEVER_HEALTHY = Behaviour("never healthy", never_healthy=True)


def leaking(after_ms: int) -> Behaviour:
    """Runs well until the kernel kills it for its memory."""
    return Behaviour("out of memory", out_of_memory_after_ms=after_ms)


def weak_under_load(knee_rps: int) -> Behaviour:
    """Runs well until a task gets more than `knee_rps` requests a second."""
    return Behaviour("weak under load", knee_rps=knee_rps)


@lru_cache(maxsize=256)
def draws_of(mean_us: float, cs2: float) -> tuple[int, ...]:
    """`DRAWS` times four equally likely service times (µs) of that mean and variation."""
    count, sigma = DRAWS * 4, sqrt(log(1 + cs2))
    normal = NormalDist(-sigma * sigma / 2, sigma or 1e-9)
    times = [exp(normal.inv_cdf((i + 0.5) / count)) for i in range(count)]
    scale = mean_us * count / sum(times)  # the layers' middles have a slightly lower mean
    return tuple(max(1, round(time * scale)) for time in times)


@lru_cache(maxsize=256)
def durations(median_us: int, factor: float) -> tuple[tuple[int, int], ...]:
    """`DRAWS` equally likely service times: (µs, latency bucket), log-normal with a slow tail."""
    normal = NormalDist(0, _SIGMA)
    centres = [(i + 0.5) / DRAWS for i in range(DRAWS)]
    times = [round(median_us * factor * 2.718281828 ** normal.inv_cdf(c)) for c in centres]
    times[-1] = round(median_us * factor * _SLOW_TAIL)
    return tuple((us, bucket_of(us)) for us in times)
