"""The stages of a service's pipeline, as CodePipeline words them. Pure.

Source: CodePipeline user guide, "Pipeline structure reference" and "Action structure reference".
"""

import json
from dataclasses import dataclass
from typing import Any

from tidegate.aws import fit
from tidegate.aws.names import SOURCE_KEY, Names, Request
from tidegate.core.model import App, Controller, Service

Json = dict[str, Any]

_DEPLOYED = {Controller.ECS: "deploy", Controller.CODEDEPLOY: "prepare"}


@dataclass(frozen=True, slots=True)
class Places:
    """Names and ARNs that only CloudFormation knows; empty is "not in this app"."""

    build_project: str
    repository: str
    gate: str
    deploy: str
    topic: str
    bucket: str
    connection: str = ""
    application: str = ""
    group: str = ""


def stages(app: App, service: Service, places: Places) -> list[Json]:
    """Source, build, scan, approval if the file asks for it, deploy."""
    found = [
        _stage("Source", _source(app, places)),
        _stage("Build", _build(places)),
        _stage("Gate", _function("Gate", places.gate, _request(service, places))),
    ]
    if app.pipeline.approval:
        found.append(_stage("Approve", _approval(app, service, places)))
    task = _DEPLOYED[app.aws.controller]
    request = {Request.TASK.value: task, **_request(service, places)}
    deploy = _function("Deploy", places.deploy, request)
    if app.aws.controller is Controller.CODEDEPLOY:
        deploy = _function("Prepare", places.deploy, request)
        deploy["outputArtifacts"] = [{"name": "Prepared"}]
        return [*found, _stage("Deploy", deploy, _codedeploy(places))]
    return [*found, _stage("Deploy", deploy)]


def triggers(app: App, service: Service) -> list[Json] | None:
    """A push to the branch that changes the service's folder or the app file."""
    if app.aws.source is None or app.aws.source.token:
        return None
    push: Json = {"branches": {"includes": [app.pipeline.branch]}}
    context = service.build.context
    if service.build.image is not None:
        push["filePaths"] = {"includes": ["tidegate.yaml"]}
    elif context != ".":
        push["filePaths"] = {"includes": [f"{context}/**", "tidegate.yaml"]}
    return [
        {
            "providerType": "CodeStarSourceConnection",
            "gitConfiguration": {"sourceActionName": "Source", "push": [push]},
        }
    ]


def _stage(name: str, *actions: Json) -> Json:
    numbered = [{**action, "runOrder": n} for n, action in enumerate(actions, 1)]
    return {"name": name, "actions": numbered}


def _type(category: str, provider: str, owner: str = "AWS") -> Json:
    return {"category": category, "owner": owner, "provider": provider, "version": "1"}


def _source(app: App, places: Places) -> Json:
    """By CodeConnections; by a token that stays in Secrets Manager; or what `deploy` uploads."""
    action: Json = {
        "name": "Source",
        "namespace": "Source",
        "outputArtifacts": [{"name": "Source"}],
    }
    source = app.aws.source
    if source is None:
        action["actionTypeId"] = _type("Source", "S3")
        action["configuration"] = {
            "S3Bucket": places.bucket,
            "S3ObjectKey": SOURCE_KEY,
            "PollForSourceChanges": "false",
        }
        return action
    owner, _, repository = source.name.partition("/")
    branch = app.pipeline.branch
    if source.token:
        token = f"{{{{resolve:secretsmanager:{Names(app.name).token_secret}}}}}"
        action["actionTypeId"] = _type("Source", "GitHub", "ThirdParty")
        action["configuration"] = {
            "Owner": owner,
            "Repo": repository,
            "Branch": branch,
            "OAuthToken": token,
            "PollForSourceChanges": "false",
        }
        return action
    action["actionTypeId"] = _type("Source", "CodeStarSourceConnection")
    action["configuration"] = {
        "ConnectionArn": places.connection,
        "FullRepositoryId": source.name,
        "BranchName": branch,
        "OutputArtifactFormat": "CODE_ZIP",
        "DetectChanges": "false",
    }
    return action


def _build(places: Places) -> Json:
    return {
        "name": "Build",
        "namespace": "Build",
        "actionTypeId": _type("Build", "CodeBuild"),
        "configuration": {"ProjectName": places.build_project},
        "inputArtifacts": [{"name": "Source"}],
        "outputArtifacts": [{"name": "Built"}],
    }


def _request(service: Service, places: Places) -> dict[str, str]:
    """What a function is asked about: the image that this execution built, by its digest."""
    return {
        Request.SERVICE.value: service.name,
        Request.REPOSITORY.value: places.repository,
        Request.IMAGE.value: "#{Build.IMAGE}",
        Request.DIGEST.value: "#{Build.IMAGE_DIGEST}",
        Request.COMMIT.value: "#{Build.COMMIT}",
        Request.EXECUTION.value: "#{codepipeline.PipelineExecutionId}",
    }


def _function(name: str, function: str, request: dict[str, str]) -> Json:
    parameters = json.dumps(request, separators=(",", ":"))
    return {
        "name": name,
        "namespace": name,
        "actionTypeId": _type("Invoke", "Lambda"),
        "configuration": {"FunctionName": function, "UserParameters": parameters},
    }


def _approval(app: App, service: Service, places: Places) -> Json:
    minutes = min(86_400, max(5, fit.minutes(app.pipeline.approval_timeout_ms)))
    return {
        "name": "Approve",
        "actionTypeId": _type("Approval", "Manual"),
        "timeoutInMinutes": minutes,
        "configuration": {
            "NotificationArn": places.topic,
            "CustomData": f"{service.name}: #{{Build.IMAGE_DIGEST}} of commit #{{Build.COMMIT}}",
        },
    }


def _codedeploy(places: Places) -> Json:
    return {
        "name": "Deploy",
        "namespace": "Deploy",
        "actionTypeId": _type("Deploy", "CodeDeployToECS"),
        "configuration": {
            "ApplicationName": places.application,
            "DeploymentGroupName": places.group,
            "TaskDefinitionTemplateArtifact": "Prepared",
            "TaskDefinitionTemplatePath": "taskdef.json",
            "AppSpecTemplateArtifact": "Prepared",
            "AppSpecTemplatePath": "appspec.json",
            "Image1ArtifactName": "Prepared",
            "Image1ContainerName": "IMAGE1_NAME",
        },
        "inputArtifacts": [{"name": "Prepared"}],
    }
