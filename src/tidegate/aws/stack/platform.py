"""The platform stack: what the services of an app share."""

from typing import Any

from aws_cdk import Fn, Stack
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codestarconnections as connections
from aws_cdk import aws_ssm as ssm

from tidegate.aws.names import Names, PlatformOutput
from tidegate.aws.settings import STANDARD_BYTES, gate_value
from tidegate.aws.stack import fleet as fleets
from tidegate.aws.stack import safe
from tidegate.aws.stack.balancer import balancer
from tidegate.aws.stack.dashboard import dashboard
from tidegate.aws.stack.network import place
from tidegate.aws.stack.notices import budget, topic
from tidegate.aws.stack.out import export
from tidegate.aws.stack.roles import allow, role, use_key, write_logs
from tidegate.core.model import App


def platform(stack: Stack, app: App) -> None:
    """Everything of the platform, and its outputs."""
    names, protect = Names(app.name), app.aws.protect
    key = safe.key(stack, protect)
    logs_bucket, logs_policy = safe.log_bucket(stack, protect)
    artifacts = safe.artifacts_bucket(stack, app, key.attr_arn, logs_bucket)
    flow_log = None
    if app.aws.network.vpc_id is None:
        flow_log = safe.log_group(stack, "FlowLogGroup", key.attr_arn, protect)
    placed = place(stack, app.aws.network, flow_log, names.role_path("service"))
    front = balancer(stack, app, placed, logs_bucket.ref, logs_policy)
    fleet = fleets.fleet(stack, app, placed, front.tasks)
    notices = topic(stack, key.attr_arn)
    budget(stack, app, notices.ref)
    board = dashboard(stack, front.load_balancer.attr_load_balancer_full_name, fleet.cluster.ref)
    _gate_policy(stack, app)
    scheme = "https" if app.aws.certificate else "http"
    dns_name = front.load_balancer.attr_dns_name
    outputs = {
        PlatformOutput.LOAD_BALANCER_DNS_NAME: dns_name,
        PlatformOutput.LOAD_BALANCER_ARN: front.load_balancer.ref,
        PlatformOutput.LOAD_BALANCER_FULL_NAME: front.load_balancer.attr_load_balancer_full_name,
        PlatformOutput.URL: Fn.join("", [f"{scheme}://", dns_name]),
        PlatformOutput.PRODUCTION_LISTENER_ARN: front.production.ref,
        PlatformOutput.TEST_LISTENER_ARN: front.test.ref,
        PlatformOutput.VPC_ID: placed.vpc_id,
        PlatformOutput.PRIVATE_SUBNET_IDS: Fn.join(",", placed.private),
        PlatformOutput.TASK_SECURITY_GROUP_ID: front.tasks.attr_group_id,
        PlatformOutput.CLUSTER_NAME: fleet.cluster.ref,
        PlatformOutput.CLUSTER_ARN: fleet.cluster.attr_arn,
        PlatformOutput.ON_DEMAND_PROVIDER: fleet.on_demand,
        PlatformOutput.SPOT_PROVIDER: fleet.spot,
        PlatformOutput.TOPIC_ARN: notices.ref,
        PlatformOutput.ARTIFACTS_BUCKET_NAME: artifacts.ref,
        PlatformOutput.ARTIFACTS_KEY_ARN: key.attr_arn,
        PlatformOutput.DASHBOARD_NAME: board.ref,
        PlatformOutput.LOAD_PROJECT_NAME: _load(stack, app, key.attr_arn, artifacts.attr_arn),
    }
    if fleet.groups:
        outputs[PlatformOutput.ON_DEMAND_GROUP_NAME] = fleet.groups[0]
        outputs[PlatformOutput.SPOT_GROUP_NAME] = fleet.groups[1]
    if app.aws.source and not app.aws.source.token:
        made = connections.CfnConnection(
            stack, "Connection", connection_name=_short(names.prefix), provider_type="GitHub"
        )
        outputs[PlatformOutput.CONNECTION_ARN] = made.attr_connection_arn
    for output, value in outputs.items():
        export(stack, names, output, value)


def _short(name: str) -> str:
    """A connection's name has at most 32 characters; it need not be the only one."""
    return name[:32].rstrip("-")


def _gate_policy(stack: Stack, app: App) -> None:
    """The gate's policy: outside the repository that it judges, changed by `up` only."""
    text = gate_value(app.gate)
    ssm.CfnParameter(
        stack,
        "GatePolicy",
        name=Names(app.name).gate_parameter,
        type="String",
        tier="Advanced" if len(text) > STANDARD_BYTES else "Standard",
        description="The policy of the scan gate, as the app file of the last `tidegate up` has it",
        value=text,
    )


def _load(stack: Stack, app: App, key_arn: str, bucket_arn: str) -> str:
    """The load generator as a task of CodeBuild: `tidegate load` uploads itself and starts it."""
    group = safe.log_group(stack, "LoadLog", key_arn, app.aws.protect)
    mine = Fn.join("", [bucket_arn, "/load/*"])
    taken = role(
        stack,
        "LoadRole",
        "codebuild.amazonaws.com",
        Names(app.name).role_path("service"),
        [
            allow(["s3:GetObject", "s3:PutObject"], [mine]),
            use_key(key_arn),
            write_logs(group.attr_arn),
        ],
    )
    steps = [
        'aws s3 cp --only-show-errors "$LOAD_SOURCE" load.zip',
        "python3 -m zipfile -e load.zip load && cd load",
        "python3 -m tidegate.load $LOAD_ARGUMENTS",
        'test -z "$LOAD_REPORT" || aws s3 cp --only-show-errors report.json "$LOAD_REPORT"',
    ]
    project = codebuild.CfnProject(
        stack,
        "LoadProject",
        description="Runs tidegate.load against the load balancer",
        service_role=taken.attr_arn,
        encryption_key=key_arn,
        artifacts={"type": "NO_ARTIFACTS"},
        environment=_environment(),
        source={"type": "NO_SOURCE", "buildSpec": stack.to_json_string(_spec(steps))},
        timeout_in_minutes=120,
        logs_config={"cloudWatchLogs": {"status": "ENABLED", "groupName": group.ref}},
    )
    return project.ref


def _spec(steps: list[str]) -> dict[str, Any]:
    runtime = {"runtime-versions": {"python": "latest"}}
    return {"version": 0.2, "phases": {"install": runtime, "build": {"commands": steps}}}


def _environment() -> dict[str, Any]:
    return {
        "type": "LINUX_CONTAINER",
        "computeType": "BUILD_GENERAL1_MEDIUM",
        "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
    }
