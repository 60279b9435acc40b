"""How Application Auto Scaling scales a service: bounds, policies, and what it did of late."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.names import ServiceOutput as Out
from tidegate.aws.reading.alarms import described
from tidegate.aws.reading.service import Place, ServiceSeen, ms
from tidegate.core.scaling.calendar import text_of
from tidegate.core.scaling.schedule import ScheduleError, next_due
from tidegate.engine.views.scaling import ActivityView, PolicyView, ScalingView

_API = "application-autoscaling"
_MOST_ACTIVITIES = 20
_COUNT = re.compile(r"desired count to (\d+)")
_POLICY = re.compile(r"triggered policy (\S+)|scheduled action name (\S+)")


def scaling(account: Account, seen: ServiceSeen, now: int) -> ScalingView:
    """One service; without a scalable target its bounds are what it has now."""
    place, desired = seen.place, int(seen.ecs.get("desiredCount", 0))
    running = seen.ecs.get("runningCount")
    target = _target(account, place)
    if target is None:
        return ScalingView(place.service, desired, desired, desired, running, (), ())
    return ScalingView(
        place.service,
        int(target["MinCapacity"]),
        desired,
        int(target["MaxCapacity"]),
        running,
        tuple(_policies(account, place, target, now)),
        activities(account, place),
    )


def _target(account: Account, place: Place) -> Mapping[str, Any] | None:
    if Out.SCALABLE_TARGET_ID not in place.outputs:
        return None
    ask = {"ServiceNamespace": "ecs", "ResourceIds": [place.outputs[Out.SCALABLE_TARGET_ID]]}
    found = account.ask(_API, "describe_scalable_targets", **ask)["ScalableTargets"]
    return found[0] if found else None


def _of(place: Place) -> dict[str, str]:
    return {"ServiceNamespace": "ecs", "ResourceId": place.outputs[Out.SCALABLE_TARGET_ID]}


def _policies(
    account: Account, place: Place, target: Mapping[str, Any], now: int
) -> Iterator[PolicyView]:
    of = _of(place)
    policies = list(account.each(_API, "describe_scaling_policies", "ScalingPolicies", **of))
    names = [str(a["AlarmName"]) for one in policies for a in one.get("Alarms", ())]
    states = {name: str(a["StateValue"]) for name, a in described(account, names).items()}
    held = _held(target)
    for one in policies:
        told = ", ".join(filter(None, (_rule(one), _alarms(one, states), held)))
        yield PolicyView(str(one["PolicyName"]), _kind(one), told)
    actions = account.each(_API, "describe_scheduled_actions", "ScheduledActions", **of)
    for action in actions:
        due = _due(str(action["Schedule"]), now)
        yield PolicyView(str(action["ScheduledActionName"]), "Scheduled", due)


def _held(target: Mapping[str, Any]) -> str:
    """Our hook holds scaling in while CodeDeploy has two task sets."""
    held = target.get("SuspendedState") or {}
    ways = [way for way in ("In", "Out") if held.get(f"DynamicScaling{way}Suspended")]
    return f"held: no scaling {' or '.join(way.lower() for way in ways)}" if ways else ""


def _kind(one: Mapping[str, Any]) -> str:
    return {"TargetTrackingScaling": "TargetTracking", "StepScaling": "Step"}.get(
        one["PolicyType"], str(one["PolicyType"])
    )


def _rule(one: Mapping[str, Any]) -> str:
    tracked = one.get("TargetTrackingScalingPolicyConfiguration")
    if not tracked:
        return ""
    predefined = (tracked.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType")
    metric = predefined or "requests a minute of both colours per task"
    return f"{metric}, target {tracked['TargetValue']:g}"


def _alarms(one: Mapping[str, Any], states: Mapping[str, str]) -> str:
    told = []
    for alarm in one.get("Alarms", ()):
        name = str(alarm["AlarmName"])
        way = next((w for end, w in _ENDS.items() if end in name), f"alarm {name}")
        told.append(f"{way} is {states.get(name, 'INSUFFICIENT_DATA')}")
    return ", ".join(told)


_ENDS = {"AlarmHigh": "its alarm for more", "AlarmLow": "its alarm for less"}
"""What Application Auto Scaling calls the alarms that it makes for target tracking."""


def _due(schedule: str, now: int) -> str:
    try:
        at = next_due(schedule, now)
    except ScheduleError:
        return schedule  # made by hand, in words that the app file does not take
    return f"{schedule}, {f'next {text_of(at)}' if at is not None else 'not again'}"


def activities(account: Account, place: Place) -> tuple[ActivityView, ...]:
    """The newest changes of the count, the oldest first.

    AWS tells what the count was set to; what it was before is what the activity before had set.
    """
    ask = {**_of(place), "MaxResults": _MOST_ACTIVITIES}
    found = account.ask(_API, "describe_scaling_activities", **ask)["ScalingActivities"]
    views: list[ActivityView] = []
    for one in sorted(found, key=lambda one: ms(one["StartTime"])):
        count = _COUNT.search(str(one.get("Description", "")))
        if count is None:
            continue  # new bounds that left the count as it was
        cause = str(one.get("Cause", ""))
        by = _POLICY.search(cause)
        name = (by[1] or by[2]) if by else "AWS"
        before = views[-1].after if views else None
        status = str(one.get("StatusMessage") or one["StatusCode"])
        at = ms(one["StartTime"])
        views.append(ActivityView(at, name, before, int(count[1]), cause, status))
    return tuple(views)
