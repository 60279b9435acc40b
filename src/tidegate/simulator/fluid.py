"""Clients as a flow: for days and sweeps. One step a second, by the formulas of `queueing`.

Each second a service gets a random (Poisson) number of requests. The balancer's weights share them
out; each target group answers in the times that its load implies. What its tasks cannot take waits
in a backlog, which delays everything behind it, and fails what would wait longer than the client.
A request that is under way is not followed: drains take no time here, and nothing is cut. Promises
about single requests are for `traffic` to check.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, floor, log, sqrt
from random import Random

from tidegate.core.metrics import Second, bucket_of
from tidegate.core.model import ALL_BP, Colour
from tidegate.simulator.balancer import SimBalancer
from tidegate.simulator.behaviour import Behaviour
from tidegate.simulator.clock import VirtualClock
from tidegate.simulator.demand import Demand
from tidegate.simulator.fleet import Fleet, SimTask
from tidegate.simulator.meter import Meter
from tidegate.simulator.queueing import HIGHEST, Balance, Group, Work
from tidegate.simulator.spread import Spread, spread_of
from tidegate.simulator.traffic import Drop, Ledger

_REFUSED = bucket_of(500)  # nobody answers, and the balancer says so at once
_STEPS = 200  # utilisation is read on a scale of so many steps
_DELAY_STEP = 1.02  # and a backlog's delay on one whose steps are 2 % apart


Key = tuple[str, Colour]
"""A target group: its service and colour."""


@dataclass(slots=True)
class _Stream:
    """The clients of one service, and its target groups."""

    service: str
    demand: Demand
    blue: Key
    green: Key


@dataclass(slots=True)
class Pool:
    """What a target group can do now: its tasks, and the mean time of a request when nobody waits.

    `most_rps` is what it can answer at the very most.
    """

    tasks: int
    work: Work
    behaviour: Behaviour
    mean_us: float
    most_rps: float


@dataclass(slots=True)
class _Known:
    """What a target group is until something changes: its tasks, and, without a knee and once all
    are warm, at `warm_ms` (elapsed), its pool. `spreads` are its answer times by load and delay.
    """

    tasks: list[SimTask]
    pool: Pool | None
    warm_ms: int
    spreads: dict[tuple[int, int], Spread]


class Fluid:
    """Implements `traffic.Clients`. `busiest` is the highest utilisation of each service since it
    was last cleared; above 1 it was asked for more than it can answer.
    """

    def __init__(
        self, clock: VirtualClock, draws: Random, fleet: Fleet, balancer: SimBalancer, meter: Meter
    ) -> None:
        self.balance = Balance.ROUNDROBIN
        self.timeout_us = 10_000_000
        self._limit = bucket_of(self.timeout_us)
        self.ledger = Ledger()
        self.established: set[str] = set()
        self.busiest: dict[str, float] = {}
        self._clock = clock
        self._draws = draws
        self._balancer = balancer
        self._meter = meter
        self._streams: list[_Stream] = []
        self._backlog: dict[Key, float] = {}
        self._known: dict[Key, _Known] = {}
        self._next_s = 0
        self._offset_ms = 0
        clock.behind.append(self._known.clear)

    def give_up_after(self, ms: int) -> None:
        """Clients wait so long for an answer, and no longer."""
        self._known.clear()
        self.timeout_us = ms * 1000
        self._limit = bucket_of(self.timeout_us)

    def begin(self, service: str, demand: Demand | float) -> None:
        """Clients of the service come from now on, instead of those that it had."""
        if not isinstance(demand, Demand):
            demand = Demand.of(demand)
        self._streams = [s for s in self._streams if s.service != service]
        groups = (service, Colour.BLUE), (service, Colour.GREEN)
        self._streams.append(_Stream(service, demand.beginning(self._clock.elapsed), *groups))

    def settle(self) -> None:
        """Let every second that is over have had its requests."""
        until_s = self._clock.elapsed // 1000
        self._offset_ms = self._clock.now() - self._clock.elapsed
        for at_s in range(self._next_s, until_s):
            for stream in self._streams:
                rate = stream.demand.rate(at_s * 1000 + 500)
                if rate > 0 or self._backlog:
                    self._second(stream, at_s, rate)
        self._next_s = max(self._next_s, until_s)

    def _second(self, stream: _Stream, at_s: int, rate: float) -> None:
        count = _poisson(self._draws, rate)
        self.ledger.sent += count
        held = self._balancer.held.get(stream.service)
        if held is None:
            self.ledger.excused["the balancer has no weights"] += count
            return
        green_bp = held.green_bp
        green = int(count * green_bp / ALL_BP + self._draws.random())
        if green or stream.green in self._backlog:
            self._group(stream.green, at_s, green, rate * (green_bp / ALL_BP))
        blue = count - green
        if blue or stream.blue in self._backlog:
            self._group(stream.blue, at_s, blue, rate * ((ALL_BP - green_bp) / ALL_BP))

    def _group(self, key: Key, at_s: int, count: int, rate: float) -> None:
        known = self._known.get(key) or self._learn(key)
        if not known.tasks:
            self._refuse(key, at_s, count + int(self._backlog.pop(key, 0.0)))
            return
        now_ms = (at_s + 1) * 1000
        usual = known.pool if now_ms >= known.warm_ms else None
        pool = usual or pool_of(known.tasks, now_ms, rate)
        use = rate / pool.most_rps
        if use > self.busiest.get(key[0], 0.0):
            self.busiest[key[0]] = use
        delay_us = 0
        if use > HIGHEST or key in self._backlog:
            delay_us = _step(self._wait(key, count, pool.most_rps))
        step = round(use * _STEPS)
        spread = known.spreads.get((step, delay_us)) if usual else None
        if spread is None:
            spread = self._spread(pool, step, delay_us)
            if usual:
                known.spreads[step, delay_us] = spread
        errors = self._answer(key, at_s, count, spread, pool.behaviour.error_share)
        self.ledger.answered(known.tasks[0].release, errors, count)

    def _learn(self, key: Key) -> _Known:
        """The group as it is now. A change of the world makes it forgotten."""
        tasks = self._balancer.serving(*key)
        known = self._known[key] = _Known(tasks, None, 0, {})
        if tasks and tasks[0].behaviour.knee_rps is None:
            work = tasks[0].behaviour.work
            known.warm_ms = max(t.listening_since for t in tasks) + (work.cold_ms if work else 0)
            known.pool = pool_of(tasks, known.warm_ms, 0.0)
        return known

    def _spread(self, pool: Pool, step: int, delay_us: int) -> Spread:
        use = min(HIGHEST, step / _STEPS)
        group = Group(pool.tasks, pool.work.concurrency, use, pool.work.cs2, self.balance)
        return spread_of(group, round(pool.mean_us), delay_us, self.timeout_us)

    def _wait(self, key: Key, count: int, most_rps: float) -> float:
        """The delay (µs) that the group's backlog makes, after this second's requests."""
        before = self._backlog.get(key, 0.0)
        after = max(0.0, before + count - most_rps)
        after = min(after, self.timeout_us / 1e6 * most_rps)  # nobody waits longer than that
        if after:
            self._backlog[key] = after
        else:
            self._backlog.pop(key, None)
        return (before + after) / 2 / most_rps * 1e6

    def _answer(self, key: Key, at_s: int, count: int, spread: Spread, error_share: float) -> int:
        """Count this second's answers; how many of them are errors."""
        phase = self._draws.random()
        pairs, before = [], 0
        for share, known in spread.upto:
            upto = floor(count * share + phase)
            if upto > before:
                pairs.append(known[upto - before])
                before = upto
        late = sum(n for bucket, n in pairs if bucket >= self._limit) if spread.late else 0
        errors = late
        if error_share:
            errors += int((count - late) * error_share + self._draws.random())
        self._count(key, at_s, count, errors, tuple(pairs))
        return errors

    def _refuse(self, key: Key, at_s: int, count: int) -> None:
        """Nobody answers: the balancer says 503."""
        service = key[0]
        if service not in self.established:
            self.ledger.excused["before the first release"] += count
            return
        self._count(key, at_s, count, count, ((_REFUSED, count),))
        excuse = self._balancer.excuses.get(key)
        if excuse:
            self.ledger.excused[excuse] += count
        elif count:
            why = f"{key[1]} has weight and nobody that answers: {count} requests"
            self.ledger.dropped.append(Drop(self._clock.elapsed, service, why))

    def _count(
        self,
        key: Key,
        at_s: int,
        count: int,
        errors: int,
        pairs: tuple[tuple[int, int], ...],
    ) -> None:
        if count:
            good = count - errors
            status = (((2, good),) if good else ()) + (((5, errors),) if errors else ())
            at_ms = at_s * 1000 + self._offset_ms
            self._meter.whole(key, Second(at_ms, count, errors, pairs, status))


def pool_of(tasks: Sequence[SimTask], now_ms: int, rate: float) -> Pool:
    """What these tasks can do together, at `rate` requests a second, some perhaps still cold."""
    behaviour = tasks[0].behaviour
    if behaviour.knee_rps is not None and rate > behaviour.knee_rps * len(tasks):
        behaviour = behaviour.overloaded()
    work = behaviour.work or Work(round(behaviour.median_us * 1.2), 1_000)
    mean_us = work.mean_us * behaviour.slow_factor
    speed = float(len(tasks))
    if work.cold_ms:
        cold = sum(now_ms - task.listening_since < work.cold_ms for task in tasks)
        speed -= cold * (1 - 1 / work.cold_factor)
    mean_us *= len(tasks) / speed
    most_rps = len(tasks) * work.concurrency * 1e6 / mean_us
    return Pool(len(tasks), work, behaviour, mean_us, most_rps)


def _step(delay_us: float) -> int:
    """The delay, on a scale whose steps are `_DELAY_STEP` apart."""
    if delay_us < 1_000:
        return 0
    exponent = round(log(delay_us / 1_000) / log(_DELAY_STEP))
    return round(1_000 * _DELAY_STEP**exponent)


def _poisson(draws: Random, mean: float) -> int:
    """A random count of that mean; for many requests the normal distribution comes close."""
    if mean > 30:
        return max(0, round(draws.gauss(mean, sqrt(mean))))
    limit, product, count = exp(-mean), draws.random(), 0
    while product > limit:
        product *= draws.random()
        count += 1
    return count
