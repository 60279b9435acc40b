"""The app files that the stacks are tested on, their templates, and what reviewers say of them.

Node takes seconds to start, so every variant is synthesised once, in one process.
`python -m tests.support.aws_stacks` writes the golden templates again.
"""

import copy
import json
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tidegate.aws.names import Names
from tidegate.aws.template import templates
from tidegate.core.model import App
from tidegate.spec import loads

GOLDEN = Path(__file__).parents[1] / "golden" / "aws"
Template = dict[str, Any]

_CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef"
VARIANTS = {
    "native-fargate": """\
app: catsndogs
aws: {source: ann/catsndogs, strategy: LINEAR, bake: 5m}
services:
  home: {build: home, route: /}
  cats: {build: cats, route: /cats, deployment: {checks: [/cats]}}
  dogs: {build: dogs, route: /dogs}
""",
    "codedeploy-ec2": f"""\
app: catsndogs
aws:
  controller: codedeploy
  capacity: {{launch: ec2, base: 2, on_demand: 1, spot: 3}}
  certificate: {_CERTIFICATE}
  source: {{repository: ann/catsndogs, token: on}}
  strategy: ECSLinear10PercentEvery1Minutes
  bake: 5m
  budget: 150
  vpc: {{zones: 3}}
  test_from: [203.0.113.0/24]
pipeline: {{approval: on}}
alarms:
  errors: {{metric: ErrorPercent, threshold: 1}}
  hosts: {{metric: HealthyHostCount, threshold: 1, comparison: LessThanThreshold}}
services:
  home: {{build: home, route: /}}
  cats:
    build: cats
    route: {{path: /cats, headers: {{x-beta: "on*"}}}}
    sticky: on
    secrets: {{DB_PASSWORD: {{from_env: DB_PASSWORD}}}}
    test: pytest -q
    deployment:
      checks: [/cats]
      hooks: [{{stage: PRE_PRODUCTION_TRAFFIC_SHIFT, name: look, pause: on, timeout: 1h}}]
  dogs: {{image: "nginx:1.27", port: 8000, route: /dogs}}
""",
    "native-ec2": """\
app: shop
aws:
  capacity: {launch: ec2, max_instances: 5}
  architecture: arm64
  strategy: {canary: {percent: 2.5, hold: 90s}}
  protect: off
  vpc:
    id: vpc-0a1b2c3d
    public_subnets: [subnet-0a1b2c3d, subnet-1a2b3c4d]
    private_subnets: [subnet-2a3b4c5d, subnet-3a4b5c6d]
capacity: {providers: {own: {max: 4}, cheap: {kind: spot, max: 4}}}
services:
  web:
    build: web
    capacity_provider_strategy: [{capacity_provider: own, base: 2}, {capacity_provider: cheap}]
    scaling: {target: {requests: 50, cpu: 70}, scale_in_after: 2m}
    deployment:
      hooks: [{stage: POST_TEST_TRAFFIC_SHIFT, name: look, pause: on, timeout: 2h}]
""",
    "codedeploy-fargate": """\
app: shop
aws:
  controller: codedeploy
  capacity: {base: 1, on_demand: 0, spot: 1}
  strategy: {linear: {percent: 20, every: 3s}}
  vpc: {egress: single-nat}
services:
  web:
    build: web
    deployment: {rollback_on: [DEPLOYMENT_FAILURE]}
    scaling:
      policies:
        - PolicyName: load
          TargetTrackingScalingPolicyConfiguration:
            TargetValue: 600
            PredefinedMetricSpecification: {PredefinedMetricType: ALBRequestCountPerTarget}
            ScaleInCooldown: 120
            DisableScaleIn: true
        - PolicyName: out
          Alarm: Busy
          StepScalingPolicyConfiguration:
            AdjustmentType: ChangeInCapacity
            StepAdjustments:
              - {MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 100, ScalingAdjustment: 1}
              - {MetricIntervalLowerBound: 100, ScalingAdjustment: 2}
            Cooldown: 60
      scheduled:
        - ScheduledActionName: morning
          Schedule: cron(0 8 ? * MON-FRI *)
          ScalableTargetAction: {MinCapacity: 2}
alarms:
  Busy: {metric: RequestCount, threshold: 500, period: 10s, scope: service}
  errors: {metric: ErrorPercent, threshold: 1}
""",
}


@cache
def app(variant: str) -> App:
    """The app of a variant."""
    return loads(VARIANTS[variant])


@cache
def stacks(variant: str) -> dict[str, Template]:
    """The templates of a variant by stack. Not to be changed."""
    return templates(app(variant))


def platform(variant: str) -> Template:
    """The platform's template."""
    return stacks(variant)[Names(app(variant).name).platform_stack]


def service(variant: str, name: str = "") -> Template:
    """The template of a service: the one of that name, or the last."""
    known = app(variant)
    return stacks(variant)[Names(known.name).service_stack(name or known.services[-1].name)]


def everything(variant: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every resource of a variant: stack, logical id, resource."""
    for stack, template in stacks(variant).items():
        for logical, resource in template["Resources"].items():
            yield stack, logical, resource


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """The properties of the resources of a type by logical id; `kind` without `AWS::`."""
    found = template["Resources"].items()
    return {k: r.get("Properties", {}) for k, r in found if r["Type"] == f"AWS::{kind}"}


def only(template: Template, kind: str) -> dict[str, Any]:
    """The properties of the one resource of a type."""
    (found,) = of_type(template, kind).values()
    return found


def normalised(template: Template) -> str:
    """A template as its golden file: without the functions' code and our version."""
    told = copy.deepcopy(template)
    for properties in of_type(told, "Lambda::Function").values():
        properties["Code"] = {"ZipFile": "…"}
    text = json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return text.replace(f'"{version("tidegate")}"', '"…"')


def goldens() -> Iterator[tuple[Path, str]]:
    """Golden files and what they should hold: between them every kind of resource that there is."""
    wanted = {
        "native-fargate": ("platform", "svc-cats"),
        "codedeploy-ec2": ("platform", "svc-cats"),
        "codedeploy-fargate": ("svc-web",),  # scaling of every kind
    }
    for variant, ends in wanted.items():
        for end in ends:
            name = f"{Names(app(variant).name).prefix}-{end}"
            yield GOLDEN / variant / f"{name}.json", normalised(stacks(variant)[name])


@cache
def nag(variant: str) -> set[tuple[str, str]]:
    """What cdk-nag's AwsSolutions finds: rule, and logical id of the resource."""
    from aws_cdk import Validations
    from cdk_nag import AwsSolutionsChecks

    from tidegate.aws.stack.synth import build

    stacks(variant)  # finds Node first
    cdk = build(app(variant))
    Validations.of(cdk).add_plugins(AwsSolutionsChecks(cdk))
    report = Path(cdk.synth().directory) / "validation-report.json"
    if not report.is_file():
        return set()
    return {
        (found["ruleName"], place["constructPath"].rpartition("/")[2])
        for plugin in json.loads(report.read_text())["pluginReports"]
        for found in plugin["violations"]
        for place in found["violatingConstructs"]
    }


def write_goldens() -> None:
    """Write the golden templates."""
    for path, text in goldens():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    write_goldens()
