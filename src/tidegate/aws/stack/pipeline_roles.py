"""The roles of a pipeline and of its build: each action, and what exactly it is done to."""

from aws_cdk import Fn
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from tidegate.aws.names import SOURCE_KEY, PlatformOutput
from tidegate.aws.stack.parts import Parts
from tidegate.aws.stack.roles import allow, arn, path_arn, role, use_key, write_logs
from tidegate.core.model import Controller


def build_role(parts: Parts, group: logs.CfnLogGroup) -> iam.CfnRole:
    """To read its source, to push to one repository, to leave an SBOM."""
    statements = [
        allow(["ecr:GetAuthorizationToken"], ["*"]),
        allow(
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            [parts.repository.attr_arn],
        ),
        allow(["s3:GetObject", "s3:GetObjectVersion"], [_artifacts(parts)]),
        allow(
            ["s3:PutObject"],
            [_artifacts(parts), parts.objects(f"sbom/{parts.service.name}/*")],
        ),
        use_key(parts.key_arn),
        write_logs(group.attr_arn),
    ]
    path = parts.names.role_path("service")
    return role(parts.stack, "BuildRole", "codebuild.amazonaws.com", path, statements)


def pipeline_role(parts: Parts, project: codebuild.CfnProject) -> iam.CfnRole:
    """To move artifacts and to start what each stage names."""
    invoked = [
        parts.platform(PlatformOutput.GATE_FUNCTION_ARN),
        parts.platform(PlatformOutput.DEPLOY_FUNCTION_ARN),
    ]
    bucket = parts.platform(PlatformOutput.ARTIFACTS_BUCKET_NAME)
    statements = [
        allow(
            ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
            [_artifacts(parts)],
        ),
        allow(
            ["s3:GetBucketLocation", "s3:GetBucketVersioning"],
            [Fn.sub("arn:${AWS::Partition}:s3:::${Bucket}", {"Bucket": bucket})],
        ),
        use_key(parts.key_arn),
        allow(["codebuild:BatchGetBuilds", "codebuild:StartBuild"], [project.attr_arn]),
        allow(["lambda:InvokeFunction"], invoked),
    ]
    source = parts.app.aws.source
    if source and not source.token:
        connection = parts.platform(PlatformOutput.CONNECTION_ARN)
        use = ["codestar-connections:UseConnection", "codeconnections:UseConnection"]
        statements.append(allow(use, [connection]))
    if source is None:
        uploaded = [parts.objects(SOURCE_KEY)]
        statements.append(allow(["s3:GetObject", "s3:GetObjectVersion"], uploaded))
    if parts.app.pipeline.approval:
        statements.append(allow(["sns:Publish"], [parts.platform(PlatformOutput.TOPIC_ARN)]))
    if parts.app.aws.controller is Controller.CODEDEPLOY:
        statements += _codedeploy(parts)
    path = parts.names.role_path("service")
    return role(parts.stack, "PipelineRole", "codepipeline.amazonaws.com", path, statements)


def _codedeploy(parts: Parts) -> list[dict[str, object]]:
    """To register the task definition and to start CodeDeploy on this service's group."""
    prefix = parts.names.prefix
    return [
        allow(
            ["codedeploy:CreateDeployment", "codedeploy:GetDeployment"],
            [arn("codedeploy", "deploymentgroup:${Application}/${DeploymentGroup}")],
        ),
        allow(
            [
                "codedeploy:GetApplication",
                "codedeploy:GetApplicationRevision",
                "codedeploy:RegisterApplicationRevision",
            ],
            [arn("codedeploy", "application:${Application}")],
        ),
        allow(["codedeploy:GetDeploymentConfig"], [arn("codedeploy", "deploymentconfig:*")]),
        allow(
            ["ecs:RegisterTaskDefinition", "ecs:TagResource"],
            [arn("ecs", f"task-definition/{prefix}-{parts.service.name}:*")],
        ),
        allow(
            ["iam:PassRole"],
            [path_arn(parts.names.role_path("tasks"))],
            StringEquals={"iam:PassedToService": "ecs-tasks.amazonaws.com"},
        ),
    ]


def _artifacts(parts: Parts) -> str:
    """What the pipelines of this app hand from action to action."""
    return parts.objects(f"{parts.names.artifacts_prefix}*")
