"""One service's stack: repository, tasks, traffic, alarms, scaling, and its pipeline."""

from dataclasses import replace

from aws_cdk import Aws, CfnCondition, CfnParameter, Fn, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm

from tidegate.aws import stored, task
from tidegate.aws.names import (
    NO_IMAGE,
    PLACEHOLDER_IMAGE,
    TASK_TEMPLATE,
    Names,
    PlatformOutput,
    ServiceOutput,
    ServiceParameter,
)
from tidegate.aws.stack import native, safe
from tidegate.aws.stack.alarms import guard, watch
from tidegate.aws.stack.codedeploy import codedeploy
from tidegate.aws.stack.out import imported, tell
from tidegate.aws.stack.parts import Parts
from tidegate.aws.stack.pipeline import pipeline
from tidegate.aws.stack.roles import allow, arn, role, use_key, write_logs
from tidegate.aws.stack.scaling import scaling
from tidegate.aws.stack.traffic import traffic
from tidegate.core.model import App, Controller, Service

_KEPT_IMAGES = 10
"""Pushed images for each release that is kept: most pushes are never a good release."""


def service_stack(stack: Stack, app: App, service: Service) -> None:
    """Everything of the service, and its outputs."""
    parts = _parts(stack, app, service)
    place = traffic(parts)
    alarms = guard(parts, place)
    known = _known(parts)
    definition = _task_definition(parts, known)
    _task_template(parts, known)
    is_native = app.aws.controller is Controller.ECS
    make = native.service if is_native else native.outside_service
    made = make(parts, place, definition, alarms)
    others = watch(parts, place, made)
    target = scaling(parts, made, place, others)
    _settings(parts, made, target, alarms)
    if not is_native:
        codedeploy(parts, place, made, alarms)
    pipeline(parts)
    outputs = {
        ServiceOutput.SERVICE_NAME: made.attr_name,
        ServiceOutput.SERVICE_ARN: made.ref,
        ServiceOutput.CONTROLLER: app.aws.controller.value,
        ServiceOutput.TASK_FAMILY: parts.names.task_family(service.name),
        ServiceOutput.TASK_DEFINITION_ARN: definition.ref,
        ServiceOutput.REPOSITORY_NAME: parts.repository.ref,
        ServiceOutput.REPOSITORY_URI: parts.repository.attr_repository_uri,
        ServiceOutput.BLUE_TARGET_GROUP_ARN: place.blue.ref,
        ServiceOutput.GREEN_TARGET_GROUP_ARN: place.green.ref,
        ServiceOutput.PRODUCTION_RULE_ARNS: place.production.ref,
        ServiceOutput.TEST_RULE_ARNS: place.test.ref,
        ServiceOutput.ALARM_NAMES: Fn.join(",", alarms),
        ServiceOutput.LOG_GROUP_NAME: parts.log.ref,
        ServiceOutput.SCALABLE_TARGET_ID: target,
    }
    if others:
        outputs[ServiceOutput.OTHER_ALARM_NAMES] = Fn.join(",", [a.ref for a in others.values()])
    for output, value in outputs.items():
        tell(stack, output, value)


def _parts(stack: Stack, app: App, service: Service) -> Parts:
    """What most of the stack needs: parameters, repository, log group."""
    image = CfnParameter(
        stack,
        ServiceParameter.LIVE_IMAGE.value,
        default="",
        description="The image that runs, by digest; empty before the first deployment.",
    )
    colour = CfnParameter(
        stack,
        ServiceParameter.LIVE_COLOUR.value,
        default="blue",
        allowed_values=["blue", "green"],
        description="The target group that has all production traffic.",
    )
    revision = CfnParameter(
        stack,
        ServiceParameter.LIVE_TASK_DEFINITION.value,
        default="",
        description="The revision that runs, while an update is to leave it as it is.",
    )
    has_image = _given(stack, "HasImage", image)
    has_revision = _given(stack, "HasRevision", revision)
    CfnCondition(stack, "IsDeployed", expression=Fn.condition_or(has_image, has_revision))
    CfnCondition(
        stack, "GreenIsLive", expression=Fn.condition_equals(colour.value_as_string, "green")
    )
    names = Names(app.name)
    key = imported(names, PlatformOutput.ARTIFACTS_KEY_ARN)
    log = safe.log_group(stack, "TaskLog", key, app.aws.protect)
    return Parts(stack, app, service, _repository(stack, app, key), log)


def _given(stack: Stack, name: str, parameter: CfnParameter) -> CfnCondition:
    empty = Fn.condition_equals(parameter.value_as_string, "")
    return CfnCondition(stack, name, expression=Fn.condition_not(empty))


def _repository(stack: Stack, app: App, key_arn: str) -> ecr.CfnRepository:
    """Images of the service: scanned when pushed, and a tag is never moved."""
    rules = [
        {
            "rulePriority": 1,
            "description": "keep what can be gone back to",
            "selection": {
                "tagStatus": "any",
                "countType": "imageCountMoreThan",
                "countNumber": app.retention * _KEPT_IMAGES,
            },
            "action": {"type": "expire"},
        }
    ]
    made = ecr.CfnRepository(
        stack,
        "Repository",
        image_scanning_configuration={"scanOnPush": True},
        image_tag_mutability="IMMUTABLE",
        encryption_configuration={"encryptionType": "KMS", "kmsKey": key_arn},
        lifecycle_policy={"lifecyclePolicyText": stack.to_json_string({"rules": rules})},
        empty_on_delete=None if app.aws.protect else True,
    )
    safe.keep(made, app.aws.protect)
    return made


def _known(parts: Parts) -> task.Known:
    """The roles of the tasks: one pulls, logs and reads secrets, the other is the app's own."""
    names, service = parts.names, parts.service
    path = names.role_path("tasks")
    statements = [
        allow(["ecr:GetAuthorizationToken"], ["*"]),
        allow(
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            [parts.repository.attr_arn],
        ),
        write_logs(parts.log.attr_arn),
        use_key(parts.key_arn),
    ]
    if service.secrets:
        mine = [names.secret_parameter(service.name, secret.name) for secret in service.secrets]
        statements.append(allow(["ssm:GetParameters"], [arn("ssm", f"parameter{n}") for n in mine]))
    principal = "ecs-tasks.amazonaws.com"
    execution: iam.CfnRole = role(parts.stack, "ExecutionRole", principal, path, statements)
    own: iam.CfnRole = role(parts.stack, "TaskRole", principal, path, [])
    return task.Known(
        execution.attr_arn, own.attr_arn, parts.log.ref, Aws.REGION, arn("ssm", "parameter")
    )


def _task_definition(parts: Parts, known: task.Known) -> ecs.CfnTaskDefinition:
    """The stack's own revision: with the live image, or a name of none before there is any."""
    image = Fn.condition_if(
        "HasImage",
        Fn.ref(ServiceParameter.LIVE_IMAGE.value),
        Fn.join("", [parts.repository.attr_repository_uri, NO_IMAGE]),
    ).to_string()
    body = task.definition(parts.app, parts.service, image, known)
    return ecs.CfnTaskDefinition(
        parts.stack,
        "TaskDefinition",
        family=body["family"],
        network_mode=body["networkMode"],
        requires_compatibilities=body["requiresCompatibilities"],
        cpu=body["cpu"],
        memory=body["memory"],
        execution_role_arn=body["executionRoleArn"],
        task_role_arn=body["taskRoleArn"],
        runtime_platform=body["runtimePlatform"],
        container_definitions=body["containerDefinitions"],
    )


def _settings(parts: Parts, made: ecs.CfnService, target: str, alarms: list[str]) -> None:
    """What the functions know of the service."""
    app, service, names = parts.app, parts.service, parts.names
    settings = replace(
        stored.settings(app, service),
        cluster=imported(names, PlatformOutput.CLUSTER_NAME),
        ecs_service=made.attr_name,
        load_balancer=imported(names, PlatformOutput.LOAD_BALANCER_FULL_NAME),
        blue_target_group=Fn.get_att("BlueGroup", "TargetGroupFullName").to_string(),
        green_target_group=Fn.get_att("GreenGroup", "TargetGroupFullName").to_string(),
        scalable_target=target,
        test_url=_test_url(app),
        alarms=tuple(alarms),
    )
    _parameter(parts, "Settings", names.service_parameter(service.name), settings.to_json())


def _task_template(parts: Parts, known: task.Known) -> None:
    """What the deploy function registers, and CodePipeline for CodeDeploy."""
    body = task.definition(parts.app, parts.service, PLACEHOLDER_IMAGE, known)
    name = parts.names.task_parameter(parts.service.name)
    _parameter(parts, TASK_TEMPLATE, name, parts.stack.to_json_string(body))


def _test_url(app: App) -> str:
    """Where the test listener answers within the network."""
    scheme = "https" if app.aws.certificate else "http"
    host = imported(Names(app.name), PlatformOutput.LOAD_BALANCER_DNS_NAME)
    return Fn.join("", [f"{scheme}://", host, f":{app.listener.test_port}"])


def _parameter(parts: Parts, logical: str, name: str, value: str) -> None:
    """An SSM parameter without a secret. With intelligent tiering only large ones cost."""
    ssm.CfnParameter(
        parts.stack, logical, name=name, type="String", tier="Intelligent-Tiering", value=value
    )
