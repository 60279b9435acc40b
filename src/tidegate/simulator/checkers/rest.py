"""Liveness: once faults stop, everything ends, nothing is left over, and nothing flaps."""

from tidegate.core.decision import AlarmState, VerdictKind
from tidegate.core.model import ALL_BP, App, GateMode, Service
from tidegate.core.progress import TaskPhase
from tidegate.core.rematch import alarm_of
from tidegate.core.seen import Health, TaskState
from tidegate.core.tasks import BACKOFF_MOST_MS
from tidegate.simulator.checkers.case import Case
from tidegate.simulator.checkers.rest_capacity import capacity_bound_ms, restless_capacity
from tidegate.simulator.checkers.rest_scaling import scaling_bound_ms

_JOBS_MS = 10_000  # what a build, a test and a scan take at most here


def under_way(case: Case) -> str | None:
    """What has not ended yet, or None."""
    last_ask_ms = max((ask.at_ms or 0 for ask in case.options.asks), default=0)
    if case.now <= last_ask_ms:
        return "an operator has yet to ask for something"
    for execution in case.progress.executions.values():
        if execution.live:
            stage = execution.stage
            return f"execution {execution.id} is still in {stage.stage if stage else 'the queue'}"
    for deployment in case.progress.deployments.values():
        if deployment.live:
            return f"deployment {deployment.id} is still in {deployment.stage}"
    for service in case.progress.services.values():
        if service.waiting:
            return f"v{service.waiting.release} of {service.name} still waits"
    return None


def left_over(case: Case) -> str | None:
    """How the world differs from what the stable releases need, or None.

    Exactly the desired tasks, healthy and registered; no other container or target; all traffic on
    stable, the test listener closed. The gate's alarm tells what is known of what runs.
    stable, the test listener closed. Where a task that cannot stay up shares instances with others,
    those move for ever as well, and nothing is asked.
    """
    if case.options.app.capacity is not None and case.restless():
        return None
    wanted: set[str] = set()
    for service in case.options.app.services:
        found = _astray(case, service, wanted) or _untold(case, service)
        if found:
            return found
    ending = [
        task.id
        for task in case.progress.tasks.values()
        if task.phase is not TaskPhase.HEALTHY and not case.restless(task.service)
    ]
    if ending:
        return f"task {ending[0]} is still {case.progress.tasks[ending[0]].phase}"
    found = restless_capacity(case)
    if found:
        return found
    strays = sorted(set(case.world.fleet.tasks) - wanted)
    if strays:
        return f"{strays[0]} is an orphan container"
    targets = sorted(set(case.world.balancer.targets) - wanted)
    return f"{targets[0]} is an orphan target" if targets else None


def _astray(case: Case, service: Service, wanted: set[str]) -> str | None:
    known = case.progress.services.get(service.name)
    if known is None or known.stable is None:
        return None
    if case.restless(service.name):
        wanted.update(task.id for task in case.progress.tasks_of(service.name, known.stable))
        return None
    tasks = [
        task
        for task in case.world.fleet.tasks.values()
        if task.service.name == service.name
        and task.release == known.stable
        and task.state is TaskState.RUNNING
        and task.health is Health.HEALTHY
    ]
    wanted.update(task.id for task in tasks)
    serving = {task.id for task in case.world.balancer.serving(service.name, known.colour)}
    if len(tasks) != known.desired or serving != {task.id for task in tasks}:
        return (
            f"{service.name} v{known.stable} has {len(tasks)} healthy tasks of {known.desired}, "
            f"{len(serving)} with traffic"
        )
    held = case.world.balancer.held.get(service.name)
    if held is None or held.test is not None or held.weight_bp(known.colour) != ALL_BP:
        return f"{service.name} is routed as {held} with {known.colour} stable"
    return None


def _untold(case: Case, service: Service) -> str | None:
    """Whether the gate's alarm of the service says something else than the data of now."""
    known = case.progress.services.get(service.name)
    if not case.options.published or known is None or known.stable is None:
        return None
    content = case.world.workshop.made[case.progress.releases[known.stable].digest]
    bad = case.world.advisories.truth(content, None) is not VerdictKind.PASSED
    wanted = bad and case.options.app.gate.mode is not GateMode.OFF
    alarm = case.progress.alarms.get(alarm_of(service.name))
    told = alarm is not None and alarm.state is AlarmState.ALARM
    if wanted == told:
        return None
    return (
        f"{service.name} v{known.stable} is {'' if bad else 'not '}vulnerable, and that is untold"
    )


def bound_ms(case: Case) -> int:
    """The longest way to the end from here: whatever waits takes all the time that it may."""
    progress = case.progress
    pending = sum(execution.live for execution in progress.executions.values())
    pending += sum(deployment.live for deployment in progress.deployments.values())
    pending += sum(service.waiting is not None for service in progress.services.values())
    app = case.options.app
    slowest_ms = max(_longest_ms(app, service) for service in app.services)
    last_ask_ms = max((ask.at_ms or 0 for ask in case.options.asks), default=0)
    pending_ms = (pending + 1) * slowest_ms + max(0, last_ask_ms - case.now)
    return pending_ms + capacity_bound_ms(app, pending) + scaling_bound_ms(app)


def _longest_ms(app: App, service: Service) -> int:
    """What a deployment of that service takes at most, from the push to the last clean-up."""
    policy = service.deployment
    pipeline_ms = _JOBS_MS + (app.pipeline.approval_timeout_ms if app.pipeline.approval else 0)
    hooks_ms = sum(hook.timeout_ms for hook in policy.hooks) * (len(policy.shift.steps) + 1)
    shift_ms = policy.shift.steps[-1].at_ms + policy.bake_ms + hooks_ms
    end_ms = service.drain_timeout_ms + service.stop_grace_ms
    return pipeline_ms + shift_ms + policy.scale_up_timeout_ms + end_ms + BACKOFF_MOST_MS
