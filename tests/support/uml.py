"""A kernel of one's own, for what this machine's does not have: control groups of version 2 alone.

User Mode Linux is a Linux kernel that runs as a program, with this machine's files, read only.
Debian has it: `apt-get install --no-install-recommends user-mode-linux`.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = "linux.uml"
MEMORY = "256M"
BOOT_S = 120
_INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export PATH={path} PYTHONPATH={python_path} PYTHONDONTWRITEBYTECODE=1
{python} {script}
echo o >/proc/sysrq-trigger
sleep 60
"""
MARK = "answer: "


def why_not() -> str:
    """Why no such kernel can run here, or empty."""
    return "" if shutil.which(PROGRAM) else f"{PROGRAM} is not installed (user-mode-linux)"


def answer(script: Path, folder: Path) -> Any:
    """Boot, run the Python script as root, power off; the JSON that it printed after `MARK`.

    Control groups of version 2 are at their usual place. What it writes to disk is refused.
    """
    init = folder / "init"
    init.write_text(
        _INIT.format(
            path=os.environ["PATH"],
            python_path=os.pathsep.join(filter(None, map(os.path.abspath, sys.path))),
            python=sys.executable,
            script=script,
        )
    )
    init.chmod(0o755)
    done = subprocess.run(
        [
            *(PROGRAM, "rootfstype=hostfs", "rootflags=/", "ro", f"mem={MEMORY}", f"init={init}"),
            *("con=null", "con0=null,fd:1", f"uml_dir={folder}", "quiet"),
        ],
        env=os.environ | {"TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=BOOT_S,
        check=False,
    )
    for line in done.stdout.splitlines():
        if MARK in line:
            return json.loads(line.partition(MARK)[2])
    raise AssertionError(f"no answer from {script.name}: {done.stdout[-3000:]}")
