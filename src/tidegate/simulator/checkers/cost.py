"""Promise 9, the part of money: no instance is paid for that the desired counts do not explain."""

from tidegate.core.instance import InstancePhase
from tidegate.core.progress import TaskPhase
from tidegate.core.provider import Capacity, Provider
from tidegate.simulator.checkers.case import GRACE_MS, Case

_SLACK_MS = GRACE_MS + 3_000
"""From the end of a wait to what follows from it, seen through a snapshot that lags."""


class CostIsExplained:
    """What is paid is what the tasks need: an instance without a task is given back in time.

    Explained are a provider's least, its whole spare instances (`target_capacity`), an instance
    that was empty for less than `idle_ms` or is warming up; and nothing is given back during a
    deployment, while a task waits or an instance is on its way, or while something goes wrong.
    """

    def __init__(self) -> None:
        self._quiet_since = 0

    def check(self, case: Case) -> str | None:
        """The first instance that costs money for nobody."""
        app = case.progress.app
        if app is None or app.capacity is None:
            return None
        if _moves(case):
            self._quiet_since = case.now
        disturbed_at = max(case.world.faults.disturbed_at, case.restarted_at)
        quiet_ms = case.now - max(self._quiet_since, disturbed_at)
        for provider in app.capacity.providers:
            wait_ms = app.capacity.idle_ms + provider.instance_warmup_period_ms + _SLACK_MS
            if quiet_ms > wait_ms:
                found = _unexplained(case, provider, wait_ms)
                if found:
                    return found
        return None


def _moves(case: Case) -> bool:
    """Whether there is a reason to give nothing back."""
    progress = case.progress
    launching = InstancePhase.LAUNCHING
    return (
        any(deployment.live for deployment in progress.deployments.values())
        or any(one.phase is launching for one in progress.fleet.instances.values())
        or any(task.phase is TaskPhase.PROVISIONING for task in progress.tasks.values())
    )


def too_many(case: Case, provider: Provider) -> int:
    """How many instances the provider has beyond those with tasks, its least and its spares."""
    mine = [one for one in case.progress.fleet.instances.values() if one.provider == provider.name]
    held = {task.instance for task in case.progress.tasks.values()}
    wanted = [one for one in mine if one.wanted]
    used = sum(one.id in held for one in wanted)
    return len(wanted) - max(provider.minimum, -(-100 * used // provider.target_capacity_percent))


def _unexplained(case: Case, provider: Provider, wait_ms: int) -> str | None:
    if too_many(case, provider) <= 0:
        return None
    now = case.world.clock.now()
    held = {task.instance for task in case.progress.tasks.values()}
    for one in case.progress.fleet.instances.values():
        empty_ms = now - max(one.empty_since or 0, one.busy_at, one.ready_at or now)
        mine = one.provider == provider.name and one.phase is InstancePhase.READY
        if mine and one.id not in held and empty_ms > wait_ms:
            return f"{one.id} of {provider.name} is paid for {empty_ms} ms without a task"
    return None


def overpaid(case: Case, capacity: Capacity) -> str | None:
    """At rest: a provider with more instances than its tasks, its least and its spares explain."""
    for provider in capacity.providers:
        more = too_many(case, provider)
        if more > 0:
            return f"{more} instances of {provider.name} are paid for that hold nothing"
    return None
