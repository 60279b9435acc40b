"""What a container says of itself, so that another controller can take it over."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from tidegate.core.decision import StartTask
from tidegate.core.model import HealthCheck

MANAGED = "tidegate.io/managed"
OWNER = "tidegate.io/owner"
APP = "tidegate.io/app"
SERVICE = "tidegate.io/service"
RELEASE = "tidegate.io/release"
TASK = "tidegate.io/task"
INSTANCE = "tidegate.io/instance"
SETTINGS = "tidegate.io/settings"


def container_name(owner: str, task: str) -> str:
    """The name by which a task is found: there can be only one of it."""
    return f"tidegate-{owner}-{task}"


def labels_of(owner: str, app: str, action: StartTask) -> dict[str, str]:
    """The labels of a task's container. `settings` is JSON: the port and the health check."""
    service = action.service
    settings = {"port": service.port, "health": asdict(service.health)}
    return {
        MANAGED: "1",
        OWNER: owner,
        APP: app,
        SERVICE: service.name,
        RELEASE: str(action.release),
        TASK: action.task,
        SETTINGS: json.dumps(settings, separators=(",", ":")),
        **({INSTANCE: action.instance} if action.instance else {}),
    }


def port_of(labels: Mapping[str, str]) -> int:
    """The port inside the container. Raises `ValueError` when the label is damaged."""
    return int(_settings(labels)["port"])


def health_check_of(labels: Mapping[str, str]) -> HealthCheck:
    """The health check. Keys of another version are left out; `ValueError` when damaged."""
    known = {field.name for field in fields(HealthCheck)}
    health = _settings(labels)["health"]
    return HealthCheck(**{name: value for name, value in health.items() if name in known})


def _settings(labels: Mapping[str, str]) -> dict[str, Any]:
    settings = json.loads(labels.get(SETTINGS, ""))
    if not isinstance(settings, dict):
        raise ValueError(f"the label {SETTINGS} is not an object")
    return settings
