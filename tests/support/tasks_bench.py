"""A bench for `core.ports.Tasks`: the same questions to every implementation of it.

`tests/contract/test_tasks.py` asks them. Each implementation brings a `TasksBench`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from docker import DockerClient
from docker.models.containers import Container

from tests.support.engine import engine, shell_id
from tidegate.core.decision import StartTask
from tidegate.core.model import HealthCheck, Security, Service
from tidegate.core.ports import Tasks
from tidegate.core.seen import TaskSeen
from tidegate.local.containers import ContainerTasks, clear_away
from tidegate.local.home import Home
from tidegate.local.podman import podman

PATIENCE_S = 15.0


class Nature(StrEnum):
    """What the program of a task does."""

    GOOD = "answers"
    CRASHES = "exits with code 3 by itself"
    LEAKS = "takes more memory than it may"
    DEAF = "runs and never answers"


class TasksBench(Protocol):
    """An implementation of `Tasks`, and programs for it to run."""

    @property
    def tasks(self) -> Tasks:
        """What is tested."""
        ...

    @property
    def silent_on_memory(self) -> bool:
        """Whether it does not tell a task that its memory limit ended from one that was killed."""
        ...

    def start(self, task: str, nature: Nature = Nature.GOOD) -> StartTask:
        """A start of such a program, healthy within the second, with a grace of half a second."""
        ...

    def wait_for(self, task: str, what: Callable[[TaskSeen], bool]) -> TaskSeen:
        """Let time pass until `what` holds of the task; fail the test when it never does."""
        ...

    def wait_until_gone(self, task: str) -> None:
        """Let time pass until the task is not there; fail the test when it stays."""
        ...


_SERVE = "mkdir -p /tmp/www && echo fine >/tmp/www/index.html && "
_PROGRAMS = {
    Nature.GOOD: _SERVE + "exec busybox httpd -f -p $PORT -h /tmp/www",
    Nature.CRASHES: "exit 3",
    Nature.LEAKS: "x=xxxxxxxx; while :; do x=$x$x; done",
    Nature.DEAF: "exec busybox sleep 600",
}
QUICK = HealthCheck(interval_ms=100, timeout_ms=300, grace_period_ms=500)


@dataclass
class ContainerBench:
    """Real containers of one owner. `changes` counts how often the adapter told of one."""

    client: DockerClient
    home: Home
    digest: str
    changes: int = 0

    def __post_init__(self) -> None:
        self.tasks = self.another()

    @property
    def silent_on_memory(self) -> bool:
        """Podman before 5 does not tell."""
        found = podman(self.client)
        return found is not None and not found.tells_of_memory

    def another(self, client: DockerClient | None = None) -> ContainerTasks:
        """One more adapter on the same owner, as a controller that was started again."""
        return ContainerTasks(client or self.client, self.home, lambda: "shop", self._count).open()

    def start(self, task: str, nature: Nature = Nature.GOOD) -> StartTask:
        """A start of a busybox that behaves so."""
        return self.start_of(task, program=_PROGRAMS[nature])

    def start_of(self, task: str, program: str, **changes: Any) -> StartTask:
        """A start of any shell program, with any settings of the service changed."""
        service = Service(
            "cats",
            port=80,
            memory_mib=32,
            command=("/bin/sh", "-c", program),
            health=QUICK,
            security=Security(user="1000:1000"),
        )
        return StartTask(task, replace(service, **changes), 7, self.digest)

    def wait_for(
        self, task: str, what: Callable[[TaskSeen], bool], tasks: Tasks | None = None
    ) -> TaskSeen:
        """Ask again until it holds."""
        asked = tasks or self.tasks
        for seen in _looks(asked):
            found = next((t for t in seen if t.id == task), None)
            if found and what(found):
                return found
        raise AssertionError(f"{task} never came to be so; seen at last: {asked.observe()}")

    def wait_until_gone(self, task: str) -> None:
        """Ask again until it is not there."""
        for seen in _looks(self.tasks):
            if all(t.id != task for t in seen):
                return
        raise AssertionError(f"{task} never went")

    def container(self, task: str) -> Container:
        """The engine's own word on a task's container."""
        return self.client.containers.get(f"tidegate-{self.home.owner}-{task}")

    def inside(self, task: str, script: str) -> str:
        """What a shell in the container prints."""
        output: Any = self.container(task).exec_run(["/bin/sh", "-c", script]).output
        return str(output.decode())

    def _count(self) -> None:
        self.changes += 1


def _looks(tasks: Tasks) -> Iterator[tuple[TaskSeen, ...]]:
    """What is seen, again and again, while there is patience."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        seen = tasks.observe()
        if seen is not None:
            yield seen
        time.sleep(0.02)


@contextmanager
def container_bench(folder: Path) -> Iterator[ContainerBench]:
    """A bench of an owner of its own, of whom nothing is left afterwards."""
    with engine() as client:
        bench = ContainerBench(client, Home(folder).create(), shell_id(client))
        try:
            yield bench
        finally:
            bench.tasks.close()
            clear_away(client, bench.home.owner)
