"""One task's next step: rise, serve, drain, stop, be cleared away.

The order that drops no request: a task gets traffic only once it is healthy, and is stopped only
once the balancer is *observed* to send it nothing new and what was under way has ended.
"""

from dataclasses import dataclass

from tidegate.core import decision as d
from tidegate.core.capacity.leaving import instance_of, lost, stop_by
from tidegate.core.model import Service
from tidegate.core.progress import Progress, TaskPhase, TaskRecord
from tidegate.core.seen import Health, Seen, Target, TaskSeen, TaskState

SETTLE_MS = 2_000
"""A look at the balancer may be as old as this, and not show yet what was put in before."""

GONE = "the container is gone"
SICK = "failed container health checks and has been replaced"


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done for a task, and what happened to it."""

    actions: tuple[d.Action, ...] = ()
    events: tuple[d.Event, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskLook:
    """One look at one task. `doom` is why it is to go, or None.

    `lost`: its instance is gone. `stop_by` and `deadline` (ms) are when it must be asked to stop
    and be gone, because its instance is taken back then.
    """

    task: TaskRecord
    start: d.StartTask
    seen: Seen
    now: int
    doom: str | None = None
    lost: bool = False
    stop_by: int | None = None
    deadline: int | None = None

    @property
    def observed(self) -> TaskSeen | None:
        """The container."""
        return self.seen.task(self.task.id)

    @property
    def target(self) -> Target | None:
        """Its place in the balancer."""
        return self.seen.target(self.task.id)

    @property
    def settings(self) -> Service:
        """The settings that it was started with."""
        return self.start.service


def look_at(
    progress: Progress, task: TaskRecord, seen: Seen, now: int, doom: str | None = None
) -> TaskLook:
    """A look at a task that the journal knows."""
    start = start_of(progress, task.id, task.release, task.instance)
    if task.instance is None:
        return TaskLook(task, start, seen, now, doom)
    instance = instance_of(progress, task)
    by = stop_by(instance, start.service)
    deadline = instance.deadline if instance else None
    return TaskLook(task, start, seen, now, doom, lost(progress, task), by, deadline)


def start_of(
    progress: Progress, task: str, number: int, instance: str | None = None
) -> d.StartTask:
    """The action that starts a task of the release of that number, on its instance."""
    release = progress.releases[number]
    return d.StartTask(task, release.service, release.number, release.digest, instance)


def step(look: TaskLook) -> Step:
    """The next step. While the engine cannot be read, only a drain begins and goes on."""
    task = look.task
    if look.lost and task.phase is not TaskPhase.STOPPED:
        reason = f"Host EC2 (instance {task.instance}) terminated"
        return Step((_deregister(task),), (d.TaskStopped(task.id, reason, failed=False),))
    if look.seen.tasks is None and task.phase is not TaskPhase.DRAINING:
        leaves = look.doom and look.deadline and task.phase is TaskPhase.HEALTHY
        return Step(events=(d.TaskDraining(task.id, look.doom or ""),) if leaves else ())
    match task.phase:
        case TaskPhase.PROVISIONING:
            gone = d.TaskStopped(task.id, look.doom, failed=False) if look.doom else None
            return Step(events=(gone,) if gone else ())
        case TaskPhase.STARTED | TaskPhase.HEALTHY:
            return _live(look)
        case TaskPhase.DRAINING:
            return _drain(look)
        case TaskPhase.STOPPING:
            return _stop(look)
        case TaskPhase.STOPPED:
            return _clear(look)


def ready(task: TaskRecord, seen: Seen) -> bool:
    """Whether the task is healthy *and* seen to be in use by the balancer."""
    observed = seen.task(task.id)
    return carrying(task, seen) and observed is not None and observed.health is Health.HEALTHY


def carrying(task: TaskRecord, seen: Seen) -> bool:
    """Whether the balancer uses the task and nothing bad is seen of it.

    After a restart of the health checks that is more than is known to be healthy.
    """
    observed = seen.task(task.id)
    target = seen.target(task.id)
    return (
        task.phase is TaskPhase.HEALTHY
        and observed is not None
        and observed.state is TaskState.RUNNING
        and observed.health is not Health.UNHEALTHY
        and target is not None
        and not target.draining
    )


def _live(look: TaskLook) -> Step:
    task, observed = look.task, look.observed
    if observed and observed.state is TaskState.STOPPED:
        return _ended(look, observed)
    if look.doom:
        failed = look.doom in (GONE, SICK)
        return Step(events=(d.TaskDraining(task.id, look.doom, failed),))
    return _rise(look) if task.phase is TaskPhase.STARTED else _serve(look)


def _rise(look: TaskLook) -> Step:
    """From started to healthy, or to failed."""
    task, observed = look.task, look.observed
    failure = next((f for f in look.seen.failures if f.action == d.identity(look.start)), None)
    if observed is None or observed.state is TaskState.PENDING:
        if failure is None or failure.unreachable:
            return Step((look.start,))  # a start that a crash or an outage cut short goes on
        if look.deadline is not None:
            return Step()  # its instance is being taken back: that is not its fault
        return _failed(task, f"CannotStartContainer: {failure.error}")
    if observed.digest != look.start.digest:
        ours = look.start.digest
        return _failed(task, f"it runs {observed.digest}, not the image that was judged, {ours}")
    if observed.health is Health.UNHEALTHY:
        return _failed(task, _never_healthy(look, observed.note))
    if observed.health is Health.HEALTHY and observed.address:
        return Step((_register(task, observed.address),), (d.TaskHealthy(task.id),))
    return Step()


def _never_healthy(look: TaskLook, note: str) -> str:
    """Why it is given up; `note` is what the last check met."""
    service = look.start.service
    asked = f": GET {service.health.path} on port {service.port}: {note}" if note else ""
    return f"failed container health checks before it was ever healthy{asked}"


def _failed(task: TaskRecord, reason: str) -> Step:
    return Step(events=(d.TaskStopped(task.id, reason, failed=True),))


def _serve(look: TaskLook) -> Step:
    """A healthy task is in the balancer, and not draining there."""
    task, observed, target = look.task, look.observed, look.target
    if look.seen.balancer is None or observed is None or observed.address is None:
        return Step()
    if target and not target.draining:
        return Step()
    return Step((_register(task, observed.address),))


def _ended(look: TaskLook, observed: TaskSeen) -> Step:
    """It stopped though nobody asked it to."""
    task = look.task
    code = observed.exit_code
    reason = f"EssentialContainer exited with code {code}"
    if observed.out_of_memory:
        reason = f"OutOfMemoryError: container killed, exit code {code}"
    reason += f": {observed.note}" if observed.note else ""
    stopped = d.TaskStopped(
        task.id, reason, not _with_its_host(look), observed.exit_code, observed.out_of_memory
    )
    return Step((_deregister(task),), (stopped,))


def _with_its_host(look: TaskLook) -> bool:
    """It was killed from outside, on an instance, which may be gone before it is seen to be."""
    observed = look.observed
    killed = observed is not None and observed.exit_code == 137 and not observed.out_of_memory
    return look.task.instance is not None and killed


def _drain(look: TaskLook) -> Step:
    """Stop only what the balancer is seen to have left alone, or at the drain's deadline."""
    task, target = look.task, look.target
    drain = Step((d.DrainTarget(task.id, task.service, task.colour),))
    if look.seen.balancer is None:
        return drain
    stopping = Step(events=(d.TaskStopping(task.id),))
    if look.deadline is not None and look.now >= look.deadline:
        return stopping  # whatever the balancer says, the task is about to be gone
    if target is None:
        return stopping if look.now >= task.since + SETTLE_MS else drain
    if not target.draining:
        return drain
    over = look.now >= task.since + look.settings.drain_timeout_ms
    over = over or (look.stop_by is not None and look.now >= look.stop_by)
    return stopping if target.active == 0 or over else Step()


def _stop(look: TaskLook) -> Step:
    task, observed, target = look.task, look.observed, look.target
    if observed is None or observed.state is TaskState.STOPPED:
        reason = "failed its health checks" if task.failed else "stopped by Tidegate"
        return Step(events=(d.TaskStopped(task.id, reason, failed=task.failed),))
    grace_ms = look.settings.stop_grace_ms
    if look.deadline is not None:
        grace_ms = max(0, min(grace_ms, look.deadline - look.now))
    stop = d.StopTask(task.id, grace_ms)
    if target and not target.draining:
        return Step((d.DrainTarget(task.id, task.service, task.colour), stop))
    return Step((stop,))


def _clear(look: TaskLook) -> Step:
    """Out of the balancer and off the engine; then it is history."""
    task, observed = look.task, look.observed
    if observed and observed.state is not TaskState.STOPPED:
        return Step((_deregister(task), d.StopTask(task.id, look.settings.stop_grace_ms)))
    actions: list[d.Action] = []
    if look.target or look.seen.balancer is None:
        actions.append(_deregister(task))
    if observed:
        actions.append(d.RemoveTask(task.id))
    return Step(tuple(actions), () if actions else (d.TaskRemoved(task.id),))


def _register(task: TaskRecord, address: str) -> d.RegisterTarget:
    return d.RegisterTarget(task.id, task.service, task.colour, address)


def _deregister(task: TaskRecord) -> d.DeregisterTarget:
    return d.DeregisterTarget(task.id, task.service, task.colour, force=True)
