"""AWS CodeDeploy as the deployment controller: application, configuration, group, AppSpec.

The deployment group is a resource here, made for the user: nobody edits it by hand.
CloudFormation's own blue/green hook (`AWS::CodeDeployBlueGreen`) is not used: it takes no outputs,
no imports and no custom configuration, and can be stopped through CloudFormation only.
"""

from typing import Any

from aws_cdk import Fn
from aws_cdk import aws_codedeploy as deploy
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ssm as ssm

from tidegate.aws import fit, task
from tidegate.aws.fit import Strategy, Timetable
from tidegate.aws.names import PlatformOutput, ServiceOutput
from tidegate.aws.stack.out import tell
from tidegate.aws.stack.parts import Parts, Traffic
from tidegate.aws.stack.roles import allow, arn, path_arn, role
from tidegate.core.model import RollbackEvent


def codedeploy(parts: Parts, traffic: Traffic, service: ecs.CfnService, alarms: list[str]) -> None:
    """Everything of CodeDeploy for one service."""
    application = deploy.CfnApplication(parts.stack, "Application", compute_platform="ECS")
    configuration = _configuration(parts)
    policy = parts.policy
    made = deploy.CfnDeploymentGroup(
        parts.stack,
        "DeploymentGroup",
        application_name=application.ref,
        deployment_config_name=configuration,
        service_role_arn=_role(parts),
        deployment_style={
            "deploymentType": "BLUE_GREEN",
            "deploymentOption": "WITH_TRAFFIC_CONTROL",
        },
        ecs_services=[
            {
                "clusterName": parts.platform(PlatformOutput.CLUSTER_NAME),
                "serviceName": service.attr_name,
            }
        ],
        load_balancer_info={"targetGroupPairInfoList": [_pair(parts, traffic)]},
        blue_green_deployment_configuration=_times(parts),
        alarm_configuration={
            "enabled": True,
            "ignorePollAlarmFailure": False,
            "alarms": [{"name": name} for name in alarms],
        },
        auto_rollback_configuration={
            "enabled": bool(policy.rollback_on),
            "events": sorted(event.value for event in policy.rollback_on),
        },
    )
    if RollbackEvent.ALARM not in policy.rollback_on:
        made.alarm_configuration = {"enabled": False}
    _appspec(parts)
    tell(parts.stack, ServiceOutput.DEPLOYMENT_APPLICATION_NAME, application.ref)
    tell(parts.stack, ServiceOutput.DEPLOYMENT_GROUP_NAME, made.ref)
    tell(parts.stack, ServiceOutput.DEPLOYMENT_CONFIG_NAME, configuration)


def _pair(parts: Parts, traffic: Traffic) -> dict[str, Any]:
    """Both groups behind both listeners. CodeDeploy is given listeners, and finds the rules."""
    groups = (traffic.blue, traffic.green)
    production = parts.platform(PlatformOutput.PRODUCTION_LISTENER_ARN)
    test = parts.platform(PlatformOutput.TEST_LISTENER_ARN)
    return {
        "prodTrafficRoute": {"listenerArns": [production]},
        "testTrafficRoute": {"listenerArns": [test]},
        "targetGroups": [{"name": group.attr_target_group_name} for group in groups],
    }


def _times(parts: Parts) -> dict[str, Any]:
    """When green takes over, and how long blue is kept after it did.

    Without a pause there is no wait at all: `STOP_DEPLOYMENT` with a wait of 0 minutes, which the
    CDK writes for it, would stop every deployment.
    """
    pause = next((hook for hook in parts.policy.hooks if hook.pause), None)
    ready: dict[str, Any] = {"actionOnTimeout": "CONTINUE_DEPLOYMENT"}
    if pause:
        waits = max(1, fit.minutes(pause.timeout_ms))
        ready = {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": waits}
    return {
        "deploymentReadyOption": ready,
        "terminateBlueInstancesOnDeploymentSuccess": {
            "action": "TERMINATE",
            "terminationWaitTimeInMinutes": fit.minutes(parts.policy.bake_ms),
        },
    }


def _configuration(parts: Parts) -> str:
    """CodeDeploy's preset by its name, or a configuration of the service's own."""
    table = fit.timetable(parts.policy.shift) or Timetable(Strategy.BLUE_GREEN)
    if table.preset is not None:
        return f"CodeDeployDefault.{table.preset}"
    kind = "Linear" if table.strategy is Strategy.LINEAR else "Canary"
    percent = table.percent_bp // 100
    times = {f"{kind.lower()}Interval": table.minutes, f"{kind.lower()}Percentage": percent}
    made = deploy.CfnDeploymentConfig(
        parts.stack,
        f"{kind}{percent}PercentEvery{table.minutes}Minutes",
        compute_platform="ECS",
        traffic_routing_config={"type": f"TimeBased{kind}", f"timeBased{kind}": times},
    )
    return made.ref


def _appspec(parts: Parts) -> None:
    subnets = Fn.split(",", parts.platform(PlatformOutput.PRIVATE_SUBNET_IDS))
    network = parts.app.aws.network
    count = len(network.private_subnets) or network.zones
    places = task.Places(
        [Fn.select(number, subnets) for number in range(count)],
        parts.platform(PlatformOutput.TASK_SECURITY_GROUP_ID),
        parts.platform(PlatformOutput.ON_DEMAND_PROVIDER),
        parts.platform(PlatformOutput.SPOT_PROVIDER),
        parts.platform(PlatformOutput.HOOK_FUNCTION_ARN),
    )
    text = parts.stack.to_json_string(task.appspec(parts.app, parts.service, places))
    ssm.CfnParameter(
        parts.stack,
        "AppSpec",
        name=parts.names.appspec_parameter(parts.service.name),
        type="String",
        tier="Intelligent-Tiering",
        value=text,
    )


def _role(parts: Parts) -> str:
    """What CodeDeploy does: task sets, rules of our listeners, alarms, the hook."""
    prefix = parts.names.prefix
    services = [arn("ecs", f"service/{prefix}-*/*"), arn("ecs", f"task-set/{prefix}-*/*/*")]
    balancers = [
        arn("elasticloadbalancing", f"{kind}/app/*") for kind in ("listener", "listener-rule")
    ]
    statements = [
        allow(
            [
                "ecs:CreateTaskSet",
                "ecs:DeleteTaskSet",
                "ecs:DescribeServices",
                "ecs:UpdateServicePrimaryTaskSet",
            ],
            services,
        ),
        allow(
            [
                "elasticloadbalancing:DescribeListeners",
                "elasticloadbalancing:DescribeRules",
                "elasticloadbalancing:DescribeTargetGroups",
            ],
            ["*"],
        ),
        allow(
            ["elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyRule"], balancers
        ),
        allow(["cloudwatch:DescribeAlarms"], [arn("cloudwatch", f"alarm:{prefix}-*")]),
        allow(["lambda:InvokeFunction"], [parts.platform(PlatformOutput.HOOK_FUNCTION_ARN)]),
        allow(
            ["iam:PassRole"],
            [path_arn(parts.names.role_path("tasks"))],
            StringEquals={"iam:PassedToService": "ecs-tasks.amazonaws.com"},
        ),
        allow(
            ["s3:GetObject", "s3:GetObjectVersion"],
            [parts.objects(f"{parts.names.artifacts_prefix}*")],
        ),
    ]
    made = role(
        parts.stack,
        "CodeDeployRole",
        "codedeploy.amazonaws.com",
        parts.names.role_path("service"),
        statements,
    )
    return made.attr_arn
