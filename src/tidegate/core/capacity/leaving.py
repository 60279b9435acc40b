"""Which tasks are to be replaced by ones elsewhere, and which of them can wait no longer.

A task that is leaving serves on until its replacement is ready; on an instance that is taken back
it is drained at the latest when there is just time left to stop it.
"""

from collections import Counter

from tidegate.core.capacity.strategy import remove_provider, strategy_of
from tidegate.core.instance import InstancePhase, InstanceRecord
from tidegate.core.model import Service
from tidegate.core.progress import Progress, TaskPhase, TaskRecord

LAST_DRAIN_MS = 5_000
"""So long before it is asked to stop, a task of an interrupted instance gets no new requests."""

_YOUNG = (TaskPhase.PROVISIONING, TaskPhase.STARTED)
_LEAVES = (InstancePhase.DRAINING, InstancePhase.TERMINATING)


def instance_of(progress: Progress, task: TaskRecord) -> InstanceRecord | None:
    """The instance that the task runs on; None when it has none, or when that is gone."""
    return progress.fleet.instances.get(task.instance) if task.instance else None


def lost(progress: Progress, task: TaskRecord) -> bool:
    """Whether the task's instance is gone, and the task with it."""
    return task.instance is not None and task.instance not in progress.fleet.instances


def why_leaving(progress: Progress, task: TaskRecord) -> str:
    """Why the task is to be replaced by one elsewhere, or empty."""
    managed = progress.app is not None and progress.app.capacity is not None
    if task.phase is TaskPhase.PROVISIONING:
        return "" if managed else "the app has no capacity providers any more"
    if task.instance is None:
        return "it runs on no instance" if managed else ""
    instance = instance_of(progress, task)
    if instance is None:
        return f"instance {task.instance} is gone"
    if instance.phase in _LEAVES:
        what = "is taken back" if instance.deadline is not None else "is drained"
        return f"instance {instance.id} {what}: {instance.reason}"
    return task.leaving


def must_go(progress: Progress, task: TaskRecord, now: int) -> str:
    """Why the task goes now, replaced or not, or empty."""
    why = why_leaving(progress, task)
    if not why:
        return ""
    instance = instance_of(progress, task)
    if task.phase in _YOUNG and (instance or task.phase is TaskPhase.PROVISIONING):
        return why  # it serves nobody yet
    settings = progress.releases[task.release].service
    by = stop_by(instance, settings)
    return why if instance and by is not None and now >= by - _drain_ms(instance) else ""


def stop_by(instance: InstanceRecord | None, settings: Service) -> int | None:
    """When (ms) a task must be asked to stop to be done before its instance is taken back."""
    if instance is None or instance.deadline is None:
        return None
    return instance.deadline - min(settings.stop_grace_ms, _notice_ms(instance) // 3)


def _notice_ms(instance: InstanceRecord) -> int:
    """From the notice, as it was seen, to the deadline: whatever a newer app file says of one."""
    return max(0, (instance.deadline or 0) - instance.since)


def _drain_ms(instance: InstanceRecord) -> int:
    """A short notice, as in a rehearsal, is divided in the same way as one of two minutes."""
    return min(LAST_DRAIN_MS, _notice_ms(instance) // 6)


def in_order_of_staying(progress: Progress, tasks: list[TaskRecord]) -> list[TaskRecord]:
    """The tasks of one service, those first that stay when there are too many.

    With providers the one that is furthest above its share gives up a task first: one on the
    instance that holds the fewest. Otherwise the oldest stay.
    """
    if progress.app is None or progress.app.capacity is None or not tasks:
        return tasks
    strategy = strategy_of(progress.app, tasks[0].service)
    held = Counter(task.instance for task in progress.tasks.values())
    left, going = list(tasks), []
    while left:
        counts = Counter(task.provider for task in left)
        provider = remove_provider(strategy, counts)
        mine = [task for task in left if task.provider == provider] or left
        least = min(held[task.instance] for task in mine)
        gone = [task for task in mine if held[task.instance] == least][-1]
        held[gone.instance] -= 1
        left.remove(gone)
        going.append(gone)
    return going[::-1]
