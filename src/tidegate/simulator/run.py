"""One run: under faults, where no promise may break; then without, where it must come to rest.

The controller is the real one: `engine.loop` on a journal in memory, its actions run one by one in
virtual time. It may die at any call of a port; the journal is all that the next one has.
"""

import hashlib
from collections.abc import Callable
from functools import partial

from tidegate import __version__
from tidegate.core import decision as d
from tidegate.core.errors import TidegateError
from tidegate.core.model import LifecycleStage
from tidegate.core.ports import World
from tidegate.core.requests import Abort, Resume, StartExecution
from tidegate.engine.codec import encode
from tidegate.engine.execute import Inline, Runner
from tidegate.engine.journal import Journal
from tidegate.engine.loop import Engine
from tidegate.simulator.checkers import CHECKERS, Case, left_over, under_way
from tidegate.simulator.faults import ControllerCrash
from tidegate.simulator.options import Ask, Options, Push, Verb
from tidegate.simulator.result import Broken, Deployed, Result
from tidegate.simulator.rng import Rng
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


class Simulation:
    """A world, a controller that may die, the people around it, and the checkers."""

    def __init__(self, options: Options, runner: RunnerOf = Inline) -> None:
        self.options = options
        self.world = SimulatedWorld(options)
        self.case = Case(options, self.world)
        self.journal = Journal.in_memory()
        self.entries: list[str] = []
        self.restarts = 0
        self.refused = 0
        self._runner = runner
        self._checkers = [(n, kind()) for n, kinds in CHECKERS.items() for kind in kinds]
        self._seen_entries = 0
        self._draws = Rng(options.seed)("controller")
        self._down = False
        self._engine = self._controller()
        self._schedule()

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
        return Result(
            self.options.seed, self.options.name, broken, tuple(deployments), tuple(self.entries),
            hashlib.sha256("\n".join(self.entries).encode()).hexdigest(), self.world.faults.calls,
            self.restarts, self.refused, self.world.clock.elapsed, rest_ms, ledger.sent,
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
        self._down = False
        self.world.faults.disturbed_at = max(
            self.world.faults.disturbed_at, self.world.clock.elapsed
        )

    # --- the people -----------------------------------------------------------------------------

    def _schedule(self) -> None:
        clock = self.world.clock
        clock.behind.append(self._check)
        for service in self.options.app.services:
            self.world.traffic.begin(service.name, self.options.requests_per_second)
        for push in self.options.pushes:
            clock.after(push.at_ms, partial(self._push, push))
        for ask in self.options.asks:
            if ask.at_ms is not None:
                clock.after(ask.at_ms, partial(self._ask, ask))

    def _push(self, push: Push) -> None:
        """A push that meets no controller is pushed again a second later."""
        if self._down:
            self.world.clock.after(1_000, partial(self._push, push))
            return
        number = self._engine.progress.next_id("execution")
        execution = f"e{number}"
        self.world.workshop.pushed[execution] = push
        commit = hashlib.sha1(f"{self.options.seed}/{number}".encode()).hexdigest()
        fields = (execution, commit, f"change {number}", "push", "developer", self.options.app)
        self._engine.ask(StartExecution(*fields))

    def _ask(self, ask: Ask) -> None:
        if self._down:
            self.refused += 1
            return
        newest = list(self._engine.progress.executions)
        try:
            self._engine.ask(ask.request(newest[-1] if newest else "e0"))
        except TidegateError:
            self.refused += 1

    def _ask_at_stage(self, deployment: str, stage: LifecycleStage) -> None:
        moving = self._engine.progress.deployments[deployment]
        for ask in self.options.asks:
            meant = ask.stage is stage and ask.service == moving.service
            if meant and (moving.stable is not None or ask.verb is Verb.PROMOTE):
                self.world.clock.after(1, partial(self._ask, ask))

    # --- the checkers ---------------------------------------------------------------------------

    def _check(self) -> None:
        """Show every checker what is new, and stop at the first that speaks."""
        case = self.case
        case.progress = self._engine.progress
        case.fresh = self._fresh()
        for event in case.fresh:
            match event:
                case d.StablePromoted(_, service):
                    self.world.traffic.established.add(service)
                case d.StageEntered(deployment, stage):
                    self._ask_at_stage(deployment, stage)
                case d.DeploymentStarted(deployment):
                    self._ask_at_stage(deployment, LifecycleStage.PRE_SCALE_UP)
                case _:
                    pass
        for number, checker in self._checkers:
            sentence = checker.check(case)
            if sentence:
                raise PromiseBroken(Broken(number, sentence, case.now))

    def _fresh(self) -> list[d.Event]:
        if self.journal.last_seq == self._seen_entries:
            return []
        entries = list(self.journal.read(self._seen_entries))
        self._seen_entries = self.journal.last_seq
        self.entries += [f"{e.seq} {e.at} {encode(e.event)}" for e in entries]
        return [entry.event for entry in entries]

    # --- liveness -------------------------------------------------------------------------------

    def _come_to_rest(self) -> int:
        """Faults are over: everything must end within the bound. Somebody tends what is paused."""
        healed_at = self.world.clock.elapsed
        bound_ms = self._bound_ms()
        tended: set[str] = set()
        while True:
            self._tend(tended)
            self._turn()
            astray = under_way(self.case) or left_over(self.case)
            took_ms = self.world.clock.elapsed - healed_at
            if astray is None:
                return took_ms
            if took_ms > bound_ms:
                sentence = f"{astray}, {took_ms} ms after the last fault"
                raise PromiseBroken(Broken(0, sentence, self.case.now))

    def _stay_at_rest(self) -> None:
        """Under constant load nothing is recorded, and nothing is found astray."""
        until_ms = self.world.clock.elapsed + QUIET_MS
        before = len(self.entries)
        while self.world.clock.elapsed < until_ms:
            self._turn()
            astray = left_over(self.case)
            moved = [e for e in self.entries[before:] if '"type":"AlarmChanged"' not in e]
            if astray or (moved and not self.case.restless()):
                sentence = astray or f"it does not stay at rest: {moved[0][:160]}"
                raise PromiseBroken(Broken(0, sentence, self.case.now))

    def _tend(self, tended: set[str]) -> None:
        """An operator lets what is paused go on, and aborts what pauses again."""
        for deployment in self.case.moving():
            if deployment.paused_by is None or deployment.rollback or deployment.aborted_by:
                continue
            again = deployment.id in tended
            tended.add(deployment.id)
            self._engine.ask((Abort if again else Resume)(deployment.service, "operator"))

    def _bound_ms(self) -> int:
        """The longest way to the end: each thing that waits takes all the time that it may."""
        progress = self.case.progress
        pending = sum(e.live for e in progress.executions.values())
        pending += sum(deployment.live for deployment in progress.deployments.values())
        pending += sum(s.waiting is not None for s in progress.services.values())
        slowest_ms = max(
            _longest_ms(self.options, n) for n in range(len(self.options.app.services))
        )
        last_ask_ms = max((ask.at_ms or 0 for ask in self.options.asks), default=0)
        return (pending + 1) * slowest_ms + max(0, last_ask_ms - self.world.clock.elapsed)


def _longest_ms(options: Options, number: int) -> int:
    """What a deployment of that service takes at most, from the push to the last clean-up."""
    service = options.app.services[number]
    policy = service.deployment
    pipeline = options.app.pipeline
    pipeline_ms = 10_000 + (pipeline.approval_timeout_ms if pipeline.approval else 0)
    hooks_ms = sum(hook.timeout_ms for hook in policy.hooks) * (len(policy.shift.steps) + 1)
    shift_ms = policy.shift.steps[-1].at_ms + policy.bake_ms + hooks_ms
    end_ms = service.drain_timeout_ms + service.stop_grace_ms
    backoff_ms = 60_000
    return pipeline_ms + shift_ms + policy.scale_up_timeout_ms + end_ms + backoff_ms
