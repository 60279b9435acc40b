"""What the user asked for: an app, its services and their policies, as plain frozen data.

`tidegate.spec` builds these from `tidegate.yaml`; nothing here reads a file.
Time is integer milliseconds. Weights are basis points (`_bp`): 10,000 is all traffic, 10 is 0.1 %.
"""

from dataclasses import dataclass
from enum import StrEnum

ALL_BP = 10_000


class Colour(StrEnum):
    """One of the two target groups of a service. A place; the part it plays is a role."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> "Colour":
        return Colour.GREEN if self is Colour.BLUE else Colour.BLUE


class Role(StrEnum):
    """The part that a release plays in a service now."""

    STABLE = "stable"
    CANDIDATE = "candidate"


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
class Header:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Route:
    """A listener rule: a path prefix and, if given, headers that must all be equal."""

    path: str = "/"
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How a task shows that it is healthy. A new task needs one pass, as in ALB."""

    path: str = "/"
    interval_ms: int = 1_000
    timeout_ms: int = 1_000
    healthy_threshold: int = 2
    unhealthy_threshold: int = 2
    grace_period_ms: int = 30_000


@dataclass(frozen=True, slots=True)
class Security:
    """The hardening of a container. The defaults take everything away; a service asks back."""

    user: str | None = None
    read_only: bool = True
    tmpfs: tuple[str, ...] = ("/tmp", "/run")
    capabilities: tuple[str, ...] = ()
    pids_limit: int = 128


@dataclass(frozen=True, slots=True)
class Secret:
    """An environment variable whose value is read where the task starts, and never stored.

    `source` is `env:NAME` (the daemon's environment) or `file:PATH`.
    """

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Build:
    """How an image is made: a folder of the revision with a Dockerfile, or a ready image."""

    context: str = "."
    dockerfile: str = "Dockerfile"
    args: tuple[tuple[str, str], ...] = ()
    image: str | None = None


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

    Exit 0 or a 2xx answer is success; anything else, or no answer in time, rolls back.
    A `pause` hook waits for `promote`; at its timeout it rolls back (ECS's default).
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
    `TargetResponseTime` in seconds, `HealthyHostCount`) or `ErrorPercent` (5xx share in percent).
    `statistic` is Sum, Average, Minimum, Maximum, SampleCount or pNN (a percentile, e.g. p95).
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


@dataclass(frozen=True, slots=True)
class AnalysisPolicy:
    """The sequential comparison of candidate with stable (`core.analysis`).

    `false_rollback_rate` bounds the chance that an equal candidate is ever rolled back.
    A difference under `error_margin` or `slow_margin` (shares, 0..1) never rolls back.
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


@dataclass(frozen=True, slots=True)
class TaskCount:
    """min ≤ desired ≤ max; `desired` is where a first deployment starts."""

    minimum: int = 1
    desired: int = 2
    maximum: int = 10


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the app, as its release freezes it."""

    name: str
    port: int = 80
    build: Build = Build()
    routes: tuple[Route, ...] = (Route(),)
    cpu_units: int = 256
    memory_mib: int = 128
    count: TaskCount = TaskCount()
    health: HealthCheck = HealthCheck()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    secrets: tuple[Secret, ...] = ()
    security: Security = Security()
    test: tuple[str, ...] = ()
    deployment: DeploymentPolicy = DeploymentPolicy()
    stop_grace_ms: int = 10_000
    drain_timeout_ms: int = 30_000
    sticky: bool = False
    retry_unsafe: bool = False


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the app answers: production, test traffic, the header that reaches the candidate."""

    address: str = "127.0.0.1"
    port: int = 8080
    test_port: int = 8081
    test_header: str = "x-tidegate-test"
    certificate: str | None = None


class GateMode(StrEnum):
    """Whether the scan gate judges (`enforce`) or is switched off by the file (`off`)."""

    ENFORCE = "enforce"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """The policy of the scan gate: how many findings of a severity are let through.

    `limits` holds (severity, most allowed) pairs; a severity without a pair is not limited.
    """

    mode: GateMode = GateMode.ENFORCE
    limits: tuple[tuple[str, int], ...] = (("CRITICAL", 0), ("HIGH", 0))


@dataclass(frozen=True, slots=True)
class PipelinePolicy:
    """What a push goes through before it is deployed."""

    branch: str = "main"
    approval: bool = False
    approval_timeout_ms: int = 3_600_000
    stage_timeout_ms: int = 1_800_000


@dataclass(frozen=True, slots=True)
class App:
    """What `tidegate.yaml` describes. `retention` good releases of each service are kept."""

    name: str
    services: tuple[Service, ...]
    listener: Listener = Listener()
    alarms: tuple[Alarm, ...] = ()
    gate: GatePolicy = GatePolicy()
    pipeline: PipelinePolicy = PipelinePolicy()
    retention: int = 5

    def service(self, name: str) -> Service | None:
        """The service of that name, or None."""
        return next((s for s in self.services if s.name == name), None)


@dataclass(frozen=True, slots=True)
class Release:
    """A numbered pair of image and service settings, never changed once made.

    `digest` names the image by content. `verdict` is the gate's word on that digest.
    """

    number: int
    service: Service
    digest: str
    commit: str
    execution: str
    verdict: str
    made_at: int

    @property
    def label(self) -> str:
        return f"v{self.number}"
