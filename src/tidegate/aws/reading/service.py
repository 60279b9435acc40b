"""One service as the account shows it at one moment: what every view of it is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tidegate.aws import live
from tidegate.aws.account import Account
from tidegate.aws.moving import ECS_MOVING
from tidegate.aws.names import Names, PlatformOutput
from tidegate.aws.names import ServiceOutput as Out
from tidegate.core.model import Colour


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service is: the outputs of its stack and of the platform's."""

    service: str
    outputs: Mapping[str, str]
    platform: Mapping[str, str]

    @property
    def cluster(self) -> str:
        """The ECS cluster's name."""
        return self.platform[PlatformOutput.CLUSTER_NAME]

    @property
    def codedeploy(self) -> bool:
        """Whether CodeDeploy moves the traffic."""
        return self.outputs.get(Out.CONTROLLER) == "codedeploy"

    def group_arn(self, colour: Colour) -> str:
        """The ARN of its target group in that colour."""
        blue = colour is Colour.BLUE
        return self.outputs[Out.BLUE_TARGET_GROUP_ARN if blue else Out.GREEN_TARGET_GROUP_ARN]

    def list_of(self, output: Out) -> list[str]:
        """An output that holds several names with commas between."""
        return [name for name in self.outputs.get(output, "").split(",") if name]


@dataclass(frozen=True, slots=True)
class ServiceSeen:
    """A service's answers: ECS's word, its tasks, its newest deployments, weights and targets.

    `deployments` are details of ECS service deployments, the newest first (empty with CodeDeploy);
    `codedeploy` is the newest CodeDeploy deployment with its `target`, or empty. `health` maps a
    target's `address:port` to its state, by colour. `weights_bp` is None when it is not readable.
    """

    place: Place
    ecs: Mapping[str, Any]
    tasks: tuple[Mapping[str, Any], ...] = ()
    deployments: tuple[Mapping[str, Any], ...] = ()
    codedeploy: Mapping[str, Any] = field(default_factory=dict)
    weights_bp: Mapping[Colour, int] | None = None
    health: Mapping[Colour, Mapping[str, str]] = field(default_factory=dict)
    revisions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def moving(self) -> Mapping[str, Any] | None:
        """The ECS service deployment that is not over, or None."""
        return next((d for d in self.deployments if d["status"] in ECS_MOVING), None)


def look(account: Account, place: Place) -> ServiceSeen:
    """Ask the account of one service. Raises `AccountError` or `CloudFailed`."""
    name = place.outputs[Out.SERVICE_NAME]
    ask = {"cluster": place.cluster, "services": [name]}
    found = account.ask("ecs", "describe_services", **ask)["services"]
    ecs = found[0] if found else {}
    deployments = () if place.codedeploy else deployments_of(account, place)
    return ServiceSeen(
        place,
        ecs,
        tasks_of(account, place),
        deployments,
        newest_codedeploy(account, place) if place.codedeploy else {},
        live.weights_bp(account, place.service, place.outputs),
        {colour: _health(account, place.group_arn(colour)) for colour in Colour},
        _revisions(account, deployments),
    )


def deployments_of(account: Account, place: Place, most: int = 20) -> tuple[dict[str, Any], ...]:
    """The newest ECS service deployments with all their details, the newest first."""
    where = {"cluster": place.cluster, "service": place.outputs[Out.SERVICE_NAME]}
    answer = account.ask("ecs", "list_service_deployments", **where, maxResults=most)
    arns = [one["serviceDeploymentArn"] for one in answer.get("serviceDeployments", ())]
    if not arns:
        return ()
    ask = {"serviceDeploymentArns": arns}
    found = account.ask("ecs", "describe_service_deployments", **ask)["serviceDeployments"]
    return tuple(sorted(found, key=lambda one: one["createdAt"], reverse=True))


def newest_codedeploy(account: Account, place: Place) -> dict[str, Any]:
    """The newest CodeDeploy deployment of the group, with its ECS `target`, or nothing."""
    ids = codedeploy_ids(account, place)
    return codedeploy_deployment(account, ids[0]) if ids else {}


def codedeploy_ids(account: Account, place: Place) -> list[str]:
    """The ids of the group's deployments, the newest first."""
    groups = {
        "applicationName": place.outputs[Out.DEPLOYMENT_APPLICATION_NAME],
        "deploymentGroupName": place.outputs[Out.DEPLOYMENT_GROUP_NAME],
    }
    return list(account.ask("codedeploy", "list_deployments", **groups).get("deployments", ()))


def codedeploy_deployment(account: Account, name: str) -> dict[str, Any]:
    """One of them. Its targets are there once it has begun."""
    info = dict(account.ask("codedeploy", "get_deployment", deploymentId=name)["deploymentInfo"])
    ask = {"deploymentId": name}
    ids = list(account.ask("codedeploy", "list_deployment_targets", **ask).get("targetIds", ()))
    if ids:
        both = {**ask, "targetIds": ids}
        found = account.ask("codedeploy", "batch_get_deployment_targets", **both)
        info["target"] = found["deploymentTargets"][0].get("ecsTarget", {})
    return info


def places(account: Account, names: Names, services: tuple[str, ...]) -> tuple[Place, ...]:
    """Where each service of the app is; those whose stack is not there yet are left out."""
    from tidegate.aws.deploy import stacks

    platform = stacks.seen(account, names.platform_stack)
    if platform is None:
        return ()
    found = ((name, stacks.seen(account, names.service_stack(name))) for name in services)
    return tuple(
        Place(name, stack.outputs, platform.outputs)
        for name, stack in found
        if stack and Out.SERVICE_NAME in stack.outputs
    )


def tasks_of(account: Account, place: Place) -> tuple[dict[str, Any], ...]:
    """The service's tasks, as ECS describes them."""
    where = {"cluster": place.cluster}
    ask = {**where, "serviceName": place.outputs[Out.SERVICE_NAME]}
    arns = list(account.each("ecs", "list_tasks", "taskArns", **ask))
    found: list[dict[str, Any]] = []
    for start in range(0, len(arns), 100):
        batch = arns[start : start + 100]
        found += account.ask("ecs", "describe_tasks", **where, tasks=batch)["tasks"]
    return tuple(sorted(found, key=lambda task: str(task["taskArn"])))


def _health(account: Account, group: str) -> dict[str, str]:
    answer = account.ask("elbv2", "describe_target_health", TargetGroupArn=group)
    return {
        str(one["Target"]["Id"]): str(one["TargetHealth"]["State"])
        for one in answer["TargetHealthDescriptions"]
    }


def _revisions(
    account: Account, deployments: tuple[Mapping[str, Any], ...]
) -> dict[str, dict[str, Any]]:
    """The service revisions of the newest deployments, by ARN."""
    arns: dict[str, None] = {}
    for one in deployments[:5]:
        for part in (one.get("targetServiceRevision"), *one.get("sourceServiceRevisions", ())):
            if part and part.get("arn"):
                arns[part["arn"]] = None
    if not arns:
        return {}
    ask = {"serviceRevisionArns": list(arns)[:20]}
    found = account.ask("ecs", "describe_service_revisions", **ask)["serviceRevisions"]
    return {str(one["serviceRevisionArn"]): one for one in found}


def release_of(task_definition: str) -> int | None:
    """A task definition's revision is the release's number: `…:task-definition/FAMILY:42`."""
    number = task_definition.rpartition(":")[2]
    return int(number) if number.isdigit() else None


def ms(at: datetime | None) -> int:
    """A time of boto3 in ms; 0 for none."""
    return round(at.timestamp() * 1_000) if at else 0
