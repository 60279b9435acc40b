"""The hooks of a lifecycle stage, one after the other: commands, web calls, pauses for a person."""

from dataclasses import dataclass

from tidegate.core.decision import Decision, Job, RunHook, StartJob, StepPassed
from tidegate.core.look import Look
from tidegate.core.model import Hook
from tidegate.core.seen import JobState


@dataclass(frozen=True, slots=True)
class Failed:
    """A hook or a check failed, or nobody answered in time; the reason for the rollback."""

    reason: str


def hooks_of(look: Look) -> tuple[Hook, ...]:
    """The hooks of the stage that the deployment is in; a known-good release has earned them."""
    if look.deployment.known_good:
        return ()
    return tuple(hook for hook in look.policy.hooks if hook.stage is look.deployment.stage)


def run_hooks(look: Look, suffix: str = "") -> Decision | Failed | None:
    """The first hook of this stage that has not passed yet, or None when all have.

    `suffix` tells apart the runs of one hook in one stage: one for each step of the shift.
    """
    for hook in hooks_of(look):
        job = f"{look.deployment.id}/{look.deployment.stage}/{hook.name}{suffix}"
        if job in look.deployment.passed:
            continue
        if hook.pause:
            return _wait_for_promote(look, hook, job)
        facts = (look.deployment.id, look.service.name, look.deployment.candidate)
        return run(look, RunHook(job, hook, *facts, look.deployment.weight_bp), hook.name)
    return None


def run(look: Look, job: Job, what: str) -> Decision | Failed | None:
    """What to do until the job has passed; None once that is recorded."""
    if job.id in look.deployment.passed:
        return None
    result = look.seen.jobs.get(job.id)
    if result is None:
        return Decision((StartJob(job),), reason=look.say(f"{what} started"))
    if result.state is JobState.RUNNING:
        return look.wait(f"{what} running")
    if result.state is JobState.FAILED:
        return Failed(f"{what} failed: {result.summary}")
    passed = StepPassed(look.deployment.id, job.id, result.summary)
    return Decision(events=(passed,), reason=look.say(f"{what} passed"))


def _wait_for_promote(look: Look, hook: Hook, step: str) -> Decision | Failed:
    """ECS's PAUSE hook: a person goes on with `promote`; at its timeout it fails."""
    if look.deployment.promoted_by:
        by = f"by {look.deployment.promoted_by}"
        passed = StepPassed(look.deployment.id, step, by, promoted=True)
        return Decision(events=(passed,), reason=look.say(f"{hook.name} passed"))
    since = max(look.deployment.stage_since, look.deployment.observed_at or 0)
    deadline = since + hook.timeout_ms
    if look.now >= deadline:
        return Failed(f"nobody promoted it at the pause {hook.name} in time")
    return look.wait(f"waits at {hook.name} for: tidegate promote {look.service.name}", deadline)
