"""Keep a program away from the network and from the sockets of container engines, on Linux.

`unshare` gives it a user, a network and a mount namespace of its own, in which empty folders lie
over those that engines listen in; `setpriv` takes every capability away, so that it cannot lift
them. Where the system does not allow this, the program runs without, and that is told.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

_TRY_S = 10
_MASK = 'while [ "$1" != -- ]; do mount -t tmpfs -o size=16k,mode=755 none "$1" || exit 125; shift'
_SCRIPT = (
    f"{_MASK}; done; shift; "
    "exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "
    '-- "$@"'
)


def fence(hidden: Sequence[Path]) -> tuple[str, ...] | None:
    """The words to put before a command so that these folders look empty to it; None: not here."""
    return _fence(tuple(str(path) for path in hidden))


def engine_folders(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """The folders that container engines listen in, as far as they exist; links are followed."""
    named = (environ.get(name, "") for name in ("TIDEGATE_ENGINE", "DOCKER_HOST"))
    sockets = [Path(url.removeprefix("unix://")).parent for url in named if url[:7] == "unix://"]
    usual = ("/run", "/var/run", environ.get("XDG_RUNTIME_DIR", ""))
    inside = (".docker/run", ".docker/desktop", ".colima", ".local/share/containers/podman")
    places = [*sockets, *map(Path, filter(None, usual)), *(home / name for name in inside)]
    found = {path.resolve() for path in places if path.is_dir()}
    return tuple(sorted(path for path in found if not _is_within(path, found) and _may_hide(path)))


def _is_within(path: Path, others: set[Path]) -> bool:
    return any(parent in others for parent in path.parents)


def _may_hide(path: Path) -> bool:
    """Not what every program needs: a socket that lies in such a folder cannot be hidden."""
    return path not in (Path("/"), Path("/tmp"), Path("/usr"), Path.home())


@lru_cache(maxsize=8)
def _fence(hidden: tuple[str, ...]) -> tuple[str, ...] | None:
    tools = [shutil.which(name) for name in ("unshare", "setpriv", "sh")]
    if sys.platform != "linux" or not all(tools):
        return None
    unshare, _, shell = map(str, tools)
    spaces = ("--user", "--map-root-user", "--net", "--mount", "--ipc")
    words = (unshare, *spaces, "--", shell, "-c", _SCRIPT, "sh", *hidden, "--")
    environment = {"PATH": os.environ.get("PATH", os.defpath)}
    try:
        done = subprocess.run(
            [*words, "true"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TRY_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return words if done.returncode == 0 else None
