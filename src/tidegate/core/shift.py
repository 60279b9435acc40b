"""Production traffic: step by step to the candidate, and back when it cannot carry its share.

The weight rises only on what has been observed: that the balancer holds the last weight, that
enough healthy tasks are there for the next one, and that nothing speaks against the candidate.
"""

from tidegate.core import evidence
from tidegate.core.decision import (
    Decision,
    StageEntered,
    TrafficObserved,
    TrafficShifted,
)
from tidegate.core.hooks import Failed, run_hooks
from tidegate.core.look import Look, percent, seconds
from tidegate.core.model import ALL_BP, OnUnknown
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.words import counted


def step(look: Look) -> Decision | Failed:
    """One step of the timetable after the other (ECS: PRODUCTION_TRAFFIC_SHIFT)."""
    deployment = look.deployment
    if deployment.shifted_at is not None:
        waiting = _await_weight(look)
        if waiting:
            return waiting
    if deployment.step >= 0:
        running = run_hooks(look, suffix=f"/{deployment.step}")
        if running:
            return running
    if deployment.weight_bp == ALL_BP:
        return look.enter(Stage.POST_PRODUCTION_TRAFFIC_SHIFT, "all traffic is on the candidate")
    due = (deployment.observed_at or look.now) + look.hold_ms
    if look.now < due and not deployment.promoted_by:
        return look.wait(f"{percent(deployment.weight_bp)} for {seconds(due - look.now)} more", due)
    following = deployment.step + 1
    weight_bp = ALL_BP if deployment.promoted_by else look.steps[following]
    hold = why_hold(look, weight_bp)
    if hold:
        return look.wait(f"held at {percent(deployment.weight_bp)}: {hold}")
    reason = f"{percent(deployment.weight_bp)} → {percent(weight_bp)}"
    shifted = TrafficShifted(deployment.id, following, weight_bp, reason)
    return Decision(events=(shifted,), reason=look.say(reason))


def why_hold(look: Look, weight_bp: int) -> str | None:
    """Why the weight may not rise to `weight_bp` now, or None."""
    needed = needed_for(look.desired, weight_bp)
    if look.healthy < needed:
        return f"{look.healthy} healthy tasks cannot carry {percent(weight_bp)} ({needed} can)"
    if look.trusted:
        return None
    if look.policy.on_unknown is OnUnknown.HOLD:
        unknown = evidence.unknown(look.progress, look.deployment, look.seen, look.now)
        if unknown:
            return unknown
    if look.deployment.promoted_by:
        return None
    return evidence.suspicion(look.progress, look.deployment, look.seen)


def retreat(look: Look) -> Decision | None:
    """Give back what the candidate has lost the tasks for, as far as stable has tasks for it.

    Both together may be too few: then each gets its part of the traffic. Nothing moves while the
    tasks or the balancer cannot be read. The timetable goes on from the step before, and a bake
    begins anew.
    """
    deployment, seen = look.deployment, look.seen
    if deployment.stable is None or deployment.weight_bp == 0:
        return None
    if seen.tasks is None or seen.balancer is None:
        return None
    candidate = look.carrying(deployment.candidate)
    both = candidate + look.carrying(deployment.stable)
    if candidate >= needed_for(look.desired, deployment.weight_bp) or both == 0:
        return None
    weight_bp = candidate * ALL_BP // min(look.desired, both)
    if weight_bp >= deployment.weight_bp:
        return None
    index = sum(bp <= weight_bp for bp in look.steps) - 1
    why = f"{counted(candidate, 'task')} cannot carry {percent(deployment.weight_bp)}"
    reason = f"{percent(deployment.weight_bp)} → {percent(weight_bp)}: {why}"
    shifted = TrafficShifted(deployment.id, index, weight_bp, reason)
    if deployment.stage is Stage.PRODUCTION_TRAFFIC_SHIFT:
        return Decision(events=(shifted,), reason=look.say(reason))
    entered = StageEntered(deployment.id, Stage.PRODUCTION_TRAFFIC_SHIFT, why)
    return Decision(events=(entered, shifted), reason=look.say(reason))


def needed_for(desired: int, weight_bp: int) -> int:
    """How many healthy tasks must carry `weight_bp` of the traffic that `desired` carry whole."""
    return -(-desired * weight_bp // ALL_BP)


def _await_weight(look: Look) -> Decision | None:
    """None once the balancer holds the weight now, and that is recorded."""
    deployment = look.deployment
    held = look.seen.balancer.routing.get(look.service.name) if look.seen.balancer else None
    if held is None or held.weight_bp(deployment.colour) != deployment.weight_bp:
        return look.wait(f"waiting to see {percent(deployment.weight_bp)} in the balancer")
    if deployment.observed_at is not None:
        return None
    observed = TrafficObserved(deployment.id, deployment.weight_bp)
    reason = f"{percent(deployment.weight_bp)} observed"
    return Decision(events=(observed,), reason=look.say(reason))
