"""The deploy action of a pipeline: the judged digest becomes a task definition, and is rolled out.

CodePipeline has no action for ECS's own strategies, so `deploy` calls UpdateService and follows
the service deployment to its end by continuation token; a rollback by ECS is a failed action.
`prepare` makes the input of CodeDeploy's action: the task definition and the AppSpec, with the
capacity providers in it, and holds autoscaling while both colours run.
"""

import io
import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any

from tidegate.aws import moving, starting, suspending
from tidegate.aws.account import Account
from tidegate.aws.moving import ECS_MOVING
from tidegate.aws.names import PLACEHOLDER_IMAGE, Environment, Request
from tidegate.aws.pipeline_job import Answer, Done, Job, Refused, Wait, work
from tidegate.aws.settings import ServiceSettings, parameter, service_settings
from tidegate.core.errors import Busy, CloudFailed


def handler(event: Mapping[str, Any], _context: Any) -> None:
    """Lambda's entry point."""
    import boto3

    account = Account(boto3.Session(), os.environ["AWS_REGION"])
    if "CodePipeline.job" not in event:
        on_event(account, event, os.environ)
        return
    work(account, event, lambda job: decide(account, job, os.environ))


def on_event(account: Account, event: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """A CodeDeploy deployment begins or is over, says EventBridge, or it is time to look."""
    path = environ[Environment.SERVICES_PATH]
    settings = service_settings(account, path, event[Request.SERVICE])
    where = (event[Request.APPLICATION], event[Request.GROUP])
    suspending.settle(account, settings.scalable_target, *where)


def decide(account: Account, job: Job, environ: Mapping[str, str]) -> Answer:
    """The answer to the job: `task` in its request says which work it is."""
    path = environ[Environment.SERVICES_PATH]
    settings = service_settings(account, path, job.request[Request.SERVICE])
    if job.request.get(Request.TASK) == "prepare":
        return prepare(account, settings, job, path)
    return deploy(account, settings, job, path)


def deploy(account: Account, settings: ServiceSettings, job: Job, path: str) -> Answer:
    """Start the deployment at the first call; follow it at the others."""
    if "deployment" not in job.token:
        return _start(account, settings, job, path)
    arn = str(job.token["deployment"])
    ask = {"serviceDeploymentArns": [arn]}
    found = account.ask("ecs", "describe_service_deployments", **ask)["serviceDeployments"]
    if not found:
        return Refused(f"ECS does not know the deployment {arn} any more")
    return _follow(found[0], job)


def _start(account: Account, settings: ServiceSettings, job: Job, path: str) -> Answer:
    refuse_while_moving(account, settings)
    if why_not := starting.why_not(account, settings):
        return Refused(why_not)
    text = parameter(account, f"{path.rstrip('/')}/{settings.service}/task-definition")
    wanted = json.loads(text.replace(PLACEHOLDER_IMAGE, job.request[Request.IMAGE]))
    made = account.ask("ecs", "register_task_definition", **wanted)["taskDefinition"]
    service = starting.update(account, settings, taskDefinition=made["taskDefinitionArn"])
    arn = service.get("currentServiceDeployment") or _newest(account, settings)
    what = f"{settings.service}: {made['family']}:{made['revision']} is being deployed"
    return Wait(what, {"deployment": arn})


def _newest(account: Account, settings: ServiceSettings) -> str:
    found = moving.of_ecs(account, settings.cluster, settings.ecs_service)
    if found is None:
        raise CloudFailed("ECS started no deployment", where=settings.ecs_service, code="TG978")
    return str(found["serviceDeploymentArn"])


def _follow(deployment: Mapping[str, Any], job: Job) -> Answer:
    """Succeeded, failed with ECS's reason, or not over yet."""
    status, reason = deployment["status"], str(deployment.get("statusReason") or "")
    if status == "SUCCESSFUL":
        return Done(f"the deployment has succeeded{_tail(reason)}")
    if status not in ECS_MOVING:
        back = str((deployment.get("rollback") or {}).get("reason") or "")
        return Refused(
            f"the deployment is {status.lower().replace('_', ' ')}{_tail(back or reason)}"
        )
    weight = (deployment.get("targetServiceRevision") or {}).get("requestedProductionTrafficWeight")
    stage = deployment.get("lifecycleStage", status)
    share = f", {weight:g} % on the candidate" if weight is not None else ""
    return Wait(f"{stage}{share}{_tail(reason)}", job.token)


def _tail(text: str) -> str:
    return f": {text}" if text else ""


def refuse_while_moving(account: Account, settings: ServiceSettings) -> None:
    """One deployment of a service at a time. Raises `Busy`."""
    found = moving.of_ecs(account, settings.cluster, settings.ecs_service)
    if found:
        raise Busy(
            f"a deployment of {settings.service} is under way",
            cause=f"{found['serviceDeploymentArn'].rpartition('/')[2]} is {found['status']}",
            remedy=f"tidegate abort {settings.service} --target aws, or wait for its end",
            code="TG803",
        )


def prepare(account: Account, settings: ServiceSettings, job: Job, path: str) -> Answer:
    """`taskdef.json`, `appspec.json` and `imageDetail.json` as the action's output artifact."""
    if job.output is None:
        return Refused("the action has no output artifact to prepare")
    if why_not := starting.why_not(account, settings):
        return Refused(why_not)
    starting.update(account, settings)
    base = f"{path.rstrip('/')}/{settings.service}"
    files = {
        "taskdef.json": parameter(account, f"{base}/task-definition"),
        "appspec.json": parameter(account, f"{base}/appspec"),
        "imageDetail.json": json.dumps({"ImageURI": job.request[Request.IMAGE]}),
    }
    bucket, key = job.output
    account.ask("s3", "put_object", Bucket=bucket, Key=key, Body=_zip(files))
    suspending.suspend(account, settings.scalable_target, held=True)
    return Done(f"{settings.service}: ready for CodeDeploy; scaling in and out waits until its end")


def _zip(files: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), text)
    return out.getvalue()
