"""App files that are right, and app files that are wrong, for the tests of `tidegate.spec`."""

from dataclasses import dataclass

SMALLEST = """\
app: catsndogs
services:
  cats:
    build: cats
    route: /cats
"""

EVERYTHING = """\
app: catsndogs
listener:
  address: 0.0.0.0
  port: 80
  test_port: 8443
  test_header: X-Canary
  certificate: /etc/tls.pem
deployment:
  strategy: {canary: {percent: 2.5, hold: 10s}}
  bake: 5m
  rollback_on: [DEPLOYMENT_FAILURE]
  analysis: {false_rollback_rate: 0.05, error_margin: 0.01, slow_margin: 0.1, warm_up: 10s}
  breaker: {percent: 30, min: 1, max: 10}
alarms:
  slow:
    metric: TargetResponseTime
    threshold: 0.5
    statistic: p95
    comparison: GreaterThanOrEqualToThreshold
    period: 1m
    evaluation_periods: 3
    datapoints_to_alarm: 2
    treat_missing_data: notBreaching
    scope: service
    service: cats
    guards: true
  CatsScaleUpAlarm: {metric: RequestCountPerTarget, threshold: 500, period: 1m}
gate:
  limits: {CRITICAL: 1, HIGH: unlimited, LOW: 100}
  only_fixable: no
  new_only: off
  on_unknown: warn
  grace: {CRITICAL: 1d, MEDIUM: 30d}
  data_age: {warn: 1d, fail: never}
  vex: [security/app.vex.json]
  scanner: trivy
  waivers:
    - {id: CVE-2026-0001, package: openssl*, service: cats, reason: not reachable, owner: ann,
       expires: 2026-12-31}
pipeline: {branch: production, approval: yes, approval_timeout: 24h, stage_timeout: 10m}
retention: 10
aws:
  region: eu-central-1
  controller: codedeploy
  capacity:
    {launch: ec2, base: 2, on_demand: 2, spot: 1, instances: [m7g.large], max_instances: 20}
  architecture: arm64
  vpc:
    cidr: 10.7.0.0/20
    zones: 3
    egress: single-nat
    id: vpc-0a1b2c3d
    public_subnets: [subnet-0a1b2c3d, subnet-1a2b3c4d]
    private_subnets: [subnet-2a3b4c5d, subnet-3a4b5c6d]
  certificate: arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef
  source: {repository: ann/catsndogs, token: on}
  strategy: ECSLinear10PercentEvery1Minutes
  bake: 5m
  budget: 150
  test_from: [203.0.113.0/24]
  protect: off
capacity:
  providers:
    on-demand:
      instance_type: m5.large
      min: 1
      max: 4
      launch: 5s
      instance_warmup_period: 10s
      zones: [b, c]
      target_capacity: 90
      minimum_scaling_step_size: 2
      maximum_scaling_step_size: 3
      managed_termination_protection: on
    spot: {kind: spot, cpu: 4096, memory: 8GiB, price: 0.05, on_demand_price: 0.17}
  default_strategy:
    - {capacity_provider: on-demand, base: 1, weight: 1}
    - {capacity_provider: spot, weight: 4}
  placement: [{type: spread, field: zone}, {type: binpack, field: memory}]
  interruption_notice: 1m
  idle: 1m
  disruption_budget: 20
  pending: 10s
  backoff: 1m
  backoff_max: 10m
  return_after: 5m
  return_every: 10s
  market: {seed: 7, storms_per_hour: 2.0, share: 50}
services:
  cats:
    capacity_provider_strategy: [spot]
    build: {context: cats, dockerfile: Dockerfile.web, args: {VERSION: 1.10}}
    port: 8000
    routes:
      - /cats
      - {path: /kittens/, headers: {X-Beta: on}}
    cpu: 512
    memory: 1.5GiB
    tasks: {min: 2, desired: 4, max: 20}
    scaling:
      target: {requests: 50, concurrency: 8, cpu: 60, memory: 80, p95: 300ms}
      scale_in_after: 2m
      panic: 500ms
      fallback: 4
      policies:
        - PolicyName: cpu
          PolicyType: TargetTrackingScaling
          TargetTrackingScalingPolicyConfiguration:
            TargetValue: 60
            PredefinedMetricSpecification: {PredefinedMetricType: ECSServiceAverageCPUUtilization}
            ScaleOutCooldown: 60
            ScaleInCooldown: 120
            DisableScaleIn: true
        - PolicyName: requests
          TargetTrackingScalingPolicyConfiguration:
            TargetValue: 1000
            PredefinedMetricSpecification: {PredefinedMetricType: ALBRequestCountPerTarget}
        - PolicyName: up
          Alarm: CatsScaleUpAlarm
          StepScalingPolicyConfiguration:
            AdjustmentType: PercentChangeInCapacity
            StepAdjustments:
              - {MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 100, ScalingAdjustment: 10}
              - {MetricIntervalLowerBound: 100, ScalingAdjustment: 30}
            MinAdjustmentMagnitude: 2
            MetricAggregationType: Maximum
        - PolicyName: down
          Alarm: slow
          StepScalingPolicyConfiguration:
            AdjustmentType: ChangeInCapacity
            StepAdjustments: [{MetricIntervalUpperBound: 0, ScalingAdjustment: -1}]
            Cooldown: 60
      scheduled:
        - ScheduledActionName: morning
          Schedule: cron(0 8 ? * MON-FRI *)
          ScalableTargetAction: {MinCapacity: 4}
        - ScheduledActionName: night
          Schedule: rate(1 day)
          ScalableTargetAction: {MaxCapacity: 6}
    health:
      path: /health
      interval: 5s
      timeout: 2s
      healthy_threshold: 3
      unhealthy_threshold: 4
      grace_period: 1m
    command: gunicorn -b 'unix:a b' app:main
    environment: {LOG_LEVEL: info, RATIO: 0.10, DEBUG: yes}
    secrets:
      DB_PASSWORD: {from_env: DB_PASSWORD}
      API_KEY: {from_file: /etc/api-key}
    security:
      user: 101
      read_only: off
      tmpfs: [/tmp]
      capabilities: [CHOWN]
      pids_limit: 512
    test: [pytest, -q, 5]
    deployment:
      strategy: LINEAR
      checks: [/cats, {path: /, status: 204, contains: 5, timeout: 5s, attempts: 5}]
      hooks:
        - {stage: POST_SCALE_UP, name: warm, command: ./warm}
        - {stage: PRE_PRODUCTION_TRAFFIC_SHIFT, name: wait, pause: true, timeout: 24h}
        - {stage: PRODUCTION_TRAFFIC_SHIFT, name: call, url: "http://127.0.0.1:9/x"}
      scale_up_timeout: 5m
      on_unknown: proceed
      analysis: off
    drain: 2m
    stop_grace: 30s
    sticky: true
    retry_unsafe: true
  dogs:
    image: nginx:1.27
    route: {path: /dogs}
"""


@dataclass(frozen=True)
class Bad:
    """A wrong file: the text that its error must hold, and whether a schema can see the fault."""

    name: str
    text: str
    says: tuple[str, ...]
    in_schema: bool = True


OTHERWISE = """\
app: other
gate:
  mode: off
  waivers: [{id: GHSA-x, reason: later, owner: bob, expires: 2026-11-30}]
alarms:
  errors: {metric: ErrorPercent, threshold: 1}
aws: {source: ann/other}
capacity:
  providers: {other: {}}
services:
  cats:
    route: {headers: {accept: text/html}}
    deployment: {rollback_on: []}
    scaling: {target: {p95: 1s}}
  dogs: {route: /dogs, scaling: 20}
"""
"""Other values than those of `EVERYTHING`, most of them by default."""


def _service(lines: str, rest: str = "") -> str:
    return f"app: x\n{rest}services:\n  cats:\n    build: cats\n    {lines}\n"


def _deployment(lines: str) -> str:
    return f"app: x\ndeployment:\n  {lines}\nservices: {{cats: {{build: cats}}}}\n"


def _aws(lines: str) -> str:
    return f"app: x\naws:\n  {lines}\nservices: {{cats: {{build: cats}}}}\n"


def _waivers(*waivers: str) -> str:
    rows = "".join(f"  - {waiver}\n" for waiver in waivers)
    return f"app: x\ngate:\n  waivers:\n{rows}services: {{cats: {{build: cats}}}}\n"


_STEP = (
    "{PolicyName: a, Alarm: Upp, StepScalingPolicyConfiguration: {"
    "AdjustmentType: ChangeInCapacity, StepAdjustments: ["
    "{MetricIntervalUpperBound: 5, ScalingAdjustment: 1}, "
    "{MetricIntervalLowerBound: 5, ScalingAdjustment: 2}]}}"
)


BAD = (
    Bad("region", _aws("region: Frankfurt"), ("an AWS region",)),
    Bad("controller", _aws("controller: ECS"), ("`ecs`", "`codedeploy`")),
    Bad("cidr", _aws("test_from: [10.0.0.1/8]"), ("a range of IPv4 addresses",), in_schema=False),
    Bad("vpc-size", _aws("vpc: 10.0.0.0/8"), ("/16 to /24",), in_schema=False),
    Bad("vpc", _aws("vpc: {id: vpc-0a1b2c3d}"), ("needs its subnets",), in_schema=False),
    Bad(
        "subnets",
        _aws("vpc: {public_subnets: [subnet-0a1b2c3d]}"),
        ("without their VPC",),
        in_schema=False,
    ),
    Bad(
        "weights",
        _aws("capacity: {on_demand: 0, spot: 0}"),
        ("both weights are 0",),
        in_schema=False,
    ),
    Bad("fargate", _aws("capacity: {instances: [m5.large]}"), ("launch: ec2",), in_schema=False),
    Bad("repository", _aws("source: catsndogs"), ("`owner/name`",)),
    Bad("unnamed", _aws("source: {token: on}"), ("aws.source.repository",)),
    Bad("key", _service("prot: 80"), ("f.yaml:5:5", "services.cats.prot", "did you mean `port`?")),
    Bad("no-key", _service("zzz: 80"), ("known keys: build, image",)),
    Bad("text", _service("port: eighty"), ("f.yaml:5:5", 'found the text "eighty"', "65535")),
    Bad("range", _service("port: 0"), ("whole number from 1 to 65535", "found the number 0")),
    Bad("float", _service("port: 80.5"), ("found the number 80.5",)),
    Bad("bool", _service("port: true"), ("found true",)),
    Bad("null", _service("health:"), ("found nothing", "for example `health: /health`")),
    Bad("list", _service("health: [/]"), ("found a list",)),
    Bad("switch", _service("sticky: perhaps"), ("`true` or `false`",)),
    Bad("memory", _service("memory: lots"), ("512MiB", 'found the text "lots"')),
    Bad("memory-unit", _service("memory: 512MB"), ("`512MiB`",)),
    Bad("memory-least", _service("memory: 5MiB"), ("from `6MiB`",), in_schema=False),
    Bad("cpu", _service("cpu: 1"), ("from 16 to",)),
    Bad("time", _service("drain: 10"), ("`500ms`", "found the number 10")),
    Bad("time-unit", _service("drain: 10 days"), ("`500ms`",)),
    Bad("time-most", _service("drain: 999h"), ("up to `168h`",), in_schema=False),
    Bad("time-least", _service("health: {interval: 5ms}"), ("from `100ms`",), in_schema=False),
    Bad("quote", _service("command: \"sh -c 'x\""), ("a command",), in_schema=False),
    Bad("outside", _service("port: 80").replace("build: cats", "build: ../cats"), ("inside",)),
    Bad("absolute", _service("port: 80").replace("build: cats", "build: /cats"), ("inside",)),
    Bad("image-too", _service("image: nginx"), ("both build and image",), in_schema=False),
    Bad("two-routes", _service("route: /\n    routes: [/]"), ("both route and",), in_schema=False),
    Bad("no-routes", _service("routes: []"), ("routes is empty",), in_schema=False),
    Bad("route", _service("route: cats"), ("begins with `/`",)),
    Bad("header", _service("route: {headers: {a b: c}}"), ("this name cannot be used",)),
    Bad("line", _service('route: {headers: {a: "b\\nc"}}'), ("printable",), in_schema=False),
    Bad("name", "app: x\nservices: {Cats: {}}", ("services.Cats", "lower-case")),
    Bad("app", "app: My App\nservices: {cats: {}}", ("lower-case",)),
    Bad("no-app", "services: {cats: {}}", ("app is missing", "add `app: catsndogs`")),
    Bad("no-services", "app: x\nservices: {}", ("at least one name", "found a mapping")),
    Bad("tasks", _service("tasks: {min: 4, max: 2}"), ("min ≤ desired ≤ max",), in_schema=False),
    Bad("tasks-0", _service("tasks: 0"), ("from 1 to 1000",)),
    Bad("user", _service("security: {user: a b}"), ("user:group",)),
    Bad("all", _service("security: {capabilities: [ALL]}"), ("not `ALL`",)),
    Bad("secret", _service("secrets: {A: {}}"), ("a secret has one source",), in_schema=False),
    Bad("secrets", _service("secrets: {A: {from_env: A, from_file: /a}}"), ("one source",),
        in_schema=False),
    Bad("both", _service("secrets: {A: {from_env: A}}\n    environment: {A: b}"),
        ("A is both in environment and in secrets",), in_schema=False),
    Bad("health", _service("health: {timeout: 2s, interval: 1s}"), ("longer than",),
        in_schema=False),
    Bad("ports", _service("port: 80", "listener: {port: 80, test_port: 80}\n"), ("both 80",),
        in_schema=False),
    Bad("address", _service("port: 80", "listener: {address: localhost}\n"), ("IPv4",)),
    Bad("shift", _deployment("strategy: LINAER"), ("did you mean `LINEAR`?",)),
    Bad("shifts", _deployment("strategy: {name: LINEAR, canary: {percent: 1, hold: 1s}}"),
        ("a strategy is one timetable",), in_schema=False),
    Bad("percent", _deployment("strategy: {linear: {percent: 0, every: 1s}}"), ("above 0",)),
    Bad("finer", _deployment("strategy: {linear: {percent: 0.001, every: 1s}}"), ("0.01",),
        in_schema=False),
    Bad("every", _deployment("strategy: {linear: {percent: 5}}"), ("linear.every is missing",)),
    Bad("steps", _deployment("strategy: {steps: [{at: 1s, percent: 100}]}"), ("no timetable",),
        in_schema=False),
    Bad("steps-fall", _deployment(
        "strategy: {steps: [{at: 0, percent: 50}, {at: 1s, percent: 20}, {at: 2s, percent: 100}]}"
    ), ("no timetable",), in_schema=False),
    Bad("stage", _deployment("hooks: [{stage: BAKE_TIME, name: a, pause: on}]"), ("hooks[0].stage",
        "POST_SCALE_UP")),
    Bad("pause", _deployment("hooks: [{stage: TEST_TRAFFIC_SHIFT, name: a, pause: on}]"),
        ("cannot have a pause hook",), in_schema=False),
    Bad("hook", _deployment("hooks: [{stage: PRE_SCALE_UP, name: a}]"), ("does one thing",),
        in_schema=False),
    Bad("hooks", _deployment("hooks: [{stage: PRE_SCALE_UP, name: a, pause: on}, "
        "{stage: PRE_SCALE_UP, name: a, command: x}]"), ("are named a",), in_schema=False),
    Bad("event", _deployment("rollback_on: [DEPLOYMENT_FAILED]"), ("`DEPLOYMENT_FAILURE`?",)),
    Bad("rate", _deployment("analysis: {false_rollback_rate: 1}"), ("below 1",)),
    Bad("breaker", _deployment("breaker: {min: 5, max: 2}"), ("min 5 is more than max 2",),
        in_schema=False),
    Bad("metric", _service("port: 80", "alarms: {e: {metric: ErrorPercnt, threshold: 1}}\n"),
        ("did you mean `ErrorPercent`?",)),
    Bad("statistic", _service("port: 80", "alarms: {e: {metric: ErrorPercent, threshold: 1, "
        "statistic: p101}}\n"), ("`pNN`",)),
    Bad("m-of-n", _service("port: 80", "alarms: {e: {metric: ErrorPercent, threshold: 1, "
        "datapoints_to_alarm: 2}}\n"), ("more than evaluation_periods",), in_schema=False),
    Bad("guards", _service("port: 80", "alarms: {e: {metric: ErrorPercent, threshold: 1, "
        "service: cat}}\n"), ("there is no service cat", "did you mean `cats`?"), in_schema=False),
    Bad("window", _service("port: 80", "alarms: {e: {metric: ErrorPercent, threshold: 1, "
        "period: 24h, evaluation_periods: 2}}\n"), ("at most 24h together",), in_schema=False),
    Bad("nothing-to-scale", _service("tasks: {min: 2, max: 2}\n    scaling: 50"),
        ("there is nothing to scale",), in_schema=False),
    Bad("target", _service("scaling: {target: {}}"), ("target is empty",), in_schema=False),
    Bad("scheduled-min", _service("tasks: {max: 4}\n    scaling: {scheduled: [{"
        "Schedule: rate(1 day), ScheduledActionName: a, ScalableTargetAction: {MinCapacity: 5}}]}"),
        ("MinCapacity 5 is more than the most, 4",), in_schema=False),
    Bad("scheduled-max", _service("tasks: {min: 2, max: 4}\n    scaling: {scheduled: [{"
        "Schedule: rate(1 day), ScheduledActionName: a, ScalableTargetAction: {MaxCapacity: 1}}]}"),
        ("MaxCapacity 1 is less than the least, 2",), in_schema=False),
    Bad("no-target", _service("scaling: {target: {requests: }}"),
        ("target is empty",), in_schema=False),
    Bad("scale-in", _service("scaling: {target: 5, scale_in_after: 2h}"),
        ("up to `1h`",), in_schema=False),
    Bad("policy", _service("scaling: {policies: [{PolicyName: a}]}"),
        ("a policy has one configuration",), in_schema=False),
    Bad("no-alarm", _service("scaling: {policies: [" + _STEP + "]}",
        "alarms: {Up: {metric: RequestCount, threshold: 1}}\n"),
        ("there is no alarm Upp", "did you mean `Up`?"), in_schema=False),
    Bad("others-alarm", _service("scaling: {policies: [" + _STEP + "]}",
        "alarms: {Upp: {metric: RequestCount, threshold: 1, service: dogs}}\n"),
        ("Upp watches dogs",), in_schema=False),
    Bad("gap", _service("scaling: {policies: [" + _STEP.replace("UpperBound: 5", "UpperBound: 4")
        + "]}"), ("a gap or an overlap",), in_schema=False),
    Bad("schedule", _service("scaling: {scheduled: [{ScheduledActionName: a, "
        "Schedule: cron(0 8 * * * *), ScalableTargetAction: {MinCapacity: 4}}]}"),
        ("`cron(...)` with six fields",), in_schema=False),
    Bad("gauge", _service("port: 80", "alarms: {e: {metric: CPUUtilization, threshold: 1, "
        "period: 1s}}\n"), ("measured every 5s",), in_schema=False),
    Bad("gate", _service("port: 80", "gate: of\n"), ("did you mean `off`?",)),
    Bad("limit", _service("port: 80", "gate: {limits: {CRITICAL: -1}}\n"), ("`unlimited`",)),
    Bad("severity", _service("port: 80", "gate: {limits: {critical: 1}}\n"),
        ("did you mean `CRITICAL`?",)),
    Bad("grace", _service("port: 80", "gate: {grace: {HIGH: 7}}\n"), ("such as `7d`",)),
    Bad("data-age", _service("port: 80", "gate: {data_age: {warn: 9d, fail: 7d}}\n"),
        ("warn ≤ fail",), in_schema=False),
    Bad("unknown", _service("port: 80", "gate: {on_unknown: pass}\n"), ("`refuse`, `warn`",)),
    Bad("waiver", _waivers("{id: CVE-1, reason: x, owner: ann}"),
        ("f.yaml:4:", "gate.waivers[0].expires is missing", "add `expires: ")),
    Bad("waiver-date", _waivers("{id: CVE-1, reason: x, owner: a, expires: 2026-02-30}"),
        ("a day of the calendar", 'found the text "2026-02-30"'), in_schema=False),
    Bad("waiver-id", _waivers("{id: '*', reason: x, owner: a, expires: 2026-12-31}"),
        ("the id of a vulnerability",)),
    Bad("waiver-why", _waivers("{id: CVE-1, reason: ' ', owner: a, expires: 2026-12-31}"),
        ("a few words",)),
    Bad("waiver-service", _waivers(
        "{id: CVE-1, reason: x, owner: a, expires: 2026-12-31, service: cat}"
    ), ("there is no service cat", "did you mean `cats`?"), in_schema=False),
    Bad("waiver-twice", _waivers(
        "{id: CVE-1, reason: x, owner: a, expires: 2026-12-31}",
        "{id: cve-1, reason: y, owner: b, expires: 2026-11-30}",
    ), ("cve-1 is waived twice", "gate.waivers[0] waives the same"), in_schema=False),
    Bad("gate-alarm", _service("port: 80", "alarms: {NewVulnerabilities: {metric: ErrorPercent, "
        "threshold: 1}}\n"), ("the gate has an alarm of that name",), in_schema=False),
    Bad("branch", _service("port: 80", "pipeline: {branch: a..b}\n"), ("name of a branch",)),
    Bad("retention", _service("port: 80", "retention: 0\n"), ("from 1 to 100",)),
)  # fmt: skip
"""`in_schema` False: only the loader sees it."""

SHARED_ROUTE = """\
app: x
services:
  a: {route: /cats}
  b: {route: {path: /cats/}}
  c: {}
"""
