"""Blue/green: one deployment, one look, one decision.

The happy path is `_STAGES`, in ECS's order. Whatever goes wrong on the way ends in
`core.trouble`, which is asked first on every look, so that an abort or an alarm wins from any
stage. A rollback needs nothing but the balancer: `core.routing` holds the candidate at 0 from the
moment that `RollbackStarted` is recorded, and `core.tasks` lets its tasks go once that is observed.
"""

from collections.abc import Callable, Mapping

from tidegate.core import evidence, shift, trouble
from tidegate.core.capacity import shortage
from tidegate.core.decision import (
    Decision,
    DeploymentFinished,
    DeploymentStarted,
    Event,
    Outcome,
    RunChecks,
    StablePromoted,
    StageEntered,
)
from tidegate.core.hooks import Failed, run, run_hooks
from tidegate.core.look import Look, seconds
from tidegate.core.model import ALL_BP, Colour, RollbackEvent
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.progress import Deployment, Progress
from tidegate.core.seen import Seen
from tidegate.core.wants import traffic_is_back
from tidegate.core.words import counted


def start(progress: Progress) -> Decision:
    """Start the deployment of every release that waits for a service that is free."""
    events: list[Event] = []
    reasons: list[str] = []
    number = progress.next_id("deployment")
    for service in progress.services.values():
        waiting = service.waiting
        if waiting is None or service.deployment is not None:
            continue
        colour = service.colour.other if service.stable is not None else Colour.BLUE
        fields = (f"d{number}", service.name, service.stable, waiting.release, colour)
        events.append(DeploymentStarted(*fields, waiting.known_good))
        reasons.append(f"{service.name}: deployment d{number} of v{waiting.release} starts")
        number += 1
    return Decision(events=tuple(events), reason="; ".join(reasons))


def decide(progress: Progress, deployment: Deployment, seen: Seen, now: int) -> Decision:
    """The next step of one live deployment."""
    service = progress.releases[deployment.candidate].service
    look = Look(progress, deployment, service, seen, now)
    if deployment.promoted:
        return _clean_up(look)
    if deployment.rollback is not None:
        return _roll_back(look)
    pressing = trouble.find(look) or shift.retreat(look)
    if pressing:
        return pressing
    if deployment.paused_by is not None:
        return look.wait(f"paused by {deployment.paused_by}")
    waiting = shortage.wait(look)
    if waiting:
        return waiting
    found = _STAGES[deployment.stage](look)
    if isinstance(found, Failed):
        return trouble.stop(look, RollbackEvent.FAILURE, found.reason)
    return found


def troubled(progress: Progress, deployment: Deployment, seen: Seen, now: int) -> bool:
    """Whether anything ends a live deployment that waits for a time to come, before it comes.

    So long only new numbers can, as long as nothing is recorded and the world is as it was.
    """
    service = progress.releases[deployment.candidate].service
    return trouble.find(Look(progress, deployment, service, seen, now)) is not None


# --- the stages ----------------------------------------------------------------------------------


def _pre_scale_up(look: Look) -> Decision | Failed:
    firing = evidence.firing(look.progress, look.service.name)
    if firing and not look.deployment.known_good:
        reason = f"not started: {firing} before anything was changed"
        return _finish(look, Outcome.FAILED, reason)
    return _after_hooks(look, Stage.SCALE_UP)


def _scale_up(look: Look) -> Decision:
    """All of the candidate's tasks are healthy before any traffic (ECS: SCALE_UP)."""
    counts = f"{look.healthy} of {counted(look.desired, 'task')} healthy"
    if look.healthy < look.desired:
        return look.wait(counts)
    return look.enter(Stage.POST_SCALE_UP, counts)


def _test_traffic(look: Look) -> Decision | Failed:
    """The test listener reaches the candidate, is seen to, and the smoke checks pass there."""
    if not look.settled:
        return look.wait("opening the test listener")
    checks = look.policy.checks
    if checks and not look.deployment.known_good:
        job = RunChecks(f"{look.deployment.id}/checks", look.service, checks)
        running = run(look, job, "smoke checks")
        if running:
            return running
    return _after_hooks(look, Stage.POST_TEST_TRAFFIC_SHIFT)


def _bake(look: Look) -> Decision:
    """All traffic stays on the candidate for a while, with stable at full size behind it."""
    over = look.deployment.stage_since + look.policy.bake_ms
    if look.now < over and not look.deployment.promoted_by and not look.trusted:
        return look.wait(f"bakes for {seconds(over - look.now)} more", over)
    hold = shift.why_hold(look, ALL_BP)
    if hold:
        return look.wait(f"baked, but held: {hold}")
    if not look.settled:
        return look.wait("baked, but the balancer is not seen to send all traffic here")
    promoted = StablePromoted(look.deployment.id, look.service.name, look.deployment.candidate)
    entered = StageEntered(look.deployment.id, Stage.CLEAN_UP, "the bake is over")
    reason = look.say(f"v{look.deployment.candidate} is stable")
    return Decision(events=(promoted, entered), reason=reason)


def _clean_up(look: Look) -> Decision:
    """Over when the old release's tasks are gone and the test listener is closed."""
    old = look.deployment.stable
    left = look.progress.tasks_of(look.service.name, old) if old is not None else ()
    if left or not look.settled:
        return look.wait(f"draining {len(left)} old tasks")
    return _finish(look, Outcome.SUCCEEDED, f"v{look.deployment.candidate} serves")


def _roll_back(look: Look) -> Decision:
    """Over when the traffic is seen to be back and the candidate's tasks are gone."""
    deployment = look.deployment
    if not traffic_is_back(look.progress, deployment, look.seen):
        return look.wait("taking all traffic back to stable")
    left = look.progress.tasks_of(look.service.name, deployment.candidate)
    if left:
        return look.wait(f"traffic is back; draining {counted(len(left), 'task')}")
    reason = deployment.rollback.reason if deployment.rollback else ""
    outcome = Outcome.FAILED if deployment.stable is None else Outcome.ROLLED_BACK
    return _finish(look, outcome, reason)


def _pass_on(following: Stage) -> Callable[[Look], Decision | Failed]:
    """A stage that has only its hooks."""
    return lambda look: _after_hooks(look, following)


def _after_hooks(look: Look, following: Stage) -> Decision | Failed:
    return run_hooks(look) or look.enter(following, f"{look.deployment.stage} done")


def _finish(look: Look, outcome: Outcome, reason: str) -> Decision:
    finished = DeploymentFinished(look.deployment.id, outcome, reason)
    return Decision(events=(finished,), reason=look.say(f"{outcome}: {reason}"))


_STAGES: Mapping[Stage, Callable[[Look], Decision | Failed]] = {
    Stage.PRE_SCALE_UP: _pre_scale_up,
    Stage.SCALE_UP: _scale_up,
    Stage.POST_SCALE_UP: _pass_on(Stage.TEST_TRAFFIC_SHIFT),
    Stage.TEST_TRAFFIC_SHIFT: _test_traffic,
    Stage.POST_TEST_TRAFFIC_SHIFT: _pass_on(Stage.PRE_PRODUCTION_TRAFFIC_SHIFT),
    Stage.PRE_PRODUCTION_TRAFFIC_SHIFT: _pass_on(Stage.PRODUCTION_TRAFFIC_SHIFT),
    Stage.PRODUCTION_TRAFFIC_SHIFT: shift.step,
    Stage.POST_PRODUCTION_TRAFFIC_SHIFT: _pass_on(Stage.BAKE_TIME),
    Stage.BAKE_TIME: _bake,
    Stage.CLEAN_UP: _clean_up,
}
