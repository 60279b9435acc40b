"""Which deployment of a service is not over, by AWS's words and by asking."""

from collections.abc import Mapping
from typing import Any

from tidegate.aws.account import Account

ECS_MOVING = (
    "PENDING",
    "IN_PROGRESS",
    "STOP_REQUESTED",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
)
"""States of an ECS service deployment."""

CODEDEPLOY_MOVING = ("Created", "Queued", "InProgress", "Baking", "Ready")
"""States of a CodeDeploy deployment."""


def of_ecs(account: Account, cluster: str, service: str) -> Mapping[str, Any] | None:
    """The ECS service deployment under way, as ListServiceDeployments has it, or None."""
    ask = {"cluster": cluster, "service": service, "status": list(ECS_MOVING)}
    answer = account.ask("ecs", "list_service_deployments", **ask)
    return next(iter(answer.get("serviceDeployments") or ()), None)


def of_codedeploy(account: Account, application: str, group: str) -> str:
    """The id of a deployment of the group that is under way, or empty."""
    ask = {"applicationName": application, "deploymentGroupName": group}
    moving = {**ask, "includeOnlyStatuses": list(CODEDEPLOY_MOVING)}
    answer = account.ask("codedeploy", "list_deployments", **moving)
    return next(iter(answer.get("deployments") or ()), "")
