"""Which CloudWatch metrics an alarm of the app file reads, and its numbers in AWS's periods. Pure.

One machine knows the candidate; a template does not. So an alarm that guards a deployment is made
for blue and for green, one that reads the service for both together, and so is one that no
deployment hangs on.
"""

from dataclasses import dataclass, replace
from typing import Any

from tidegate.core.datapoints import COUNTS
from tidegate.core.model import Alarm, AlarmScope, App, MissingData, Service

_HOSTS = ("HealthyHostCount", "UnHealthyHostCount")
OF_TASKS = ("CPUUtilization", "MemoryUtilization")
PER_TARGET = "RequestCountPerTarget"
UNKNOWN = ("Concurrency", "MemoryReservation", "CapacityProviderReservation")
"""ALB publishes no concurrency; reservations are the cluster's, and `capacity` shows them."""
_NAMESPACE = "AWS/ApplicationELB"
_LEAST_PERIOD_S = 60
"""The load balancer publishes once a minute."""

DEFAULTS = (
    Alarm("errors", "ErrorPercent", 5.0, evaluation_periods=2, datapoints_to_alarm=2),
    Alarm(
        "slow",
        "TargetResponseTime",
        3.0,
        statistic="p99",
        evaluation_periods=3,
        datapoints_to_alarm=3,
    ),
    Alarm(
        "unhealthy",
        "UnHealthyHostCount",
        0.0,
        statistic="Maximum",
        evaluation_periods=3,
        datapoints_to_alarm=3,
        treat_missing_data=MissingData.NOT_BREACHING,
    ),
)
"""What guards a service on AWS that the file gives no such alarm: no deployment is unguarded."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What an alarm may read: target groups by their full names, and the tasks' dimensions."""

    balancer: str
    groups: tuple[str, ...]
    tasks: tuple[tuple[str, str], ...] = ()


def of_service(app: App, service: Service) -> tuple[Alarm, ...]:
    """The alarms of the file that are about a service."""
    return tuple(alarm for alarm in app.alarms if alarm.service in (None, service.name))


def guards(app: App, service: Service) -> tuple[Alarm, ...]:
    """The alarms that stop a deployment of the service."""
    return tuple(alarm for alarm in of_service(app, service) if alarm.guards) or DEFAULTS


def others(app: App, service: Service) -> tuple[Alarm, ...]:
    """Those that no deployment hangs on, and those that invoke a step policy.

    One that does both is made twice: ECS's service needs its guards before it is there, and a
    policy needs the service.
    """
    invoked = {policy.alarm for policy in service.scaling.step}
    return tuple(a for a in of_service(app, service) if not a.guards or a.name in invoked)


def is_shared(alarm: Alarm) -> bool:
    """Whether the alarm reads both target groups together, even as a guard."""
    return alarm.metric == "HealthyHostCount" or alarm.scope is AlarmScope.SERVICE


def on_aws(alarm: Alarm) -> Alarm:
    """The alarm in whole minutes. What is counted grows with its period, so its threshold does."""
    threshold = alarm.threshold * factor(alarm)
    return replace(alarm, period_ms=period_s(alarm) * 1_000, threshold=threshold)


def factor(alarm: Alarm) -> float:
    """By how much a datapoint grows when its period is rounded up."""
    counted = alarm.statistic == "Sum" and alarm.metric in (*COUNTS, PER_TARGET)
    return period_s(alarm) * 1_000 / alarm.period_ms if counted else 1.0


def period_s(alarm: Alarm) -> int:
    """The alarm's period in whole minutes, rounded up."""
    return max(_LEAST_PERIOD_S, -(-alarm.period_ms // 60_000) * 60)


def queries(alarm: Alarm, sources: Sources) -> list[dict[str, Any]]:
    """CloudWatch's `Metrics` of the alarm over these sources.

    Percentiles of two groups cannot be added up: the larger one counts.
    """
    if alarm.metric in OF_TASKS:
        stat = _stat(("AWS/ECS", alarm.metric), sources.tasks, period_s(alarm), alarm.statistic)
        return [{"id": "result", "metricStat": stat, "returnData": True}]
    if alarm.metric == "ErrorPercent":
        errors = _each("errors", alarm, sources, ("HTTPCode_Target_5XX_Count", "Sum"))
        requests = _each("requests", alarm, sources, ("RequestCount", "Sum"))
        share = f"100 * ({_total(errors)}) / {_sum(requests)}"
        return [*errors, *requests, _result(share)]
    if alarm.metric == PER_TARGET:
        requests = _each("requests", alarm, sources, ("RequestCount", "Sum"))
        hosts = _each("hosts", alarm, sources, ("HealthyHostCount", "Average"))
        return [*requests, *hosts, _result(f"({_total(requests)}) / ({_total(hosts)})")]
    found = _each("m", alarm, sources, (alarm.metric, alarm.statistic))
    if len(found) == 1:
        return [{**found[0], "id": "result", "returnData": True}]
    names = ", ".join(one["id"] for one in found)
    adds_up = alarm.metric in _HOSTS or alarm.statistic in ("Sum", "SampleCount")
    return [*found, _result(_total(found) if adds_up else f"MAX([{names}])")]


def load_per_task(sources: Sources) -> list[dict[str, Any]]:
    """Requests a minute of both colours for each task of one, as target tracking follows them.

    While a deployment has two sets of tasks, each set is as large as the service should be; so the
    larger number of hosts counts, not their sum.
    """
    probe = Alarm("", PER_TARGET, 0, period_ms=60_000)
    requests = _each("requests", probe, sources, ("RequestCount", "Sum"))
    hosts = _each("hosts", probe, sources, ("HealthyHostCount", "Average"))
    for one in (*requests, *hosts):
        del one["metricStat"]["period"]  # target tracking has its own, a minute
    most = ", ".join(f"FILL({one['id']}, 0)" for one in hosts)
    return [*requests, *hosts, _result(f"({_total(requests)}) / MAX([{most}])")]


def _sum(requests: list[dict[str, Any]]) -> str:
    """What errors are a share of; of one group it is missing where nobody asked."""
    return f"({_total(requests)})" if len(requests) > 1 else str(requests[0]["id"])


def _total(found: list[dict[str, Any]]) -> str:
    return " + ".join(f"FILL({one['id']}, 0)" for one in found)


def _result(expression: str) -> dict[str, Any]:
    return {"id": "result", "expression": expression, "returnData": True}


def _each(name: str, alarm: Alarm, sources: Sources, what: tuple[str, str]) -> list[dict[str, Any]]:
    """One query for each target group, of (metric, statistic)."""
    found = []
    for n, group in enumerate(sources.groups):
        dimensions = (("LoadBalancer", sources.balancer), ("TargetGroup", group))
        stat = _stat((_NAMESPACE, what[0]), dimensions, period_s(alarm), what[1])
        number = str(n) if len(sources.groups) > 1 else ""
        found.append({"id": f"{name}{number}", "metricStat": stat, "returnData": False})
    return found


def _stat(
    metric: tuple[str, str], of: tuple[tuple[str, str], ...], period: int, stat: str
) -> dict[str, Any]:
    dimensions = [{"name": name, "value": value} for name, value in of]
    names = {"namespace": metric[0], "metricName": metric[1], "dimensions": dimensions}
    return {"metric": names, "period": period, "stat": stat}
