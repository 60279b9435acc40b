"""A service's pipeline: source → build → gate → approval, if asked → deploy.

Each service has one, and a push starts it only when its own folder has changed, so a change of one
service cannot hold up another's. What a push goes through is in the stack, not in the repository.
"""

from aws_cdk import CfnResource, Fn
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as functions

from tidegate.aws import stages
from tidegate.aws.buildspec import buildspec
from tidegate.aws.names import PlatformOutput, Request, ServiceOutput
from tidegate.aws.stack import safe
from tidegate.aws.stack.out import tell
from tidegate.aws.stack.parts import Parts
from tidegate.aws.stack.pipeline_roles import build_role, pipeline_role
from tidegate.aws.stack.webhook import webhook
from tidegate.core.model import Architecture, Controller

_MACHINE = {
    Architecture.X86_64: ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
    Architecture.ARM64: ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0"),
}

_LOOK = "rate(10 minutes)"
"""How long scaling may stay held after a crash, or an event that never came."""


def pipeline(parts: Parts) -> None:
    """Build project, pipeline, and who hears of a failure."""
    project = _project(parts)
    token = parts.app.aws.source is not None and parts.app.aws.source.token
    made = codepipeline.CfnPipeline(
        parts.stack,
        "Pipeline",
        pipeline_type="V2",
        execution_mode="QUEUED",
        role_arn=pipeline_role(parts, project).attr_arn,
        artifact_store={
            "type": "S3",
            "location": parts.platform(PlatformOutput.ARTIFACTS_BUCKET_NAME),
            "encryptionKey": {"id": parts.key_arn, "type": "KMS"},
        },
        stages=stages.stages(parts.app, parts.service, _places(parts, project)),
        triggers=stages.triggers(parts.app, parts.service),
    )
    if token:
        webhook(parts, made)
    _failures(parts, made)
    _scaling(parts)
    tell(parts.stack, ServiceOutput.PIPELINE_NAME, made.ref)
    tell(parts.stack, ServiceOutput.BUILD_PROJECT_NAME, project.ref)


def _places(parts: Parts, project: codebuild.CfnProject) -> stages.Places:
    platform = parts.platform
    source = parts.app.aws.source
    by_connection = source is not None and not source.token
    application, group = _of_codedeploy(parts)
    return stages.Places(
        build_project=project.ref,
        repository=parts.repository.ref,
        gate=function_name(platform(PlatformOutput.GATE_FUNCTION_ARN)),
        deploy=function_name(platform(PlatformOutput.DEPLOY_FUNCTION_ARN)),
        topic=platform(PlatformOutput.TOPIC_ARN),
        bucket=platform(PlatformOutput.ARTIFACTS_BUCKET_NAME),
        connection=platform(PlatformOutput.CONNECTION_ARN) if by_connection else "",
        application=application,
        group=group,
    )


def _of_codedeploy(parts: Parts) -> tuple[str, str]:
    """CodeDeploy's application and deployment group; empty where ECS deploys."""
    if parts.app.aws.controller is not Controller.CODEDEPLOY:
        return "", ""
    found = [parts.stack.node.find_child(name) for name in ("Application", "DeploymentGroup")]
    application, group = (one.ref for one in found if isinstance(one, CfnResource))
    return application, group


def function_name(function_arn: str) -> str:
    """A Lambda action names its function; the last part of the ARN is the name."""
    return Fn.select(6, Fn.split(":", function_arn))


def _project(parts: Parts) -> codebuild.CfnProject:
    """Privileged, since building an image needs a container engine; its role is the limit."""
    kind, image = _MACHINE[parts.app.aws.architecture]
    group = safe.log_group(parts.stack, "BuildLog", parts.key_arn, parts.app.aws.protect)
    variables = {
        "REPOSITORY": parts.repository.attr_repository_uri,
        "EVIDENCE": parts.platform(PlatformOutput.ARTIFACTS_BUCKET_NAME),
    }
    minutes = -(-parts.app.pipeline.stage_timeout_ms // 60_000)
    return codebuild.CfnProject(
        parts.stack,
        "BuildProject",
        description=f"Builds, tests and pushes images of {parts.service.name}",
        service_role=build_role(parts, group).attr_arn,
        encryption_key=parts.key_arn,
        artifacts={"type": "CODEPIPELINE"},
        environment={
            "type": kind,
            "computeType": "BUILD_GENERAL1_MEDIUM",
            "image": image,
            "privilegedMode": True,
            "environmentVariables": [{"name": k, "value": v} for k, v in variables.items()],
        },
        source={
            "type": "CODEPIPELINE",
            "buildSpec": parts.stack.to_json_string(buildspec(parts.app, parts.service)),
        },
        cache={"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE"]},
        timeout_in_minutes=min(480, max(5, minutes)),
        logs_config={"cloudWatchLogs": {"status": "ENABLED", "groupName": group.ref}},
    )


def _failures(parts: Parts, made: codepipeline.CfnPipeline) -> None:
    """A failed execution is told."""
    events.CfnRule(
        parts.stack,
        "PipelineFailed",
        description=f"The pipeline of {parts.service.name} failed",
        event_pattern={
            "source": ["aws.codepipeline"],
            "detail-type": ["CodePipeline Pipeline Execution State Change"],
            "detail": {"state": ["FAILED"], "pipeline": [made.ref]},
        },
        targets=[{"id": "people", "arn": parts.platform(PlatformOutput.TOPIC_ARN)}],
    )


def _scaling(parts: Parts) -> None:
    """CodeDeploy's deployments hold scaling. Events may be lost, so it is looked at as well."""
    application, group = _of_codedeploy(parts)
    if not application:
        return
    function = parts.platform(PlatformOutput.DEPLOY_FUNCTION_ARN)
    asked = {
        Request.TASK.value: "settle",
        Request.SERVICE.value: parts.service.name,
        Request.APPLICATION.value: application,
        Request.GROUP.value: group,
    }
    rule = events.CfnRule(
        parts.stack,
        "DeploymentMoves",
        description=f"Scaling of {parts.service.name} waits while CodeDeploy moves it",
        event_pattern={
            "source": ["aws.codedeploy"],
            "detail-type": ["CodeDeploy Deployment State-change Notification"],
            "detail": {
                "state": ["START", "SUCCESS", "FAILURE", "STOP"],
                "application": [application],
            },
        },
        schedule_expression=_LOOK,
        targets=[{"id": "scaling", "arn": function, "input": parts.stack.to_json_string(asked)}],
    )
    functions.CfnPermission(
        parts.stack,
        "DeploymentMovesPermission",
        action="lambda:InvokeFunction",
        function_name=function,
        principal="events.amazonaws.com",
        source_arn=rule.attr_arn,
    )
