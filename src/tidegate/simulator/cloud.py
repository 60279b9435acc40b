"""Instances in virtual time: what `core.ports.Instances` promises, and the truth behind it.

Spot is taken back by notices, alone or many at once; a notice may be false, and an instance may go
without one; a pool may be dry for a while.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tidegate.core.decision import LaunchInstance, StartTask
from tidegate.core.errors import EffectFailed
from tidegate.core.ports import NO_CAPACITY
from tidegate.core.provider import Provider
from tidegate.core.seen import InstanceSeen, InstanceState
from tidegate.simulator.clock import VirtualClock
from tidegate.simulator.faults import Faults, Wire
from tidegate.simulator.fleet import Cause, Fleet, SimTask
from tidegate.simulator.watcher import Watcher


@dataclass(slots=True, eq=False)
class SimInstance:
    """An instance. `deadline` is elapsed ms; `calm` when nothing was amiss at its notice."""

    id: str
    provider: Provider
    zone: str
    running: bool = False
    deadline: int | None = None
    calm: bool = False


class Cloud:
    """Implements `core.ports.Instances`. `instances` is the truth; `observe` may lag behind it.

    Spot launches fail before `dry_until` (elapsed ms), and where `has_room`(provider, zone) says
    no; all launches, and starts on the bare machine, before `shut_until`; they take seconds longer
    before `slow_until`. `notice_ms` is the time that a notice gives. `on_running` is told of each
    instance that begins to run.
    """

    def __init__(self, clock: VirtualClock, draws: Random, wire: Wire, fleet: Fleet) -> None:
        self.instances: dict[str, SimInstance] = {}
        self.dry_until = 0
        self.shut_until = 0
        self.slow_until = 0
        self.on_running: Callable[[SimInstance], None] = lambda instance: None
        self.has_room: Callable[[str, str], bool] = lambda provider, zone: True
        self.notice_ms = 120_000
        self.wire = wire
        self.watcher = Watcher(clock, self._seen, wire, lag_ms=draws.choice((0, 50, 300)))
        self._clock = clock
        self._draws = draws
        self._fleet = fleet
        fleet.admit = self._admit

    # --- the port ---------------------------------------------------------------------------

    def launch(self, action: LaunchInstance) -> None:
        """Order the instance, unless it is there. Raises `EffectFailed`."""
        self.wire.send(lambda: self._launch(action))

    def terminate(self, instance: str) -> None:
        """End it. Raises `EffectFailed`."""
        self.wire.send(lambda: self.take(instance, Cause.CONTROLLER))

    def observe(self) -> tuple[InstanceSeen, ...] | None:
        """The instances as the watcher last saw them, or None."""
        return self.watcher.look()

    # --- the truth --------------------------------------------------------------------------

    @property
    def elapsed(self) -> int:
        """True time, ms."""
        return self._clock.elapsed

    def tasks_on(self, instance: str) -> list[SimTask]:
        """The containers on it that have not ended."""
        return [task for task in self._fleet.alive() if task.instance == instance]

    def spot(self) -> list[SimInstance]:
        """Spot instances that run and have no notice."""
        known = self.instances.values()
        return [one for one in known if one.provider.spot and one.running and one.deadline is None]

    def notice(self, instance: SimInstance, faults: Faults, *, false: bool = False) -> None:
        """It will be taken back after the notice; a false one comes to nothing."""
        instance.deadline = self._clock.elapsed + self.notice_ms
        instance.calm = faults.disturbed_at < self._clock.elapsed
        for task in self.tasks_on(instance.id):
            task.leaves_from = instance.deadline - self.notice_ms // 2
        if not false:
            self._clock.after(self.notice_ms, lambda: self._reclaim(instance, faults))

    def take(self, name: str, cause: Cause) -> None:
        """The instance is gone, and all that was on it."""
        if self.instances.pop(name, None) is None:
            return
        for task in self.tasks_on(name):
            self._fleet.end(task, cause, 137)
        for task_id, task in list(self._fleet.tasks.items()):
            if task.instance == name:
                self._fleet.removed[task_id] = self._fleet.tasks.pop(task_id)

    def _reclaim(self, instance: SimInstance, faults: Faults) -> None:
        """What still runs on it then is the controller's fault, if nothing was in its way."""
        noticed_at = (instance.deadline or 0) - self.notice_ms
        calm = instance.calm and faults.disturbed_at <= noticed_at
        if self.instances.get(instance.id) is instance:
            self.take(instance.id, Cause.CONTROLLER if calm else Cause.MISHAP)

    def _launch(self, action: LaunchInstance) -> None:
        if action.instance in self.instances:
            return
        provider, now = action.provider, self._clock.elapsed
        spot_gone = now < self.dry_until or not self.has_room(provider.name, action.zone)
        if now < self.shut_until or (provider.spot and spot_gone):
            raise EffectFailed(f"{NO_CAPACITY}: no {action.provider.name} in {action.zone}")
        made = SimInstance(action.instance, action.provider, action.zone)
        self.instances[made.id] = made
        latency_ms = action.provider.launch_ms
        late_ms = self._draws.randrange(2_000, 12_000) if now < self.slow_until else 0

        def run() -> None:
            made.running = True
            self.on_running(made)

        takes_ms = self._draws.randrange(latency_ms // 2, latency_ms + 300)
        self._clock.after(takes_ms + late_ms, run)

    def _admit(self, action: StartTask) -> None:
        if action.instance is None and self._clock.elapsed < self.shut_until:
            raise EffectFailed("nothing can be started")
        known = self.instances.get(action.instance or "")
        if action.instance is not None and (known is None or not known.running):
            raise EffectFailed(f"no instance {action.instance}")

    def _seen(self) -> tuple[InstanceSeen, ...]:
        """A deadline in the machine's own time."""
        ahead_ms = self._clock.now() - self._clock.elapsed
        return tuple(
            InstanceSeen(
                one.id,
                InstanceState.RUNNING if one.running else InstanceState.PENDING,
                None if one.deadline is None else one.deadline + ahead_ms,
            )
            for one in self.instances.values()
        )
