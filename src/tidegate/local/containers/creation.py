"""What a task's container is made with: the hardening, the limits, the environment.

Everything is taken away and the service asks back what it needs (`core.model.Security`). The set
and its cost were measured: `research/runtime.md` §5.
"""

import re
from dataclasses import dataclass
from typing import Any

from docker.types import LogConfig

from tidegate.core.decision import StartTask
from tidegate.core.model import Service
from tidegate.local.containers.labels import container_name, labels_of

ONE_CORE = 1_024
"""CPU units, as in ECS."""
MIB = 1024 * 1024
SMALLEST_TMPFS_MIB = 16
_NUMBERS = re.compile(r"(?P<uid>\d+)(?::(?P<gid>\d+))?")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose container it is. `network` is the bridge that its tasks are on."""

    id: str
    app: str
    network: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task is started: what its port is published on, and the group that it is under."""

    address: str = "127.0.0.1"
    cgroup_parent: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What is known only at the start: the image's user ("" for root), the secrets' values.

    `place` is where the task's instance has it. `podman` tells which engine it is made on.
    """

    image_user: str
    secrets: dict[str, str]
    place: Place = Place()
    podman: bool = False


def creation(owner: Owner, action: StartTask, given: Given, host_port: int) -> dict[str, Any]:
    """The arguments of the SDK's `containers.create`.

    The image is an id, so nothing can be pulled and no tag can be moved underneath. The secrets
    are in the environment, where `docker inspect` shows them to whoever may use the engine.
    """
    service = action.service
    return {
        "image": action.digest,
        "command": list(service.command) or None,
        "name": container_name(owner.id, action.task),
        "labels": labels_of(owner.id, owner.app, action),
        "environment": _environment(action) | given.secrets,
        "network": owner.network,
        "ports": {f"{service.port}/tcp": (given.place.address, host_port)},
        "log_config": LogConfig(type="json-file", config={"max-size": "5m", "max-file": "2"}),
        "restart_policy": {"Name": "no"},  # a task is replaced, never restarted
        "healthcheck": {"test": ["NONE"]},  # health is asked from outside, without an exec
        "init": True,
        **hardening(service, given.image_user, given.podman),
        **_limits(service),
        **({"cgroup_parent": given.place.cgroup_parent} if given.place.cgroup_parent else {}),
    }


def _environment(action: StartTask) -> dict[str, str]:
    ours = {
        "PORT": str(action.service.port),
        "TIDEGATE_SERVICE": action.service.name,
        "TIDEGATE_RELEASE": f"v{action.release}",
        "TIDEGATE_TASK": action.task,
    }
    return ours | dict(action.service.environment)


def hardening(service: Service, image_user: str, podman: bool) -> dict[str, Any]:
    """The arguments that take everything away but what the service asked back."""
    security = service.security
    user = security.user or image_user
    owned = "U" if podman else _owned(user)
    size_mib = max(SMALLEST_TMPFS_MIB, service.memory_mib // 4)
    return {
        "user": user,
        "read_only": security.read_only,
        "tmpfs": dict(_tmpfs(entry, owned, size_mib) for entry in security.tmpfs),
        "cap_drop": ["ALL"],
        "cap_add": list(security.capabilities),
        "security_opt": ["no-new-privileges"],
        "sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"},
    }


def _tmpfs(entry: str, owned: str, size_mib: int) -> tuple[str, str]:
    """`path` or `path:options`. What is in it counts as the task's memory."""
    path, _, options = entry.partition(":")
    mount = f"rw,nosuid,nodev,noexec,mode=1777,size={size_mib}m"
    return path, ",".join(filter(None, (mount, owned, options)))


def _owned(user: str) -> str:
    """Docker's options that make the user the owner of a mount, if he is known by number.

    runc before 1.2 gives the mount the mode of the image's folder, whatever is asked for. Podman
    takes `U` instead, which is right for users known by name, too.
    """
    owner = _NUMBERS.fullmatch(user)
    if not owner:
        return ""
    return f"uid={owner['uid']}" + (f",gid={owner['gid']}" if owner["gid"] else "")


def _limits(service: Service) -> dict[str, Any]:
    """No swap: a task over its memory is killed at once instead of slowing all the others."""
    return {
        "mem_limit": service.memory_mib * MIB,
        "memswap_limit": service.memory_mib * MIB,
        "nano_cpus": service.cpu_units * 1_000_000_000 // ONE_CORE,
        "pids_limit": service.security.pids_limit,
    }
