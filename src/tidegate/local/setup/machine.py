"""What `tidegate setup` needs to know of this machine before it plans anything."""

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from tidegate.core.errors import SetupError
from tidegate.local.engine_socket import find_engine
from tidegate.local.setup import programs
from tidegate.local.setup.programs import Program

NAMING = ("TIDEGATE_ENGINE", "DOCKER_HOST")


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine. `engine` is the URL of the engine that answers, or None.

    `named` tells that the user names an engine by a variable; then none is installed beside it.
    `closed` is what to do when one is here that this user may not use, else "".
    """

    system: str = "Linux"
    processor: str = "x86_64"
    root: bool = False
    apt: bool = False
    systemd: bool = False
    dockerd: bool = False
    podman: bool = False
    engine: str | None = None
    named: bool = False
    closed: str = ""
    haproxy: Program | None = None
    git: Program | None = None


def look() -> Machine:
    """This machine as it is now."""
    engine, closed = None, ""
    try:
        engine = find_engine()
    except SetupError as error:
        closed = error.remedy if error.number == "TG229" else ""
    return Machine(
        system=platform.system(),
        processor=platform.machine(),
        root=os.geteuid() == 0,
        apt=shutil.which("apt-get") is not None and Path("/etc/debian_version").exists(),
        systemd=Path("/run/systemd/system").is_dir(),
        dockerd=shutil.which("dockerd") is not None,
        podman=shutil.which("podman") is not None,
        engine=engine,
        named=any(os.environ.get(name) for name in NAMING),
        closed=closed,
        haproxy=programs.haproxy(),
        git=programs.git(),
    )
