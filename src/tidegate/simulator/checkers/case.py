"""What a checker is shown, and what it answers."""

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from tidegate.core.decision import Event
from tidegate.core.model import Colour
from tidegate.core.progress import Deployment, Progress
from tidegate.simulator.options import Options
from tidegate.simulator.watcher import STALE_MS
from tidegate.simulator.world import SimulatedWorld

GRACE_MS = STALE_MS + 1_000
"""How far behind the truth a careful controller may be: the oldest snapshot it is shown, and the
looks between that and the effect."""


@dataclass(slots=True)
class Case:
    """The truth, the journal's progress, and what was recorded since the last check.

    `restarted_at` (elapsed ms) is when the controller last began anew.
    """

    options: Options
    world: SimulatedWorld
    progress: Progress = field(default_factory=Progress)
    fresh: list[Event] = field(default_factory=list)
    restarted_at: int = 0

    @property
    def now(self) -> int:
        """True time since the start, ms."""
        return self.world.clock.elapsed

    def moving(self) -> list[Deployment]:
        """The deployments that have not ended and whose candidate is not stable yet."""
        return [d for d in self.progress.deployments.values() if d.live and not d.promoted]

    def restless(self, service: str | None = None) -> bool:
        """Whether the service (or any) has a stable release that cannot stay up: no rest then."""
        stable = [
            known.stable
            for known in self.progress.services.values()
            if known.stable is not None and service in (None, known.name)
        ]
        made = self.world.workshop.made
        contents = [made[self.progress.releases[number].digest] for number in stable]
        return any(c.behaviour.out_of_memory_after_ms is not None for c in contents)

    def held_bp(self, service: str, colour: Colour) -> int | None:
        """The share that the balancer really gives the colour; None when it holds no weights."""
        held = self.world.balancer.held.get(service)
        return held.weight_bp(colour) if held else None

    def taken_away(self, name: str) -> bool:
        """Whether a task that was well of late has lost its traffic by the controller's doing."""
        task = self.world.fleet.tasks.get(name)
        if task is None or task.hung_until > self.now - 2 * GRACE_MS:
            return False
        if task.leaves_from is not None:
            return False  # its instance is taken back
        target = self.world.balancer.targets.get(name)
        return task.stopping or (target is not None and target.draining)


class Checker(Protocol):
    """One promise. It is asked after every record, effect and mishap, and keeps what it needs."""

    def check(self, case: Case) -> str | None:
        """How the promise is broken now, as a sentence, or None."""
        ...


class Recent:
    """The values of a number over the last `GRACE_MS`, and the one that stood before."""

    def __init__(self) -> None:
        self._values: deque[tuple[int, int]] = deque()

    def note(self, now: int, value: int) -> None:
        """The number is this now."""
        values = self._values
        if not values or values[-1][1] != value:
            values.append((now, value))
        while len(values) > 1 and values[1][0] < now - GRACE_MS:
            values.popleft()

    def most(self) -> int:
        """The highest of late; 0 when nothing was noted."""
        return max((value for _, value in self._values), default=0)

    def least(self) -> int:
        """The lowest of late; 0 when nothing was noted."""
        return min((value for _, value in self._values), default=0)
