"""Judge the facts of a machine: what is well, what is doubtful, what must be put right, and how."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tidegate.local.setup.facts import EngineFacts, Facts, gather
from tidegate.local.setup.programs import GIT_AT_LEAST, HAPROXY_AT_LEAST, Program

MIB = 1024 * 1024
PODMAN_REMEDY = (
    "nothing to do if you can live with it; docs/engines.md has what works on which engine"
)
COPYING = "Docker has a process copy each request to a task: far fewer go through"
COPYING_REMEDY = (
    'put "userland-proxy": false into /etc/docker/daemon.json, then restart Docker at a quiet '
    "moment: the kernel passes them on"
)
LITTLE_DISK = 2_000 * MIB
NO_DISK = 200 * MIB
FEW_FILES = 4_096
FEW_INOTIFY = 64
SKEW_S = 5.0
EARLIEST_S = 1_735_689_600
"""1 January 2025: no clock that is right shows less."""
PYTHON_AT_LEAST = (3, 11)


class CheckState(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was found, in a sentence, and what to do about it unless it is OK."""

    name: str
    state: CheckState
    what: str
    remedy: str = ""


def doctor(home: Path, addresses: Iterable[tuple[str, int]] = ()) -> list[Check]:
    """Look at this machine for an app with that state directory and those listener addresses.

    Give no addresses while the app runs: it holds them itself.
    """
    return assess(gather(home, addresses))


def assess(facts: Facts) -> list[Check]:
    """What the facts mean, the most basic first."""
    return [
        _python(facts),
        *_engine(facts.engine, facts.engine_remedy),
        _program("haproxy", facts.haproxy, HAPROXY_AT_LEAST),
        _program("git", facts.git, GIT_AT_LEAST),
        *(_port(*port) for port in facts.ports),
        _state(facts),
        _disk("disk", facts.free_bytes),
        _files(facts),
        _clock(facts),
    ]


def _python(facts: Facts) -> Check:
    version = ".".join(map(str, facts.python))
    if facts.python >= PYTHON_AT_LEAST:
        return Check("python", CheckState.OK, f"Python {version}")
    return Check("python", CheckState.FAIL, f"Python {version}", "use Python 3.11 or newer")


def _engine(engine: EngineFacts | str, remedy: str) -> list[Check]:
    if isinstance(engine, str):
        return [Check("engine", CheckState.FAIL, engine, remedy)]
    what = f"{engine.name} {engine.version}, API {engine.api}, at {engine.url}"
    checks = [Check("engine", CheckState.OK, what), _limits(engine), _instances(engine)]
    checks.append(_start(engine))
    if engine.copying:
        checks.append(Check("published ports", CheckState.WARN, COPYING, COPYING_REMEDY))
    if engine.lacks:
        checks.append(Check("podman", CheckState.WARN, "; ".join(engine.lacks), PODMAN_REMEDY))
    if engine.free_bytes is not None:
        checks.append(_disk("image disk", engine.free_bytes))
    return checks


def _limits(engine: EngineFacts) -> Check:
    missing = sorted({"memory", "cpu", "pids"} - engine.limits)
    if not missing:
        return Check("limits", CheckState.OK, "memory, cpu and pids of a task can be limited")
    what = f"the engine cannot limit: {', '.join(missing)}"
    remedy = "enable these cgroup controllers in the kernel; until then a task may take them all"
    return Check("limits", CheckState.WARN, what, remedy)


def _instances(engine: EngineFacts) -> Check:
    if not engine.unlimited:
        return Check("instances", CheckState.OK, "an instance can be limited as a whole")
    what = f"instances of `capacity` are accounting only: {engine.unlimited}"
    remedy = "each task keeps its own limits; an app file without `capacity` is not concerned"
    return Check("instances", CheckState.WARN, what, remedy)


def _start(engine: EngineFacts) -> Check:
    if engine.start is None:
        what = "not tried: there is no small image here yet"
        return Check("container", CheckState.OK, what)
    if engine.start:
        what = f"a container cannot be started: {engine.start}"
        remedy = "see the engine's log: journalctl -u docker, or /var/log/tidegate-dockerd.log"
        return Check("container", CheckState.FAIL, what, remedy)
    return Check("container", CheckState.OK, "a container starts and ends as it should")


def _program(name: str, program: Program | None, least: tuple[int, ...]) -> Check:
    wanted = ".".join(map(str, least))
    if program is None:
        return Check(name, CheckState.FAIL, f"{name} is not here", "run: tidegate setup")
    if program.version < least:
        remedy = f"install {wanted} or newer"
        return Check(name, CheckState.FAIL, f"{program.words} is too old", remedy)
    return Check(name, CheckState.OK, program.words)


def _port(host: str, port: int, taken: str) -> Check:
    name = f"port {port}"
    if not taken:
        return Check(name, CheckState.OK, f"{host}:{port} is free")
    remedy = f"stop what listens there (ss -ltnp 'sport = :{port}'), or set another listener port"
    return Check(name, CheckState.FAIL, f"{host}:{port} cannot be used: {taken}", remedy)


def _state(facts: Facts) -> Check:
    if not facts.unwritable:
        return Check("state", CheckState.OK, "the state directory can be written")
    remedy = "check who owns it, or run Tidegate in a folder of yours"
    return Check("state", CheckState.FAIL, f"cannot be written: {facts.unwritable}", remedy)


def _disk(name: str, free: int) -> Check:
    what = f"{free // MIB} MiB free"
    if free >= LITTLE_DISK:
        return Check(name, CheckState.OK, what)
    state = CheckState.FAIL if free < NO_DISK else CheckState.WARN
    images = name.startswith("image")
    where = "of the images: docker image ls lists old ones" if images else "of the state directory"
    return Check(name, state, what, f"free some space on the disk {where}")


def _files(facts: Facts) -> Check:
    few = facts.files < FEW_FILES
    if few:
        what = f"a process may open only {facts.files} files"
        return Check("files", CheckState.WARN, what, f"raise the limit: ulimit -n {FEW_FILES}")
    if facts.inotify is not None and facts.inotify < FEW_INOTIFY:
        what = f"a user may have only {facts.inotify} inotify instances"
        remedy = "raise it: sysctl fs.inotify.max_user_instances=512"
        return Check("files", CheckState.WARN, what, remedy)
    return Check("files", CheckState.OK, "enough files may be open")


def _clock(facts: Facts) -> Check:
    if facts.now_s < EARLIEST_S:
        what, remedy = "the clock shows a time long past", "set it, best with a time service"
        return Check("clock", CheckState.FAIL, what, remedy)
    skew_s = facts.engine.skew_s if isinstance(facts.engine, EngineFacts) else 0.0
    if abs(skew_s) > SKEW_S:
        what = f"the engine's clock is {skew_s:+.0f} s off ours"
        remedy = "restart the engine's virtual machine, or set its clock"
        return Check("clock", CheckState.WARN, what, remedy)
    return Check("clock", CheckState.OK, "the clock is plausible")
