"""The fold of what happens to instances, and to the tasks and deployments that want them."""

from dataclasses import replace
from typing import assert_never

from tidegate.core import decision as d
from tidegate.core.cost import plus, spent_on
from tidegate.core.fold_pipeline import count
from tidegate.core.instance import Closure, Fleet, InstancePhase, InstanceRecord, Spent
from tidegate.core.progress import Progress, TaskPhase


def advance_capacity(progress: Progress, event: d.CapacityEvent, at: int) -> Progress:
    """The progress after an event of capacity, which happened at `at` (ms)."""
    match event:
        case d.TaskPlaced(task, provider, instance):
            placed = {"phase": TaskPhase.STARTED, "provider": provider, "instance": instance}
            progress = _task(progress, task, since=at, **placed)
            return _instance(progress, instance, empty_since=None, busy_at=at)
        case d.TaskRelocated(task, reason):
            fleet = replace(progress.fleet, returned_at=at)
            return replace(_task(progress, task, leaving=reason), fleet=fleet)
        case d.CapacityShort(deployment):
            return _deployment(progress, deployment, short_since=at)
        case d.CapacityBack(deployment):
            return _deployment(progress, deployment, **_go_on(progress, deployment, at))
        case _:
            if isinstance(event, d.InstanceLaunched):
                progress = count(progress, "instance")
            return replace(progress, fleet=_fleet(progress.fleet, event, at))


def wait_anew(progress: Progress, at: int) -> Progress:
    """A new controller waits for launches from now on: nobody looked for them until then."""
    for one in progress.fleet.instances.values():
        if one.phase is InstancePhase.LAUNCHING:
            progress = _instance(progress, one.id, since=at)
    return progress


def task_removed(progress: Progress, instance: str | None, at: int) -> Progress:
    """A task is gone, and its instance may be empty now."""
    if instance is None or instance not in progress.fleet.instances:
        return progress
    if any(task.instance == instance for task in progress.tasks.values()):
        return progress
    return _instance(progress, instance, empty_since=at)


def _fleet(fleet: Fleet, event: d.InstanceEvent, at: int) -> Fleet:
    match event:
        case d.InstanceLaunched():
            return _with(fleet, _launched(event, at))
        case d.InstanceReady(name):
            ready = {"ready_at": at, "empty_since": at, "phase": InstancePhase.READY}
            return replace(_changed(fleet, name, at, **ready), closures=_delivered(fleet, name))
        case d.InterruptionNoticed(name, deadline, reason):
            noticed = {"phase": InstancePhase.DRAINING, "deadline": deadline, "reason": reason}
            return _changed(fleet, name, at, **noticed)
        case d.InstanceDraining(name, reason):
            return _changed(fleet, name, at, phase=InstancePhase.DRAINING, reason=reason)
        case d.InstanceTerminating(name):
            return _changed(fleet, name, at, phase=InstancePhase.TERMINATING)
        case d.InstanceTerminated(name) | d.InstanceLaunchFailed(name):
            return _gone(fleet, name, at)
        case d.ProviderClosed(provider, until):
            known = fleet.closures.get(provider)
            closure = Closure(until, known.failures + 1 if known else 1)
            return replace(fleet, closures={**fleet.closures, provider: closure})
        case d.PlacementWaits(service, reason):
            others = {name: why for name, why in fleet.waiting.items() if name != service}
            return replace(fleet, waiting={**others, service: reason} if reason else others)
        case _:
            assert_never(event)


def _launched(event: d.InstanceLaunched, at: int) -> InstanceRecord:
    return InstanceRecord(
        event.instance,
        event.provider,
        event.kind,
        event.zone,
        event.cpu_units,
        event.memory_mib,
        event.price_micros,
        event.on_demand_micros,
        launched_at=at,
        since=at,
        reason=event.reason,
    )


def _with(fleet: Fleet, instance: InstanceRecord) -> Fleet:
    return replace(fleet, instances={**fleet.instances, instance.id: instance})


def _changed(fleet: Fleet, name: str, at: int, **changes: object) -> Fleet:
    changed = replace(fleet.instances[name], since=at, **changes)  # type: ignore[arg-type]
    return _with(fleet, changed)


def _delivered(fleet: Fleet, instance: str) -> dict[str, Closure]:
    """The instance's provider has delivered: its next failure is a first one."""
    provider = fleet.instances[instance].provider
    known = fleet.closures.items()
    return {name: replace(c, failures=0) if name == provider else c for name, c in known}


def _gone(fleet: Fleet, name: str, at: int) -> Fleet:
    """It is remembered by what it has cost."""
    gone = fleet.instances[name]
    total = plus(fleet.spent.get(gone.provider, Spent()), spent_on(gone, at))
    left = {key: one for key, one in fleet.instances.items() if key != name}
    return replace(fleet, instances=left, spent={**fleet.spent, gone.provider: total})


def _instance(progress: Progress, name: str, **changes: object) -> Progress:
    changed = replace(progress.fleet.instances[name], **changes)  # type: ignore[arg-type]
    return replace(progress, fleet=_with(progress.fleet, changed))


def _task(progress: Progress, name: str, **changes: object) -> Progress:
    changed = replace(progress.tasks[name], **changes)  # type: ignore[arg-type]
    return replace(progress, tasks={**progress.tasks, name: changed})


def _deployment(progress: Progress, name: str, **changes: object) -> Progress:
    changed = replace(progress.deployments[name], **changes)  # type: ignore[arg-type]
    return replace(progress, deployments={**progress.deployments, name: changed})


def _go_on(progress: Progress, name: str, at: int) -> dict[str, object]:
    """The time without capacity counts for neither the stage nor the step."""
    known = progress.deployments[name]
    if known.short_since is None:
        return {}
    waited_ms = at - known.short_since
    return {
        "short_since": None,
        "stage_since": known.stage_since + waited_ms,
        "asked_at": known.asked_at + waited_ms,
        "observed_at": None if known.observed_at is None else known.observed_at + waited_ms,
    }
