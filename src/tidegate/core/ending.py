"""The end of the whole app: what is recorded before its tasks, instances and balancer are taken
away on purpose, so that the next controller misses nothing and calls nothing a failure.
"""

from collections.abc import Iterator

from tidegate.core import decision as d
from tidegate.core import outage
from tidegate.core.progress import Progress

_REASON = "stopped with the whole app"


def ended(progress: Progress) -> Iterator[d.Event]:
    """What there is, and that none of it is any more."""
    yield from outage.ended(progress.balancer)
    for task in progress.tasks:
        yield d.TaskStopped(task, _REASON, failed=False)
        yield d.TaskRemoved(task)
    for instance in progress.fleet.instances:
        yield d.InstanceTerminated(instance, _REASON)
