"""The functions in the account, each in a stack of few resources: their code needs the room.

`gate` judges and can change nothing; `hook` reads metrics and answers; `deploy` registers task
definitions and updates services. Three roles, so that none can do another's work.
"""

from dataclasses import dataclass
from typing import Any

from aws_cdk import Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as functions

from tidegate.aws import bundle
from tidegate.aws.names import Environment, Names, PlatformOutput
from tidegate.aws.stack.out import export, imported
from tidegate.aws.stack.roles import allow, arn, path_arn, role, use_key, write_logs
from tidegate.aws.stack.safe import log_group
from tidegate.core.model import App, Controller

RUNTIME = "python3.14"
_GATE_TIMEOUT_S, _HOOK_TIMEOUT_S = 120, 900


@dataclass(frozen=True, slots=True)
class _Function:
    """What differs between the functions."""

    kind: str
    timeout_s: int
    memory_mib: int
    statements: list[dict[str, Any]]
    in_network: bool = False


def gate(stack: Stack, app: App) -> None:
    """The gate's function: findings in, verdict and evidence out."""
    names = Names(app.name)
    evidence = Fn.join("", [_bucket_arn(names), "/evidence/*"])
    statements = [
        allow(["ecr:DescribeImageScanFindings"], [_repositories(names)]),
        allow(["inspector2:ListCoverage", "inspector2:ListFindings"], ["*"]),
        allow(
            ["ssm:GetParameter"],
            [
                arn("ssm", f"parameter{names.gate_parameter}"),
                arn("ssm", f"parameter{names.services_path}/*"),
            ],
        ),
        allow(["ecs:DescribeServices"], [arn("ecs", f"service/{names.prefix}-*/*")]),
        allow(["ecs:DescribeTaskDefinition"], ["*"]),  # ECS knows no resource for it
        allow(["s3:PutObject"], [evidence]),
        *_answering(names),
    ]
    _function(stack, app, _Function("gate", _GATE_TIMEOUT_S, 512, statements))


def deploy(stack: Stack, app: App) -> None:
    """The functions that move a service: the deploy action, and the hook that watches it."""
    names = Names(app.name)
    _function(stack, app, _Function("deploy", _GATE_TIMEOUT_S, 512, _moving(app)))
    watching = _Function("hook", _HOOK_TIMEOUT_S, 1_024, _watching(names), in_network=True)
    _function(stack, app, watching)


def _reading(names: Names) -> list[dict[str, Any]]:
    """To see the services' deployments and settings."""
    services = arn("ecs", f"service/{names.prefix}-*/*")
    deployments = [services, arn("ecs", f"service-deployment/{names.prefix}-*/*")]
    return [
        allow(["ecs:DescribeServiceDeployments", "ecs:ListServiceDeployments"], deployments),
        allow(["ecs:DescribeServices"], [services]),
        allow(["ssm:GetParameter"], [arn("ssm", f"parameter{names.services_path}/*")]),
    ]


def _moving(app: App) -> list[dict[str, Any]]:
    """To register a judged image, to have ECS roll it out, and to hold scaling meanwhile."""
    names = Names(app.name)
    groups = arn("codedeploy", f"deploymentgroup:{names.prefix}-*/*")
    with_codedeploy = app.aws.controller is Controller.CODEDEPLOY
    services = arn("ecs", f"service/{names.prefix}-*/*")
    families = [arn("ecs", f"task-definition/{names.prefix}-*:*")]
    return [
        *_reading(names),
        allow(["ecs:RegisterTaskDefinition", "ecs:TagResource"], families),
        allow(["ecs:UpdateService"], [services]),
        allow(
            ["iam:PassRole"],
            [path_arn(names.role_path("tasks"))],
            StringEquals={"iam:PassedToService": "ecs-tasks.amazonaws.com"},
        ),
        allow(
            ["application-autoscaling:RegisterScalableTarget"],
            [arn("application-autoscaling", "scalable-target/*")],
        ),
        *([allow(["codedeploy:ListDeployments"], [groups])] if with_codedeploy else []),
        allow(["cloudwatch:DescribeAlarms"], [arn("cloudwatch", f"alarm:{names.prefix}-*")]),
        allow(["s3:PutObject"], [Fn.join("", [_bucket_arn(names), f"/{names.artifacts_prefix}*"])]),
        *_answering(names),
    ]


def _watching(names: Names) -> list[dict[str, Any]]:
    """To compare both colours, from within the network, and to answer CodeDeploy."""
    groups = arn("codedeploy", f"deploymentgroup:{names.prefix}-*/*")
    parameters = arn("ssm", f"parameter{names.services_path}/*")
    return [
        *_reading(names),
        allow(
            ["ssm:GetParametersByPath"],
            [arn("ssm", f"parameter{names.services_path}"), parameters],
        ),
        allow(
            ["ecs:DescribeServiceRevisions"],
            [arn("ecs", f"service-revision/{names.prefix}-*/*")],
        ),
        allow(["cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics"], ["*"]),
        allow(
            [
                "codedeploy:BatchGetDeploymentTargets",
                "codedeploy:GetDeployment",
                "codedeploy:ListDeploymentTargets",
                "codedeploy:PutLifecycleEventHookExecutionStatus",
            ],
            [groups],
        ),
        _attach(),
        use_key(imported(names, PlatformOutput.ARTIFACTS_KEY_ARN)),
    ]


def _attach() -> dict[str, Any]:
    """To stand in the network, from where the test listener can be reached. EC2 knows no resource
    for these; what they do is Lambda's own network interfaces."""
    return allow(
        [
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ],
        ["*"],
    )


def _answering(names: Names) -> list[dict[str, Any]]:
    """To answer CodePipeline, which knows no resource for it, and to use the artifacts' key."""
    actions = ["codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"]
    return [allow(actions, ["*"]), use_key(imported(names, PlatformOutput.ARTIFACTS_KEY_ARN))]


def _bucket_arn(names: Names) -> str:
    bucket = imported(names, PlatformOutput.ARTIFACTS_BUCKET_NAME)
    return Fn.join("", [Fn.sub("arn:${AWS::Partition}:s3:::"), bucket])


def _repositories(names: Names) -> str:
    """The services' repositories: CloudFormation begins their names with their stacks'."""
    return arn("ecr", f"repository/{names.prefix}-svc-*")


def _function(stack: Stack, app: App, what: _Function) -> functions.CfnFunction:
    names = Names(app.name)
    title = what.kind.title()
    key = imported(names, PlatformOutput.ARTIFACTS_KEY_ARN)
    group = log_group(stack, f"{title}Log", key, app.aws.protect)
    taken: iam.CfnRole = role(
        stack,
        f"{title}Role",
        "lambda.amazonaws.com",
        names.role_path("service"),
        [*what.statements, write_logs(group.attr_arn)],
    )
    made = functions.CfnFunction(
        stack,
        f"{title}Function",
        description=f"Tidegate: the {what.kind} function of {app.name}",
        code={"zipFile": bundle.build([what.kind]).inline},
        handler=f"index.{what.kind}",
        runtime=RUNTIME,
        architectures=["arm64"],
        role=taken.attr_arn,
        timeout=what.timeout_s,
        memory_size=what.memory_mib,
        kms_key_arn=key,
        logging_config={"logGroup": group.ref},
        environment={"variables": _environment(names)},
        vpc_config=_network(names) if what.in_network else None,
    )
    export(stack, names, _OUTPUTS[what.kind], made.attr_arn)
    return made


_OUTPUTS = {
    "gate": PlatformOutput.GATE_FUNCTION_ARN,
    "hook": PlatformOutput.HOOK_FUNCTION_ARN,
    "deploy": PlatformOutput.DEPLOY_FUNCTION_ARN,
}


def _network(names: Names) -> dict[str, Any]:
    subnets = imported(names, PlatformOutput.PRIVATE_SUBNET_IDS)
    return {
        "subnetIds": Fn.split(",", subnets),
        "securityGroupIds": [imported(names, PlatformOutput.TASK_SECURITY_GROUP_ID)],
    }


def _environment(names: Names) -> dict[str, str]:
    return {
        Environment.APP.value: names.app,
        Environment.GATE_PARAMETER.value: names.gate_parameter,
        Environment.SERVICES_PATH.value: names.services_path,
        Environment.EVIDENCE_BUCKET.value: imported(names, PlatformOutput.ARTIFACTS_BUCKET_NAME),
        Environment.CLUSTER.value: imported(names, PlatformOutput.CLUSTER_NAME),
        Environment.TOPIC.value: imported(names, PlatformOutput.TOPIC_ARN),
    }
