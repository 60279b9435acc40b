"""CloudWatch datapoints: one number for each period of an alarm, out of seconds of traffic.

Sources: Elastic Load Balancing user guide, "CloudWatch metrics for your Application Load
Balancer" (names, and when a metric is published); CloudWatch user guide, "Statistics definitions".
Low-sample percentiles are always evaluated, as is CloudWatch's default.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from types import MappingProxyType

from tidegate.core.kept import Kept
from tidegate.core.metrics import BUCKET_BOUNDS_US, Second, at_ms_of, between, merge, percentile_us
from tidegate.core.model import Alarm

Point = float | None
"""A datapoint of one period; None when it is missing."""

GAUGES = frozenset(
    {
        "HealthyHostCount",
        "UnHealthyHostCount",
        "RequestCountPerTarget",
        "CPUUtilization",
        "MemoryUtilization",
        "MemoryReservation",
        "CapacityProviderReservation",
        "Concurrency",
    }
)
"""Metrics that traffic alone does not tell; `core.gauges` reads them from what was measured."""

USUAL: Mapping[str, str] = MappingProxyType(
    {
        "TargetResponseTime": "p95",
        "HealthyHostCount": "Minimum",
        "UnHealthyHostCount": "Maximum",
        **dict.fromkeys(
            (
                "Concurrency",
                "CPUUtilization",
                "MemoryUtilization",
                "MemoryReservation",
                "CapacityProviderReservation",
            ),
            "Average",
        ),
    }
)
"""The statistic that means most where it is not Sum; CloudWatch itself takes none for granted."""

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")

_READ: Kept[tuple[Point, ...]] = Kept(256)
"""Whole evaluation ranges: between the ends of two periods every look asks for the same one."""
_OVER: Kept[Point] = Kept(512)
"""Periods that are over: the next range holds them, all but one, as well."""


def _class_count(second: Second, first_digit: int) -> int:
    return sum(count for digit, count in second.status if digit == first_digit)


COUNTS: Mapping[str, Callable[[Second], int]] = MappingProxyType(
    {
        "RequestCount": lambda s: s.requests,
        "HTTPCode_Target_2XX_Count": lambda s: _class_count(s, 2),
        "HTTPCode_Target_3XX_Count": lambda s: _class_count(s, 3),
        "HTTPCode_Target_4XX_Count": lambda s: _class_count(s, 4),
        "HTTPCode_Target_5XX_Count": lambda s: s.errors,
    }
)
"""Metrics that count requests, by AWS/ApplicationELB's names."""

METRICS = frozenset({*COUNTS, "TargetResponseTime", "ErrorPercent"}) | GAUGES
"""Every metric that an alarm may name."""


@cache
def is_statistic(text: str) -> bool:
    """Whether CloudWatch knows this statistic: Sum, Average, Minimum, Maximum, SampleCount, pNN."""
    return text in {"Sum", "Average", "Minimum", "Maximum", "SampleCount"} or bool(
        _PERCENTILE.fullmatch(text)
    )


def datapoints(alarm: Alarm, seconds: Sequence[Second], until_ms: int) -> tuple[Point, ...]:
    """The alarm's evaluation range: N + 2 aligned, complete periods up to `until_ms`, oldest first.

    As ALB does, a metric is published only for a period with requests; `RequestCount` is published
    as 0 once the target group has answered anything in `seconds`. Unlike ALB, which then leaves a
    count of zero out, the other counts are 0 for a period with requests but none of the kind:
    "no errors" is knowledge. `HTTPCode_Target_5XX_Count` includes requests that got no answer.
    `ErrorPercent` is 100 x errors / requests of the period, whatever the statistic.
    """
    first, count = _range(alarm, until_ms)
    numbers = range(first, first + count)
    read = between(seconds, first * alarm.period_ms, (first + count) * alarm.period_ms)
    points = _READ.get((alarm, first, *read[:1]), read, lambda: _points(alarm, numbers, read))
    if alarm.metric == "RequestCount":
        known = next((s.at_ms // alarm.period_ms for s in seconds if s.requests), None)
        if known is not None:
            return tuple(
                0.0 if point is None and first + index > known else point
                for index, point in enumerate(points)
            )
    return points


def reads(alarm: Alarm, until_ms: int) -> tuple[int, int]:
    """From and until when (ms) seconds count for `datapoints`; from 0 when even the first does."""
    first, count = _range(alarm, until_ms)
    begins = 0 if alarm.metric == "RequestCount" else first
    return begins * alarm.period_ms, (first + count) * alarm.period_ms


def gauge_datapoints(
    alarm: Alarm, samples: Iterable[tuple[int, float]], until_ms: int
) -> tuple[Point, ...]:
    """`datapoints` for a gauge, out of (time in ms, value) samples, in any order.

    Of `RequestCountPerTarget` only the Sum means something, as in ALB: it is always taken.
    """
    first, count = _range(alarm, until_ms)
    periods: list[list[float]] = [[] for _ in range(count)]
    for at_ms, value in samples:
        index = at_ms // alarm.period_ms - first
        if 0 <= index < count:
            periods[index].append(value)
    if alarm.metric == "RequestCountPerTarget":
        return tuple(sum(period) if period else None for period in periods)
    return tuple(_statistic(alarm.statistic, sorted(period)) for period in periods)


def _points(alarm: Alarm, numbers: range, seconds: tuple[Second, ...]) -> tuple[Point, ...]:
    """The datapoints of the periods of these numbers."""
    ends = ((number + 1) * alarm.period_ms for number in numbers)
    cuts = [0, *(bisect_left(seconds, end, key=at_ms_of) for end in ends)]
    return tuple(_point(alarm, seconds[low:high]) for low, high in pairwise(cuts))


def _point(alarm: Alarm, period: tuple[Second, ...]) -> Point:
    """The datapoint of one period, out of all its seconds."""
    if not period:
        return None
    key = (alarm.metric, alarm.statistic, period[0])
    return _OVER.get(key, period, lambda: _made(alarm, [s for s in period if s.requests]))


def _made(alarm: Alarm, seconds: Sequence[Second]) -> Point:
    if not seconds:
        return None
    total = merge if alarm.metric == "TargetResponseTime" else _counts
    return _value(alarm, total(seconds))


def _counts(seconds: Sequence[Second]) -> Second:
    """`merge` without the latencies, which cost most of its time."""
    status: dict[int, int] = {}
    for second in seconds:
        for code_class, count in second.status:
            status[code_class] = status.get(code_class, 0) + count
    requests = sum([second.requests for second in seconds])
    errors = sum([second.errors for second in seconds])
    return Second(seconds[0].at_ms, requests, errors, (), tuple(status.items()))


def _range(alarm: Alarm, until_ms: int) -> tuple[int, int]:
    """The number of the first period in the evaluation range, and how many there are."""
    count = alarm.evaluation_periods + 2
    return until_ms // alarm.period_ms - count, count


def _value(alarm: Alarm, total: Second) -> Point:
    """The datapoint of one period with requests."""
    if alarm.metric == "ErrorPercent":
        return 100 * total.errors / total.requests
    if alarm.metric == "TargetResponseTime":
        return _response_time_s(alarm.statistic, total)
    count = COUNTS[alarm.metric](total)
    if alarm.statistic in {"Sum", "SampleCount"}:
        return float(count)
    # Each request is one sample of value 1: AWS says of these counts that "Minimum, Maximum, and
    # Average all return 1".
    return float(min(count, 1))


def _response_time_s(statistic: str, total: Second) -> Point:
    """Seconds; each request counts with the upper bound of its bucket, at most 5 % too high."""
    samples = sum(count for _, count in total.latency)
    if samples == 0:
        return None
    sum_us = sum(BUCKET_BOUNDS_US[bucket] * count for bucket, count in total.latency)
    match statistic:
        case "SampleCount":
            return float(samples)
        case "Sum":
            return sum_us / 1e6
        case "Average":
            return sum_us / samples / 1e6
        case "Minimum":
            return BUCKET_BOUNDS_US[total.latency[0][0]] / 1e6
        case "Maximum":
            return BUCKET_BOUNDS_US[total.latency[-1][0]] / 1e6
        case _:
            value_us = percentile_us(total, float(statistic[1:]))
            return None if value_us is None else value_us / 1e6


def _statistic(statistic: str, ordered: Sequence[float]) -> Point:
    """A CloudWatch statistic of plain samples in rising order; None without samples."""
    if not ordered:
        return None
    match statistic:
        case "SampleCount":
            return float(len(ordered))
        case "Sum":
            return float(sum(ordered))
        case "Average":
            return sum(ordered) / len(ordered)
        case "Minimum":
            return float(ordered[0])
        case "Maximum":
            return float(ordered[-1])
        case _:
            rank = -(-len(ordered) * float(statistic[1:]) // 100)
            return float(ordered[max(0, int(rank) - 1)])
