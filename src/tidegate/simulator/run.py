"""One run: under faults, where no promise may break; then without, where it must come to rest.

The controller is the real one: `engine.loop` on a journal in memory, its actions run one by one in
virtual time. It may die at any call of a port; the journal is all that the next one has.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Sequence

from tidegate import __version__
from tidegate.core import decision as d
from tidegate.core.ports import World
from tidegate.engine.codec import encode
from tidegate.engine.execute import Inline, Runner
from tidegate.engine.journal import Entry, Journal
from tidegate.engine.loop import Engine
from tidegate.simulator.checkers import CHECKERS, Case, bound_ms, left_over, under_way
from tidegate.simulator.checkers.rest_scaling import restless_scaling, turned, window_ms
from tidegate.simulator.faults import ControllerCrash
from tidegate.simulator.options import Options
from tidegate.simulator.people import People
from tidegate.simulator.result import Broken, Deployed, Result
from tidegate.simulator.rng import Rng
from tidegate.simulator.watcher import STALE_MS
from tidegate.simulator.world import SimulatedWorld

LOOK_MS = 10
"""What a look and its effects take at least."""
QUIET_MS = 15_000
"""Once at rest, nothing may happen for so long."""

RunnerOf = Callable[[World], Runner]


class PromiseBroken(Exception):
    """A checker spoke. Nothing may catch it but the simulation."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(broken.sentence)
        self.broken = broken


def simulate(options: Options, runner: RunnerOf = Inline) -> Result:
    """Run it to its end, or to the first broken promise.

    `runner` makes what runs the controller's actions; a test may rig it.
    """
    simulation = Simulation(options, runner)
    broken: Broken | None = None
    rest_ms: int | None = None
    try:
        rest_ms = simulation.run()
    except PromiseBroken as found:
        broken = found.broken
    return simulation.result(broken, rest_ms)


class Tape(Journal):
    """A journal that also keeps its entries at hand."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.entries: list[Entry] = []

    def append(self, events: Sequence[d.Event], at: int) -> tuple[Entry, ...]:
        """Record the events, and keep them."""
        entries = super().append(events, at)
        self.entries += entries
        return entries


class Simulation:
    """A world, a controller that may die, the people around it, and the checkers."""

    def __init__(self, options: Options, runner: RunnerOf = Inline) -> None:
        self.options = options
        self.world = SimulatedWorld(options)
        self.case = Case(options, self.world)
        self.journal = Tape.in_memory()
        self.restarts = 0
        self.people = People(options, self.world, lambda: None if self._down else self._engine)
        self._runner = runner
        self._checkers = [(n, kind()) for n, kinds in CHECKERS.items() for kind in kinds]
        self._checked = 0
        self._draws = Rng(options.seed)("controller")
        self._down = False
        self._engine = self._controller()
        self.world.clock.behind.append(self._check)
        for service in options.app.services:
            self.world.traffic.begin(service.name, options.demand)

    def run(self) -> int:
        """Both phases; answers how long it took to come to rest. Raises `PromiseBroken`."""
        while self.world.clock.elapsed < self.options.faulty_ms:
            self._turn()
        self.world.heal()
        rest_ms = self._come_to_rest()
        self._stay_at_rest()
        return rest_ms

    def result(self, broken: Broken | None, rest_ms: int | None) -> Result:
        """What it came to."""
        ledger = self.world.traffic.ledger
        progress = self.case.progress
        deployments = []
        for ended in progress.deployments.values():
            content = self.world.workshop.made[progress.releases[ended.candidate].digest]
            counts = ledger.by_release.get(ended.candidate, [0, 0])
            deployments.append(Deployed.of(ended, content.behaviour.name, counts))
        lines = tuple(f"{e.seq} {e.at} {encode(e.event)}" for e in self.journal.entries)
        return Result(
            self.options.seed, self.options.name, broken, tuple(deployments), lines,
            hashlib.sha256("\n".join(lines).encode()).hexdigest(), self.world.faults.calls,
            self.restarts, self.people.refused, self.world.clock.elapsed, rest_ms, ledger.sent,
            ledger.failed, len(ledger.dropped), ledger.cut_at_deadline, ledger.excused,
            self.world.faults.counts,
        )  # fmt: skip

    # --- the controller -------------------------------------------------------------------------

    def _controller(self) -> Engine:
        ports = self.world.ports
        engine = Engine(self.journal, ports, self._runner(ports))
        engine.begin("simulator", __version__)
        return engine

    def _turn(self) -> None:
        """One look, and the time until the next; or the controller's death and its successor."""
        self.world.settle()
        try:
            self.world.may_crash()
            decision = self._engine.look()
        except ControllerCrash:
            self._check()
            self._restart()
            return
        self._check()
        wait_ms = self.options.tick_ms
        if decision.look_again_at is not None:
            wait_ms = min(wait_ms, decision.look_again_at - self.world.clock.now())
        self.world.clock.run_for(max(LOOK_MS, wait_ms))

    def _restart(self) -> None:
        self._down = True
        self.world.clock.run_for(self._draws.randrange(100, 4_000))
        self.world.restart_controller()
        self.restarts += 1
        self._engine = self._controller()
        self.case.restarted_at = self.world.clock.elapsed
        self._down = False
        self.world.faults.disturbed_at = max(
            self.world.faults.disturbed_at, self.world.clock.elapsed
        )

    # --- the checkers ---------------------------------------------------------------------------

    def _check(self) -> None:
        """Show every checker what is new, and stop at the first that speaks."""
        case = self.case
        case.progress = self._engine.progress
        case.fresh = [entry.event for entry in self.journal.entries[self._checked :]]
        self._checked += len(case.fresh)
        for event in case.fresh:
            self.people.hear(event)
            if isinstance(event, d.StablePromoted):
                self.world.traffic.established.add(event.service)
            if isinstance(event, d.StageEntered) and event.stage in self.options.strikes:
                self.world.clock.after(1, self.world.strike)
        for number, checker in self._checkers:
            sentence = checker.check(case)
            if sentence:
                raise PromiseBroken(Broken(number, sentence, case.now))

    # --- liveness -------------------------------------------------------------------------------

    def _come_to_rest(self) -> int:
        """Faults are over: everything must end within the bound, and nothing be astray for a while.

        Somebody tends what is paused meanwhile. Answers how long it took, in ms.
        """
        healed_at = rested_at = self.world.clock.elapsed
        limit_ms = bound_ms(self.case)
        first = len(self.journal.entries)
        scaled = [one for one in self.options.app.services if one.scaling.on]
        window = max((window_ms(one) for one in scaled), default=0)
        while self.world.clock.elapsed - rested_at < STALE_MS:
            self.people.tend()
            self._turn()
            astray = under_way(self.case) or left_over(self.case)
            old = self.world.clock.elapsed < healed_at + window  # it still reads the faulty time
            if old or under_way(self.case):
                first = len(self.journal.entries)
            astray = astray or restless_scaling(self.case, healed_at)
            flaps = turned([entry.event for entry in self.journal.entries[first:]])
            if flaps and not self.case.restless():
                raise PromiseBroken(Broken(0, flaps, self.case.now))
            if astray:
                rested_at = self.world.clock.elapsed
            if astray and rested_at - healed_at > limit_ms:
                sentence = f"{astray}, {rested_at - healed_at} ms after the last fault"
                raise PromiseBroken(Broken(0, sentence, self.case.now))
        return rested_at - healed_at

    def _stay_at_rest(self) -> None:
        """Under constant load nothing is recorded, and nothing is found astray."""
        until_ms = self.world.clock.elapsed + QUIET_MS
        before = len(self.journal.entries)
        while self.world.clock.elapsed < until_ms:
            self._turn()
            astray = left_over(self.case)
            events = [entry.event for entry in self.journal.entries[before:]]
            told = d.AlarmChanged | d.ReleaseRejudged  # of the load, and of data that grows old
            moved = [event for event in events if not isinstance(event, told)]
            if astray or (moved and not self.case.restless()):
                sentence = astray or f"it does not stay at rest: {moved[0]}"
                raise PromiseBroken(Broken(0, sentence, self.case.now))
