"""The loop: observe → decide → record → act. All that it remembers is in the journal."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import NamedTuple

from tidegate.core.analysis import BASELINE_MS
from tidegate.core.decide import decide
from tidegate.core.decision import ControllerStarted, Decision, Event
from tidegate.core.ending import ended
from tidegate.core.errors import TidegateError
from tidegate.core.fold import advance, advance_all
from tidegate.core.instance import InstancePhase
from tidegate.core.metrics import Second
from tidegate.core.model import Colour
from tidegate.core.ports import World
from tidegate.core.progress import Progress, TaskPhase
from tidegate.core.requests import Request, answer
from tidegate.core.scaling.record import Recording, record
from tidegate.core.scaling.sample import MINUTE_MS
from tidegate.core.seen import Seen
from tidegate.engine.execute import Runner
from tidegate.engine.journal import Entry, Journal
from tidegate.engine.silence import Silence

BUSY_TICK_MS = 200
"""The longest wait between two looks while something moves."""
IDLE_TICK_MS = 1_000
"""The longest wait between two looks while nothing does."""
ACTING_MS = 10
"""The wait for an action that has just begun, which wakes the loop when it is done."""

MEASURED_MS = MINUTE_MS + 15_000
"""A minute that is just over is measured whole."""

_log = logging.getLogger(__name__)


class Reach(NamedTuple):
    """How far back any alarm, measurement or comparison reads: by so many ms, and to a moment."""

    by_ms: int
    to: float

    @classmethod
    def of(cls, progress: Progress) -> "Reach":
        """For these alarms, and the deployments under way."""
        alarms = progress.app.alarms if progress.app else ()
        range_ms = max(((a.evaluation_periods + 3) * a.period_ms for a in alarms), default=0)
        begun = (d.started_at for d in progress.deployments.values() if d.live)
        return cls(max(range_ms, BASELINE_MS, MEASURED_MS), min(begun, default=inf) - BASELINE_MS)

    def since(self, now: int) -> int:
        """The moment from which on the metrics are read now."""
        return int(min(now - self.by_ms, self.to))


class Engine:
    """One app's controller. `progress`, `seen`, `last` and `trouble` may be read by any thread.

    `trouble` is why the last look could not be finished, or empty.
    """

    def __init__(self, journal: Journal, world: World, runner: Runner) -> None:
        self.journal = journal
        self.seen: Seen | None = None
        self.last = Decision()
        self.trouble = ""
        self._world = world
        self._runner = runner
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._recording = Recording()
        self._silence = Silence()
        self.progress = Progress()
        for entry in journal.read():
            self.progress = advance(self.progress, entry.event, entry.at)

    def now(self) -> int:
        """The world's time (ms), but never before the journal's last entry."""
        return max(self._world.clock.now(), self.journal.last_at)

    def begin(self, owner: str, version: str) -> None:
        """Record that this controller has taken over."""
        with self._lock:
            self._record((ControllerStarted(owner, version),), self.now())

    def end(self) -> None:
        """Record that the app is taken away on purpose, tasks and all; no look may follow."""
        with self._lock:
            self._record(tuple(ended(self.progress)), self.now())

    def ask(self, request: Request) -> tuple[Entry, ...]:
        """Grant the request and record it, or raise a `TidegateError` that says why not."""
        with self._lock:
            now = self.now()
            entries = self._record(answer(self.progress, request, now), now)
        self.wake()
        return entries

    def traffic(
        self, since_ms: int
    ) -> tuple[Mapping[tuple[str, Colour], tuple[Second, ...]], int] | None:
        """Seconds of traffic from `since_ms` on (`core.ports.Metrics`), for whoever shows them."""
        return self._world.metrics.observe(since_ms)

    def wake(self) -> None:
        """Look now: something has changed."""
        self._wake.set()

    def look(self) -> Decision:
        """One turn. Events are on disk before the first action begins. Raises `JournalError`."""
        seen = self._observe()
        with self._lock:
            now = self.now()
            decision = decide(self.progress, seen, now)
            self._record(decision.events, now)
        self.seen, self.last = seen, decision
        self._runner.submit(decision.actions)
        return decision

    def run(self, stop: threading.Event) -> None:
        """Look until `stop` is set; a look that fails is tried again a second later."""
        while not stop.is_set():
            self._wake.clear()
            wait_ms = IDLE_TICK_MS
            try:
                before = self.last
                decision = self.look()
                tick_ms = BUSY_TICK_MS if moves(self.progress) else IDLE_TICK_MS
                wait_ms = pause_ms(decision, before, self.now(), tick_ms)
                self.trouble = ""
            except TidegateError as error:
                self._troubled(str(error))
            except Exception as error:  # noqa: BLE001 — the boundary of a thread; it is reported
                _log.exception("a look failed")
                self._troubled(f"{type(error).__name__}: {error}")
            self._wake.wait(wait_ms / 1000)

    def _troubled(self, what: str) -> None:
        if what != self.trouble:
            _log.error("%s", what)
        self.trouble = what

    def _record(self, events: tuple[Event, ...], now: int) -> tuple[Entry, ...]:
        if not events:
            return ()
        entries = self.journal.append(events, now)
        self.progress = advance_all(self.progress, events, now)
        return entries

    def _observe(self) -> Seen:
        world = self._world
        metrics = world.metrics.observe(self._metrics_since())
        balancer = world.balancer.observe()
        seen = Seen(
            tasks=world.tasks.observe(),
            balancer=balancer,
            balancer_silent_ms=self._silence.note(balancer is not None, self.now()),
            metrics=metrics[0] if metrics else None,
            metrics_until=metrics[1] if metrics else 0,
            jobs=world.jobs.observe(),
            failures=self._runner.failures(),
            advisories=world.advisories.observe() if world.advisories else None,
            instances=world.instances.observe() if world.instances else None,
            registered_mib=world.registered_mib,
        )
        self._recording = record(self._recording, self.progress, seen, self.now())
        return replace(seen, series=self._recording.series)

    def _metrics_since(self) -> int:
        return Reach.of(self.progress).since(self.now())


def pause_ms(decision: Decision, before: Decision, now: int, tick_ms: int) -> int:
    """How long to wait after a decision until the next look, if nothing wakes the loop.

    Not at all when it is due, unless something was begun that `before` had not: then that is
    waited for a little.
    """
    if decision.look_again_at is None:
        return tick_ms
    begins = any(action not in before.actions for action in decision.actions)
    return min(max(ACTING_MS if begins else 0, decision.look_again_at - now), tick_ms)


def moves(progress: Progress) -> bool:
    """Whether anything is under way: an execution, a deployment, a task or an instance."""
    return (
        any(d.live for d in progress.deployments.values())
        or any(e.live for e in progress.executions.values())
        or unsettled(progress)
    )


def unsettled(progress: Progress) -> bool:
    """Whether a task is not yet healthy, or an instance comes or goes."""
    return any(t.phase is not TaskPhase.HEALTHY for t in progress.tasks.values()) or any(
        i.phase is not InstancePhase.READY for i in progress.fleet.instances.values()
    )
