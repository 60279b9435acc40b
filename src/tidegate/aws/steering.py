"""What a person may ask of a service on AWS, each as the one call that does it, or a refusal.

A refusal says why AWS cannot do it and what to do instead; nothing is changed then.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from tidegate.aws import holding, suspending
from tidegate.aws.account import Account
from tidegate.aws.moving import CODEDEPLOY_MOVING
from tidegate.aws.names import PLACEHOLDER_TASK, Names
from tidegate.aws.names import ServiceOutput as Out
from tidegate.aws.reading import executions, releases
from tidegate.aws.reading.deployments import id_of, waiting_hook
from tidegate.aws.reading.groups import releases_in
from tidegate.aws.reading.service import Place, ServiceSeen
from tidegate.aws.settings import parameter
from tidegate.core.errors import Busy, NotFound, TidegateError, UsageError
from tidegate.core.model import TaskCount
from tidegate.core.words import counted

# --- deployments -----------------------------------------------------------------------------


def abort(account: Account, seen: ServiceSeen) -> None:
    """Take all traffic back, by ECS's ROLLBACK or CodeDeploy's stop with rollback."""
    if seen.place.codedeploy:
        moving = _codedeploy(seen)
        ask = {"deploymentId": moving["deploymentId"], "autoRollbackEnabled": True}
        account.ask("codedeploy", "stop_deployment", **ask)
        return
    moving = _moving(seen)
    if moving["status"].startswith("ROLLBACK"):
        raise Busy(
            f"deployment {id_of(moving)} of {seen.place.service} is already rolling back",
            cause=str((moving.get("rollback") or {}).get("reason") or moving["status"]),
            code="TG802",
        )
    arn = moving["serviceDeploymentArn"]
    account.ask("ecs", "stop_service_deployment", serviceDeploymentArn=arn, stopType="ROLLBACK")


def pause(account: Account, names: Names, seen: ServiceSeen, by: str) -> None:
    """Hold the shift after the step that it is in: our hook waits while the note is there."""
    if seen.place.codedeploy:
        raise UsageError(
            f"CodeDeploy cannot pause the deployment of {seen.place.service}",
            cause="its timetable runs to its end once traffic has begun to move",
            remedy=f"take it back: tidegate abort {seen.place.service} --target aws; or deploy with"
            " `controller: ecs`, where a pause is possible after each step",
            code="TG182",
        )
    note = {"deployment": id_of(_moving(seen)), "by": by}
    holding.hold(account, names.services_path, seen.place.service, note)


def resume(account: Account, names: Names, seen: ServiceSeen) -> None:
    """Let go what `pause` holds, or go on from a pause hook."""
    if seen.place.codedeploy:
        promote(account, names, seen)
        return
    moving = _moving(seen)
    path, service = names.services_path, seen.place.service
    if holding.held_by(account, path, service, id_of(moving)):
        holding.let_go(account, path, service)
    elif waiting_hook(moving):
        promote(account, names, seen)
    else:
        raise UsageError(f"the deployment of {service} is not paused", code="TG103")


def promote(account: Account, names: Names, seen: ServiceSeen) -> None:
    """Go on from a pause: a PAUSE hook of ECS, or a wait of CodeDeploy."""
    service = seen.place.service
    if seen.place.codedeploy:
        moving = _codedeploy(seen)
        ready = moving["status"] == "Ready"
        wait = "READY_WAIT" if ready else "TERMINATION_WAIT"
        ask = {"deploymentId": moving["deploymentId"], "deploymentWaitType": wait}
        account.ask("codedeploy", "continue_deployment", **ask)
        return
    moving = _moving(seen)
    hook = waiting_hook(moving)
    if hook is None:
        raise UsageError(
            f"there is nothing to go on from in the deployment of {service}",
            cause="ECS keeps to its timetable: no call takes it past a step or the bake",
            remedy=f"wait, or take it back: tidegate abort {service} --target aws",
            code="TG183",
        )
    holding.let_go(account, names.services_path, service)
    arn = moving["serviceDeploymentArn"]
    ask = {"serviceDeploymentArn": arn, "hookId": hook, "action": "CONTINUE"}
    account.ask("ecs", "continue_service_deployment", **ask)


def roll_back(account: Account, names: Names, seen: ServiceSeen, release: int | None) -> None:
    """Back to a good release: while one moves by aborting it, else by deploying it again."""
    place = seen.place
    stable, _ = releases_in(seen)
    if seen.moving or (place.codedeploy and _is_moving(seen.codedeploy)):
        if release in (None, stable):
            return abort(account, seen)
        raise Busy(
            f"a deployment of {place.service} is under way",
            remedy=f"tidegate abort {place.service} --target aws, or wait for its end",
            code="TG803",
        )
    good = sorted(one for one in _kept(account, seen) if one != stable)
    number = release if release is not None else (good[-1] if good else None)
    if number is None:
        raise NotFound(
            f"{place.service} has no earlier good release to go back to",
            cause="the first good release is the stable one",
            code="TG706",
        )
    if number == stable:
        raise UsageError(f"v{number} already serves {place.service}", code="TG104")
    if number not in good:
        raise NotFound(
            f"v{number} is not among the good releases of {place.service} that are kept",
            remedy=f"good ones: {', '.join(f'v{n}' for n in good) or 'none yet'}",
            code="TG705",
        )
    made = releases.definition(account, f"{place.outputs[Out.TASK_FAMILY]}:{number}")
    return _deploy(account, names, place, made["taskDefinitionArn"])


def _kept(account: Account, seen: ServiceSeen) -> set[int]:
    """Good releases: by ECS's memory of deployments, and with CodeDeploy by the gate's evidence."""
    if not seen.place.codedeploy:
        return releases.good(seen)
    views = releases.releases(account, seen)
    return {one.number for one in views if one.verdict in ("passed", "off")}


def _deploy(account: Account, names: Names, place: Place, task_definition: str) -> None:
    if not place.codedeploy:
        account.ask(
            "ecs",
            "update_service",
            cluster=place.cluster,
            service=place.outputs[Out.SERVICE_NAME],
            taskDefinition=task_definition,
        )
        return
    content = parameter(account, names.appspec_parameter(place.service))
    content = content.replace(PLACEHOLDER_TASK, task_definition)
    digest = hashlib.sha256(content.encode()).hexdigest()
    revision = {"content": content, "sha256": digest}
    where = {
        "applicationName": place.outputs[Out.DEPLOYMENT_APPLICATION_NAME],
        "deploymentGroupName": place.outputs[Out.DEPLOYMENT_GROUP_NAME],
    }
    target = place.outputs.get(Out.SCALABLE_TARGET_ID, "")
    suspending.suspend(account, target, held=True)  # its end lets go, by the stack's own rule
    try:
        account.ask(
            "codedeploy",
            "create_deployment",
            **where,
            revision={"revisionType": "AppSpecContent", "appSpecContent": revision},
            description="tidegate rollback",
        )
    except TidegateError:
        suspending.suspend(account, target, held=False)
        raise


def scale(account: Account, seen: ServiceSeen, desired: int, count: TaskCount) -> None:
    """Have so many tasks now. Autoscaling may change it again, within the same bounds."""
    if not count.minimum <= desired <= count.maximum:
        raise UsageError(
            f"{seen.place.service} cannot have {counted(desired, 'task')}",
            cause=f"the app file allows {count.minimum} to {count.maximum}",
            where=f"services.{seen.place.service}.tasks",
            remedy="change min or max in tidegate.yaml, then: tidegate up --target aws",
            code="TG105",
        )
    account.ask(
        "ecs",
        "update_service",
        cluster=seen.place.cluster,
        service=seen.place.outputs[Out.SERVICE_NAME],
        desiredCount=desired,
    )


def _moving(seen: ServiceSeen) -> Mapping[str, Any]:
    if seen.moving is None:
        raise _nothing(seen.place.service)
    return seen.moving


def _codedeploy(seen: ServiceSeen) -> Mapping[str, Any]:
    if not _is_moving(seen.codedeploy):
        raise _nothing(seen.place.service)
    return seen.codedeploy


def _is_moving(one: Mapping[str, Any]) -> bool:
    return one.get("status") in CODEDEPLOY_MOVING


def _nothing(service: str) -> NotFound:
    return NotFound(
        f"no deployment of {service} is under way",
        remedy=f"start one with a push, or go back with: tidegate rollback {service} --target aws",
        code="TG703",
    )


# --- approvals -------------------------------------------------------------------------------


def decide_approval(
    account: Account, named: executions.Named, approved: bool, summary: str
) -> None:
    """Answer the approval action at which that execution waits."""
    stage, action = _waiting(account, named)
    account.ask(
        "codepipeline",
        "put_approval_result",
        pipelineName=named.pipeline,
        stageName=stage,
        actionName=action["actionName"],
        token=action["latestExecution"]["token"],
        result={"summary": summary[:500], "status": "Approved" if approved else "Rejected"},
    )


def _waiting(account: Account, named: executions.Named) -> tuple[str, Mapping[str, Any]]:
    state = account.ask("codepipeline", "get_pipeline_state", name=named.pipeline)
    for stage in state["stageStates"]:
        if (stage.get("latestExecution") or {}).get("pipelineExecutionId") != named.uuid:
            continue
        for action in stage.get("actionStates", ()):
            latest = action.get("latestExecution") or {}
            if latest.get("status") == "InProgress" and latest.get("token"):
                return stage["stageName"], action
    raise UsageError(
        f"execution {named.id} does not wait for approval",
        remedy="look where it is: tidegate executions --target aws",
        code="TG102",
    )


def start(account: Account, place: Place, commit: str) -> str:
    """Start the service's pipeline at that commit; the execution's id."""
    ask: dict[str, Any] = {"name": place.outputs[Out.PIPELINE_NAME]}
    if commit:
        source = _source_action(account, ask["name"])
        revision = {"actionName": source, "revisionType": "COMMIT_ID", "revisionValue": commit}
        ask["sourceRevisions"] = [revision]
    answer = account.ask("codepipeline", "start_pipeline_execution", **ask)
    return f"{place.service}-{answer['pipelineExecutionId']}"


def _source_action(account: Account, pipeline: str) -> str:
    stages = account.ask("codepipeline", "get_pipeline", name=pipeline)["pipeline"]["stages"]
    return str(stages[0]["actions"][0]["name"])
