"""A service's alarms as CloudWatch has them: rule, state, reason, and the last datapoints."""

from collections.abc import Mapping
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.cloudwatch import query, read
from tidegate.aws.names import ServiceOutput as Out
from tidegate.aws.reading.service import Place, ms
from tidegate.core.datapoints import Point
from tidegate.core.decision import AlarmState
from tidegate.core.model import Alarm, App, Comparison
from tidegate.engine.views.alarms import AlarmDetail

_MORE = 2
"""CloudWatch looks at more periods than it evaluates; so many are shown besides."""
GONE = "CloudWatch has no such alarm"


def alarms(account: Account, app: App, place: Place, now: int) -> tuple[AlarmDetail, ...]:
    """Those that guard the service, then those that only scale it or are watched."""
    guards, others = place.list_of(Out.ALARM_NAMES), place.list_of(Out.OTHER_ALARM_NAMES)
    known = described(account, [*guards, *others])
    return tuple(
        _alarm(account, app, place, known[name], (name in guards, now))
        if name in known
        else _gone(place.service, name, name in guards)
        for name in [*guards, *others]
    )


def described(account: Account, names: list[str]) -> dict[str, Mapping[str, Any]]:
    """What CloudWatch says of them, by name; without those that it has not."""
    if not names:
        return {}
    ask = {"AlarmNames": names, "AlarmTypes": ["MetricAlarm"]}
    found = account.each("cloudwatch", "describe_alarms", "MetricAlarms", **ask)
    return {str(one["AlarmName"]): one for one in found}


def _gone(service: str, name: str, guards: bool) -> AlarmDetail:
    state = AlarmState.INSUFFICIENT_DATA.value
    rule = ("unknown", "unknown", Comparison.GREATER.value, 0.0, 60_000, 1, 1)
    return AlarmDetail(name, service, state, None, GONE, *rule, (), guards, ())


def _alarm(
    account: Account, app: App, place: Place, one: Mapping[str, Any], more: tuple[bool, int]
) -> AlarmDetail:
    guards, now = more
    queries = queries_of(one)
    stats = [found["MetricStat"] for found in queries if "MetricStat" in found]
    period_ms = max((int(stat["Period"]) for stat in stats), default=60) * 1_000
    written = _written(app, place.service, str(one.get("AlarmDescription", "")))
    names = dict.fromkeys(str(stat["Metric"]["MetricName"]) for stat in stats)
    periods = int(one.get("EvaluationPeriods", 1))
    return AlarmDetail(
        str(one["AlarmName"]),
        place.service,
        str(one["StateValue"]),
        ms(one.get("StateTransitionedTimestamp") or one.get("StateUpdatedTimestamp")) or None,
        str(one.get("StateReason", "")),
        written.metric if written else " and ".join(names),
        written.statistic if written else str(stats[0]["Stat"]) if stats else "",
        str(one.get("ComparisonOperator", "")),
        float(one.get("Threshold", 0)),
        period_ms,
        int(one.get("DatapointsToAlarm") or periods),
        periods,
        _points(account, queries, period_ms, (periods + _MORE, now)),
        guards,
        tuple(map(policy_of, filter(_scales, one.get("AlarmActions", ())))),
    )


def queries_of(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the alarm reads, as GetMetricData takes it."""
    if one.get("Metrics"):
        return [dict(found) for found in one["Metrics"]]
    if not one.get("MetricName"):
        return []
    what = (one["Namespace"], one["MetricName"], list(one.get("Dimensions", ())))
    statistic = one.get("Statistic") or one.get("ExtendedStatistic", "")
    return [query("result", what, int(one.get("Period", 60)), statistic)]


def _written(app: App, service: str, description: str) -> Alarm | None:
    """The rule of the file that a stack made the alarm of; its description names it."""
    return next((a for a in app.alarms if description.startswith(f"{service}/{a.name} ")), None)


def _points(
    account: Account, queries: list[dict[str, Any]], period_ms: int, span: tuple[int, int]
) -> tuple[Point, ...]:
    """The newest `count` datapoints of the query that the alarm compares, oldest first."""
    count, now = span
    result = next((one["Id"] for one in queries if one.get("ReturnData", True)), None)
    if result is None:
        return ()
    until = now // period_ms * period_ms
    since = until - count * period_ms
    series = read(account, queries, since, until).get(result, {})
    return tuple(series.get(at) for at in range(since, until, period_ms))


def _scales(action: str) -> bool:
    return ":scalingPolicy:" in action


def policy_of(arn: str) -> str:
    """The name of a scaling policy: `…:policyName/NAME`, perhaps with `:createdBy/…` after it."""
    return arn.partition(":policyName/")[2].partition(":")[0]
