"""Containers in virtual time: what `core.ports.Tasks` promises, and the truth behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from tidegate.core.decision import StartTask
from tidegate.core.errors import EffectFailed
from tidegate.core.model import Service
from tidegate.core.seen import Health, TaskSeen, TaskState
from tidegate.simulator.behaviour import Behaviour
from tidegate.simulator.clock import VirtualClock
from tidegate.simulator.faults import Wire
from tidegate.simulator.watcher import Watcher

_CHECK_MS = 200  # how long a health check takes to see that a task is ready


class Cause(StrEnum):
    """Who brought a task to its end."""

    ITSELF = "itself"
    MISHAP = "a mishap"
    CONTROLLER = "the controller"


@dataclass(frozen=True, slots=True)
class Request:
    """A request under way on a task. It ends at `end_us` (elapsed)."""

    end_us: int
    bucket: int
    error: bool


@dataclass(slots=True, eq=False)
class SimTask:
    """A container. Times are elapsed ms.

    `failed_at` is when it last ended or hung, -1 if never; `hung_until` when it answers again.
    `leaves_from` is when it may be drained unreplaced, as its instance is taken back; or None.
    `free_us` is when each of its workers is free, as a heap; empty when they are not counted.
    """

    id: str
    service: Service
    release: int
    digest: str
    address: str
    behaviour: Behaviour
    started_at: int
    state: TaskState = TaskState.PENDING
    health: Health = Health.UNKNOWN
    listening: bool = False
    hung_until: int = 0
    failed_at: int = -1
    stopping: bool = False
    ended_by: Cause | None = None
    exit_code: int | None = None
    out_of_memory: bool = False
    requests: list[Request] = field(default_factory=list)
    second: int = 0
    in_second: int = 0
    instance: str | None = None
    leaves_from: int | None = None
    listening_since: int = 0
    free_us: list[int] = field(default_factory=list)

    def serves(self, now: int) -> bool:
        """Whether a request that arrives now is answered."""
        alive = self.listening and not self.stopping and self.ended_by is None
        return alive and now >= self.hung_until

    def busy(self, now_us: int) -> int:
        """How many requests it works on or has waiting at that very moment (elapsed µs)."""
        return sum(r.end_us > now_us for r in self.requests)

    def under_way(self, now_ms: int) -> int:
        """How many requests it still works on."""
        self.requests = [r for r in self.requests if r.end_us > now_ms * 1000]
        return len(self.requests)


class Fleet:
    """Implements `core.ports.Tasks`. `tasks` is the truth; `observe` may lag behind it.

    `removed` remembers the tasks that are not there any more. `images` says how the tasks of each
    image behave; without the image nothing starts. `on_cut` is told of each task that ends with
    what it was working on, and who ended it. `admit` raises `EffectFailed` for
    a task without a host.
    """

    def __init__(
        self, clock: VirtualClock, draws: Random, wire: Wire, images: Mapping[str, Behaviour]
    ) -> None:
        self.tasks: dict[str, SimTask] = {}
        self.removed: dict[str, SimTask] = {}
        self.wire = wire
        self.on_cut: Callable[[SimTask, Cause], None] = lambda task, cause: None
        self.admit: Callable[[StartTask], None] = lambda action: None
        self.watcher = Watcher(clock, self._seen, wire, lag_ms=draws.choice((0, 50, 300)))
        self._clock = clock
        self._draws = draws
        self._images = images
        self._addresses = 0

    # --- the port ---------------------------------------------------------------------------

    def start(self, action: StartTask) -> None:
        """Create and start the task, unless it is there. Raises `EffectFailed`."""
        self.wire.send(lambda: self._start(action))

    def stop(self, task: str, grace_ms: int) -> None:
        """Begin to stop the task; it is killed after the grace. Raises `EffectFailed`."""
        self.wire.send(lambda: self._stop(task, grace_ms))

    def remove(self, task: str) -> None:
        """Remove a stopped task. Raises `EffectFailed`, also when it still runs."""
        self.wire.send(lambda: self._remove(task))

    def observe(self) -> tuple[TaskSeen, ...] | None:
        """The tasks as the watcher last saw them, or None."""
        return self.watcher.look()

    # --- the truth --------------------------------------------------------------------------

    def end(self, task: SimTask, cause: Cause, exit_code: int, *, memory: bool = False) -> None:
        """The task is over, with all that it was working on."""
        if task.ended_by is not None:
            return
        task.ended_by = cause
        task.failed_at = self._clock.elapsed
        task.state = TaskState.STOPPED
        task.exit_code, task.out_of_memory = exit_code, memory
        self.on_cut(task, cause)

    def hang(self, task: SimTask, for_ms: int) -> None:
        """The task answers nothing for a while, and its health check says so."""
        task.failed_at = self._clock.elapsed
        task.hung_until = self._clock.elapsed + for_ms
        task.health = Health.UNHEALTHY

        def recover() -> None:
            if task.ended_by is None and self._clock.elapsed >= task.hung_until:
                task.health = Health.HEALTHY

        self._clock.after(for_ms, recover)

    def alive(self) -> list[SimTask]:
        """The tasks that have not ended."""
        return [task for task in self.tasks.values() if task.ended_by is None]

    def _start(self, action: StartTask) -> None:
        if action.task in self.tasks:
            return
        behaviour = self._images.get(action.digest)
        if behaviour is None:
            raise EffectFailed(f"no image {action.digest}")
        self.admit(action)
        self._addresses += 1
        task = SimTask(
            action.task, action.service, action.release, action.digest,
            f"127.0.0.1:{20_000 + self._addresses}", behaviour, self._clock.elapsed,
            instance=action.instance,
        )  # fmt: skip
        self.tasks[task.id] = task
        run_ms = self._draws.randrange(50, 600)
        self._then(task, run_ms, lambda: self._run(task))
        if behaviour.crash_after_ms is not None:
            self._then(
                task,
                run_ms + behaviour.crash_after_ms,
                lambda: self.end(task, Cause.ITSELF, behaviour.exit_code),
            )

    def _run(self, task: SimTask) -> None:
        task.state = TaskState.RUNNING
        behaviour = task.behaviour
        if behaviour.never_healthy:
            self._then(task, task.service.health.grace_period_ms, lambda: _fall_ill(task))
            return
        ready_ms = behaviour.ready_ms + self._draws.randrange(200)
        self._then(task, ready_ms, lambda: _listen(task, self._clock.elapsed))
        self._then(task, ready_ms + _CHECK_MS, lambda: _pass_check(task, self._clock.elapsed))
        if behaviour.out_of_memory_after_ms is not None:
            full_ms = ready_ms + behaviour.out_of_memory_after_ms
            self._then(task, full_ms, lambda: self.end(task, Cause.ITSELF, 137, memory=True))

    def _stop(self, name: str, grace_ms: int) -> None:
        task = self.tasks.get(name)
        if task is None or task.stopping or task.ended_by is not None:
            return
        task.stopping = True
        last_us = max((r.end_us for r in task.requests), default=0)
        finish_ms = -(-last_us // 1000) - self._clock.elapsed
        if task.behaviour.graceful and finish_ms > 0:
            wait_ms = min(finish_ms, grace_ms)
            self._then(task, wait_ms, lambda: self.end(task, Cause.CONTROLLER, 0))
        else:
            self.end(task, Cause.CONTROLLER, 0 if task.behaviour.graceful else 143)

    def _remove(self, name: str) -> None:
        task = self.tasks.get(name)
        if task is None:
            return
        if task.ended_by is None:
            raise EffectFailed(f"task {name} still runs")
        self.removed[name] = self.tasks.pop(name)

    def _then(self, task: SimTask, delay_ms: int, happen: Callable[[], None]) -> None:
        self._clock.after(delay_ms, lambda: happen() if task.ended_by is None else None)

    def _seen(self) -> tuple[TaskSeen, ...]:
        return tuple(
            TaskSeen(
                t.id, t.service.name, t.release, t.digest, t.state, t.health,
                t.address if t.state is TaskState.RUNNING else None, t.exit_code, t.out_of_memory,
            )
            for t in self.tasks.values()
        )  # fmt: skip


def _listen(task: SimTask, now: int) -> None:
    task.listening = True
    task.listening_since = now


def _pass_check(task: SimTask, now: int) -> None:
    if now >= task.hung_until:
        task.health = Health.HEALTHY


def _fall_ill(task: SimTask) -> None:
    task.health = Health.UNHEALTHY
