"""How long an answer takes under load, by formula: the fluid model's other half. Pure.

One target group: `tasks` tasks that each work on `concurrency` requests at once, requests at
random times (Poisson) spread over them by the balancer, service times of any mean and variance.

Sources: Erlang (1917) for the chance to wait; Allen, "Probability, Statistics, and Queueing
Theory", 2nd ed., §5.4, for the mean wait of G/G/c; Krämer and Langenbach-Belz (ITC 8, 1976) for
arrivals that are more even than Poisson, as round robin makes them. The correction of `leastconn`
against one central queue is fitted to our own per-request runs. `tests/simulation/test_queueing`
holds all of them to those: ±10 % of the mean and ±20 % of the p99 up to `SATURATED`, for service
times that vary no more than exponential ones (`cs2` up to 1). At `cs2` 2 it was -4 to +18 %.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from math import exp, log, sqrt
from statistics import NormalDist

SATURATED = 0.85
"""Above this utilisation a formula's latency is a guess, and is not told as a number."""

HIGHEST = 0.97
"""No steady state is asked for above this utilisation; what is too much waits in a backlog."""

_LEASTCONN = 0.03  # of what a queue for each task would add to the central one's wait

EDGES = (*(n / 20 for n in range(19)), 0.94, 0.96, 0.98, 0.985, 0.995, 0.999, 1.0)
"""How service and waiting times are cut into layers: fine where the tail is."""

CUTS = (*(n / 10 - 0.05 for n in range(1, 10)), 0.9, 0.94, 0.96, 0.98, 0.985, 0.995, 0.999, 1.1)
"""How answer times are, p50, p95 and p99 in the middle of a layer."""


class Balance(StrEnum):
    """How the balancer chooses the task of a request, by HAProxy's names."""

    ROUNDROBIN = "roundrobin"
    LEASTCONN = "leastconn"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Work:
    """What a request costs a task: `mean_us` of one of its `concurrency` workers.

    `cs2` is the variance of that time over its squared mean: 0 for always the same, 1 for
    exponential. For its first `cold_ms` a task takes `cold_factor` times as long.
    """

    mean_us: int
    concurrency: int = 1
    cs2: float = 1.0
    cold_ms: int = 0
    cold_factor: float = 1.0

    @property
    def most_rps(self) -> float:
        """What one task can answer at the very most, in requests a second."""
        return self.concurrency * 1e6 / self.mean_us


@dataclass(frozen=True, slots=True)
class Group:
    """A target group under load. `utilisation` is of all its workers, 0 up to below 1."""

    tasks: int
    concurrency: int
    utilisation: float
    cs2: float = 1.0
    balance: Balance = Balance.ROUNDROBIN


def erlang_c(servers: int, offered: float) -> float:
    """The chance that a request waits (M/M/c); `offered` is rate times service time, < servers."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    utilisation = offered / servers
    return blocked / (1 - utilisation + utilisation * blocked)


def waiting(group: Group) -> tuple[float, float]:
    """The chance that a request waits, and the mean wait of all, in mean service times."""
    if group.utilisation <= 0:
        return 0.0, 0.0
    if group.balance is Balance.LEASTCONN:
        return _least(group)
    return _alone(group, 1 / group.tasks if group.balance is Balance.ROUNDROBIN else 1.0)


def _alone(group: Group, ca2: float) -> tuple[float, float]:
    """Each task has a queue of its own; `ca2` is how uneven the arrivals at one are."""
    rho, cs2, servers = group.utilisation, group.cs2, group.concurrency
    chance = erlang_c(servers, servers * rho)
    wait = chance / (servers * (1 - rho)) * (ca2 + cs2) / 2
    if ca2 < 1:
        wait *= exp(-2 * (1 - rho) / (3 * rho) * (1 - ca2) ** 2 / (ca2 + cs2))
        evenly = (1 + ca2 + rho * cs2) / (1 + rho * (cs2 - 1) + rho**2 * (4 * ca2 + cs2))
        chance *= max(0.0, 1 + (ca2 - 1) * (1 - rho) * evenly)
    return min(1.0, chance), wait


def _least(group: Group) -> tuple[float, float]:
    """Almost one central queue."""
    servers = group.tasks * group.concurrency
    chance = erlang_c(servers, servers * group.utilisation)
    wait = chance / (servers * (1 - group.utilisation)) * (1 + group.cs2) / 2
    alone_chance, alone_wait = _alone(group, 1.0)
    return (
        chance + _LEASTCONN * (alone_chance - chance),
        wait + _LEASTCONN * (alone_wait - wait),
    )


Layers = tuple[tuple[float, float], ...]
"""(share of requests, time in mean service times), the shares adding up to 1."""


@lru_cache(maxsize=64)
def service_times(cs2: float) -> Layers:
    """Log-normal service times of mean 1, as layers with their exact means."""
    if cs2 <= 0:
        return ((1.0, 1.0),)
    normal, sigma = NormalDist(), sqrt(log(1 + cs2))
    cuts = [-40.0, *(normal.inv_cdf(edge) for edge in EDGES[1:-1]), 40.0]
    below = [normal.cdf(cut - sigma) for cut in cuts]
    return tuple(
        (high - low, (below[i + 1] - below[i]) / (high - low))
        for i, (low, high) in enumerate(pairwise(EDGES))
    )


def _waits(chance: float, mean: float) -> Iterator[tuple[float, float]]:
    """No wait, or an exponential one of which the mean of all is `mean`."""
    yield 1 - chance, 0.0
    if chance <= 0:
        return
    held = [(1 - e) * log(1 - e) + e if e < 1 else 1.0 for e in EDGES]
    for i, (low, high) in enumerate(pairwise(EDGES)):
        share = high - low
        yield share * chance, mean / chance * (held[i + 1] - held[i]) / share


@lru_cache(maxsize=4_096)
def answer_times(group: Group) -> Layers:
    """How long answers take, waiting included, shortest first, cut at `CUTS`."""
    waits = list(_waits(*waiting(group)))
    both = sorted(
        (service + wait, a * b) for a, service in service_times(group.cs2) for b, wait in waits
    )
    layers: list[tuple[float, float]] = []
    share = total = seen = 0.0
    for time, weight in both:
        share, total, seen = share + weight, total + weight * time, seen + weight
        if seen >= CUTS[bisect_left(CUTS, seen - weight)]:
            layers.append((share, total / share))
            share = total = 0.0
    if share:
        layers.append((share, total / share))
    return tuple(layers)


def mean_of(layers: Layers) -> float:
    """The mean of all layers."""
    return sum(share * time for share, time in layers)


def percentile_of(layers: Layers, percent: float) -> float:
    """The time that this percentage of requests stays within, read between the layers."""
    goal, seen, before = percent / 100, 0.0, None
    for share, time in layers:
        middle = seen + share / 2
        if middle >= goal:
            if before is None:
                return time
            at, value = before
            return value + (time - value) * (goal - at) / (middle - at)
        before, seen = (middle, time), seen + share
    return layers[-1][1]
