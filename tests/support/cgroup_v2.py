"""What an instance's limits do in control groups of version 2; run as a program by `uml.answer`.

It plays the engine: each container is a group below the instance's, with a process in it.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.support.uml import MARK
from tidegate.local.containers import cgroups as usage
from tidegate.local.instances.cgroups import Cgroups, why_not_limited

ENGINE = {"OSType": "linux", "CgroupDriver": "cgroupfs", "CgroupVersion": "2"}
BUSY = "while True: pass"
IDLE = "import time; time.sleep(600)"
TAKES_96_MIB = "x = bytearray(96 << 20); import time; time.sleep(600)"
LOOK_S = 2.0


def main() -> None:
    """Print what was found as one line of JSON."""
    groups = Cgroups("me", 2)
    groups.make("i1", cpu_units=512, memory_mib=64)
    groups.make("i2", cpu_units=2_048, memory_mib=160)
    groups.make("i1", cpu_units=512, memory_mib=64)
    found = {"why_not": why_not_limited(ENGINE), **_files(groups), **_used(groups)}
    found |= _killed(groups)
    for instance in ("i1", "i2"):
        groups.clear(instance)
    found["left"] = _group(groups, "i1").exists() or _group(groups, "i2").exists()
    print(MARK + json.dumps(found), flush=True)


def _files(groups: Cgroups) -> dict[str, str]:
    folder = _group(groups, "i1")
    names = ("memory.max", "cpu.max", "cgroup.subtree_control")
    return {name: (folder / name).read_text().strip() for name in names}


def _used(groups: Cgroups) -> dict[str, float]:
    """CPU time of two busy containers together, by their files, in seconds of a second."""
    busy = {name: _container(groups, "i1", name, BUSY) for name in ("c1", "c2")}
    before = [usage.read(name, process.pid) for name, process in busy.items()]
    began = time.monotonic()
    time.sleep(LOOK_S)
    after = [usage.read(name, process.pid) for name, process in busy.items()]
    span_s = time.monotonic() - began
    used_ns = sum(b.cpu_ns - a.cpu_ns for a, b in zip(before, after, strict=True) if a and b)
    memory = after[0].memory_bytes if after[0] else 0
    for process in busy.values():
        process.kill()
        process.wait()
    return {"cores": used_ns / 1e9 / span_s, "memory_bytes": memory}


def _killed(groups: Cgroups) -> dict[str, object]:
    """The exit code of a program that takes more than one instance has and less than another."""
    neighbour = _container(groups, "i1", "n1", IDLE)
    roomy = _container(groups, "i2", "t2", TAKES_96_MIB)
    greedy = _container(groups, "i1", "t1", TAKES_96_MIB)
    code = greedy.wait(60)
    events = (_group(groups, "i1") / "memory.events").read_text().splitlines()
    living = {"neighbour": neighbour.poll() is None, "roomy": roomy.poll() is None}
    for process in (neighbour, roomy):
        process.kill()
        process.wait()
    return {"greedy": code, "oom_kill": int(dict(e.split() for e in events)["oom_kill"]), **living}


def _container(
    groups: Cgroups, instance: str, name: str, program: str
) -> "subprocess.Popen[bytes]":
    folder = Path("/sys/fs/cgroup") / str(groups.parent(instance)).lstrip("/") / name
    folder.mkdir()

    def enter() -> None:
        (folder / "cgroup.procs").write_text(str(os.getpid()))

    return subprocess.Popen([sys.executable, "-S", "-c", program], preexec_fn=enter)


def _group(groups: Cgroups, instance: str) -> Path:
    return groups.root / "tidegate" / groups.owner / instance


if __name__ == "__main__":
    main()
