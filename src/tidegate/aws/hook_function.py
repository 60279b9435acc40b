"""The comparison of green with blue as a lifecycle hook of ECS, and of CodeDeploy.

ECS calls after each step of a shift and again while it is told IN_PROGRESS; CodeDeploy calls once,
after all traffic has moved, and waits for PutLifecycleEventHookExecutionStatus. Sources: ECS
developer guide, "Lifecycle hooks for Amazon ECS service deployments"; CodeDeploy user guide,
"AppSpec 'hooks' section for an Amazon ECS deployment".
"""

import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tidegate.aws import holding
from tidegate.aws.account import Account
from tidegate.aws.checking import failing
from tidegate.aws.judging import Evidence, HookStatus, judge
from tidegate.aws.names import Environment
from tidegate.aws.settings import ServiceSettings, service_settings
from tidegate.aws.traffic import Group, dimension_of, minutes
from tidegate.core.analysis import BASELINE_MS
from tidegate.core.errors import CloudFailed, TidegateError

_SETTLE_MS = 120_000
"""CloudWatch may still change what is younger; ALB's minutes come up to two minutes late."""
_CALL_BACK_S = 60
_CHECKED = ("POST_TEST_TRAFFIC_SHIFT",)
_FIRST = "a first deployment: nothing served before that it could be compared with"
_CODEDEPLOY_POLL_S = 30.0
_MARGIN_MS = 60_000  # of a Lambda call's time, to answer in


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point for both controllers."""
    import boto3

    account = Account(boto3.Session(), os.environ["AWS_REGION"])
    if "DeploymentId" in event:
        return on_codedeploy(account, event, context, os.environ)
    return on_ecs(account, event, os.environ, round(time.time() * 1_000))


def on_ecs(
    account: Account, event: Mapping[str, Any], environ: Mapping[str, str], now: int
) -> dict[str, Any]:
    """The answer to ECS: `hookStatus`, and `callBackDelay` (s) with IN_PROGRESS.

    What cannot be read is no evidence: it is IN_PROGRESS until patience ends, then the policy's.
    """
    settings = _settings(account, event, environ)
    if event.get("lifecycleStage") in _CHECKED:
        return _checked(event, settings)
    deployment = _service_deployment(account, event["resourceArn"])
    if not any(one.get("requestedTaskCount", 1) for one in _sources(deployment)):
        _log(event, HookStatus.SUCCEEDED, _FIRST)
        return {"hookStatus": HookStatus.SUCCEEDED.value, "reason": _FIRST}
    since_ms = _ms(deployment.get("startedAt") or deployment["createdAt"])
    try:
        groups = _groups_of_revisions(account, settings, deployment)
        evidence = observe(account, groups, since_ms, now)
    except TidegateError as error:
        evidence = Evidence(note=error.what)
    status, reason = judge(settings, evidence, since_ms, now)
    by = _held_by(account, settings, event, environ)
    if by and status is HookStatus.SUCCEEDED:
        status, reason = HookStatus.IN_PROGRESS, f"paused by {by}; {reason}"
    _log(event, status, reason)
    answer: dict[str, Any] = {"hookStatus": status.value, "reason": reason}
    if status is HookStatus.IN_PROGRESS:
        answer["callBackDelay"] = _CALL_BACK_S
    return answer


def on_codedeploy(
    account: Account, event: Mapping[str, Any], context: Any, environ: Mapping[str, str]
) -> dict[str, Any]:
    """Wait in this call for a verdict, as long as Lambda lets us, and tell CodeDeploy."""
    deployment = event["DeploymentId"]
    settings = _settings_of_codedeploy(account, deployment, environ)
    if _event_of(account, deployment) == "AfterAllowTestTraffic":
        answer = _checked(event, settings)
        good = answer["hookStatus"] == HookStatus.SUCCEEDED
        return _tell(account, event, good, str(answer["reason"]))
    info = account.ask("codedeploy", "get_deployment", deploymentId=deployment)["deploymentInfo"]
    since_ms = _ms(info.get("startTime") or info["createTime"])
    while True:
        now = round(time.time() * 1_000)
        left_ms = int(context.get_remaining_time_in_millis()) - _MARGIN_MS
        try:
            groups = _groups_of_task_sets(account, settings, deployment)
            evidence = observe(account, groups, since_ms, now)
        except TidegateError as error:
            evidence = Evidence(note=error.what)
        last = left_ms < _CODEDEPLOY_POLL_S * 1_000  # no look after this one: nobody calls again
        status, reason = judge(settings, evidence, since_ms, now, last=last)
        if status is not HookStatus.IN_PROGRESS:
            break
        time.sleep(_CODEDEPLOY_POLL_S)
    _log(event, status, reason)
    return _tell(account, event, status is HookStatus.SUCCEEDED, reason)


def _event_of(account: Account, deployment: str) -> str:
    """The lifecycle event that the deployment is in: what we are called with does not say."""
    target = _target(account, deployment)
    running = (e for e in target.get("lifecycleEvents") or () if e.get("status") == "InProgress")
    return next((str(one["lifecycleEventName"]) for one in running), "")


def _tell(
    account: Account, event: Mapping[str, Any], succeeded: bool, reason: str
) -> dict[str, Any]:
    told = "Succeeded" if succeeded else "Failed"
    account.ask(
        "codedeploy",
        "put_lifecycle_event_hook_execution_status",
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status=told,
    )
    return {"status": told, "reason": reason}


def _sources(deployment: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What served before; nothing, or revisions without tasks, at a first deployment."""
    found: Sequence[Mapping[str, Any]] = deployment.get("sourceServiceRevisions") or ()
    return found


def _checked(event: Mapping[str, Any], settings: ServiceSettings) -> dict[str, Any]:
    """The smoke checks, before production traffic moves."""
    wrong = failing(settings.test_url, settings.checks)
    status = HookStatus.FAILED if wrong else HookStatus.SUCCEEDED
    reason = wrong or f"{len(settings.checks)} checks passed"
    _log(event, status, reason)
    return {"hookStatus": status.value, "reason": reason}


def observe(account: Account, groups: Mapping[str, Group], since_ms: int, now: int) -> Evidence:
    """The minutes of stable and candidate that no longer change."""
    until_ms = (now - _SETTLE_MS) // 60_000 * 60_000
    begin_ms = (since_ms - BASELINE_MS) // 60_000 * 60_000
    if until_ms <= begin_ms:
        return Evidence(note="CloudWatch has no whole minute since the deployment began")
    found = minutes(account, groups, begin_ms, until_ms)
    return Evidence(found["stable"], found["candidate"], until_ms)


def _settings(
    account: Account, event: Mapping[str, Any], environ: Mapping[str, str]
) -> ServiceSettings:
    """By the name in `hookDetails`, which the stack sets, or else the service of the ARN."""
    details = event.get("hookDetails") or {}
    name = details.get("service") or _service_of(event["resourceArn"])
    return service_settings(account, environ[Environment.SERVICES_PATH], name)


def _held_by(
    account: Account,
    settings: ServiceSettings,
    event: Mapping[str, Any],
    environ: Mapping[str, str],
) -> str | None:
    """Who paused this deployment. A candidate that is worse goes back all the same."""
    deployment = event["resourceArn"].rpartition("/")[2]
    path = environ[Environment.SERVICES_PATH]
    return holding.held_by(account, path, settings.service, deployment)


def _service_of(deployment_arn: str) -> str:
    """`…:service-deployment/CLUSTER/SERVICE/ID`."""
    return deployment_arn.rsplit("/", 2)[1]


def _service_deployment(account: Account, arn: str) -> dict[str, Any]:
    answer = account.ask("ecs", "describe_service_deployments", serviceDeploymentArns=[arn])
    found: list[dict[str, Any]] = answer["serviceDeployments"]
    if not found:
        raise CloudFailed("ECS does not know its own deployment", where=arn, code="TG973")
    return found[0]


def _groups_of_revisions(
    account: Account, settings: ServiceSettings, deployment: Mapping[str, Any]
) -> dict[str, Group]:
    """The target group of the candidate's revision, and the other one of the service.

    Only the pair is asked of ECS: which of them a revision got is in its resolved configuration.
    """
    arn = deployment["targetServiceRevision"]["arn"]
    ask = {"serviceRevisionArns": [arn]}
    revision = account.ask("ecs", "describe_service_revisions", **ask)["serviceRevisions"][0]
    declared = revision["loadBalancers"][0]
    pair = {declared["targetGroupArn"]}
    pair.add((declared.get("advancedConfiguration") or {}).get("alternateTargetGroupArn", ""))
    resolved = (revision.get("resolvedConfiguration") or {}).get("loadBalancers") or ()
    mine = next((one["targetGroupArn"] for one in resolved if one.get("targetGroupArn")), "")
    if mine not in pair or len(pair) != 2 or "" in pair:
        raise CloudFailed(
            "ECS does not say which target group the candidate is in", where=arn, code="TG974"
        )
    (other,) = pair - {mine}
    return _named(settings, stable=other, candidate=mine)


def _groups_of_task_sets(
    account: Account, settings: ServiceSettings, deployment: str
) -> dict[str, Group]:
    """Blue and green by CodeDeploy's labels: blue is what served before."""
    sets = _target(account, deployment).get("taskSetsInfo") or []
    by_label = {
        one["taskSetLabel"]: one["targetGroup"]["name"] for one in sets if "targetGroup" in one
    }
    known = {one.split("/")[1]: one for one in _dimensions(settings)}
    try:
        blue, green = known[by_label["Blue"]], known[by_label["Green"]]
    except KeyError as error:
        raise CloudFailed(
            "CodeDeploy does not say which target groups it moves between",
            where=deployment,
            code="TG975",
        ) from error
    return _named(settings, stable=blue, candidate=green)


def _target(account: Account, deployment: str) -> Mapping[str, Any]:
    ids = _targets(account, deployment)
    ask = {"deploymentId": deployment, "targetIds": ids}
    found = account.ask("codedeploy", "batch_get_deployment_targets", **ask)["deploymentTargets"]
    target: Mapping[str, Any] = found[0]["ecsTarget"] if found else {}
    return target


def _targets(account: Account, deployment: str) -> list[str]:
    ask = {"deploymentId": deployment}
    return list(account.each("codedeploy", "list_deployment_targets", "targetIds", **ask))


def _dimensions(settings: ServiceSettings) -> tuple[str, ...]:
    both = (settings.blue_target_group, settings.green_target_group)
    return tuple(one for one in both if one.count("/") == 2)


def _named(settings: ServiceSettings, stable: str, candidate: str) -> dict[str, Group]:
    """The two groups, by their ARNs or dimensions."""
    return {
        "stable": Group(settings.load_balancer, dimension_of(stable)),
        "candidate": Group(settings.load_balancer, dimension_of(candidate)),
    }


def _settings_of_codedeploy(
    account: Account, deployment: str, environ: Mapping[str, str]
) -> ServiceSettings:
    """The service whose ECS service the deployment's target names: `CLUSTER:SERVICE`."""
    ids = _targets(account, deployment)
    ask = {"Path": environ[Environment.SERVICES_PATH], "Recursive": True}
    for one in account.each("ssm", "get_parameters_by_path", "Parameters", **ask):
        name = one["Name"].split("/")
        if name[-1] == "settings":
            settings = service_settings(account, environ[Environment.SERVICES_PATH], name[-2])
            if any(target.rpartition(":")[2] == _bare(settings.ecs_service) for target in ids):
                return settings
    raise CloudFailed("no service of the app has this deployment", where=deployment, code="TG976")


def _bare(service: str) -> str:
    return service.rpartition("/")[2]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)


def _log(event: Mapping[str, Any], status: HookStatus, reason: str) -> None:
    """One line in the function's log group; Lambda sends standard output there."""
    where = event.get("lifecycleStage") or event.get("DeploymentId")
    os.write(1, f"{where}: {status.value}: {reason}\n".encode())
