"""Each instance's life: ordered, ready, noticed, drained, given back, gone."""

from dataclasses import dataclass, field

from tidegate.core import decision as d
from tidegate.core.capacity.closing import close, closed
from tidegate.core.instance import InstancePhase, InstanceRecord
from tidegate.core.ports import NO_CAPACITY
from tidegate.core.progress import Progress
from tidegate.core.provider import Capacity
from tidegate.core.seen import InstanceSeen, InstanceState, Seen

NONE_LEFT = Capacity(())
CLOCK_MS = 1_000
"""Deadlines that differ by no more are the same."""


@dataclass(slots=True)
class _Steps:
    """What is to be done, and what happened; a provider closes once a look."""

    actions: list[d.Action] = field(default_factory=list)
    events: list[d.Event] = field(default_factory=list)
    closing: set[str] = field(default_factory=set)


def decide(progress: Progress, seen: Seen, now: int) -> d.Decision:
    """One step for every instance. Nothing is known while they cannot be read."""
    if seen.instances is None:
        return d.Decision()
    steps = _Steps(closing=set(closed(progress, now)))
    for instance in progress.fleet.instances.values():
        observed = seen.instance(instance.id)
        if instance.phase is InstancePhase.LAUNCHING:
            _launch(steps, progress, instance, (seen, observed), now)
        else:
            _live(steps, progress, instance, observed)
    for stray in seen.instances:
        if stray.id not in progress.fleet.instances:
            steps.actions.append(d.TerminateInstance(stray.id))
    return d.Decision(tuple(steps.actions), tuple(steps.events))


def _launch(
    steps: _Steps,
    progress: Progress,
    instance: InstanceRecord,
    sight: tuple[Seen, InstanceSeen | None],
    now: int,
) -> None:
    """From its order to RUNNING, or to a provider that is closed for a while."""
    seen, observed = sight
    capacity = (progress.app.capacity if progress.app else None) or NONE_LEFT
    provider = capacity.provider(instance.provider)
    if observed and observed.state is InstanceState.RUNNING:
        steps.events.append(d.InstanceReady(instance.id))
        return
    if provider is None:
        why = f"there is no provider {instance.provider} any more"
        steps.events.append(d.InstanceLaunchFailed(instance.id, why))
        return
    order = d.LaunchInstance(instance.id, provider, instance.zone)
    failure = next((f for f in seen.failures if f.action == d.identity(order)), None)
    refused = failure is not None and NO_CAPACITY in failure.error and observed is None
    late = now >= instance.since + provider.launch_ms + capacity.pending_ms
    if refused or late:
        waited_s = (now - instance.since) // 1_000
        why = f"{NO_CAPACITY} in zone {instance.zone}" if refused else f"not here in {waited_s} s"
        steps.events.append(d.InstanceLaunchFailed(instance.id, why))
        if provider.name not in steps.closing:
            steps.closing.add(provider.name)
            steps.events.append(close(progress, capacity, provider, now, why))
    elif observed is None:
        steps.actions.append(order)


def _live(
    steps: _Steps, progress: Progress, instance: InstanceRecord, observed: InstanceSeen | None
) -> None:
    """From ready to gone. One that vanishes takes its tasks with it."""
    name = instance.id
    if observed is None:
        asked = instance.phase is InstancePhase.TERMINATING
        noticed = instance.deadline is not None
        why = instance.reason if asked or noticed else "it went without a notice"
        steps.events.append(d.InstanceTerminated(name, why, lost=not asked))
    elif observed.deadline is not None and _news(instance.deadline, observed.deadline):
        why = observed.note or "EC2 Spot Instance Interruption Warning"
        steps.events.append(d.InterruptionNoticed(name, observed.deadline, why))
    elif instance.phase is InstancePhase.TERMINATING:
        steps.actions.append(d.TerminateInstance(name))
    elif instance.phase is InstancePhase.DRAINING and not _held(progress, name):
        steps.events.append(d.InstanceTerminating(name))
        steps.actions.append(d.TerminateInstance(name))


def _news(known: int | None, deadline: int) -> bool:
    """Whether a notice is new, or its deadline moved, as when the machine's clock was set."""
    return known is None or abs(known - deadline) > CLOCK_MS


def _held(progress: Progress, instance: str) -> bool:
    return any(task.instance == instance for task in progress.tasks.values())
