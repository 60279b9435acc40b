"""The lines that a task has printed, living or gone."""

import time
from collections.abc import Iterator

from docker import DockerClient
from docker.errors import NotFound

from tidegate.local.containers.failures import translated
from tidegate.local.containers.labels import container_name
from tidegate.local.home import Home

POLL_S = 0.5
TAIL = 200


class TaskLogs:
    """Reads from the engine, or what was kept when the task was removed."""

    def __init__(self, client: DockerClient, home: Home) -> None:
        self._client = client
        self._home = home

    def lines(self, task: str, follow: bool) -> Iterator[str | None]:
        """The last lines, and with `follow` those to come, with None whenever it waits.

        Ends when the task is gone. Raises `EffectFailed`.
        """
        last = ""
        while True:
            found = self._read(task, last)
            if found is None:
                yield from [] if last else self._kept(task)
                return
            for stamp, text in found:
                last = max(last, stamp)
                yield text
            if not follow:
                return
            yield None
            time.sleep(POLL_S)

    def _read(self, task: str, after: str) -> list[tuple[str, str]] | None:
        """(time, line) of what is newer than `after`; None without a container."""
        name = container_name(self._home.owner, task)
        with translated(f"the log of task {task} cannot be read"):
            try:
                printed = self._client.api.logs(name, tail=TAIL, timestamps=True)
            except NotFound:
                return None
        pairs = (line.partition(" ") for line in printed.decode("utf-8", "replace").splitlines())
        return [(stamp, text) for stamp, _, text in pairs if stamp > after]

    def _kept(self, task: str) -> list[str]:
        path = self._home.task_log(task)
        return path.read_text("utf-8", "replace").splitlines() if path.exists() else []
