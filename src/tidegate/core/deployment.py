"""Blue/green: one deployment, one look, one decision.

The happy path is `_STAGES`, in ECS's order. Whatever goes wrong on the way ends in `_trouble`,
which is asked first on every look, so that an abort or an alarm wins from any stage. A rollback
needs nothing but the balancer: `core.routing` holds the candidate at 0 from the moment that
`RollbackStarted` is recorded, and `core.tasks` lets its tasks go once that is observed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tidegate.core import evidence
from tidegate.core.decision import (
    Decision,
    DeploymentFinished,
    DeploymentPaused,
    DeploymentStarted,
    Event,
    Job,
    Outcome,
    RollbackStarted,
    RunChecks,
    RunHook,
    StablePromoted,
    StageEntered,
    StartJob,
    StepPassed,
    TrafficObserved,
    TrafficShifted,
)
from tidegate.core.metrics import merge
from tidegate.core.model import (
    ALL_BP,
    Colour,
    Hook,
    LifecycleStage,
    OnUnknown,
    RollbackEvent,
    Service,
)
from tidegate.core.progress import Deployment, Progress
from tidegate.core.routing import wanted_routing
from tidegate.core.seen import JobState, Seen
from tidegate.core.tasks import healthy, needed_for
from tidegate.core.traffic import hold_ms
from tidegate.core.wants import traffic_is_back

Stage = LifecycleStage


@dataclass(frozen=True, slots=True)
class Look:
    """One look at one deployment: all that its rules may ask."""

    progress: Progress
    deployment: Deployment
    service: Service
    seen: Seen
    now: int

    @property
    def desired(self) -> int:
        return self.progress.services[self.service.name].desired

    @property
    def healthy(self) -> int:
        """Candidate tasks that are healthy and ready in the balancer."""
        return healthy(self.progress, self.seen, self.service.name, self.deployment.candidate)


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
    trouble = _trouble(look)
    if trouble is not None:
        return trouble
    if deployment.paused_by is not None:
        return Decision(reason=_say(look, f"paused by {deployment.paused_by}"))
    return _STAGES[deployment.stage](look)


# --- trouble: what ends a deployment from any stage -----------------------------------


def _trouble(look: Look) -> Decision | None:
    found = _find_trouble(look)
    if found is None:
        return None
    event, reason = found
    if event is RollbackEvent.REQUEST or event in look.service.deployment.rollback_on:
        counts = _candidate_counts(look)
        started = RollbackStarted(look.deployment.id, event, reason, *counts)
        return Decision(events=(started,), reason=_say(look, f"rolls back: {reason}"))
    if look.deployment.paused_by is None:
        by = f"{reason} ({event} is not among its rollback events)"
        paused = DeploymentPaused(look.deployment.id, by)
        return Decision(events=(paused,), reason=_say(look, f"paused: {by}"))
    return None


def _find_trouble(look: Look) -> tuple[RollbackEvent, str] | None:
    deployment = look.deployment
    if deployment.aborted_by:
        return RollbackEvent.REQUEST, f"aborted by {deployment.aborted_by}"
    app = look.progress.app
    if app is None or app.service(look.service.name) is None:
        return RollbackEvent.FAILURE, f"{look.service.name} is not in the app file any more"
    breaker = look.service.deployment.breaker
    limit = -(-breaker.percent * look.desired // 100)
    limit = min(max(limit, breaker.minimum), breaker.maximum)
    if deployment.failed_tasks >= limit:
        reason = (
            f"{deployment.failed_tasks} candidate tasks failed (the breaker's limit is {limit})"
        )
        return RollbackEvent.FAILURE, reason
    if deployment.stage is not Stage.PRE_SCALE_UP and not deployment.known_good:
        firing = evidence.firing(look.progress, look.service.name)
        if firing:
            return RollbackEvent.ALARM, firing
        worse = evidence.worse(look.progress, deployment, look.seen)
        if worse:
            return RollbackEvent.ALARM, worse
    return _overdue(look)


def _overdue(look: Look) -> tuple[RollbackEvent, str] | None:
    """A stage that gets nowhere. Steps and the bake take the time that the file gives them."""
    deployment = look.deployment
    if deployment.paused_by is not None:
        return None
    limit_ms = look.service.deployment.scale_up_timeout_ms
    since = deployment.stage_since
    if deployment.stage is Stage.PRODUCTION_TRAFFIC_SHIFT:
        since = max(since, (deployment.observed_at or deployment.asked_at) + _hold_ms(look))
    elif deployment.stage is Stage.BAKE_TIME:
        since += look.service.deployment.bake_ms
    waits = sum(hook.timeout_ms for hook in _hooks(look))
    waits += sum(c.timeout_ms * c.attempts for c in look.service.deployment.checks)
    if look.now < since + limit_ms + waits:
        return None
    return RollbackEvent.FAILURE, f"{deployment.stage} got no further in {limit_ms // 1000} s"


def _candidate_counts(look: Look) -> tuple[int, int]:
    """Requests and errors that the candidate has answered since its first traffic."""
    since = look.deployment.shifted_at
    if since is None or look.seen.metrics is None:
        return 0, 0
    seconds = look.seen.metrics.get((look.service.name, look.deployment.colour), ())
    total = merge(s for s in seconds if s.at_ms >= since - 1000)
    return total.requests, total.errors


# --- the stages ----------------------------------------------------------------------------------


def _pre_scale_up(look: Look) -> Decision:
    firing = evidence.firing(look.progress, look.service.name)
    if firing and not look.deployment.known_good:
        reason = f"not started: {firing} before anything was changed"
        return _finish(look, Outcome.FAILED, reason)
    return _after_hooks(look, Stage.SCALE_UP)


def _scale_up(look: Look) -> Decision:
    """All of the candidate's tasks are healthy before any traffic (ECS: SCALE_UP)."""
    if look.healthy < look.desired:
        return Decision(reason=_say(look, f"{look.healthy} of {look.desired} tasks healthy"))
    return _enter(look, Stage.POST_SCALE_UP, f"{look.healthy} of {look.desired} tasks healthy")


def _test_traffic(look: Look) -> Decision:
    """The test listener reaches the candidate, is seen to, and the smoke checks pass there."""
    wanted = wanted_routing(look.progress, look.service.name)
    held = look.seen.balancer.routing.get(look.service.name) if look.seen.balancer else None
    if held != wanted:
        return Decision(reason=_say(look, "opening the test listener"))
    checks = look.service.deployment.checks
    if checks and not look.deployment.known_good:
        job = RunChecks(f"{look.deployment.id}/checks", look.service, checks)
        waiting = _run(look, job, "smoke checks")
        if waiting:
            return waiting
    return _after_hooks(look, Stage.POST_TEST_TRAFFIC_SHIFT)


def _shift(look: Look) -> Decision:
    """One step of the timetable after the other; each only on what has been observed."""
    deployment = look.deployment
    if deployment.step >= 0 and deployment.observed_at is None:
        return _await_weight(look)
    if deployment.step >= 0:
        waiting = _run_hooks(look, suffix=f"/{deployment.step}")
        if waiting:
            return waiting
    following = deployment.step + 1
    if deployment.weight_bp == ALL_BP:
        return _enter(look, Stage.POST_PRODUCTION_TRAFFIC_SHIFT, "all traffic is on the candidate")
    due = (deployment.observed_at or look.now) + _hold_ms(look)
    if look.now < due and not deployment.promoted_by:
        reason = _say(look, f"{_percent(deployment.weight_bp)} for {_seconds(due - look.now)} more")
        return Decision(reason=reason, look_again_at=due)
    weight_bp = _steps(look)[following] if not deployment.promoted_by else ALL_BP
    hold = _why_hold(look, weight_bp)
    if hold:
        return Decision(reason=_say(look, f"held at {_percent(deployment.weight_bp)}: {hold}"))
    reason = f"{_percent(deployment.weight_bp)} → {_percent(weight_bp)}"
    shifted = TrafficShifted(deployment.id, following, weight_bp, reason)
    return Decision(events=(shifted,), reason=_say(look, reason))


def _await_weight(look: Look) -> Decision:
    deployment = look.deployment
    held = look.seen.balancer.routing.get(look.service.name) if look.seen.balancer else None
    if held is None or held.weight_bp(deployment.colour) != deployment.weight_bp:
        reason = f"waiting to see {_percent(deployment.weight_bp)} in the balancer"
        return Decision(reason=_say(look, reason))
    return Decision(
        events=(TrafficObserved(deployment.id, deployment.weight_bp),),
        reason=_say(look, f"{_percent(deployment.weight_bp)} observed"),
    )


def _why_hold(look: Look, weight_bp: int) -> str | None:
    """Why the weight may not rise to `weight_bp` now, or None."""
    needed = needed_for(look.desired, weight_bp)
    if look.healthy < needed:
        return f"{look.healthy} healthy tasks cannot carry {_percent(weight_bp)} ({needed} can)"
    if look.deployment.known_good or look.deployment.stable is None:
        return None
    if look.service.deployment.on_unknown is OnUnknown.PROCEED:
        return None
    return evidence.unknown(look.progress, look.deployment, look.seen, look.now)


def _bake(look: Look) -> Decision:
    deployment = look.deployment
    over = deployment.stage_since + look.service.deployment.bake_ms
    early = deployment.promoted_by or deployment.known_good or deployment.stable is None
    if look.now < over and not early:
        reason = _say(look, f"bakes for {_seconds(over - look.now)} more")
        return Decision(reason=reason, look_again_at=over)
    hold = _why_hold(look, ALL_BP)
    if hold:
        return Decision(reason=_say(look, f"baked, but held: {hold}"))
    promoted = StablePromoted(deployment.id, look.service.name, deployment.candidate)
    entered = StageEntered(deployment.id, Stage.CLEAN_UP, "the bake is over")
    reason = _say(look, f"v{deployment.candidate} is stable")
    return Decision(events=(promoted, entered), reason=reason)


def _clean_up(look: Look) -> Decision:
    """Over when the old release's tasks are gone and the test listener is closed."""
    old = look.deployment.stable
    left = look.progress.tasks_of(look.service.name, old) if old is not None else ()
    held = look.seen.balancer.routing.get(look.service.name) if look.seen.balancer else None
    if left or held != wanted_routing(look.progress, look.service.name):
        return Decision(reason=_say(look, f"draining {len(left)} old tasks"))
    return _finish(look, Outcome.SUCCEEDED, f"v{look.deployment.candidate} serves")


def _roll_back(look: Look) -> Decision:
    """Over when the traffic is seen to be back and the candidate's tasks are gone."""
    deployment = look.deployment
    if not traffic_is_back(look.progress, deployment, look.seen):
        return Decision(reason=_say(look, "taking all traffic back to stable"))
    left = look.progress.tasks_of(look.service.name, deployment.candidate)
    if left:
        return Decision(reason=_say(look, f"traffic is back; draining {len(left)} tasks"))
    reason = deployment.rollback.reason if deployment.rollback else ""
    outcome = Outcome.FAILED if deployment.stable is None else Outcome.ROLLED_BACK
    return _finish(look, outcome, reason)


def _pass_on(following: Stage) -> Callable[[Look], Decision]:
    """A stage that has only its hooks."""
    return lambda look: _after_hooks(look, following)


_STAGES: Mapping[Stage, Callable[[Look], Decision]] = {
    Stage.PRE_SCALE_UP: _pre_scale_up,
    Stage.SCALE_UP: _scale_up,
    Stage.POST_SCALE_UP: _pass_on(Stage.TEST_TRAFFIC_SHIFT),
    Stage.TEST_TRAFFIC_SHIFT: _test_traffic,
    Stage.POST_TEST_TRAFFIC_SHIFT: _pass_on(Stage.PRE_PRODUCTION_TRAFFIC_SHIFT),
    Stage.PRE_PRODUCTION_TRAFFIC_SHIFT: _pass_on(Stage.PRODUCTION_TRAFFIC_SHIFT),
    Stage.PRODUCTION_TRAFFIC_SHIFT: _shift,
    Stage.POST_PRODUCTION_TRAFFIC_SHIFT: _pass_on(Stage.BAKE_TIME),
    Stage.BAKE_TIME: _bake,
    Stage.CLEAN_UP: _clean_up,
}


# --- hooks, checks, words -------------------------------------------------------------


def _hooks(look: Look) -> tuple[Hook, ...]:
    if look.deployment.known_good:
        return ()
    stage = look.deployment.stage
    return tuple(h for h in look.service.deployment.hooks if h.stage is stage)


def _after_hooks(look: Look, following: Stage) -> Decision:
    return _run_hooks(look) or _enter(look, following, f"{look.deployment.stage} done")


def _run_hooks(look: Look, suffix: str = "") -> Decision | None:
    """The first hook of this stage that has not passed yet, or None when all have."""
    for hook in _hooks(look):
        job = f"{look.deployment.id}/{look.deployment.stage}/{hook.name}{suffix}"
        if job in look.deployment.passed:
            continue
        if hook.pause:
            return _wait_for_promote(look, hook, job)
        facts = (look.deployment.id, look.service.name, look.deployment.candidate)
        return _run(look, RunHook(job, hook, *facts, look.deployment.weight_bp), hook.name)
    return None


def _wait_for_promote(look: Look, hook: Hook, step: str) -> Decision:
    """ECS's PAUSE hook: a person goes on with `promote`; at its timeout it rolls back."""
    if look.deployment.promoted_by:
        passed = StepPassed(look.deployment.id, step, f"by {look.deployment.promoted_by}")
        return Decision(events=(passed,), reason=_say(look, f"{hook.name} passed"))
    since = max(look.deployment.stage_since, look.deployment.observed_at or 0)
    deadline = since + hook.timeout_ms
    if look.now >= deadline:
        return _fail(look, f"nobody promoted it at the pause {hook.name} in time")
    reason = f"waits at {hook.name} for: tidegate promote {look.service.name}"
    return Decision(reason=_say(look, reason), look_again_at=deadline)


def _run(look: Look, job: Job, what: str) -> Decision | None:
    """What to do until the job has passed; None once it is recorded."""
    if job.id in look.deployment.passed:
        return None
    result = look.seen.jobs.get(job.id)
    if result is None:
        return Decision((StartJob(job),), reason=_say(look, f"{what} started"))
    if result.state is JobState.RUNNING:
        return Decision(reason=_say(look, f"{what} running"))
    if result.state is JobState.FAILED:
        return _fail(look, f"{what} failed: {result.summary}")
    passed = StepPassed(look.deployment.id, job.id, result.summary)
    return Decision(events=(passed,), reason=_say(look, f"{what} passed"))


def _fail(look: Look, reason: str) -> Decision:
    started = RollbackStarted(
        look.deployment.id, RollbackEvent.FAILURE, reason, *_candidate_counts(look)
    )
    return Decision(events=(started,), reason=_say(look, f"rolls back: {reason}"))


def _enter(look: Look, stage: Stage, reason: str) -> Decision:
    entered = StageEntered(look.deployment.id, stage, reason)
    return Decision(events=(entered,), reason=_say(look, f"{stage}: {reason}"))


def _finish(look: Look, outcome: Outcome, reason: str) -> Decision:
    finished = DeploymentFinished(look.deployment.id, outcome, reason)
    return Decision(events=(finished,), reason=_say(look, f"{outcome}: {reason}"))


def _steps(look: Look) -> tuple[int, ...]:
    """The weights of the timetable; a first or a known-good deployment takes all at once."""
    if look.deployment.known_good or look.deployment.stable is None:
        return (ALL_BP,)
    return tuple(step.weight_bp for step in look.service.deployment.shift.steps)


def _hold_ms(look: Look) -> int:
    """How long the current step lasts once it is observed."""
    if look.deployment.step < 0 or _steps(look) == (ALL_BP,):
        return 0
    return hold_ms(look.service.deployment.shift, look.deployment.step) or 0


def _say(look: Look, what: str) -> str:
    return f"{look.service.name} v{look.deployment.candidate}: {what}"


def _percent(weight_bp: int) -> str:
    return f"{weight_bp / 100:g} %"


def _seconds(span_ms: int) -> str:
    return f"{span_ms / 1000:.1f} s"
