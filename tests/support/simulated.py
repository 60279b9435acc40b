"""The simulator's ports on the benches of the contract tests: time passes when somebody looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.tasks_bench import QUICK, Nature
from tidegate.core.decision import StartTask
from tidegate.core.model import Listener, Service
from tidegate.core.ports import Balancer
from tidegate.core.seen import BalancerSeen, TaskSeen
from tidegate.simulator import behaviour as b
from tidegate.simulator.balancer import SimBalancer
from tidegate.simulator.scenarios import QUICKLY, change
from tidegate.simulator.world import SimulatedWorld

LOOK_MS = 400  # longer than any watcher lags
PATIENCE_MS = 15_000

_PROGRAMS = {
    Nature.GOOD: b.GOOD,
    Nature.CRASHES: b.Behaviour("crashes", crash_after_ms=50, exit_code=3),
    Nature.LEAKS: b.leaking(200),
    Nature.DEAF: b.NEVER_HEALTHY,
}


class SimulatedBench:
    """Containers in virtual time. `changes` is not told: nobody waits for it here."""

    silent_on_memory = False

    def __init__(self) -> None:
        self.world = SimulatedWorld(change(1, app=QUICKLY))
        self.tasks = self.world.fleet
        for nature, behaviour in _PROGRAMS.items():
            self.world.workshop.images[f"sha256:{nature.name}"] = behaviour

    def start(self, task: str, nature: Nature = Nature.GOOD) -> StartTask:
        """A start of a program that behaves so."""
        return StartTask(task, Service("cats", health=QUICK), 7, f"sha256:{nature.name}")

    def wait_for(self, task: str, what: Callable[[TaskSeen], bool]) -> TaskSeen:
        """Let time pass until it holds."""
        for _ in range(PATIENCE_MS // LOOK_MS):
            self.world.clock.run_for(LOOK_MS)
            found = next((t for t in self.tasks.observe() or () if t.id == task), None)
            if found and what(found):
                return found
        raise AssertionError(f"{task} never came to be so; seen at last: {self.tasks.observe()}")

    def wait_until_gone(self, task: str) -> None:
        """Let time pass until it is not there."""
        self.world.clock.run_for(LOOK_MS)
        assert all(seen.id != task for seen in self.tasks.observe() or ())


@contextmanager
def simulated_bench(folder: Path) -> Iterator[SimulatedBench]:
    """A fleet without faults. It needs no folder."""
    yield SimulatedBench()


class _Patient:
    """A balancer whose every look comes after a while."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        balancer: SimBalancer = world.balancer
        self.serve = balancer.serve
        self.register = balancer.register
        self.drain = balancer.drain
        self.deregister = balancer.deregister
        self.route = balancer.route

    def observe(self) -> BalancerSeen | None:
        """What the balancer holds, some time later."""
        self._world.clock.run_for(LOOK_MS)
        return self._world.balancer.observe()


@contextmanager
def simulated_balancer() -> Iterator[tuple[Balancer, Listener]]:
    """A balancer without faults."""
    yield _Patient(SimulatedWorld(change(1, app=QUICKLY))), Listener()
