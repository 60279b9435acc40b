"""Gather what `tidegate doctor` judges. Nothing is changed; a container is tried and removed."""

import os
import resource
import shutil
import sys
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from docker import DockerClient
from docker.errors import DockerException
from requests import RequestException

from tidegate.core.errors import SetupError
from tidegate.local.containers.usage import groupless
from tidegate.local.engine_socket import connect, find_engine
from tidegate.local.haproxy.machine import commands
from tidegate.local.instances.cgroups import why_not_limited
from tidegate.local.podman import told_by
from tidegate.local.setup import programs
from tidegate.local.setup.ports import taken
from tidegate.local.setup.programs import Program

SMALL_IMAGE = "localhost/tidegate/base-busybox"
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """A container engine that answered. `start` is None untried, "" done, else what went wrong.

    `limits` are those that it can hold a container to; `unlimited` is why it cannot hold an
    instance, which is several containers, to one. `skew_s` is its clock less ours. `lacks` is what
    tasks do not have on Podman; `name` is its name for people. `copying`: a process of Docker's
    copies what goes to a published port, as is seen while there is one.
    """

    url: str
    version: str
    api: str
    limits: frozenset[str]
    skew_s: float
    start: str | None
    free_bytes: int | None
    unlimited: str = ""
    name: str = "Docker"
    lacks: tuple[str, ...] = ()
    copying: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found. `ports` holds (address, port, why it is not free or "").

    `engine` is the reason in words when none answers, and `engine_remedy` what to do then.
    """

    python: tuple[int, int]
    engine: EngineFacts | str
    haproxy: Program | None
    git: Program | None
    ports: tuple[tuple[str, int, str], ...]
    free_bytes: int
    unwritable: str
    files: int
    inotify: int | None
    now_s: float
    engine_remedy: str = ""


def gather(home: Path, addresses: Iterable[tuple[str, int]]) -> Facts:
    """The facts of this machine, for an app with that state directory and those listeners."""
    existing = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    engine, engine_remedy = _engine()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Facts(
        python=(sys.version_info.major, sys.version_info.minor),
        engine=engine,
        haproxy=programs.haproxy(),
        git=programs.git(),
        ports=tuple((host, port, taken(host, port)) for host, port in addresses),
        free_bytes=shutil.disk_usage(existing).free,
        unwritable=_unwritable(existing),
        files=sys.maxsize if hard == resource.RLIM_INFINITY else hard,
        inotify=int(_INOTIFY.read_text()) if _INOTIFY.exists() else None,
        now_s=time.time(),
        engine_remedy=engine_remedy,
    )


def _engine() -> tuple[EngineFacts | str, str]:
    try:
        url = find_engine()
        with closing(connect(url)) as client:
            return _asked(url, client), ""
    except SetupError as error:
        return f"{error.what}: {error.cause}" if error.cause else error.what, error.remedy
    except (DockerException, RequestException) as error:
        return f"the container engine has a fault: {error}", "tidegate setup, or restart the engine"


def _asked(url: str, client: DockerClient) -> EngineFacts:
    version: dict[str, Any] = client.version()
    found = told_by(version)
    before = time.time()
    info: dict[str, Any] = client.info()
    root = info.get("DockerRootDir", "")
    local = os.path.isdir(root) and info.get("OperatingSystem") != "Docker Desktop"
    return EngineFacts(
        url=url,
        version=str(version.get("Version", "")),
        api=str(version.get("ApiVersion", "")),
        limits=limits_of(info),
        skew_s=skew_s(_seconds(info.get("SystemTime", ""), before), before, time.time()),
        start=_start(client),
        free_bytes=shutil.disk_usage(root).free if local else None,
        unlimited=why_not_limited(info),
        name="Podman" if found else "Docker",
        lacks=found.lacks if found else (),
        copying=copying(command for _, command in commands()),
    )


def copying(commands: Iterable[str]) -> bool:
    """Whether one of these command lines is of Docker's process that copies to a published port."""
    return any(Path(command.partition(" ")[0]).name == "docker-proxy" for command in commands)


def limits_of(info: dict[str, Any]) -> frozenset[str]:
    """What the engine can limit a task to. A rootless Podman on cgroup v1 says more than it can."""
    if groupless(info):
        return frozenset()
    names = (("memory", "MemoryLimit"), ("cpu", "CpuCfsQuota"), ("pids", "PidsLimit"))
    return frozenset(name for name, key in names if info.get(key))


def skew_s(told: float, before: float, after: float) -> float:
    """How far a clock is off that told this between the two: 0 within, since an answer takes time.

    Times are seconds since the epoch.
    """
    return told - min(max(told, before), after)


def _start(client: DockerClient) -> str | None:
    """Run nothing in a container, if there is an image to run it in."""
    images = client.images.list(name=SMALL_IMAGE)
    if not images:
        return None
    try:
        client.containers.run(
            str(images[0].id),
            ["true"],
            remove=True,
            network_mode="none",
            cap_drop=["ALL"],
            init=True,
        )
    except (DockerException, RequestException) as error:
        return str(error)
    return ""


def _seconds(text: str, fallback: float) -> float:
    with suppress(ValueError):
        return datetime.fromisoformat(text).timestamp()
    return fallback


def _unwritable(folder: Path) -> str:
    try:
        with TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"{folder}: {error.strerror}"
