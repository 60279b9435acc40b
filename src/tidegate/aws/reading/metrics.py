"""A service's metrics out of CloudWatch, by the names that they have on one machine.

Counts and hosts are the sum over both target groups. A percentile of two groups cannot be added up:
the slower one is shown. `Concurrency` is not there, because ALB does not publish it.
"""

from collections.abc import Iterator
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.cloudwatch import Series, query, read
from tidegate.aws.names import PlatformOutput
from tidegate.aws.names import ServiceOutput as Out
from tidegate.aws.reading.service import Place
from tidegate.aws.traffic import Group, dimension_of
from tidegate.aws.watched import OF_TASKS, PER_TARGET, UNKNOWN
from tidegate.core.datapoints import Point
from tidegate.core.model import Colour
from tidegate.engine.views.metrics import (
    MOST_POINTS,
    SHOWN,
    MetricsView,
    MetricView,
    ServiceMetrics,
)

MINUTE_MS = 60_000


def metrics(account: Account, places: tuple[Place, ...], since_ms: int, now: int) -> MetricsView:
    """The last `since_ms` of these services. Raises `AccountError` or `CloudFailed`."""
    period_ms = period_for(since_ms)
    until = now // period_ms * period_ms
    times = range(until - max(3, -(-since_ms // period_ms)) * period_ms, until, period_ms)
    found = (_service(account, place, times) for place in places)
    return MetricsView(until, period_ms, tuple(found))


def period_for(since_ms: int) -> int:
    """The period (ms) that gives at most `MOST_POINTS`, in whole minutes."""
    return max(1, -(-since_ms // (MOST_POINTS * MINUTE_MS))) * MINUTE_MS


def _service(account: Account, place: Place, times: range) -> ServiceMetrics:
    queries = list(_queries(place, times.step // 1_000))
    series = read(account, queries, times.start, times.stop)
    rows = []
    for name, statistic, unit in SHOWN:
        if name in UNKNOWN:
            continue
        points = tuple(_point(series, name, at) for at in times)
        latest = next((point for point in reversed(points) if point is not None), None)
        rows.append(MetricView(name, statistic, unit, latest, points))
    return ServiceMetrics(place.service, tuple(rows))


def _queries(place: Place, period_s: int) -> Iterator[dict[str, Any]]:
    balancer = place.platform[PlatformOutput.LOAD_BALANCER_FULL_NAME]
    for name, statistic, _ in SHOWN:
        if name in OF_TASKS:
            names = {"ClusterName": place.cluster, "ServiceName": place.outputs[Out.SERVICE_NAME]}
            tasks = [{"Name": key, "Value": value} for key, value in names.items()]
            yield query(_id(name), ("AWS/ECS", name, tasks), period_s, statistic)
        elif name not in (*UNKNOWN, PER_TARGET):
            for colour in Colour:
                group = Group(balancer, dimension_of(place.group_arn(colour)))
                what = ("AWS/ApplicationELB", name, group.dimensions)
                yield query(_id(name, colour), what, period_s, statistic)


def _point(series: Series, name: str, at: int) -> Point:
    """The value of a metric in the period that begins at `at`, None where there is none."""
    if name in OF_TASKS:
        return series.get(_id(name), {}).get(at)
    if name == PER_TARGET:
        requests, hosts = (
            _point(series, "RequestCount", at),
            _point(series, "HealthyHostCount", at),
        )
        return requests / hosts if requests is not None and hosts else None
    both = [series.get(_id(name, colour), {}).get(at) for colour in Colour]
    known = [value for value in both if value is not None]
    if not known:
        return None
    return max(known) if name == "TargetResponseTime" else sum(known)


def _id(name: str, colour: str = "") -> str:
    """A query's id: letters, digits and underscores, a small one first."""
    return f"m_{name}_{colour}".rstrip("_")
