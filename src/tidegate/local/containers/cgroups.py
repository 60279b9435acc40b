"""What a container has used, from its control group's files; version 1 and 2.

The group is found through `/proc/PID/cgroup` of the container's first process, so it may lie under
any parent. Where that process is not ours to see (Docker Desktop's machine, an engine far away)
there is nothing to read, and the engine must be asked.
Sources: Linux, Documentation/admin-guide/cgroup-v1/{cpuacct,memory}.rst and cgroup-v2.rst.
"""

from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Consumed:
    """CPU time since the start in nanoseconds, and memory now in bytes.

    Memory is without the file cache that can be dropped, as `docker stats` and ECS's agent count.
    """

    cpu_ns: int
    memory_bytes: int


def read(container: str, pid: int, mount: Path = MOUNT, proc: Path = PROC) -> Consumed | None:
    """What the container (its whole id) has used; None when its files cannot be read."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
        if pid <= 0 or not any(container in line for line in lines):
            return None  # another process of that number, or another machine's
        groups = _groups(lines)
        if "cpuacct" in groups and "memory" in groups:
            return _version_1(mount / "cpuacct", mount / "memory", groups)
        return _version_2(mount / groups[""].lstrip("/"))
    except (OSError, ValueError, KeyError):
        return None


def _groups(lines: list[str]) -> dict[str, str]:
    """The path of each controller; version 2's is under the empty name."""
    found = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = path
    return found


def _version_1(cpu: Path, memory: Path, groups: dict[str, str]) -> Consumed:
    cpu_group = cpu / groups["cpuacct"].lstrip("/")
    memory_group = memory / groups["memory"].lstrip("/")
    used = int((memory_group / "memory.usage_in_bytes").read_text())
    cache = _number(memory_group / "memory.stat", "total_inactive_file")
    return Consumed(int((cpu_group / "cpuacct.usage").read_text()), max(0, used - cache))


def _version_2(group: Path) -> Consumed:
    used = int((group / "memory.current").read_text())
    cache = _number(group / "memory.stat", "inactive_file")
    return Consumed(_number(group / "cpu.stat", "usage_usec") * 1_000, max(0, used - cache))


def _number(file: Path, name: str) -> int:
    """The value of one row of a file of rows `name value`."""
    for line in file.read_text().splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    raise ValueError(f"{file} has no {name}")
