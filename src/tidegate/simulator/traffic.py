"""Clients in virtual time: every request by itself, routed by what the balancer holds.

A request that fails is somebody's: the release answers with an error, dies or was late to listen
(`failed`); a mishap took the task or the balancer (`excused`); or it would have succeeded but for
the controller (`dropped`), and that must never be.
"""

from collections import Counter
from dataclasses import dataclass, field
from heapq import heapreplace
from random import Random
from typing import Protocol

from tidegate.core.metrics import bucket_of
from tidegate.core.model import ALL_BP, Colour
from tidegate.core.seen import Routing
from tidegate.simulator.balancer import SimBalancer
from tidegate.simulator.behaviour import DRAWS, Behaviour, draws_of, durations
from tidegate.simulator.clock import VirtualClock
from tidegate.simulator.demand import Demand
from tidegate.simulator.fleet import Cause, Fleet, Request, SimTask
from tidegate.simulator.meter import Meter
from tidegate.simulator.queueing import Balance, Work

_REFUSED = bucket_of(500)  # a connection that is refused is answered within half a millisecond


@dataclass(frozen=True, slots=True)
class Drop:
    """A request that failed though it would have succeeded without the controller."""

    at_ms: int
    service: str
    why: str


@dataclass(slots=True)
class Ledger:
    """Every request ever sent, by what became of it. `by_release` counts (requests, failed)."""

    sent: int = 0
    failed: int = 0
    excused: Counter[str] = field(default_factory=Counter)
    dropped: list[Drop] = field(default_factory=list)
    cut_at_deadline: int = 0
    by_release: dict[int, list[int]] = field(default_factory=dict)

    def answered(self, release: int, failed: int, requests: int = 1) -> None:
        """A task of the release got it; `failed` 1 when it failed it."""
        counts = self.by_release.get(release)
        if counts is None:
            counts = self.by_release[release] = [0, 0]
        counts[0] += requests
        counts[1] += failed
        self.failed += failed


class Clients(Protocol):
    """A traffic model: it sends what is due, and keeps a ledger of it.

    `established` holds the services that have had a stable release: before that, a request that
    finds nobody is nobody's fault.
    """

    ledger: Ledger
    established: set[str]
    balance: Balance

    def begin(self, service: str, demand: Demand | float) -> None:
        """Clients of the service come from now on: a demand, or so many a second."""
        ...

    def settle(self) -> None:
        """Send everything that is due before now, by the state that the world is still in."""
        ...


@dataclass(slots=True)
class _Stream:
    """The clients of one service: the next request's time (elapsed µs), whose turn it is."""

    service: str
    demand: Demand
    next_us: int = 0
    turn: int = 0


class Traffic:
    """Implements `Clients`: sends the requests up to now whenever the world is about to change.

    The balancer chooses a task as `balance` says. A task whose behaviour has `work` lets requests
    wait for a free worker, first come, first served (Lindley's recursion).
    """

    def __init__(
        self, clock: VirtualClock, draws: Random, fleet: Fleet, balancer: SimBalancer, meter: Meter
    ) -> None:
        self.balance = Balance.RANDOM
        self.ledger = Ledger()
        self.established: set[str] = set()
        self._clock = clock
        self._draws = draws
        self._fleet = fleet
        self._balancer = balancer
        self._meter = meter
        self._streams: list[_Stream] = []
        fleet.on_cut = self.cut
        balancer.on_cut = self.cut

    def begin(self, service: str, demand: Demand | float) -> None:
        """Clients come from now on at random times, instead of those that the service had."""
        now = self._clock.elapsed
        if not isinstance(demand, Demand):
            demand = Demand.of(demand)
        self._streams = [s for s in self._streams if s.service != service]
        self._streams.append(_Stream(service, demand.beginning(now), now * 1000))

    def settle(self) -> None:
        """Send everything that is due before now, by the state that the world is still in."""
        until_us = self._clock.elapsed * 1000
        for stream in self._streams:
            while stream.next_us < until_us:
                rate = stream.demand.rate(stream.next_us // 1000)
                if rate <= 0:
                    stream.next_us += 1_000_000
                    continue
                self._send(stream, stream.next_us)
                stream.next_us += 1 + int(self._draws.expovariate(1) * (1e6 / rate))

    def _send(self, stream: _Stream, at_us: int) -> None:
        service = stream.service
        self.ledger.sent += 1
        held = self._balancer.held.get(service)
        if held is None:
            self._excuse(service, "the balancer has no weights")
            return
        colour = self._choose(held)
        ready = self._balancer.ready(service, colour)
        if not ready:
            excuse = self._balancer.excuses.get((service, colour))
            if excuse:
                self._excuse(service, excuse)
            else:
                self._drop(service, f"{colour} has weight and no target")
            return
        name = self._pick(stream, ready, at_us)
        task = self._fleet.tasks.get(name) or self._fleet.removed.get(name)
        if task is None:
            self._drop(service, f"target {name} has never been there")
        elif task.serves(at_us // 1000):
            self._answer(task, (service, colour), at_us)
        else:
            self._refuse(task, (service, colour), at_us)

    def _pick(self, stream: _Stream, ready: list[str], at_us: int) -> str:
        """The target that the request is sent to."""
        if self.balance is Balance.RANDOM:
            return ready[int(self._draws.random() * len(ready))]
        stream.turn += 1
        if self.balance is Balance.ROUNDROBIN:
            return ready[stream.turn % len(ready)]
        tasks = self._fleet.tasks
        busy = [tasks[t].busy(at_us) if t in tasks else 0 for t in ready]
        least = [t for t, n in zip(ready, busy, strict=True) if n == min(busy)]
        return least[stream.turn % len(least)]

    def _choose(self, held: Routing) -> Colour:
        if held.green_bp in (0, ALL_BP):
            return Colour.GREEN if held.green_bp else Colour.BLUE
        return Colour.GREEN if self._draws.random() * ALL_BP < held.green_bp else Colour.BLUE

    def _answer(self, task: SimTask, group: tuple[str, Colour], at_us: int) -> None:
        behaviour = _under_load(task, at_us)
        if behaviour.work:
            took_us = self._queue(task, behaviour, behaviour.work, at_us)
            bucket = bucket_of(took_us)
        else:
            table = durations(behaviour.median_us, behaviour.slow_factor)
            took_us, bucket = table[int(self._draws.random() * DRAWS)]
        error = self._draws.random() < behaviour.error_share
        request = Request(at_us + took_us, bucket, error)
        task.requests.append(request)
        if len(task.requests) > 50:
            task.under_way(at_us // 1000)
        self._meter.count(group, request)
        self._balancer.excuses.pop(group, None)
        self.ledger.answered(task.release, int(error))

    def _queue(self, task: SimTask, behaviour: Behaviour, work: Work, at_us: int) -> int:
        """How long the request waits for a worker and is worked on."""
        if not task.free_us:
            task.free_us = [0] * work.concurrency
        cold = at_us // 1000 - task.listening_since < work.cold_ms
        factor = behaviour.slow_factor * (work.cold_factor if cold else 1.0)
        times = draws_of(work.mean_us * factor, work.cs2)
        begun_us = max(at_us, task.free_us[0])
        end_us = begun_us + times[int(self._draws.random() * len(times))]
        heapreplace(task.free_us, end_us)
        return end_us - at_us

    def _refuse(self, task: SimTask, group: tuple[str, Colour], at_us: int) -> None:
        """It is sent to a task that does not answer."""
        self._meter.count(group, Request(at_us, _REFUSED, True))
        if task.stopping or task.ended_by is Cause.CONTROLLER:
            self._drop(task.service.name, f"{task.id} was stopped while it had traffic")
        elif task.ended_by is Cause.MISHAP or at_us < task.hung_until * 1000:
            self._excuse(task.service.name, "its task crashed or hung")
        elif task.ended_by is None and not task.listening:
            self._drop(task.service.name, f"{task.id} had traffic before it was ready")
        else:
            self.ledger.answered(task.release, 1)

    def cut(self, task: SimTask, cause: Cause) -> None:
        """Whatever the task was working on fails now, and it is somebody's."""
        now_us = self._clock.elapsed * 1000
        cut = [r for r in task.requests if r.end_us > now_us]
        task.requests = []
        target = self._balancer.targets.get(task.id)
        for request in cut:
            if target:
                group = (target.service, target.colour)
                self._meter.count(group, request, -1)
                self._meter.count(group, Request(now_us, request.bucket, True))
            self._blame(task, cause, request)
        if cause is not Cause.CONTROLLER:
            self._balancer.excuse(task, "its tasks crashed")

    def _blame(self, task: SimTask, cause: Cause, request: Request) -> None:
        if request.error:
            return  # it has been counted as failed already
        match cause:
            case Cause.ITSELF:
                self.ledger.answered(task.release, 1, requests=0)
            case Cause.MISHAP:
                self._excuse(task.service.name, "it was cut by a mishap")
            case Cause.CONTROLLER:
                idle_since = self._balancer.idle_since.get(task.id, self._clock.now())
                drained_ms = self._clock.now() - idle_since
                leaves = task.leaves_from is not None and self._clock.elapsed >= task.leaves_from
                if drained_ms >= task.service.drain_timeout_ms or (leaves and drained_ms > 0):
                    self.ledger.cut_at_deadline += 1
                else:
                    self._drop(task.service.name, f"{task.id} was cut {drained_ms} ms into a drain")

    def _excuse(self, service: str, why: str) -> None:
        self.ledger.excused[why if service in self.established else "before the first release"] += 1

    def _drop(self, service: str, why: str) -> None:
        if service in self.established:
            self.ledger.dropped.append(Drop(self._clock.elapsed, service, why))
        else:
            self.ledger.excused["before the first release"] += 1


def _under_load(task: SimTask, at_us: int) -> Behaviour:
    """How the task behaves, given what it got within this second."""
    behaviour = task.behaviour
    if behaviour.knee_rps is None:
        return behaviour
    second = at_us // 1_000_000
    if second != task.second:
        task.second, task.in_second = second, 0
    task.in_second += 1
    return behaviour.overloaded() if task.in_second > behaviour.knee_rps else behaviour
