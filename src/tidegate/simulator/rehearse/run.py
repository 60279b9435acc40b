"""A rehearsal: the real engine on the simulated world, from the first release to the story's end.

There is a look each second, and whenever a step is due; a machine looks five times as often while
something moves. At rest, looks that can decide nothing are left out: nothing has changed, no time
that a controller waits for has come, and no alarm or policy has a new number; or it has one, and a
glance at the numbers, or at the count of requests alone, decides nothing. What is recorded is the
same with and without them, which a test holds.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from tidegate import __version__
from tidegate.core import decision as d
from tidegate.core.cost import minus, so_far
from tidegate.core.errors import InternalError
from tidegate.core.instance import Spent
from tidegate.core.metrics import merge
from tidegate.engine.execute import Inline
from tidegate.engine.journal import Entry
from tidegate.engine.loop import IDLE_TICK_MS, moves
from tidegate.simulator.fluid import Fluid
from tidegate.simulator.options import Push
from tidegate.simulator.people import People
from tidegate.simulator.rehearse.glance import GlancingEngine
from tidegate.simulator.rehearse.plan import Rehearsal, contents, gauged, options, periods
from tidegate.simulator.rehearse.record import COLOURS, MINUTE_MS, Minute, Track, milliseconds
from tidegate.simulator.rehearse.weather import Weather
from tidegate.simulator.run import Tape
from tidegate.simulator.traffic import Ledger, Traffic
from tidegate.simulator.watcher import STALE_MS
from tidegate.simulator.world import AnyWorld

LEAST_MS = 10
"""What a look and its effects take at least."""

READY_WITHIN_MS = 6 * 3_600_000
"""So long the first release may take in virtual time before the story begins."""


class Stage:
    """A world, the engine, and the people around it; `play` runs the story to its end.

    `began_ms` is when the story began (elapsed); `tracks` hold each service's minutes.
    """

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.options = options(rehearsal)
        self.world: AnyWorld[Fluid] | AnyWorld[Traffic] = (
            AnyWorld(self.options, Traffic) if rehearsal.each else AnyWorld(self.options, Fluid)
        )
        self.tracks = {service.name: Track() for service in rehearsal.app.services}
        self.began_ms = 0
        self.looks = 0
        self._spent: Mapping[str, Spent] = {}
        self._demands = {s.name: rehearsal.demand(s) for s in rehearsal.app.services}
        self._journal = Tape.in_memory()
        ports = self.world.ports
        self.engine = GlancingEngine(self._journal, ports, Inline(ports), self.world.meter)
        self.engine.begin("rehearsal", __version__)
        self.people = People(self.options, self.world, lambda: self.engine)
        self._heard = 0
        self._changed_at = 0
        self._running: list[tuple[Track, bool]] | None = None
        self._pulse: tuple[int, ...] = ()
        self._periods = periods(rehearsal.app)
        self._alarmed = {alarm.period_ms for alarm in rehearsal.app.alarms}
        self._gauged = gauged(rehearsal.app)
        self._range_ms = max((a.period_ms * a.evaluation_periods for a in rehearsal.app.alarms),
                             default=0)  # fmt: skip
        self._prepare()

    def play(self) -> None:
        """From the first push to the end of the story. Raises `InternalError`."""
        self._until(READY_WITHIN_MS, self._established)
        if not self._established():
            raise InternalError(
                "the first release never became stable in the rehearsal",
                cause=self.engine.last.reason,
                remedy="see the plan of the app file: tidegate plan",
                code="TG933",
            )
        self._begin()
        length_ms = round(self.rehearsal.scenario.demand.seconds * 1000)
        for minute in range(-(-length_ms // MINUTE_MS)):
            self._until(self.began_ms + min(length_ms, (minute + 1) * MINUTE_MS), lambda: False)
            self._note(minute)

    @property
    def spent(self) -> Mapping[str, Spent]:
        """What each provider's instances have cost since the story began; none without prices."""
        capacity = self.rehearsal.app.capacity
        if capacity is None or not any(one.price_micros for one in capacity.providers):
            return {}
        now = self._so_far()
        names = [one.name for one in capacity.providers]
        return {n: minus(now.get(n, Spent()), self._spent.get(n, Spent())) for n in names}

    def _so_far(self) -> Mapping[str, Spent]:
        return so_far(self.engine.progress.fleet, self.engine.now())

    @property
    def entries(self) -> list[Entry]:
        """What was recorded since the story began."""
        began_at = self.world.clock.now() - self.world.clock.elapsed + self.began_ms
        return [entry for entry in self._journal.entries if entry.at >= began_at]

    # --- the story ------------------------------------------------------------------------------

    def _prepare(self) -> None:
        world = self.world
        world.traffic.balance = self.rehearsal.assumed.balance
        if isinstance(world.traffic, Fluid):
            world.traffic.give_up_after(self.rehearsal.assumed.timeout_ms)
        world.meter.keep_s = 600 + 3 * self._range_ms // 1000
        world.clock.behind.append(self._change)
        for name, demand in self._demands.items():
            world.traffic.begin(name, max(1.0, demand.rate(0)))

    def _begin(self) -> None:
        clock = self.world.clock
        clock.run_until(-(-clock.elapsed // 1000) * 1000)
        self.world.settle()
        self.began_ms = clock.elapsed
        self.world.traffic.ledger = Ledger()
        if isinstance(self.world.traffic, Fluid):
            self.world.traffic.busiest.clear()
        for name, demand in self._demands.items():
            self.world.traffic.begin(name, demand)
            self._demands[name] = demand.beginning(clock.elapsed)
        for number, change in enumerate(self.rehearsal.scenario.changes, 2):
            push = Push(0, contents(self.rehearsal, number, change.behaviour))
            clock.after(round(change.at_s * 1000), partial(self.people.push, push))
        weather = Weather(self.world, self.rehearsal.app, self.rehearsal.seed)
        weather.begin(self.rehearsal.scenario)
        self._spent = self._so_far()

    def _established(self) -> bool:
        known = self.engine.progress.services
        stable = all(name in known and known[name].stable for name in self.tracks)
        return stable and not moves(self.engine.progress)

    # --- time -----------------------------------------------------------------------------------

    def _change(self) -> None:
        self._changed_at = self.world.clock.elapsed
        self._running = None

    def _until(self, elapsed_ms: int, over: Callable[[], bool]) -> None:
        """Let time pass, looking whenever something might be decided."""
        clock = self.world.clock
        while clock.elapsed < elapsed_ms and not over():
            self.world.settle()
            rests = self._turn()
            wait_ms = self._rest(elapsed_ms) if rests else self._due_in(IDLE_TICK_MS)
            wait_ms = min(wait_ms, elapsed_ms - clock.elapsed)
            self._charge(wait_ms)
            clock.run_for(wait_ms)
        self.world.settle()

    def _turn(self) -> bool:
        """A look, a glance, or neither; whether the next look would find the same world."""
        due = self.engine.last.look_again_at
        late = due is not None and self.world.clock.now() >= due
        if not self.rehearsal.skip or self._restless() or late:
            return self._look()
        pulse = self._beat()
        if pulse == self._pulse and not self.engine.standing.deploying:
            self.engine.left_out((self.world.clock.now(),))
            return True
        triples = zip(self._periods, self._pulse, pulse, strict=False)  # no pulse before a look
        alarms = any(n != m and period in self._alarmed for period, n, m in triples)
        policies = pulse != self._pulse
        self._pulse = pulse
        return self._look() if self.engine.glance(alarms, policies) else True

    def _due_in(self, most_ms: int) -> int:
        """So long until a time that a controller waits for, at most that."""
        due = self.engine.last.look_again_at
        return most_ms if due is None else max(LEAST_MS, min(most_ms, due - self.world.clock.now()))

    def _rest(self, elapsed_ms: int) -> int:
        """So long nothing can be decided; the looks that are left out read what was read last."""
        clock = self.world.clock
        if self.engine.standing.deploying:
            return self._due_in(IDLE_TICK_MS)
        due = clock.next_due
        next_ms = min(self._boundary(), elapsed_ms if due is None else due, elapsed_ms)
        ticks = max(1, -(-(next_ms - clock.elapsed) // IDLE_TICK_MS))
        wait_ms = self._due_in(ticks * IDLE_TICK_MS)
        if self._gauged:
            now = clock.now()
            until_ms = now + min(wait_ms, elapsed_ms - clock.elapsed)
            self.engine.left_out(range(now + IDLE_TICK_MS, until_ms, IDLE_TICK_MS))
        return wait_ms

    def _look(self) -> bool:
        """Whether the next one would find the same world."""
        self.looks += 1
        decision = self.engine.look()
        self._pulse = self._beat()
        self._hear()
        if decision.events or decision.actions:
            self._change()
        return self.rehearsal.skip and not self._restless()

    def _restless(self) -> bool:
        """Whether the next look may find another world than the last one."""
        if self.rehearsal.each and self._gauged:
            return True  # requests under way are another number at every look
        world = self.world
        changed_at = max(self._changed_at, world.meter.blind_until, world.meter.late_until)
        return world.clock.elapsed - changed_at <= STALE_MS or self.engine.standing.moves

    def _beat(self) -> tuple[int, ...]:
        until_ms = self.world.meter.whole_until()
        return tuple([until_ms // period for period in self._periods])

    def _boundary(self) -> int:
        """When the next number of an alarm or a policy is due (elapsed ms)."""
        clock = self.world.clock
        if not self._periods:
            return clock.elapsed + MINUTE_MS
        ends = [(n + 1) * period for n, period in zip(self._pulse, self._periods, strict=True)]
        return min(ends) - clock.now() + clock.elapsed + self.world.meter.lag_ms

    def _hear(self) -> None:
        for entry in self._journal.entries[self._heard :]:
            self._heard += 1
            self.people.hear(entry.event)
            if isinstance(entry.event, d.StablePromoted):
                self.world.traffic.established.add(entry.event.service)

    # --- what it was like -----------------------------------------------------------------------

    def _charge(self, ms: int) -> None:
        """The running tasks cost so much more."""
        if not self.began_ms:
            return
        if self._running is None:
            services = self.engine.progress.services
            self._running = [
                (self.tracks[task.service.name], task.release != services[task.service.name].stable)
                for task in self.world.fleet.alive()
            ]
        seconds = ms / 1000
        for track, second in self._running:
            track.task_s += seconds
            if second:
                track.second_s += seconds

    def _note(self, minute: int) -> None:
        clock, world = self.world.clock, self.world
        offset_ms = clock.now() - clock.elapsed
        since_ms = self.began_ms + minute * MINUTE_MS + offset_ms
        busiest = world.traffic.busiest if isinstance(world.traffic, Fluid) else {}
        for name, track in self.tracks.items():
            found = merge(s for c in COLOURS for s in world.meter.truth((name, c), since_ms,
                                                                        clock.now()))  # fmt: skip
            serving = sum(len(world.balancer.serving(name, colour)) for colour in COLOURS)
            most_rps = serving * self.rehearsal.assumed.of(name).work.most_rps
            use = busiest.get(name, found.requests / 60 / most_rps if most_rps else 1.0)
            p50, p95, p99 = (milliseconds(found, p) for p in (50, 95, 99))
            track.take(found, Minute(
                minute, self._demands[name].rate(clock.elapsed - MINUTE_MS // 2), found.requests,
                found.errors, p50, p95, p99, use, serving,
                sum(t.service.name == name for t in world.fleet.alive()),
                self.engine.progress.services[name].desired,
            ))  # fmt: skip
        busiest.clear()


def play(rehearsal: Rehearsal) -> Stage:
    """Run it to its end."""
    stage = Stage(rehearsal)
    stage.play()
    return stage


def told(stage: Stage) -> Iterator[tuple[float, d.Event]]:
    """What was recorded, with its time since the story began, in seconds."""
    began_at = stage.world.clock.now() - stage.world.clock.elapsed + stage.began_ms
    for entry in stage.entries:
        yield (entry.at - began_at) / 1000, entry.event
