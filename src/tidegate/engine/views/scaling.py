"""How a service is scaled: its bounds, what each policy sees now, and what was done of late."""

from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.core.model import Service
from tidegate.core.scaling import totals, tracking
from tidegate.core.scaling.bounds import bounds
from tidegate.core.scaling.calendar import text_of
from tidegate.core.scaling.look import Look, look_at
from tidegate.core.scaling.policy import ScheduledAction, StepScaling, TargetTracking, Totals
from tidegate.core.scaling.schedule import next_due
from tidegate.core.scaling.state import UNSCALED, Activity
from tidegate.core.watch import alarm_key, alarm_named
from tidegate.engine.views.groups import Sight


@dataclass(frozen=True, slots=True)
class PolicyView:
    """One policy and what it sees now; `kind` is totals, TargetTracking, Step or Scheduled."""

    name: str
    kind: str
    now: str


@dataclass(frozen=True, slots=True)
class ActivityView:
    """One change of the desired count; `status` is in Application Auto Scaling's words.

    `before` is None where nothing tells it.
    """

    at: int
    policy: str
    before: int | None
    after: int
    reason: str
    status: str


@dataclass(frozen=True, slots=True)
class ScalingView:
    """One service. `running` is what the policies reckon from, None when it cannot be read."""

    service: str
    minimum: int
    desired: int
    maximum: int
    running: int | None
    policies: tuple[PolicyView, ...]
    activities: tuple[ActivityView, ...]


def view_scaling(sight: Sight) -> tuple[ScalingView, ...]:
    """Every service of the app file, scaled or not."""
    app = sight.progress.app
    known = (s for s in app.services if s.name in sight.progress.services) if app else ()
    return tuple(_service(sight, service) for service in known)


def _service(sight: Sight, service: Service) -> ScalingView:
    progress = sight.progress
    least, most = bounds(progress, service.name)
    look = look_at(progress, service, sight.seen, sight.now)
    state = progress.scaling.get(service.name, UNSCALED)
    healthy = look.counts.coming if look else 0
    done = state.activities
    latest = done[-1] if done else None
    return ScalingView(
        service.name,
        least,
        progress.services[service.name].desired,
        most,
        look.counts.running if look else None,
        tuple(_policies(sight, service, look)),
        tuple(_activity(one, one is not latest or healthy == one.after) for one in done),
    )


def _activity(one: Activity, fulfilled: bool) -> ActivityView:
    told = status(one, fulfilled)
    return ActivityView(one.at, one.policy, one.before, one.after, one.reason, told)


def status(one: Activity, fulfilled: bool) -> str:
    """The activity's `StatusMessage`, as Application Auto Scaling words it."""
    end = "Change successfully fulfilled by ecs."
    waits = "Waiting for change to be fulfilled by ecs."
    return f"Successfully set desired count to {one.after}. {end if fulfilled else waits}"


def _policies(sight: Sight, service: Service, look: Look | None) -> Iterator[PolicyView]:
    scaling = service.scaling
    if scaling.totals:
        yield PolicyView("totals", "totals", _totals(look, scaling.totals))
    for tracked in scaling.tracking:
        yield PolicyView(tracked.name, "TargetTracking", _tracking(look, tracked))
    for stepped in scaling.step:
        yield PolicyView(stepped.name, "Step", _step(sight, service, stepped))
    for action in scaling.scheduled:
        yield PolicyView(action.name, "Scheduled", _scheduled(sight, service, action))


def _totals(look: Look | None, policy: Totals) -> str:
    needs = totals.need_now(look, policy) if look else ()
    texts = [f"{n.value:.4g} {n.metric}: {n.tasks:.1f} tasks" for n in needs]
    return ", ".join(texts) or "nothing could be measured"


def _tracking(look: Look | None, policy: TargetTracking) -> str:
    points = tracking.points_of(look, policy.metric) if look else ()
    value = next((p for p in reversed(points) if p is not None), None)
    shown = "no data" if value is None else f"{value:.4g}"
    return f"{policy.metric} {shown}, target {policy.target:g}"


def _step(sight: Sight, service: Service, policy: StepScaling) -> str:
    alarm = alarm_named(sight.progress, service.name, policy.alarm)
    known = sight.progress.alarms.get(alarm_key(service.name, alarm)) if alarm else None
    return f"alarm {policy.alarm} is {known.state if known else 'INSUFFICIENT_DATA'}"


def _scheduled(sight: Sight, service: Service, action: ScheduledAction) -> str:
    state = sight.progress.scaling.get(service.name, UNSCALED)
    at = next_due(action.schedule, state.due_from.get(action.name, sight.now))
    return f"{action.schedule}, {f'next {text_of(at)}' if at is not None else 'not again'}"
