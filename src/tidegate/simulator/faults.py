"""What may go wrong around the controller, and how often: all of it from one seed.

A run's `Chances` say which kinds there are at all (swarm testing: each run has other kinds), so
that a rare one is not drowned by the frequent ones.
Source of the list: Sieve (OSDI '22), crashes between effects and stale reads; FoundationDB and
TigerBeetle's VOPR, effects lost, late, doubled.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tidegate.core.errors import EffectFailed, Unreachable
from tidegate.simulator.clock import VirtualClock


class Fate(StrEnum):
    """What becomes of one call of a port that should change the world."""

    DONE = "done"
    LOST = "lost"
    SILENTLY_LOST = "lost, reported as done"
    UNTOLD = "done, reported as failed"
    LATE = "late"
    TWICE = "twice"
    CRASH_BEFORE = "controller crash before an effect"
    CRASH_AFTER = "controller crash after an effect"


class Mishap(StrEnum):
    """What befalls the world by itself."""

    STALE_TASKS = "tasks unreadable"
    STALE_BALANCER = "balancer unreadable"
    METRICS_LOST = "metrics unreadable"
    METRICS_LATE = "metrics late"
    ENGINE_DOWN = "engine down"
    BALANCER_RESTART = "balancer restart"
    TASK_CRASH = "task crash"
    TASK_HANG = "task hang"
    CONTROLLER_CRASH = "controller crash"
    CLOCK_JUMP = "clock jump"
    STALE_INSTANCES = "instances unreadable"
    SPOT_STORM = "spot storm"
    INSTANCE_LOST = "instance lost"
    FALSE_NOTICE = "false notice"
    POOL_DRY = "spot pool dry"
    LAUNCHES_FAIL = "launches fail"
    LAUNCHES_SLOW = "launches slow"


class ControllerCrash(BaseException):
    """The controller dies here. Nothing may catch it but the simulation."""


@dataclass(frozen=True, slots=True)
class Chances:
    """How often: `calls` per 1,000 calls of a port, `mishaps` as the mean gap between two in ms.

    A kind that is not named does not happen.
    """

    calls: tuple[tuple[Fate, int], ...] = ()
    mishaps: tuple[tuple[Mishap, int], ...] = ()


NONE = Chances()


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """Crash the controller at the `call`-th call that changes the world, before or after it."""

    call: int
    after: bool = False


class Faults:
    """Draws the fates, and counts what was drawn. `on` ends with the first phase of a run.

    `disturbed_at` is the last time (elapsed ms) at which anything went wrong.
    """

    def __init__(
        self, chances: Chances, draws: Random, clock: VirtualClock, crash: CrashPoint | None = None
    ) -> None:
        self.on = True
        self.calls = 0
        self.counts: Counter[str] = Counter()
        self.disturbed_at = -1
        self._chances = chances
        self._draws = draws
        self._clock = clock
        self._crash = crash

    def disturb(self, kind: StrEnum, for_ms: int = 0) -> None:
        """Count a fault, whose trouble lasts that long from now on."""
        self.counts[kind.value] += 1
        self.disturbed_at = max(self.disturbed_at, self._clock.elapsed + for_ms)

    def fate(self) -> Fate:
        """What becomes of the next call."""
        self.calls += 1
        if self._crash and self._crash.call == self.calls:
            return self._counted(Fate.CRASH_AFTER if self._crash.after else Fate.CRASH_BEFORE)
        if not self.on or not self._chances.calls:
            return Fate.DONE
        point = self._draws.randrange(1000)
        for fate, per_mille in self._chances.calls:
            if point < per_mille:
                return self._counted(fate)
            point -= per_mille
        return Fate.DONE

    def late_ms(self) -> int:
        """How late a late effect is."""
        return self._draws.randrange(50, 3_000)

    def schedule(self, happen: Callable[[Mishap, Random], None]) -> None:
        """Let each kind of mishap come at random times for as long as faults are on."""
        for kind, gap_ms in self._chances.mishaps:
            self._next(kind, gap_ms, happen)

    def _next(self, kind: Mishap, gap_ms: int, happen: Callable[[Mishap, Random], None]) -> None:
        def come() -> None:
            if self.on:
                happen(kind, self._draws)
                self._next(kind, gap_ms, happen)

        self._clock.after(1 + int(self._draws.expovariate(1 / gap_ms)), come)

    def _counted(self, fate: Fate) -> Fate:
        self.disturb(fate)
        return fate


class Wire:
    """The way from a call of a port to its effect: where calls get lost, late or doubled.

    On an `ordered` wire effects happen in the order of the calls: one that comes behind a late one
    waits for it, as in a process that hangs; nothing can be read from it before `free_at` either.
    `down_until`: nothing gets through. (Times are elapsed ms.)
    """

    def __init__(self, name: str, faults: Faults, clock: VirtualClock, *, ordered: bool) -> None:
        self.down_until = 0
        self._name = name
        self._faults = faults
        self._clock = clock
        self._ordered = ordered
        self.free_at = 0

    def send(self, effect: Callable[[], None]) -> None:
        """Have the effect, or what the faults make of it. Raises `EffectFailed`."""
        fate = self._faults.fate()
        if fate is Fate.CRASH_BEFORE:
            raise ControllerCrash
        if self._clock.elapsed < self.down_until:
            raise Unreachable(f"the {self._name} does not answer")
        self._have(fate, effect)
        if fate is Fate.CRASH_AFTER:
            raise ControllerCrash
        if fate in (Fate.LOST, Fate.UNTOLD):
            raise EffectFailed(f"the {self._name} answered with an error")

    def _have(self, fate: Fate, effect: Callable[[], None]) -> None:
        if fate in (Fate.LOST, Fate.SILENTLY_LOST):
            return
        waits_ms = max(0, self.free_at - self._clock.elapsed)
        if fate is Fate.LATE:
            waits_ms += self._faults.late_ms()
        if waits_ms:
            due_at = self._clock.elapsed + waits_ms
            self.free_at = due_at if self._ordered else 0
            self._faults.disturbed_at = max(self._faults.disturbed_at, due_at)
            self._clock.after(waits_ms, lambda: _unheard(effect))
            return
        self._clock.change(effect)
        if fate is Fate.TWICE:
            again_ms = 0 if self._ordered else self._faults.late_ms()
            self._clock.after(again_ms, lambda: _unheard(effect))


def _unheard(effect: Callable[[], None]) -> None:
    """An effect whose caller has gone: nobody hears that it failed."""
    try:
        effect()
    except EffectFailed:
        return
