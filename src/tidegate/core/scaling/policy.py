"""What the app file says of a service's scaling, as plain frozen data.

AWS's names are those of Application Auto Scaling's API (`PutScalingPolicy`,
`PutScheduledAction`). Time is integer milliseconds.
"""

from dataclasses import dataclass
from enum import StrEnum


class Metric(StrEnum):
    """What a target tracking policy can follow: AWS's `PredefinedMetricType`, and two of ours.

    `ALBRequestCountPerTarget` counts requests per minute and task; `concurrency` is requests under
    way per task; `p95` is the 95th percentile of the response time, in seconds.
    """

    CPU = "ECSServiceAverageCPUUtilization"
    MEMORY = "ECSServiceAverageMemoryUtilization"
    REQUESTS = "ALBRequestCountPerTarget"
    CONCURRENCY = "concurrency"
    P95 = "p95"


class AdjustmentType(StrEnum):
    """What a step's number means, by AWS's names."""

    CHANGE = "ChangeInCapacity"
    EXACT = "ExactCapacity"
    PERCENT = "PercentChangeInCapacity"


class Aggregation(StrEnum):
    """AWS's `MetricAggregationType`: how the latest datapoints become the one that is compared."""

    AVERAGE = "Average"
    MINIMUM = "Minimum"
    MAXIMUM = "Maximum"


COOLDOWN_MS = 300_000
"""ECS's default for every cooldown."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The recommended controller: a load in total, divided by what one task should carry.

    `requests` per second, `concurrency` (requests under way), `cpu_percent` and `memory_percent` of
    the task's reservation are for each task; `p95_ms` is a limit of the response time. Requests
    that take longer than `panic_ms` on average make one beat enough. `fallback` tasks are had at
    least while nothing can be measured. Nothing goes before `scale_in_after_ms` of lower need.
    """

    requests: float | None = None
    concurrency: float | None = None
    cpu_percent: float | None = None
    memory_percent: float | None = None
    p95_ms: int | None = None
    panic_ms: int = 1_000
    fallback: int = 0
    scale_in_after_ms: int = 300_000

    @property
    def name(self) -> str:
        """As events name it."""
        return "totals"


@dataclass(frozen=True, slots=True)
class TargetTracking:
    """AWS's `TargetTrackingScalingPolicyConfiguration`."""

    name: str
    metric: Metric
    target: float
    scale_out_cooldown_ms: int = COOLDOWN_MS
    scale_in_cooldown_ms: int = COOLDOWN_MS
    disable_scale_in: bool = False


@dataclass(frozen=True, slots=True)
class StepAdjustment:
    """`adjustment` counts between the bounds, which are relative to the alarm's threshold.

    None is no bound. AWS: `MetricIntervalLowerBound`, `MetricIntervalUpperBound`.
    """

    lower: float | None
    upper: float | None
    adjustment: int


@dataclass(frozen=True, slots=True)
class StepScaling:
    """AWS's `StepScalingPolicyConfiguration`, invoked by the alarm of that name."""

    name: str
    alarm: str
    adjustment_type: AdjustmentType
    steps: tuple[StepAdjustment, ...]
    cooldown_ms: int = COOLDOWN_MS
    minimum_magnitude: int | None = None
    aggregation: Aggregation = Aggregation.AVERAGE


@dataclass(frozen=True, slots=True)
class ScheduledAction:
    """New bounds at a time: `cron(...)`, `rate(...)` or `at(...)`, in UTC. None: it stays."""

    name: str
    schedule: str
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Scaling:
    """All that scales one service; nothing does when all of it is empty."""

    totals: Totals | None = None
    tracking: tuple[TargetTracking, ...] = ()
    step: tuple[StepScaling, ...] = ()
    scheduled: tuple[ScheduledAction, ...] = ()

    @property
    def on(self) -> bool:
        """Whether anything scales the service."""
        return bool(self.totals or self.tracking or self.step or self.scheduled)

    @property
    def reads_p95(self) -> bool:
        """Whether a percentile has to be measured for it."""
        tracked = any(policy.metric is Metric.P95 for policy in self.tracking)
        return tracked or (self.totals is not None and self.totals.p95_ms is not None)


NO_SCALING = Scaling()
"""What a service has that says nothing of scaling."""
