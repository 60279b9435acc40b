"""What ends a deployment, from any of its stages: an abort, failed tasks, an alarm, a standstill.

It is asked first on every look, so that an abort or an alarm wins whatever else goes on. What the
file does not count among its rollback events pauses the deployment for a person instead.
"""

from tidegate.core import evidence
from tidegate.core.decision import Decision, DeploymentPaused, RollbackStarted
from tidegate.core.hooks import hooks_of
from tidegate.core.look import Look
from tidegate.core.model import Breaker, RollbackEvent
from tidegate.core.model import LifecycleStage as Stage


def find(look: Look) -> Decision | None:
    """The end of the deployment, a pause, or None when all is well."""
    found = _find(look)
    if found is None:
        return None
    event, reason = found
    if look.deployment.paused_by is not None and not _rolls_back(look, event):
        return None  # a person has it already
    return stop(look, event, reason)


def stop(look: Look, event: RollbackEvent, reason: str) -> Decision:
    """Roll back, or pause where the file says that `event` does not roll back."""
    if _rolls_back(look, event):
        started = RollbackStarted(look.deployment.id, event, reason, *look.candidate_counts)
        return Decision(events=(started,), reason=look.say(f"rolls back: {reason}"))
    by = f"{reason} ({event} is not among its rollback events)"
    paused = DeploymentPaused(look.deployment.id, by)
    return Decision(events=(paused,), reason=look.say(f"paused: {by}"))


def breaker_limit(breaker: Breaker, desired: int) -> int:
    """How many failed tasks trip the breaker: clamp(ceil(percent x desired), minimum, maximum)."""
    limit = -(-breaker.percent * desired // 100)
    return min(max(limit, breaker.minimum), breaker.maximum)


def _rolls_back(look: Look, event: RollbackEvent) -> bool:
    return event is RollbackEvent.REQUEST or event in look.policy.rollback_on


def _find(look: Look) -> tuple[RollbackEvent, str] | None:
    deployment = look.deployment
    if deployment.aborted_by:
        return RollbackEvent.REQUEST, f"aborted by {deployment.aborted_by}"
    app = look.progress.app
    if app is None or app.service(look.service.name) is None:
        return RollbackEvent.REQUEST, f"{look.service.name} is not in the app file any more"
    failed, limit = deployment.failed_tasks, breaker_limit(look.policy.breaker, look.desired)
    if failed >= limit:
        reason = f"{failed} candidate tasks failed (the breaker's limit is {limit})"
        reason += f", the last one: {deployment.last_failure}" if deployment.last_failure else ""
        return RollbackEvent.FAILURE, reason
    if deployment.stage is not Stage.PRE_SCALE_UP and not deployment.known_good:
        against = evidence.firing(look.progress, look.service.name) or evidence.worse(
            look.progress, deployment, look.seen
        )
        if against:
            return RollbackEvent.ALARM, against
    return _overdue(look)


def _overdue(look: Look) -> tuple[RollbackEvent, str] | None:
    """A stage that gets nowhere. Steps and the bake take the time that the file gives them."""
    deployment = look.deployment
    if deployment.paused_by is not None or deployment.short_since is not None:
        return None
    since = deployment.stage_since
    if deployment.stage is Stage.PRODUCTION_TRAFFIC_SHIFT:
        since = max(since, (deployment.observed_at or deployment.asked_at) + look.hold_ms)
    elif deployment.stage is Stage.BAKE_TIME:
        since += look.policy.bake_ms
    limit_ms = look.policy.scale_up_timeout_ms
    limit_ms += sum(hook.timeout_ms for hook in hooks_of(look))
    limit_ms += sum(check.timeout_ms * check.attempts for check in look.policy.checks)
    if look.now < since + limit_ms:
        return None
    return RollbackEvent.FAILURE, f"{deployment.stage} got no further in {limit_ms // 1000} s"
