"""Control groups that limit all tasks of an instance together, in cgroup v1 and v2.

An instance is a parent group; the engine puts each container below it (`--cgroup-parent`). Needed
are a Linux engine on this machine with the cgroupfs driver, and the right to make groups; elsewhere
an instance is accounting only, and each task keeps its own limits (`research/runtime.md` §4).
"""

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.errors import DockerException
from requests import RequestException

from tidegate.local.containers.usage import rootless

ROOT = Path("/sys/fs/cgroup")
MIB = 1024 * 1024
PERIOD_US = 100_000
ONE_CORE = 1_024
_V1 = ("memory", "cpu,cpuacct", "cpu", "cpuacct", "pids", "cpuset")
_GONE_S = 2.0


@dataclass(frozen=True, slots=True)
class Cgroups:
    """Groups of one owner below `root`. `why_not` says why there can be none, or is empty.

    `version` is 1 or 2.
    """

    owner: str
    version: int = 2
    why_not: str = ""
    root: Path = ROOT

    def parent(self, instance: str) -> str | None:
        """What the engine is told as the parent of a task's group; None without groups."""
        return None if self.why_not else f"/tidegate/{self.owner}/{instance}"

    def make(self, instance: str, cpu_units: int, memory_mib: int) -> None:
        """Make the group with its limits, or set them again. Raises `OSError`."""
        if self.why_not:
            return
        if self.version == 2:
            self._make_v2(instance, cpu_units, memory_mib)
        else:
            self._make_v1(instance, cpu_units, memory_mib)

    def clear(self, instance: str) -> None:
        """Take the group away once it is empty; the kernel may need a moment for that."""
        if self.why_not:
            return
        for folder in self._folders(instance):
            _remove(folder)
            for above in (folder.parent, folder.parent.parent):
                with contextlib.suppress(OSError):  # another instance, or owner, is still there
                    above.rmdir()

    def _make_v1(self, instance: str, cpu_units: int, memory_mib: int) -> None:
        for controller in _V1:
            if not (self.root / controller).is_dir():
                continue
            folder = self.root / controller / "tidegate" / self.owner / instance
            if controller == "cpuset":
                _cpusets(self.root / controller, folder)
            folder.mkdir(parents=True, exist_ok=True)
        at = "tidegate/" + self.owner + "/" + instance
        _write(self.root / "memory" / at / "memory.limit_in_bytes", memory_mib * MIB)
        swap = self.root / "memory" / at / "memory.memsw.limit_in_bytes"
        if swap.exists():
            _write(swap, memory_mib * MIB)
        _write(self.root / "cpu" / at / "cpu.cfs_period_us", PERIOD_US)
        _write(self.root / "cpu" / at / "cpu.cfs_quota_us", cpu_units * PERIOD_US // ONE_CORE)

    def _make_v2(self, instance: str, cpu_units: int, memory_mib: int) -> None:
        folder = self.root / "tidegate" / self.owner / instance
        folder.mkdir(parents=True, exist_ok=True)
        for above in (self.root, self.root / "tidegate", folder.parent, folder):
            _write(above / "cgroup.subtree_control", "+cpu +memory +pids")
        _write(folder / "memory.max", memory_mib * MIB)
        with contextlib.suppress(OSError):  # a kernel without swap accounting
            _write(folder / "memory.swap.max", 0)
        _write(folder / "cpu.max", f"{cpu_units * PERIOD_US // ONE_CORE} {PERIOD_US}")

    def _folders(self, instance: str) -> list[Path]:
        at = f"tidegate/{self.owner}/{instance}"
        if self.version == 2:
            return [self.root / at]
        return list(self.root.glob(f"*/{at}"))  # the engine makes it in every hierarchy


def find(client: DockerClient, owner: str, root: Path = ROOT) -> Cgroups:
    """Whether, and how, instances can be groups here."""
    try:
        info: Mapping[str, Any] = client.info()
    except (DockerException, RequestException) as error:
        return Cgroups(owner, why_not=f"the engine does not say how it limits: {error}")
    version = 2 if str(info.get("CgroupVersion", "1")) == "2" else 1
    return Cgroups(owner, version, why_not_limited(info, root), root)


def why_not_limited(info: Mapping[str, Any], root: Path = ROOT) -> str:
    """Why an engine that says this of itself cannot hold an instance to its limits, or empty."""
    if info.get("OperatingSystem") == "Docker Desktop" or info.get("OSType") != "linux":
        return "the engine runs in a machine of its own"
    if rootless(info):
        return "the engine is rootless, and has no groups of its own to make"
    if info.get("CgroupDriver") != "cgroupfs":
        return f"the engine's cgroup driver is {info.get('CgroupDriver')}, not cgroupfs"
    v2 = str(info.get("CgroupVersion", "1")) == "2"
    place = root if v2 else root / "memory"
    if not place.is_dir():
        return f"there is no {place}"
    return "" if os.access(place, os.W_OK) and os.geteuid() == 0 else f"{place} cannot be written"


def _cpusets(top: Path, folder: Path) -> None:
    """A new cpuset group takes no process before it has CPUs and memory nodes."""
    made = top
    for part in folder.relative_to(top).parts:
        made = made / part
        made.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            if not (made / name).read_text().strip():
                _write(made / name, (made.parent / name).read_text().strip())


def _write(path: Path, value: object) -> None:
    path.write_text(str(value))


def _remove(folder: Path) -> None:
    """A group can go once the last process of it has; groups below it first."""
    until = time.monotonic() + _GONE_S
    while folder.is_dir():
        for below in [inner for inner in folder.iterdir() if inner.is_dir()]:
            with contextlib.suppress(OSError):
                below.rmdir()
        try:
            folder.rmdir()
            return
        except OSError:
            if time.monotonic() > until:
                return  # it is swept with the next one, and holds nothing
            time.sleep(0.02)
