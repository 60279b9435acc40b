"""The ports in virtual time, put together, and the mishaps that befall them."""

from collections.abc import Callable
from random import Random
from typing import Generic, TypeVar

from tidegate.core.ports import World
from tidegate.simulator.advisories import SimAdvisories
from tidegate.simulator.balancer import SimBalancer
from tidegate.simulator.behaviour import Behaviour
from tidegate.simulator.clock import VirtualClock
from tidegate.simulator.cloud import Cloud
from tidegate.simulator.cloud_mishaps import befall
from tidegate.simulator.faults import ControllerCrash, Faults, Mishap, Wire
from tidegate.simulator.fleet import Cause, Fleet
from tidegate.simulator.meter import Meter
from tidegate.simulator.options import Options
from tidegate.simulator.rng import Rng
from tidegate.simulator.traffic import Clients, Traffic
from tidegate.simulator.workshop import Workshop

C = TypeVar("C", bound=Clients)
ClientsOf = Callable[[VirtualClock, Random, Fleet, SimBalancer, Meter], C]


class AnyWorld(Generic[C]):
    """The truth of one run; `ports` is what a controller may see and do of it.

    `doomed`: the controller dies at its next look. `jump_ms` is how far the machine's clock has
    been set forward; a controller keeps steady time, so only the next one sees it.
    """

    def __init__(self, options: Options, clients: ClientsOf[C]) -> None:
        self.rng = rng = Rng(options.seed)
        self.clock = VirtualClock()
        self.faults = Faults(options.chances, rng("faults"), self.clock, options.crash)
        self.doomed = False
        self.jump_ms = 0
        images: dict[str, Behaviour] = {}
        self.fleet = Fleet(self.clock, rng("fleet"), self._wire("engine", False), images)
        self.balancer = SimBalancer(
            self.clock, rng("balancer"), self._wire("balancer", True), self.fleet
        )
        self.advisories = SimAdvisories(self.clock, options.app.gate, options.published)
        self.cloud = Cloud(self.clock, rng("cloud"), self._wire("cloud", False), self.fleet)
        capacity = options.app.capacity
        self.cloud.notice_ms = capacity.interruption_notice_ms if capacity else 0
        self.meter = Meter(self.clock, rng("meter"))
        self.workshop = Workshop(
            self.clock, rng("workshop"), self._wire("workshop", False), images, self.fleet,
            self.balancer, self.advisories,
        )  # fmt: skip
        self.traffic = clients(self.clock, rng("traffic"), self.fleet, self.balancer, self.meter)
        self.clock.before.append(self.traffic.settle)
        self.faults.schedule(self._befall)

    @property
    def ports(self) -> World:
        """What the engine runs on."""
        looked_at = self.advisories if self.advisories.published else None
        five = (self.clock, self.fleet, self.balancer, self.meter, self.workshop)
        return World(*five, advisories=looked_at, instances=self.cloud)

    def restart_controller(self) -> None:
        """What a new controller finds: nothing seen yet, no jobs, the machine's own time."""
        self.doomed = False
        self.fleet.watcher.forget()
        self.balancer.watcher.forget()
        self.cloud.watcher.forget()
        self.workshop.restart()
        self.meter.restart()
        self.clock.jump(self.jump_ms)
        self.jump_ms = 0

    def heal(self) -> None:
        """No fault happens from now on, and none goes on."""
        now = self.clock.elapsed
        self.faults.on = self.doomed = False
        self.cloud.dry_until = min(self.cloud.dry_until, now)
        self.cloud.shut_until = min(self.cloud.shut_until, now)
        self.cloud.slow_until = min(self.cloud.slow_until, now)
        for part in (self.fleet, self.balancer, self.cloud):
            part.watcher.blind_until = min(part.watcher.blind_until, now)
            part.wire.down_until = min(part.wire.down_until, now)
        self.meter.blind_until = self.meter.late_until = now

    def settle(self) -> None:
        """Let the traffic up to now be sent."""
        self.traffic.settle()

    def _wire(self, name: str, ordered: bool) -> Wire:
        return Wire(name, self.faults, self.clock, ordered=ordered)

    def _befall(self, kind: Mishap, draws: Random) -> None:  # noqa: C901 — a case per mishap
        now, for_ms = self.clock.elapsed, draws.randrange(500, 6_000)
        match kind:
            case Mishap.STALE_TASKS:
                self.fleet.watcher.blind_until = now + for_ms
            case Mishap.STALE_BALANCER:
                self.balancer.watcher.blind_until = now + for_ms
            case Mishap.METRICS_LOST:
                self.meter.blind_until = now + for_ms
            case Mishap.METRICS_LATE:
                self.meter.be_late(draws.randrange(1_000, 9_000), for_ms)
            case Mishap.ENGINE_DOWN:
                self.fleet.wire.down_until = self.fleet.watcher.blind_until = now + for_ms
            case Mishap.BALANCER_RESTART:
                self.balancer.restart()
            case Mishap.CONTROLLER_CRASH:
                self.doomed = True
            case Mishap.CLOCK_JUMP:
                self.jump_ms += 1_000 * draws.randrange(1, 600)
            case Mishap.TASK_CRASH | Mishap.TASK_HANG:
                self._strike(kind, draws, for_ms)
            case _:
                befallen = befall(kind, self.cloud, self.faults, draws)
                if not befallen:
                    return
        self.faults.disturb(kind, for_ms)

    def strike(self) -> None:
        """A spot storm, now."""
        if self.faults.on:
            self._befall(Mishap.SPOT_STORM, self.rng("strikes"))

    def _strike(self, kind: Mishap, draws: Random, for_ms: int) -> None:
        """One task crashes, or hangs for a while."""
        tasks = [task for task in self.fleet.alive() if task.listening]
        if not tasks:
            return
        task = draws.choice(tasks)
        if kind is Mishap.TASK_CRASH:
            self.fleet.end(task, Cause.MISHAP, 139)
        else:
            self.fleet.hang(task, for_ms)
            self.balancer.excuse(task, "its tasks hung")

    def may_crash(self) -> None:
        """Where a controller that is doomed dies: before it looks."""
        if self.doomed:
            raise ControllerCrash


class SimulatedWorld(AnyWorld[Traffic]):
    """A world whose clients are followed one by one: where promises are checked."""

    def __init__(self, options: Options) -> None:
        super().__init__(options, Traffic)
