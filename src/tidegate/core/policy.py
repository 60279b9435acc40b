"""How a service is deployed: stages, timetables, hooks, checks, alarms, and what rolls back.

Time is integer milliseconds. Weights are basis points (`_bp`): 10,000 is all traffic, 10 is 0.1 %.
"""

from dataclasses import dataclass
from enum import StrEnum

ALL_BP = 10_000


class LifecycleStage(StrEnum):
    """The stages of a deployment, by Amazon ECS's names and in its order.

    Source: ECS developer guide, "Lifecycle stages for Amazon ECS service deployments".
    """

    PRE_SCALE_UP = "PRE_SCALE_UP"
    SCALE_UP = "SCALE_UP"
    POST_SCALE_UP = "POST_SCALE_UP"
    TEST_TRAFFIC_SHIFT = "TEST_TRAFFIC_SHIFT"
    POST_TEST_TRAFFIC_SHIFT = "POST_TEST_TRAFFIC_SHIFT"
    PRE_PRODUCTION_TRAFFIC_SHIFT = "PRE_PRODUCTION_TRAFFIC_SHIFT"
    PRODUCTION_TRAFFIC_SHIFT = "PRODUCTION_TRAFFIC_SHIFT"
    POST_PRODUCTION_TRAFFIC_SHIFT = "POST_PRODUCTION_TRAFFIC_SHIFT"
    BAKE_TIME = "BAKE_TIME"
    CLEAN_UP = "CLEAN_UP"


class RollbackEvent(StrEnum):
    """What may roll a deployment back, by CodeDeploy's names (API `AutoRollbackConfiguration`)."""

    FAILURE = "DEPLOYMENT_FAILURE"
    ALARM = "DEPLOYMENT_STOP_ON_ALARM"
    REQUEST = "DEPLOYMENT_STOP_ON_REQUEST"


@dataclass(frozen=True, slots=True)
class ShiftStep:
    """At `at_ms` after the first step, `weight_bp` of production traffic is the candidate's."""

    at_ms: int
    weight_bp: int


@dataclass(frozen=True, slots=True)
class Shift:
    """A timetable of traffic. The first step is at 0 and the last is all traffic."""

    name: str
    steps: tuple[ShiftStep, ...] = (ShiftStep(0, ALL_BP),)


@dataclass(frozen=True, slots=True)
class TrafficCheck:
    """A smoke check on the test listener, before production traffic."""

    path: str
    status: int = 200
    contains: str | None = None
    timeout_ms: int = 2_000
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class Hook:
    """A command, a web call or a pause at a lifecycle stage.

    Exit 0 or a 2xx answer is success; anything else, or no answer in time, is a failure of the
    deployment. A `pause` hook waits for `promote`; its timeout is a failure (ECS's default).
    """

    stage: LifecycleStage
    name: str
    command: tuple[str, ...] = ()
    url: str | None = None
    pause: bool = False
    timeout_ms: int = 60_000


class Comparison(StrEnum):
    """CloudWatch's `ComparisonOperator` for static thresholds."""

    GREATER_OR_EQUAL = "GreaterThanOrEqualToThreshold"
    GREATER = "GreaterThanThreshold"
    LESS = "LessThanThreshold"
    LESS_OR_EQUAL = "LessThanOrEqualToThreshold"


class MissingData(StrEnum):
    """CloudWatch's `TreatMissingData`."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


class AlarmScope(StrEnum):
    """Which target group an alarm reads."""

    CANDIDATE = "candidate"
    STABLE = "stable"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A CloudWatch-style metric alarm: `datapoints_to_alarm` of `evaluation_periods` breach.

    `metric` is an AWS/ApplicationELB name (`RequestCount`, `HTTPCode_Target_5XX_Count`,
    `TargetResponseTime` in seconds, `HealthyHostCount`), an AWS/ECS name (`CPUUtilization`) or
    `ErrorPercent` (5xx share in percent); `core.datapoints` has them all. `statistic` is Sum,
    Average, Minimum, Maximum, SampleCount or pNN (a percentile, e.g. p95). Only one that `guards`
    holds or rolls back deployments; another is shown, and may invoke a step policy.
    """

    name: str
    metric: str
    threshold: float
    statistic: str = "Sum"
    comparison: Comparison = Comparison.GREATER
    period_ms: int = 10_000
    evaluation_periods: int = 1
    datapoints_to_alarm: int = 1
    treat_missing_data: MissingData = MissingData.MISSING
    scope: AlarmScope = AlarmScope.CANDIDATE
    service: str | None = None
    guards: bool = True

    def __hash__(self) -> int:
        """Its name: to hash the rest costs more than it tells apart."""
        return hash(self.name)


@dataclass(frozen=True, slots=True)
class AnalysisPolicy:
    """The sequential comparison of candidate with stable (`core.analysis`).

    `false_rollback_rate` bounds the chance that an equal candidate is ever rolled back.
    A difference that measures under `error_margin` or `slow_margin` (shares, 0..1) in the seconds
    of the finding does not roll back, however sure it is.
    """

    enabled: bool = True
    false_rollback_rate: float = 0.01
    error_margin: float = 0.005
    slow_margin: float = 0.05
    warm_up_ms: int = 2_000


class OnUnknown(StrEnum):
    """What to do while the evidence is UNKNOWN (no data, stale data, unreadable)."""

    HOLD = "hold"
    PROCEED = "proceed"


@dataclass(frozen=True, slots=True)
class Breaker:
    """When failed task starts fail the deployment (ECS deployment circuit breaker).

    threshold = clamp(ceil(percent x desired), minimum, maximum).
    """

    percent: int = 50
    minimum: int = 3
    maximum: int = 200


@dataclass(frozen=True, slots=True)
class DeploymentPolicy:
    """How a service moves from its stable release to a candidate."""

    shift: Shift = Shift("ECSAllAtOnce")
    bake_ms: int = 0
    checks: tuple[TrafficCheck, ...] = ()
    hooks: tuple[Hook, ...] = ()
    rollback_on: frozenset[RollbackEvent] = frozenset(RollbackEvent)
    analysis: AnalysisPolicy = AnalysisPolicy()
    breaker: Breaker = Breaker()
    scale_up_timeout_ms: int = 600_000
    on_unknown: OnUnknown = OnUnknown.HOLD


ALL_AT_ONCE = DeploymentPolicy()
"""What a service has that says nothing of its deployment."""
