"""GetMetricData: queries of single metrics, and their values by time."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tidegate.aws.account import Account

Series = Mapping[str, Mapping[int, float]]
"""Values by time (ms), by the id of the query."""


def query(
    name: str, what: tuple[str, str, list[dict[str, str]]], period_s: int, statistic: str
) -> dict[str, Any]:
    """A query of GetMetricData for (namespace, metric, dimensions)."""
    namespace, metric, dimensions = what
    of = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": of, "Period": period_s, "Stat": statistic}}


def read(account: Account, queries: list[dict[str, Any]], since: int, until: int) -> Series:
    """The values of the queries in [since, until) (ms). Raises `AccountError`, `CloudFailed`."""
    series: dict[str, dict[int, float]] = {}
    ask = {
        "MetricDataQueries": queries,
        "StartTime": _time(since),
        "EndTime": _time(until),
        "ScanBy": "TimestampAscending",
    }
    for result in account.each("cloudwatch", "get_metric_data", "MetricDataResults", **ask):
        points = series.setdefault(result["Id"], {})
        for at, value in zip(result["Timestamps"], result["Values"], strict=True):
            points[round(at.timestamp() * 1_000)] = value
    return series


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1_000, UTC)
