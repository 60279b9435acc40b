"""Which image a service runs, by ECS's word."""

from collections.abc import Mapping
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.names import NO_IMAGE


def described(account: Account, cluster: str, service: str) -> Mapping[str, Any]:
    """The service as ECS has it; empty when it is not there."""
    absent = ("ServiceNotFoundException", "ClusterNotFoundException")
    ask = {"cluster": cluster, "services": [service]}
    found = account.find("ecs", "describe_services", absent, **ask)
    one: Mapping[str, Any] = found["services"][0] if found and found["services"] else {}
    return one


def task_definition(service: Mapping[str, Any]) -> str:
    """What serves. CODE_DEPLOY keeps it in task sets, and an older name in the service."""
    sets: list[Mapping[str, Any]] = service.get("taskSets") or []
    primary = next((one for one in sets if one.get("status") == "PRIMARY"), {})
    return str(primary.get("taskDefinition") or service.get("taskDefinition") or "")


def image(account: Account, name: str) -> str:
    """The image of the container that gets traffic; empty for one without a digest."""
    return next((one for one in _images(account, name) if "@sha256:" in one), "")


def deployed_image(account: Account, name: str) -> str:
    """The same, however it is named; empty while nothing was ever deployed."""
    return next((one for one in _images(account, name) if not one.endswith(NO_IMAGE)), "")


def _images(account: Account, name: str) -> list[str]:
    if not name:
        return []
    found = account.ask("ecs", "describe_task_definition", taskDefinition=name)["taskDefinition"]
    return [str(c["image"]) for c in found["containerDefinitions"] if c.get("portMappings")]
