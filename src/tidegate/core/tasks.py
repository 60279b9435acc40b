"""Keep desired tasks running: which are missing, which are too many, and what nobody knows of.

Each task's own next step is `core.task`'s.
"""

from tidegate.core import decision as d
from tidegate.core.capacity.leaving import (
    in_order_of_staying,
    instance_of,
    must_go,
    why_leaving,
)
from tidegate.core.fold import advance_all
from tidegate.core.gate import may_run
from tidegate.core.progress import Progress, TaskPhase, TaskRecord
from tidegate.core.seen import Health, Seen, Target, TaskState
from tidegate.core.task import GONE, SICK, look_at, ready, start_of
from tidegate.core.task import step as step_of
from tidegate.core.wants import Want, wants

BACKOFF_FIRST_MS = 500
BACKOFF_MOST_MS = 60_000

_ALIVE = frozenset({TaskPhase.PROVISIONING, TaskPhase.STARTED, TaskPhase.HEALTHY})


def decide(progress: Progress, seen: Seen, now: int) -> d.Decision:
    """One step for every task, and the starts that are missing."""
    wanted = wants(progress, seen)
    actions: list[d.Action] = []
    events: list[d.Event] = []
    doomed = _forced(progress, now) | _surplus(progress, wanted, seen)
    for task in progress.tasks.values():
        one = step_of(look_at(progress, task, seen, now, doomed.get(task.id)))
        actions += one.actions
        events += one.events
    actions += _clear_orphans(progress, seen)
    look_again_at = None
    if seen.tasks is not None:
        progress = advance_all(progress, tuple(events), now)  # what failed just now counts
        starts, look_again_at = _starts(progress, wanted, seen, now)
        events += starts
        actions += [
            start_of(progress, event.task, event.release)
            for event in starts
            if not event.provisioning
        ]
    return d.Decision(tuple(actions), tuple(events), look_again_at=look_again_at)


# --- which tasks are too many ---------------------------------------------------------------


def _forced(progress: Progress, now: int) -> dict[str, str]:
    """Living tasks whose instance is taken back so soon that they can wait for no replacement."""
    living = (task for task in progress.tasks.values() if task.phase in _ALIVE)
    return {task.id: why for task in living if (why := must_go(progress, task, now))}


def _surplus(progress: Progress, wanted: tuple[Want, ...], seen: Seen) -> dict[str, str]:
    """Living tasks that should go, with the reason: those of no want, then those over the count.

    Nothing goes while the engine cannot be read, nor anything that may serve before as many tasks
    as desired are ready without it; the oldest of those stay.
    """
    if seen.tasks is None:
        return {}
    doomed: dict[str, str] = {}
    kept: set[str] = set()
    for want in wanted:
        living = _living(progress, want)
        kept.update(task.id for task in living)
        if want.start:
            doomed |= _surplus_of(progress, want, living, seen)
    for task in progress.tasks.values():
        if task.phase in _ALIVE and task.id not in kept:
            doomed[task.id] = f"v{task.release} is not wanted any more"
    return doomed


def _surplus_of(
    progress: Progress, want: Want, living: list[TaskRecord], seen: Seen
) -> dict[str, str]:
    doomed = {task.id: GONE for task in living if _gone(task, seen)}
    staying = [task for task in living if not why_leaving(progress, task)]
    able = [task for task in staying if ready(task, seen)]
    if len(able) < want.count:
        making_room = _making_room(progress, want, living, seen)
        return doomed | _not_waited_for(want, staying, seen) | making_room
    many = len(able) > want.count
    stay = in_order_of_staying(progress, able)[: want.count] if many else able
    for task in living:
        if task not in stay:
            reason = f"desired count is {want.count}" if _fit(task, seen) else SICK
            doomed.setdefault(task.id, why_leaving(progress, task) or reason)
    return doomed


def _not_waited_for(want: Want, staying: list[TaskRecord], seen: Seen) -> dict[str, str]:
    """Tasks over the count that have no instance yet: nobody misses them."""
    waiting = [task.id for task in staying if task.phase is TaskPhase.PROVISIONING]
    over = max(0, sum(_fit(task, seen) for task in staying) - want.count)
    return dict.fromkeys(waiting[::-1][:over], f"desired count is {want.count}")


def _making_room(
    progress: Progress, want: Want, living: list[TaskRecord], seen: Seen
) -> dict[str, str]:
    """Tasks that go before they must, for twice the count is there and replacements are missing.

    So it is when a second storm takes the replacements of the first. Those whose instances are
    taken back first go, as far as the others that serve are as many as desired.
    """
    fit = sum(1 for t in living if _fit(t, seen) and not why_leaving(progress, t))
    lacking = len(living) - want.count - fit
    serving = [task for task in living if ready(task, seen)]
    most = min(lacking, len(serving) - want.count)
    if most <= 0:
        return {}
    ends = {t.id: at for t in serving if (at := _taken_back_at(progress, t)) is not None}
    going = sorted((t for t in serving if t.id in ends), key=lambda task: ends[task.id])[:most]
    return {task.id: why_leaving(progress, task) for task in going}


def _taken_back_at(progress: Progress, task: TaskRecord) -> int | None:
    instance = instance_of(progress, task)
    return instance.deadline if instance else None


def _living(progress: Progress, want: Want) -> list[TaskRecord]:
    tasks = progress.tasks_of(want.release.service.name, want.release.number)
    return [task for task in tasks if task.phase in _ALIVE]


def _fit(task: TaskRecord, seen: Seen) -> bool:
    """Alive as far as seen: not stopped, not gone, not found sick."""
    observed = seen.task(task.id)
    if observed is None:
        return task.phase is not TaskPhase.HEALTHY
    return observed.state is not TaskState.STOPPED and observed.health is not Health.UNHEALTHY


def _gone(task: TaskRecord, seen: Seen) -> bool:
    return task.phase is TaskPhase.HEALTHY and seen.task(task.id) is None


# --- starts, and what nobody knows of -----------------------------------------------------------


def _starts(
    progress: Progress, wanted: tuple[Want, ...], seen: Seen, now: int
) -> tuple[list[d.TaskStarted], int | None]:
    """One start for each task that is missing, unless the last failures ask for a pause.

    Sick and leaving tasks stay until they are replaced, so there may be twice the desired count,
    never more. With capacity providers a new task waits for its instance.
    """
    starts: list[d.TaskStarted] = []
    look_again_at: int | None = None
    number = progress.next_id("task")
    managed = progress.app is not None and progress.app.capacity is not None
    for want in wanted:
        name = want.release.service.name
        living = _living(progress, want)
        fit = sum(1 for t in living if _fit(t, seen) and not why_leaving(progress, t))
        missing = min(want.count - fit, 2 * want.count - len(living))
        if not want.start or missing <= 0:
            continue
        if not may_run(want.release.verdict, want.release.allowed):
            continue
        ready_at = _backoff_until(progress, want)
        if now < ready_at:
            look_again_at = min(look_again_at or ready_at, ready_at)
            continue
        for _ in range(missing):
            reason = f"desired count is {want.count}" + _unfit(living, seen)
            fields = (f"t{number}", name, want.release.number, want.colour, reason)
            starts.append(d.TaskStarted(*fields, provisioning=managed))
            number += 1
    return starts, look_again_at


def _unfit(living: list[TaskRecord], seen: Seen) -> str:
    """Which tasks are there and do not count, for the reason of a start; empty when all do."""
    sick = [task.id for task in living if not _fit(task, seen)]
    return (
        f", and {', '.join(sick)} {'is' if len(sick) == 1 else 'are'} not healthy" if sick else ""
    )


def _backoff_until(progress: Progress, want: Want) -> int:
    """One failure is made good at once; each more in a row doubles the pause, up to a minute."""
    row = progress.services[want.release.service.name].failures.get(want.release.number)
    if row is None or row.count == 1:
        return 0
    return row.at + min(BACKOFF_FIRST_MS << min(row.count - 2, 10), BACKOFF_MOST_MS)


def _needed(progress: Progress, seen: Seen, target: Target) -> bool:
    """Whether the service is in the app file and has fewer ready tasks of its own than desired."""
    known = progress.services.get(target.service)
    if progress.app is None or progress.app.service(target.service) is None or known is None:
        return False
    own = sum(ready(task, seen) for task in progress.tasks_of(target.service))
    return own < known.desired


def _clear_orphans(progress: Progress, seen: Seen) -> list[d.Action]:
    """Containers and targets that the journal does not know: drained first, then cleared away.

    One that serves stays until the service's own tasks are ready: after a journal was cut at its
    damage there may be no others.
    """
    actions: list[d.Action] = []
    for observed in seen.tasks or ():
        if observed.id in progress.tasks or seen.balancer is None:
            continue
        target = seen.target(observed.id)
        if target and observed.state is TaskState.RUNNING and not target.draining:
            if _needed(progress, seen, target):
                continue
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
