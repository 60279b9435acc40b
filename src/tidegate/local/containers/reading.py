"""Read the engine's words on a container into plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.core.model import HealthCheck
from tidegate.core.seen import TaskSeen, TaskState
from tidegate.local.containers.labels import (
    RELEASE,
    SERVICE,
    TASK,
    health_check_of,
    port_of,
)

_STATES = {
    "created": TaskState.PENDING,
    "restarting": TaskState.PENDING,
    "running": TaskState.RUNNING,
    "paused": TaskState.RUNNING,
}
"""The rest (exited, removing, dead) is STOPPED. A paused one runs and does not answer."""


@dataclass(frozen=True, slots=True)
class Read:
    """A container as inspected: its whole id, and the process id of its first process, if it runs.

    Times are seconds since the epoch, by the engine's clock.
    """

    seen: TaskSeen
    check: HealthCheck
    started_s: float
    ended_s: float
    container: str = ""
    pid: int = 0

    @property
    def lived_s(self) -> float:
        """How long it ran until it ended."""
        return max(0.0, self.ended_s - self.started_s)


def read(inspected: Mapping[str, Any]) -> Read:
    """Raises `ValueError` or `KeyError` when our labels were damaged."""
    labels, state = inspected["Config"]["Labels"], inspected["State"]
    task_state = _STATES.get(state["Status"], TaskState.STOPPED)
    stopped = task_state is TaskState.STOPPED
    seen = TaskSeen(
        id=labels[TASK],
        service=labels[SERVICE],
        release=int(labels[RELEASE]),
        digest=inspected["Image"],
        state=task_state,
        address=_address(inspected, port_of(labels)) if not stopped else None,
        exit_code=int(state["ExitCode"]) if stopped else None,
        out_of_memory=bool(state["OOMKilled"]) if stopped else False,
    )
    times = _seconds(state["StartedAt"]), _seconds(state["FinishedAt"])
    return Read(
        seen, health_check_of(labels), *times, inspected.get("Id", ""), int(state.get("Pid") or 0)
    )


def _address(inspected: Mapping[str, Any], port: int) -> str | None:
    """The loopback address that it is published on; there is none before it has started."""
    bindings = (inspected["NetworkSettings"]["Ports"] or {}).get(f"{port}/tcp") or []
    return next((f"{b['HostIp']}:{b['HostPort']}" for b in bindings), None)


def _seconds(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time; 0 for the engine's "never", the year 1."""
    return 0.0 if text.startswith("0001") else datetime.fromisoformat(text).timestamp()
