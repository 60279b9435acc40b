"""A service's metrics as CloudWatch would show them: by AWS's names, period by period."""

from dataclasses import dataclass

from tidegate.core import gauges
from tidegate.core.datapoints import GAUGES, Point, datapoints
from tidegate.core.model import Alarm, AlarmScope
from tidegate.core.progress import Progress
from tidegate.core.scaling.sample import BEAT_MS, NOTHING
from tidegate.core.seen import Seen
from tidegate.core.watch import seconds_for

MOST_POINTS = 60

SHOWN = (
    ("RequestCount", "Sum", ""),
    ("RequestCountPerTarget", "Sum", ""),
    ("TargetResponseTime", "p95", "s"),
    ("HTTPCode_Target_2XX_Count", "Sum", ""),
    ("HTTPCode_Target_3XX_Count", "Sum", ""),
    ("HTTPCode_Target_4XX_Count", "Sum", ""),
    ("HTTPCode_Target_5XX_Count", "Sum", ""),
    ("HealthyHostCount", "Minimum", ""),
    ("UnHealthyHostCount", "Maximum", ""),
    ("Concurrency", "Average", ""),
    ("CPUUtilization", "Average", "%"),
    ("MemoryUtilization", "Average", "%"),
    ("MemoryReservation", "Average", "%"),
    ("CapacityProviderReservation", "Average", "%"),
)
"""Each metric with the statistic that means most, and its unit."""


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric; `points` are oldest first, None where there is no data. `latest` is the newest
    one that there is."""

    name: str
    statistic: str
    unit: str
    latest: float | None
    points: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ServiceMetrics:
    """All metrics of one service."""

    service: str
    metrics: tuple[MetricView, ...]


@dataclass(frozen=True, slots=True)
class MetricsView:
    """Metrics in periods of `period_ms`; the newest ends about at `until` (ms)."""

    until: int
    period_ms: int
    services: tuple[ServiceMetrics, ...]


def period_for(since_ms: int) -> int:
    """The period (ms) that gives at most `MOST_POINTS`, in whole beats."""
    beats = -(-since_ms // (MOST_POINTS * BEAT_MS))
    return max(1, beats) * BEAT_MS


def view_metrics(
    progress: Progress, seen: Seen, services: tuple[str, ...], since_ms: int
) -> MetricsView:
    """The last `since_ms` of these services; `seen.metrics` must reach back so far."""
    period_ms = period_for(since_ms)
    count = max(3, -(-since_ms // period_ms))
    shown = []
    for name in services:
        rows = []
        for metric, statistic, unit in SHOWN:
            points = _points(progress, seen, name, _probe(metric, statistic, period_ms, count))
            rows.append(MetricView(metric, statistic, unit, _latest(points), points))
        shown.append(ServiceMetrics(name, tuple(rows)))
    return MetricsView(seen.metrics_until, period_ms, tuple(shown))


def _probe(metric: str, statistic: str, period_ms: int, count: int) -> Alarm:
    """An alarm's way to ask for so many datapoints; it looks at two more than it evaluates."""
    return Alarm(
        "", metric, 0, statistic, period_ms=period_ms, evaluation_periods=count - 2,
        scope=AlarmScope.SERVICE,
    )  # fmt: skip


def _points(progress: Progress, seen: Seen, name: str, probe: Alarm) -> tuple[Point, ...]:
    if probe.metric in GAUGES:
        return gauges.points(probe, seen.series.get(name, NOTHING), None)
    seconds = seconds_for(progress, seen, name, AlarmScope.SERVICE)
    if seconds is None:
        return (None,) * (probe.evaluation_periods + 2)
    return datapoints(probe, seconds, seen.metrics_until)


def _latest(points: tuple[Point, ...]) -> Point:
    return next((point for point in reversed(points) if point is not None), None)
