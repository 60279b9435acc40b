"""Keep desired tasks running: start, register, replace, drain, stop, clear away.

The order that drops no request: a task gets traffic only once it is healthy, and is stopped only
once the balancer is *observed* to send it nothing new and what was under way has ended. The
balancer comes first, then the drain, then the stop; then what is left is removed.
"""

from tidegate.core import decision as d
from tidegate.core.gate import MAY_RUN
from tidegate.core.model import ALL_BP, Service
from tidegate.core.progress import Progress, TaskPhase, TaskRecord
from tidegate.core.seen import Health, Seen, Target, TaskSeen, TaskState
from tidegate.core.wants import Want, wants

BACKOFF_FIRST_MS = 500
BACKOFF_MOST_MS = 60_000

GONE = "the container is gone"
SICK = "failed container health checks and has been replaced"

_ALIVE = frozenset({TaskPhase.STARTED, TaskPhase.HEALTHY})


def decide(progress: Progress, seen: Seen, now: int) -> d.Decision:
    """One step for every task, and the starts that are missing."""
    wanted = wants(progress, seen)
    actions: list[d.Action] = []
    events: list[d.Event] = []
    doomed = _surplus(progress, wanted, seen)
    for task in progress.tasks.values():
        more_actions, more_events = _step(progress, task, doomed.get(task.id), seen, now)
        actions += more_actions
        events += more_events
    actions += _clear_orphans(progress, seen)
    look_again_at = None
    if seen.tasks is not None:
        starts, look_again_at = _starts(progress, wanted, seen, now)
        events += starts
        actions += [_start(progress, event) for event in starts]
    return d.Decision(tuple(actions), tuple(events), look_again_at=look_again_at)


# --- which tasks are too many ---------------------------------------------------------------


def _surplus(progress: Progress, wanted: tuple[Want, ...], seen: Seen) -> dict[str, str]:
    """Living tasks that should go, with the reason: those of no want, then those over the count.

    Sick ones go first, then the newest. Nothing goes while the engine cannot be read, nor a
    healthy task before as many healthy ones as desired are left.
    """
    if seen.tasks is None:
        return {}
    doomed: dict[str, str] = {}
    kept: set[str] = set()
    for want in wanted:
        living = _living(progress, want)
        kept.update(task.id for task in living)
        if want.start:
            doomed |= _surplus_of(want, living, seen)
    for task in progress.tasks.values():
        if task.phase in _ALIVE and task.id not in kept:
            doomed[task.id] = f"v{task.release} is not wanted any more"
    return doomed


def _surplus_of(want: Want, living: list[TaskRecord], seen: Seen) -> dict[str, str]:
    doomed = {task.id: GONE for task in living if _gone(task, seen)}
    fit = [task for task in living if _fit(task, seen)]
    healthy_first = sorted(fit, key=lambda task: task.phase is not TaskPhase.HEALTHY)
    if sum(task.phase is TaskPhase.HEALTHY for task in fit) < want.count:
        return doomed
    for task in healthy_first[want.count :]:
        doomed[task.id] = f"desired count is {want.count}"
    for task in living:
        if task.phase is TaskPhase.HEALTHY and task not in fit:
            doomed.setdefault(task.id, SICK)
    return doomed


def _living(progress: Progress, want: Want) -> list[TaskRecord]:
    tasks = progress.tasks_of(want.release.service.name, want.release.number)
    return [task for task in tasks if task.phase in _ALIVE]


def _fit(task: TaskRecord, seen: Seen) -> bool:
    """Alive as far as seen: not stopped, not gone, not found sick."""
    observed = seen.task(task.id)
    if observed is None:
        return task.phase is TaskPhase.STARTED
    return observed.state is not TaskState.STOPPED and observed.health is not Health.UNHEALTHY


def _gone(task: TaskRecord, seen: Seen) -> bool:
    return task.phase is TaskPhase.HEALTHY and seen.task(task.id) is None


# --- one task's next step -----------------------------------------------------------------------


def _step(
    progress: Progress, task: TaskRecord, doom: str | None, seen: Seen, now: int
) -> tuple[list[d.Action], list[d.Event]]:
    observed = seen.task(task.id)
    target = seen.target(task.id)
    if seen.tasks is None and task.phase is not TaskPhase.DRAINING:
        return [], []
    match task.phase:
        case TaskPhase.STARTED | TaskPhase.HEALTHY:
            if observed and observed.state is TaskState.STOPPED:
                return _ended(task, observed)
            if doom:
                return [], [d.TaskDraining(task.id, doom, failed=doom in (GONE, SICK))]
            if task.phase is TaskPhase.STARTED:
                return _rise(progress, task, observed, seen)
            return _serve(task, observed, target, seen), []
        case TaskPhase.DRAINING:
            return _drain(progress, task, target, seen, now)
        case TaskPhase.STOPPING:
            if observed is None or observed.state is TaskState.STOPPED:
                reason = "failed its health checks" if task.failed else "stopped by Tidegate"
                return [], [d.TaskStopped(task.id, reason, failed=task.failed)]
            return [d.StopTask(task.id, _settings(progress, task).stop_grace_ms)], []
        case TaskPhase.STOPPED:
            return _clear(progress, task, observed, seen)


def _rise(
    progress: Progress, task: TaskRecord, observed: TaskSeen | None, seen: Seen
) -> tuple[list[d.Action], list[d.Event]]:
    """From started to healthy, or to failed."""
    start = _start(progress, d.TaskStarted(task.id, task.service, task.release, task.colour, ""))
    failure = next((f for f in seen.failures if f.action == d.identity(start)), None)
    if failure and observed is None:
        return [], [d.TaskStopped(task.id, f"CannotStartContainer: {failure.error}", failed=True)]
    if observed is None:
        return [start], []
    if observed.health is Health.UNHEALTHY:
        reason = "failed container health checks before it was ever healthy"
        return [], [d.TaskStopped(task.id, reason, failed=True)]
    if observed.health is Health.HEALTHY and observed.address:
        return [_register(task, observed.address)], [d.TaskHealthy(task.id)]
    return [], []


def _serve(
    task: TaskRecord, observed: TaskSeen | None, target: Target | None, seen: Seen
) -> list[d.Action]:
    """A healthy task is in the balancer, and not draining there."""
    if seen.balancer is None or observed is None or observed.address is None:
        return []
    if target and not target.draining:
        return []
    return [_register(task, observed.address)]


def _ended(task: TaskRecord, observed: TaskSeen) -> tuple[list[d.Action], list[d.Event]]:
    """It stopped though nobody asked it to."""
    what = "OutOfMemoryError: container killed" if observed.out_of_memory else "EssentialContainer"
    reason = f"{what} exited with code {observed.exit_code}"
    stopped = d.TaskStopped(task.id, reason, True, observed.exit_code, observed.out_of_memory)
    return [_deregister(task)], [stopped]


def _drain(
    progress: Progress, task: TaskRecord, target: Target | None, seen: Seen, now: int
) -> tuple[list[d.Action], list[d.Event]]:
    """Stop only what the balancer is seen to have left alone, or at the drain's deadline."""
    if seen.balancer is None:
        return [d.DrainTarget(task.id, task.service, task.colour)], []
    if target is None:
        return [], [d.TaskStopping(task.id)]
    if not target.draining:
        return [d.DrainTarget(task.id, task.service, task.colour)], []
    settings = _settings(progress, task)
    if target.active == 0 or now >= task.since + settings.drain_timeout_ms:
        return [], [d.TaskStopping(task.id)]
    return [], []


def _clear(
    progress: Progress, task: TaskRecord, observed: TaskSeen | None, seen: Seen
) -> tuple[list[d.Action], list[d.Event]]:
    """Out of the balancer and off the engine; then it is history."""
    actions: list[d.Action] = []
    if observed and observed.state is not TaskState.STOPPED:
        stop = d.StopTask(task.id, _settings(progress, task).stop_grace_ms)
        return [_deregister(task), stop], []
    if seen.target(task.id) or seen.balancer is None:
        actions.append(_deregister(task))
    if observed:
        actions.append(d.RemoveTask(task.id))
    return actions, [] if actions else [d.TaskRemoved(task.id)]


# --- starts, and what nobody knows of -----------------------------------------------------------


def _starts(
    progress: Progress, wanted: tuple[Want, ...], seen: Seen, now: int
) -> tuple[list[d.TaskStarted], int | None]:
    """One start for each task that is missing, unless the last failures ask for a pause.

    Sick tasks stay until they are replaced, so there may be twice the desired count, never more.
    """
    starts: list[d.TaskStarted] = []
    look_again_at: int | None = None
    number = progress.next_id("task")
    for want in wanted:
        name = want.release.service.name
        living = _living(progress, want)
        fit = sum(1 for t in living if _fit(t, seen))
        missing = min(want.count - fit, 2 * want.count - len(living))
        if not want.start or missing <= 0 or want.release.verdict not in MAY_RUN:
            continue
        ready_at = _backoff_until(progress, name)
        if now < ready_at:
            look_again_at = min(look_again_at or ready_at, ready_at)
            continue
        for _ in range(missing):
            reason = f"desired count is {want.count}"
            starts.append(
                d.TaskStarted(f"t{number}", name, want.release.number, want.colour, reason)
            )
            number += 1
    return starts, look_again_at


def _backoff_until(progress: Progress, service: str) -> int:
    """Each failure in a row doubles the pause before the next start, up to a minute."""
    known = progress.services[service]
    if known.failures == 0:
        return 0
    pause = min(BACKOFF_FIRST_MS << min(known.failures - 1, 10), BACKOFF_MOST_MS)
    return known.failed_at + pause


def _clear_orphans(progress: Progress, seen: Seen) -> list[d.Action]:
    """Containers and targets that the journal does not know: drained first, then cleared away."""
    actions: list[d.Action] = []
    for observed in seen.tasks or ():
        if observed.id in progress.tasks or seen.balancer is None:
            continue
        target = seen.target(observed.id)
        if target and observed.state is TaskState.RUNNING and not target.draining:
            actions.append(d.DrainTarget(target.task, target.service, target.colour))
        elif target and target.active and observed.state is TaskState.RUNNING:
            continue
        elif observed.state is not TaskState.STOPPED:
            actions.append(d.StopTask(observed.id, 0))
        else:
            actions.append(d.RemoveTask(observed.id))
    if seen.tasks is None or seen.balancer is None:
        return actions
    there = {observed.id for observed in seen.tasks}
    for target in seen.balancer.targets:
        if target.task not in progress.tasks and target.task not in there:
            actions.append(d.DeregisterTarget(target.task, target.service, target.colour, True))
    return actions


def _start(progress: Progress, event: d.TaskStarted) -> d.StartTask:
    release = progress.releases[event.release]
    return d.StartTask(event.task, release.service, release.number, release.digest)


def _register(task: TaskRecord, address: str) -> d.RegisterTarget:
    return d.RegisterTarget(task.id, task.service, task.colour, address)


def _deregister(task: TaskRecord) -> d.DeregisterTarget:
    return d.DeregisterTarget(task.id, task.service, task.colour, force=True)


def _settings(progress: Progress, task: TaskRecord) -> Service:
    return progress.releases[task.release].service


def healthy(progress: Progress, seen: Seen, service: str, release: int) -> int:
    """How many tasks of the release are healthy *and* seen to be ready in the balancer."""
    return sum(
        1
        for task in progress.tasks_of(service, release)
        if task.phase is TaskPhase.HEALTHY
        and (observed := seen.task(task.id)) is not None
        and observed.state is TaskState.RUNNING
        and observed.health is Health.HEALTHY
        and (target := seen.target(task.id)) is not None
        and not target.draining
    )


def needed_for(desired: int, weight_bp: int) -> int:
    """How many healthy tasks must carry `weight_bp` of the traffic that `desired` carry whole."""
    return -(-desired * weight_bp // ALL_BP)
