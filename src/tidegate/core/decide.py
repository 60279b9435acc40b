"""All controllers, one after the other, on one look at the world.

Each one sees what those before it recorded. Alarms come before deployments, so that one which
fires stops even a deployment that starts in the same look; instances come before deployments and
tasks, so that what is lost with one is nobody's failure; deployments come before tasks and
routing, so that a rollback is on its way to the balancer in the same look. Scaling comes between
them, so that it knows of a deployment, and its tasks start at once.
"""

from collections.abc import Callable

from tidegate.core import deployment, outage, pipeline, rematch, routing, tasks, watch
from tidegate.core.capacity import decide as capacity
from tidegate.core.capacity import instances
from tidegate.core.decision import (
    Action,
    Decision,
    DeploymentFinished,
    Event,
    PipelineStage,
    PruneImages,
)
from tidegate.core.fold import advance_all
from tidegate.core.progress import Progress
from tidegate.core.scaling import controller as scaling
from tidegate.core.seen import Seen


def decide(progress: Progress, seen: Seen, now: int) -> Decision:
    """What to do now, what happened, why, and when to look again (ms).

    The same progress, look and time always give the same decision. When anything was recorded the
    next look is due at once: one step may make room for the next.
    """
    controllers: tuple[Callable[[Progress], Decision], ...] = (
        lambda p: pipeline.decide(p, seen, now),
        lambda p: watch.decide(p, seen),
        lambda p: instances.decide(p, seen, now),
        deployment.start,
        lambda p: _deployments(p, seen, now),
        lambda p: scaling.decide(p, seen, now),
        lambda p: tasks.decide(p, seen, now),
        lambda p: capacity.decide(p, seen, now),
        lambda p: routing.decide(p, seen),
        lambda p: outage.decide(p, seen),
        lambda p: rematch.decide(p, seen, now),
        lambda p: _prune(p, tuple(events)),
    )
    actions: list[Action] = []
    events: list[Event] = []
    reasons: list[str] = []
    looks: list[int] = []
    for controller in controllers:
        one = controller(progress)
        progress = advance_all(progress, one.events, now)
        actions += one.actions
        events += one.events
        reasons += [one.reason] if one.reason else []
        looks += [one.look_again_at] if one.look_again_at is not None else []
    look_again_at = now if events else min(looks, default=None)
    reason = "; ".join(reasons) or "everything is as it should be"
    return Decision(tuple(actions), tuple(events), reason, look_again_at)


def _deployments(progress: Progress, seen: Seen, now: int) -> Decision:
    """The next step of each live deployment; they do not depend on each other."""
    live = [d for d in progress.deployments.values() if d.live]
    found = [deployment.decide(progress, one, seen, now) for one in live]
    looks = [one.look_again_at for one in found if one.look_again_at is not None]
    return Decision(
        tuple(action for one in found for action in one.actions),
        tuple(event for one in found for event in one.events),
        "; ".join(one.reason for one in found if one.reason),
        min(looks, default=None),
    )


def _prune(progress: Progress, events: tuple[Event, ...]) -> Decision:
    """After a deployment, the images that nobody can go back to are removed.

    Kept are the last good releases of each service, what runs or waits, and what an execution has
    built. Nothing is removed while one builds, for its images are not in the journal yet.
    """
    ended = any(isinstance(event, DeploymentFinished) for event in events)
    live = [e for e in progress.executions.values() if e.live]
    building = any(e.stage is None or e.stage.stage is not PipelineStage.DEPLOY for e in live)
    if not ended or building or progress.app is None:
        return Decision()
    keep: set[str] = {digest for e in live for _, digest in e.images}
    for service in progress.services.values():
        numbers = {*service.good[-progress.app.retention :], service.stable}
        if service.waiting:
            numbers.add(service.waiting.release)
        moving = progress.deployment_of(service.name)
        if moving:
            numbers |= {moving.candidate, moving.stable}
        keep |= {progress.releases[n].digest for n in numbers if n is not None}
    return Decision((PruneImages(tuple(sorted(keep))),))
