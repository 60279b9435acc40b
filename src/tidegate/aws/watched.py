"""Which CloudWatch metrics an alarm of the app file reads. Pure."""

from typing import Any

from tidegate.aws.refusals import alarms_of
from tidegate.core.model import Alarm, App, MissingData, Service

_HOSTS = "HealthyHostCount"
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
"""What guards a service on AWS that the file gives no alarm: no deployment is unguarded."""


def alarms(app: App, service: Service) -> tuple[Alarm, ...]:
    """The alarms that guard a service."""
    return alarms_of(app, service) or DEFAULTS


def is_shared(alarm: Alarm) -> bool:
    """Whether the alarm reads both target groups together."""
    return alarm.metric == _HOSTS


def queries(alarm: Alarm, balancer: str, groups: list[str]) -> list[dict[str, Any]]:
    """CloudWatch's `Metrics` of the alarm over these target groups (full names)."""
    if is_shared(alarm):
        found = [_read(f"m{n}", alarm, balancer, group) for n, group in enumerate(groups)]
        total = " + ".join(f"FILL(m{n}, 0)" for n in range(len(groups)))
        return [*found, _result(total)]
    (group,) = groups
    if alarm.metric == "ErrorPercent":
        errors = _read("errors", alarm, balancer, group, "HTTPCode_Target_5XX_Count")
        requests = _read("requests", alarm, balancer, group, "RequestCount")
        return [errors, requests, _result("100 * FILL(errors, 0) / requests")]
    return [{**_read("result", alarm, balancer, group), "returnData": True}]


def period_s(alarm: Alarm) -> int:
    """The alarm's period in whole minutes, rounded up."""
    return max(_LEAST_PERIOD_S, -(-alarm.period_ms // 60_000) * 60)


def _result(expression: str) -> dict[str, Any]:
    return {"id": "result", "expression": expression, "returnData": True}


def _read(
    name: str, alarm: Alarm, balancer: str, group: str, count: str | None = None
) -> dict[str, Any]:
    dimensions = [
        {"name": "LoadBalancer", "value": balancer},
        {"name": "TargetGroup", "value": group},
    ]
    metric = {
        "namespace": _NAMESPACE,
        "metricName": count or alarm.metric,
        "dimensions": dimensions,
    }
    stat = "Sum" if count else alarm.statistic
    return {
        "id": name,
        "metricStat": {"metric": metric, "period": period_s(alarm), "stat": stat},
        "returnData": False,
    }
