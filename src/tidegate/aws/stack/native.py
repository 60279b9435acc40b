"""The ECS service: one whose traffic ECS shifts itself, or one that is left to CodeDeploy."""

from typing import Any

from aws_cdk import Aws, Fn, Token
from aws_cdk import aws_ecs as ecs

from tidegate.aws import fit, task
from tidegate.aws.fit import Strategy
from tidegate.aws.names import PlatformOutput, ServiceParameter
from tidegate.aws.stack.parts import Parts, Traffic
from tidegate.aws.stack.roles import allow, role
from tidegate.core.model import Launch, LifecycleStage, RollbackEvent

_ANALYSED = (LifecycleStage.PRODUCTION_TRAFFIC_SHIFT, LifecycleStage.POST_PRODUCTION_TRAFFIC_SHIFT)
"""ECS calls a hook of the first at every step of a shift."""
_CHECKED = LifecycleStage.POST_TEST_TRAFFIC_SHIFT


def service(
    parts: Parts, traffic: Traffic, definition: ecs.CfnTaskDefinition, alarms: list[str]
) -> ecs.CfnService:
    """A service with ECS's own blue/green, linear or canary deployments."""
    balancer = _balancer(parts, traffic)
    balancer["advancedConfiguration"] = {
        "alternateTargetGroupArn": traffic.green.ref,
        "productionListenerRule": traffic.production.ref,
        "testListenerRule": traffic.test.ref,
        "roleArn": _infrastructure_role(parts, traffic),
    }
    runs = Fn.condition_if(
        "HasRevision", Fn.ref(ServiceParameter.LIVE_TASK_DEFINITION.value), definition.ref
    )
    made = _service(parts, balancer, runs.to_string(), "ECS")
    made.deployment_configuration = {
        **_shift(parts),
        "minimumHealthyPercent": 100,
        "maximumPercent": 200,
        "alarms": {
            "alarmNames": alarms,
            "enable": True,
            "rollback": RollbackEvent.ALARM in parts.policy.rollback_on,
        },
        **_hooks(parts),
    }
    return made


def outside_service(
    parts: Parts, traffic: Traffic, definition: ecs.CfnTaskDefinition, _alarms: list[str]
) -> ecs.CfnService:
    """A service that CodeDeploy deploys.

    Its task definition is named by family: ECS refuses any update that brings a revision, and
    CloudFormation sends all of a resource's properties (cloudformation-coverage-roadmap 1529).
    """
    balancer = _balancer(parts, traffic)
    made = _service(parts, balancer, parts.names.task_family(parts.service.name), "CODE_DEPLOY")
    for needed in (definition, traffic.production, traffic.test):
        made.add_resource_dependency(needed)
    return made


def _balancer(parts: Parts, traffic: Traffic) -> dict[str, Any]:
    return {
        "containerName": parts.service.name,
        "containerPort": parts.service.port,
        "targetGroupArn": traffic.blue.ref,
    }


def _service(
    parts: Parts, balancer: dict[str, Any], definition: str, controller: str
) -> ecs.CfnService:
    places = task.strategy(
        parts.app,
        parts.service,
        parts.platform(PlatformOutput.ON_DEMAND_PROVIDER),
        parts.platform(PlatformOutput.SPOT_PROVIDER),
    )
    fargate = parts.app.aws.fleet.launch is Launch.FARGATE
    return ecs.CfnService(
        parts.stack,
        "Service",
        cluster=parts.platform(PlatformOutput.CLUSTER_ARN),
        task_definition=definition,
        deployment_controller={"type": controller},
        capacity_provider_strategy=places,
        platform_version="LATEST" if fargate else None,
        desired_count=_count(),
        enable_ecs_managed_tags=True,
        propagate_tags="SERVICE",
        health_check_grace_period_seconds=fit.seconds(
            parts.service.health.grace_period_ms, 0, 86_400
        ),
        load_balancers=[balancer],
        network_configuration={
            "awsvpcConfiguration": {
                "assignPublicIp": "DISABLED",
                "subnets": Fn.split(",", parts.platform(PlatformOutput.PRIVATE_SUBNET_IDS)),
                "securityGroups": [parts.platform(PlatformOutput.TASK_SECURITY_GROUP_ID)],
            }
        },
    )


def _count() -> float:
    """None at first, when there is no image; afterwards nothing, so that scaling owns the count."""
    return Token.as_number(Fn.condition_if("IsDeployed", Aws.NO_VALUE, 0))


def _shift(parts: Parts) -> dict[str, Any]:
    """The strategy and its times, in ECS's words."""
    table = fit.timetable(parts.policy.shift) or fit.Timetable(Strategy.BLUE_GREEN)
    said: dict[str, Any] = {
        "strategy": table.strategy.value,
        "bakeTimeInMinutes": fit.minutes(parts.policy.bake_ms),
    }
    percent = table.percent_bp / 100
    match table.strategy:
        case Strategy.LINEAR:
            said["linearConfiguration"] = {
                "stepPercent": percent,
                "stepBakeTimeInMinutes": table.minutes,
            }
        case Strategy.CANARY:
            said["canaryConfiguration"] = {
                "canaryPercent": percent,
                "canaryBakeTimeInMinutes": table.minutes,
            }
        case Strategy.BLUE_GREEN:
            pass
    return said


def _hooks(parts: Parts) -> dict[str, Any]:
    """The comparison at each step, the checks on test traffic, and pauses for a person."""
    policy, hooks = parts.policy, []
    stages = list(_ANALYSED) if policy.analysis.enabled else []
    stages += [_CHECKED] if policy.checks else []
    if stages:
        function = parts.platform(PlatformOutput.HOOK_FUNCTION_ARN)
        caller = role(
            parts.stack,
            "HookRole",
            "ecs.amazonaws.com",
            parts.names.role_path("service"),
            [allow(["lambda:InvokeFunction"], [function])],
        )
        hooks.append(
            {
                "hookTargetArn": function,
                "roleArn": caller.attr_arn,
                "lifecycleStages": [stage.value for stage in stages],
                "hookDetails": {"service": parts.service.name},
            }
        )
    hooks += [
        {
            "targetType": "PAUSE",
            "lifecycleStages": [hook.stage.value],
            "timeoutConfiguration": {
                "timeoutInMinutes": max(1, fit.minutes(hook.timeout_ms)),
                "action": "ROLLBACK",
            },
        }
        for hook in policy.hooks
        if hook.pause
    ]
    return {"lifecycleHooks": hooks} if hooks else {}


def _infrastructure_role(parts: Parts, traffic: Traffic) -> str:
    """What ECS does to the load balancer: its managed policy's actions, on what is ours."""
    mine = [traffic.blue.ref, traffic.green.ref]
    rules = [traffic.production.ref, traffic.test.ref]
    made = role(
        parts.stack,
        "InfrastructureRole",
        "ecs.amazonaws.com",
        parts.names.role_path("service"),
        [
            allow(
                [
                    "elasticloadbalancing:DescribeListeners",
                    "elasticloadbalancing:DescribeRules",
                    "elasticloadbalancing:DescribeTargetGroups",
                    "elasticloadbalancing:DescribeTargetHealth",
                ],
                ["*"],
            ),
            allow(
                ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
                mine,
            ),
            allow(["elasticloadbalancing:ModifyRule"], rules),
        ],
    )
    return made.attr_arn
