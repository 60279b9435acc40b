"""How much CPU and memory each task uses: two files each, every two seconds.

A sample costs less than a millisecond where the control groups are this machine's. Elsewhere the
engine is asked for one (`one-shot`).
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic_ns
from typing import Any

from docker import DockerClient
from docker.errors import DockerException
from requests import RequestException

from tidegate.core.seen import Usage
from tidegate.local.containers import cgroups
from tidegate.local.containers.cgroups import Consumed
from tidegate.local.containers.creation import MIB, ONE_CORE

EVERY_S = 2.0
STALE_S = 10.0

log = logging.getLogger(__name__)


def groupless(info: Mapping[str, Any]) -> bool:
    """Whether tasks have no control group of their own on an engine that says this of itself.

    A rootless engine can make none in version 1: Podman then tells the whole session's use.
    """
    return rootless(info) and str(info.get("CgroupVersion", "1")) != "2"


def rootless(info: Mapping[str, Any]) -> bool:
    """Whether the engine runs without the rights of root."""
    return info.get("Rootless") is True or "name=rootless" in (info.get("SecurityOptions") or ())


@dataclass(frozen=True, slots=True)
class Subject:
    """A container that runs: its whole id, and the process id of its first process."""

    container: str
    pid: int


@dataclass(frozen=True, slots=True)
class _Sample:
    at_ns: int
    consumed: Consumed


class Usages:
    """Measures what it is told to follow, in a thread of its own."""

    def __init__(self, client: DockerClient, every_s: float = EVERY_S) -> None:
        self._client = client
        self._every_s = every_s
        self._grouped: bool | None = None
        self._subjects: Mapping[str, Subject] = {}
        self._last: dict[str, _Sample] = {}
        self._usage: dict[str, tuple[int, Usage]] = {}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usage", daemon=True)

    def open(self) -> None:
        """Begin to measure."""
        self._thread.start()

    def close(self) -> None:
        """Stop measuring. A thread that waits for a hung engine is left to it."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(self._every_s)

    def follow(self, subjects: Mapping[str, Subject]) -> None:
        """Measure these tasks from now on, and no others."""
        self._subjects = subjects

    def of(self, task: str) -> Usage | None:
        """What the task used between its last two samples; None when it was not measured lately."""
        known = self._usage.get(task)
        if known is None or monotonic_ns() - known[0] > STALE_S * 1e9:
            return None
        return known[1]

    def measure(self) -> None:
        """Take one sample of each."""
        subjects = self._subjects
        for task, subject in subjects.items():
            consumed = cgroups.read(subject.container, subject.pid) or self._ask(subject)
            if consumed is not None:
                self._take(task, _Sample(monotonic_ns(), consumed))
        self._last = {task: one for task, one in self._last.items() if task in subjects}
        self._usage = {task: one for task, one in self._usage.items() if task in subjects}

    def _run(self) -> None:
        while not self._closed.wait(self._every_s):
            try:
                self.measure()
            except Exception:
                log.exception("the tasks' usage could not be measured; it is tried again")

    def _take(self, task: str, sample: _Sample) -> None:
        before = self._last.get(task)
        self._last[task] = sample
        if before is None or sample.consumed.cpu_ns < before.consumed.cpu_ns:
            return  # the first, or of another container
        span_ns = max(1, sample.at_ns - before.at_ns)
        cpu_units = ONE_CORE * (sample.consumed.cpu_ns - before.consumed.cpu_ns) / span_ns
        usage = Usage(round(cpu_units, 2), round(sample.consumed.memory_bytes / MIB, 2))
        self._usage[task] = (sample.at_ns, usage)

    def _ask(self, subject: Subject) -> Consumed | None:
        """The engine's own word; None when it has none, or would count what is not the task's."""
        try:
            if self._grouped is None:
                self._grouped = not groupless(self._client.info())
            if not self._grouped:
                return None
            told: Any = self._client.api.stats(subject.container, stream=False, one_shot=True)
            memory = told["memory_stats"]
            rows = memory.get("stats", {})
            cache = rows.get("inactive_file", rows.get("total_inactive_file", 0))
            cpu_ns = int(told["cpu_stats"]["cpu_usage"]["total_usage"])
            return Consumed(cpu_ns, max(0, int(memory["usage"]) - int(cache)))
        except (DockerException, RequestException, KeyError, TypeError, ValueError):
            return None  # it is just ending, or the engine does not answer: not known
