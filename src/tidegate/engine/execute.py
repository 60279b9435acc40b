"""One action, one call of a port; and the two ways to run many: one by one, or in lanes."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import monotonic
from typing import Protocol, assert_never

from tidegate.core import decision as d
from tidegate.core.errors import EffectFailed, TidegateError, Unreachable
from tidegate.core.ports import Instances, World
from tidegate.core.seen import ActionFailure

STOPS_FIRST_S = 1.0
"""So long after a task began to stop, removals of others wait for its end."""


def perform(action: d.Action, world: World) -> None:  # noqa: C901, PLR0912 — a case per action
    """Do it, and wait until it is done. Raises `TidegateError`, mostly `EffectFailed`."""
    match action:
        case d.StartTask():
            world.tasks.start(action)
        case d.StopTask(task, grace_ms):
            world.tasks.stop(task, grace_ms)
        case d.RemoveTask(task):
            world.tasks.remove(task)
        case d.RegisterTarget():
            world.balancer.register(action)
        case d.DrainTarget():
            world.balancer.drain(action)
        case d.DeregisterTarget():
            world.balancer.deregister(action)
        case d.ApplyRouting(routing):
            world.balancer.route(routing)
        case d.ApplyListener(app):
            world.balancer.serve(app)
        case d.StartJob(job):
            world.jobs.start(job)
        case d.PruneImages(keep):
            world.jobs.prune(keep)
        case d.LaunchInstance():
            _instances(world).launch(action)
        case d.TerminateInstance(instance):
            _instances(world).terminate(instance)
        case _:
            assert_never(action)


def _instances(world: World) -> Instances:
    if world.instances is None:
        raise EffectFailed(
            "this world has no instances",
            remedy="take `capacity` out of tidegate.yaml",
            code="TG956",
        )
    return world.instances


class Runner(Protocol):
    """How actions are run. A failed one is reported at the next look, which decides anew."""

    def submit(self, actions: Iterable[d.Action]) -> None:
        """Begin to do them."""
        ...

    def failures(self) -> tuple[ActionFailure, ...]:
        """What failed since this was last asked."""
        ...


class Inline:
    """One after the other, in order, before `submit` returns: for virtual time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._failed: list[ActionFailure] = []

    def submit(self, actions: Iterable[d.Action]) -> None:
        """Do them now."""
        for action in actions:
            try:
                perform(action, self._world)
            except TidegateError as error:
                self._failed.append(_failure(action, error))

    def failures(self) -> tuple[ActionFailure, ...]:
        """What failed since this was last asked."""
        failed, self._failed = tuple(self._failed), []
        return failed


class Lanes:
    """In threads. What moves traffic has a lane of its own that no slow container can block.

    An action whose subject (a task, the balancer's change, a job) is still being worked on is left
    out: the next look decides on it again. So is a removal while a task has just begun to stop: the
    engine's time is better spent on that.
    """

    def __init__(self, world: World, on_done: Callable[[], None], workers: int = 6) -> None:
        self._world = world
        self._on_done = on_done
        self._lock = Lock()
        self._busy: dict[str, tuple[d.Action, float]] = {}
        self._failed: list[ActionFailure] = []
        self._traffic = ThreadPoolExecutor(1, "traffic")
        self._tasks = ThreadPoolExecutor(workers, "tasks")
        self._jobs = ThreadPoolExecutor(2, "jobs")

    def submit(self, actions: Iterable[d.Action]) -> None:
        """Hand each to its lane and return."""
        for action in actions:
            lane, subject = self._lane(action)
            with self._lock:
                if subject in self._busy or self._can_wait(action):
                    continue
                self._busy[subject] = action, monotonic()
            lane.submit(self._run, action, subject)

    def failures(self) -> tuple[ActionFailure, ...]:
        """What failed since this was last asked."""
        with self._lock:
            failed, self._failed = tuple(self._failed), []
        return failed

    def close(self) -> None:
        """Let what has begun come to its end, and begin nothing more."""
        for lane in (self._traffic, self._tasks, self._jobs):
            lane.shutdown(wait=True, cancel_futures=True)

    def _lane(self, action: d.Action) -> tuple[ThreadPoolExecutor, str]:
        match action:
            case d.StartTask(task) | d.StopTask(task) | d.RemoveTask(task):
                return self._tasks, f"task/{task}"
            case d.RegisterTarget(task) | d.DrainTarget(task) | d.DeregisterTarget(task):
                return self._traffic, f"target/{task}"
            case d.LaunchInstance(instance) | d.TerminateInstance(instance):
                return self._tasks, f"instance/{instance}"
            case d.ApplyRouting() | d.ApplyListener():
                return self._traffic, d.identity(action)
            case d.StartJob() | d.PruneImages():
                return self._jobs, d.identity(action)
            case _:
                assert_never(action)

    def _can_wait(self, action: d.Action) -> bool:
        """Whether it is a removal, and a task has only just begun to stop."""
        late = monotonic() - STOPS_FIRST_S
        return isinstance(action, d.RemoveTask) and any(
            isinstance(other, d.StopTask) and begun > late for other, begun in self._busy.values()
        )

    def _run(self, action: d.Action, subject: str) -> None:
        failed: ActionFailure | None = None
        try:
            perform(action, self._world)
        except TidegateError as known:
            failed = _failure(action, known)
        except Exception as fault:  # noqa: BLE001 — the boundary of a thread; it is reported
            failed = ActionFailure(d.identity(action), f"{type(fault).__name__}: {fault}")
        with self._lock:
            del self._busy[subject]
            if failed:
                self._failed.append(failed)
        self._on_done()


def _failure(action: d.Action, error: TidegateError) -> ActionFailure:
    return ActionFailure(d.identity(action), str(error), isinstance(error, Unreachable))
