"""Whether a deployment has to wait because its service lacks capacity.

Capacity that is missing is nobody's fault: a shift stands still, no clock runs, nothing goes back.
"""

from tidegate.core.capacity.leaving import instance_of
from tidegate.core.decision import CapacityBack, CapacityShort, Decision
from tidegate.core.look import Look
from tidegate.core.progress import TaskPhase

SOON_MS = 1_000
"""A task that gets its instance within this time has not waited."""


def wait(look: Look) -> Decision | None:
    """Stand still, begin to, or go on; None while nothing is missing."""
    why, since = missing(look), look.deployment.short_since
    if why is None and since is None:
        return None
    if why is None:
        back = CapacityBack(look.deployment.id)
        return Decision(events=(back,), reason=look.say("capacity is back"))
    if since is None:
        short = CapacityShort(look.deployment.id, why)
        return Decision(events=(short,), reason=look.say(f"waits for capacity: {why}"))
    return look.wait(f"waits for capacity: {why}")


def missing(look: Look) -> str | None:
    """What capacity the service of the deployment lacks, or None."""
    if look.progress.app is None or look.progress.app.capacity is None:
        return None
    releases = (look.deployment.stable, look.deployment.candidate)
    waiting = interrupted = 0
    for task in look.progress.tasks_of(look.service.name):
        if task.release not in releases:
            continue
        instance = instance_of(look.progress, task)
        if task.phase is TaskPhase.PROVISIONING:
            waiting += look.now >= task.since + SOON_MS
        elif instance and instance.deadline is not None:
            interrupted += task.phase in (TaskPhase.STARTED, TaskPhase.HEALTHY)
    if waiting:
        return f"{waiting} of its tasks have no instance yet"
    if interrupted:
        return f"{interrupted} of its tasks are on instances that are taken back"
    return None
