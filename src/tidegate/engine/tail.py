"""Logs of tasks and stages, whole or as they are written."""

import queue
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tidegate.core.decision import PipelineStage
from tidegate.core.errors import NotFound
from tidegate.engine.loop import Engine
from tidegate.engine.messages import LogLine
from tidegate.engine.sources import Files

POLL_S = 0.2
_TASK = re.compile(r"t[1-9]\d{0,11}")
_STAGE = re.compile(r"(e[1-9]\d{0,11})(?:/([a-z]+))?")

TaskLines = Callable[[str, bool], Iterator[str | None]]


class Tail:
    """Reads a growing file, whole lines only; a file that is not there yet is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def lines(self) -> list[str]:
        """The whole lines since the last call, without their ends."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                whole, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        if not newline:
            return []
        self._offset += len(whole) + 1
        return whole.decode("utf-8", "replace").split("\n")


class Logs:
    """Finds what a name means: a service, a task, an execution or one of its stages."""

    def __init__(
        self, engine: Engine, files: Files, task_lines: TaskLines, closed: threading.Event
    ) -> None:
        self._engine = engine
        self._files = files
        self._task_lines = task_lines
        self._closed = closed

    def of(self, subject: str, follow: bool) -> Iterator[LogLine | None]:
        """The lines of `subject`. Raises `NotFound` at once for what is no name of anything."""
        if subject in self._engine.progress.services:
            return self._service(subject, follow)
        if _TASK.fullmatch(subject):
            return self._task(subject, follow)
        named = _STAGE.fullmatch(subject)
        if named and named[2] in (None, *PipelineStage):
            return self._execution(named[1], named[2], follow)
        known = ", ".join(sorted(self._engine.progress.services)) or "none yet"
        raise NotFound(
            f"nothing is called {subject}",
            cause=f"services: {known}",
            remedy="name a service, a task (t3), an execution (e2) or its stage (e2/build)",
            code="TG724",
        )

    def _task(self, task: str, follow: bool) -> Iterator[LogLine | None]:
        for text in self._task_lines(task, follow):
            if self._closed.is_set():
                return
            yield None if text is None else LogLine(source=task, text=text)

    def _execution(
        self, execution: str, stage: str | None, follow: bool
    ) -> Iterator[LogLine | None]:
        stages = (stage,) if stage else tuple(PipelineStage)
        tails = {name: Tail(self._files.stage_log(execution, name)) for name in stages}
        while True:
            ended = not follow or self._ended(execution, stage)
            for name, tail in tails.items():
                for text in tail.lines():
                    yield LogLine(source=str(name), text=text)
            if ended or self._closed.is_set():
                return
            yield None
            self._closed.wait(POLL_S)

    def _ended(self, execution: str, stage: str | None) -> bool:
        known = self._engine.progress.executions.get(execution)
        if known is None or not known.live:
            return True
        return any(one.stage == stage and one.ended_at is not None for one in known.stages)

    def _service(self, service: str, follow: bool) -> Iterator[LogLine | None]:
        """Its tasks, one after the other; with `follow` all at once, new ones as they come."""
        if not follow:
            for task in self._engine.progress.tasks_of(service):
                yield from self._task(task.id, False)
            return
        lines: queue.Queue[LogLine] = queue.Queue(1_000)
        left = threading.Event()
        reading: set[str] = set()
        try:
            while not self._closed.is_set():
                for task in self._engine.progress.tasks_of(service):
                    if task.id not in reading:
                        reading.add(task.id)
                        self._read_along(task.id, lines, left)
                try:
                    yield lines.get(timeout=1)
                except queue.Empty:
                    yield None
        finally:
            left.set()

    def _read_along(self, task: str, lines: "queue.Queue[LogLine]", left: threading.Event) -> None:
        """Read the task's log in a thread of its own until `left` is set."""

        def read() -> None:
            for line in self._task(task, True):
                while line and not left.is_set():
                    try:
                        lines.put(line, timeout=1)
                        break
                    except queue.Full:
                        continue
                if left.is_set():
                    return

        threading.Thread(target=read, name=f"log of {task}", daemon=True).start()
