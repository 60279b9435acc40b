"""The data plane in virtual time: what `core.ports.Balancer` promises, and the truth behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tidegate.core.decision import DeregisterTarget, DrainTarget, RegisterTarget
from tidegate.core.errors import EffectFailed
from tidegate.core.model import App, Colour
from tidegate.core.routing import listener_key
from tidegate.core.seen import BalancerSeen, Routing, Target
from tidegate.simulator.clock import VirtualClock
from tidegate.simulator.faults import Wire
from tidegate.simulator.fleet import Cause, Fleet, SimTask
from tidegate.simulator.watcher import Watcher


@dataclass(slots=True, eq=False)
class SimTarget:
    """A task in a target group."""

    service: str
    colour: Colour
    task: str
    draining: bool = False


class SimBalancer:
    """Implements `core.ports.Balancer`. It routes by what it holds, never by what was asked.

    `excuses` names, by target group, the mishap that emptied it; `asked_at` says when the call was
    made that a service's weights come from (elapsed ms), and `idle_since` when a task was last
    taken out of the choice (machine time, ms).
    """

    def __init__(self, clock: VirtualClock, draws: Random, wire: Wire, fleet: Fleet) -> None:
        self.held: dict[str, Routing] = {}
        self.targets: dict[str, SimTarget] = {}
        self.excuses: dict[tuple[str, Colour], str] = {}
        self.asked_at: dict[str, int] = {}
        self.idle_since: dict[str, int] = {}
        self.wire = wire
        self.on_cut: Callable[[SimTask, Cause], None] = lambda task, cause: None
        self.watcher = Watcher(clock, self._seen, wire, lag_ms=draws.choice((0, 50, 300)))
        self._clock = clock
        self._fleet = fleet
        self._listener = ""
        self._services: set[str] = set()
        self._known: set[str] = set()
        self._ready: dict[tuple[str, Colour], list[str]] = {}

    # --- the port ---------------------------------------------------------------------------

    def serve(self, app: App) -> None:
        """Serve exactly these services. Raises `EffectFailed`."""
        self.wire.send(lambda: self._serve(app))

    def register(self, action: RegisterTarget) -> None:
        """Add the target, or make it ready again. Raises `EffectFailed`."""
        self.wire.send(lambda: self._register(action))

    def drain(self, action: DrainTarget) -> None:
        """No new requests for the target. Raises `EffectFailed`."""
        self.wire.send(lambda: self._drain(action.task))

    def deregister(self, action: DeregisterTarget) -> None:
        """Take the target out. Raises `EffectFailed`, also while it is busy, unless forced."""
        self.wire.send(lambda: self._deregister(action))

    def route(self, routing: Routing) -> None:
        """Set a service's split. Raises `EffectFailed`, also when it does not serve it."""
        asked_at = self._clock.elapsed
        self.wire.send(lambda: self._route(routing, asked_at))

    def observe(self) -> BalancerSeen | None:
        """The balancer's own word as the watcher last heard it, or None; None if never served."""
        return self.watcher.look() if self._listener else None

    # --- the truth --------------------------------------------------------------------------

    def ready(self, service: str, colour: Colour) -> list[str]:
        """The targets of the group that get new requests."""
        key = (service, colour)
        found = self._ready.get(key)
        if found is None:
            found = self._ready[key] = [
                t.task
                for t in self.targets.values()
                if t.service == service and t.colour is colour and not t.draining
            ]
        return found

    def serving(self, service: str, colour: Colour) -> list[SimTask]:
        """The tasks that the group sends new requests to, and that answer them."""
        tasks = (self._fleet.tasks.get(name) for name in self.ready(service, colour))
        return [task for task in tasks if task and task.serves(self._clock.elapsed)]

    def restart(self) -> None:
        """HAProxy starts anew: its configuration is there, what was set at run time is not."""
        for target in self.targets.values():
            task = self._fleet.tasks.get(target.task)
            if task:
                self.on_cut(task, Cause.MISHAP)
        for service in self._services:
            for colour in Colour:
                self.excuses[service, colour] = "the balancer restarted"
        self.held.clear()
        self.targets.clear()
        self._ready.clear()

    def excuse(self, task: SimTask, why: str) -> None:
        """A task stopped answering by no fault of the controller."""
        target = self.targets.get(task.id)
        if target and not self.serving(target.service, target.colour):
            self.excuses[target.service, target.colour] = why

    def _serve(self, app: App) -> None:
        self._services = {service.name for service in app.services}
        self._listener = listener_key(app)
        new = self._services - self._known
        self._known |= new
        self.held |= {name: Routing(name, 0) for name in sorted(new)}
        self.asked_at |= dict.fromkeys(sorted(new), self._clock.elapsed)
        self.held = {name: held for name, held in self.held.items() if name in self._services}
        self.targets = {k: t for k, t in self.targets.items() if t.service in self._services}
        self._ready.clear()

    def _register(self, action: RegisterTarget) -> None:
        if action.service not in self._services:
            raise EffectFailed(f"{action.service} is not served")
        known = self.targets.get(action.task)
        if known is None:
            known = SimTarget(action.service, action.colour, action.task)
            self.targets[action.task] = known
        known.draining = False
        self._ready.clear()
        if self.serving(action.service, action.colour):
            self.excuses.pop((action.service, action.colour), None)

    def _drain(self, task: str) -> None:
        known = self.targets.get(task)
        if known and not known.draining:
            known.draining = True
            self.idle_since[task] = self._clock.now()
            self._ready.clear()
            found = self._fleet.tasks.get(task)
            if found and found.leaves_from is not None and self._clock.elapsed >= found.leaves_from:
                self.excuse(found, "its instances were taken back")

    def _deregister(self, action: DeregisterTarget) -> None:
        known = self.targets.get(action.task)
        if known is None:
            return
        task = self._fleet.tasks.get(action.task)
        if task and task.under_way(self._clock.elapsed):
            if not action.force:
                raise EffectFailed(f"target {action.task} is busy")
            self.on_cut(task, Cause.CONTROLLER)
        if not known.draining:
            self.idle_since[action.task] = self._clock.now()
        del self.targets[action.task]
        self._ready.clear()

    def _route(self, routing: Routing, asked_at: int) -> None:
        if routing.service not in self._services:
            raise EffectFailed(f"{routing.service} is not served")
        self.held[routing.service] = routing
        self.asked_at[routing.service] = asked_at

    def _seen(self) -> BalancerSeen:
        targets = tuple(
            Target(t.service, t.colour, t.task, t.draining, self._active(t.task))
            for t in self.targets.values()
        )
        return BalancerSeen(targets, dict(self.held), self._listener)

    def _active(self, name: str) -> int:
        task = self._fleet.tasks.get(name)
        return task.under_way(self._clock.elapsed) if task else 0
