"""What the bench asks of whoever delivers: move a service of four tasks to another image."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from docker import DockerClient

from tidegate.local.containers.events import Events

TASKS = 4
LOOK_EVERY_S = 0.2
"""The engine is asked when it tells of an event, or so often: each question takes time from what
is measured."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One command: when it was given, and when the contender called it done."""

    at: float
    done: float
    outcome: str


class Contender(Protocol):
    """Tidegate or its peer. `port` is where the service answers, on 127.0.0.1."""

    name: str
    port: int

    def deliver(self, image: str, how: str) -> Delivery:
        """Give the command and wait until the contender says that it is over.

        `how` is one of the contender's own ways: a strategy, or a parallelism.
        """
        ...

    def owns(self, names: list[str]) -> bool:
        """Whether a container with these names is a task of this contender."""
        ...


@dataclass
class Replaced:
    """Watches the engine until four tasks of the new image run and none of another does."""

    client: DockerClient
    contender: Contender
    image: str
    at: float | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _woken: threading.Event = field(default_factory=threading.Event)
    _so: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watching(self) -> Iterator["Replaced"]:
        """Look while the block runs; `at` is when that was first so, None for never."""
        wanted = self.client.images.get(self.image).id
        thread = threading.Thread(target=self._watch, args=(wanted,))
        events = Events(self.client, {}, self._woken.set)
        thread.start()
        events.open()
        try:
            yield self
        finally:
            self._over.set()
            self._woken.set()
            events.close()
            thread.join()

    def wait(self, limit_s: float) -> None:
        """Wait until it is so, at most so long."""
        self._so.wait(limit_s)

    def _watch(self, wanted: str | None) -> None:
        while not self._over.is_set() and self.at is None:
            self._woken.clear()
            running = self.client.api.containers(filters={"status": "running"})
            images = [c["ImageID"] for c in running if self.contender.owns(c["Names"])]
            if images == [wanted] * TASKS:
                self.at = time.time()
                self._so.set()
            self._woken.wait(LOOK_EVERY_S)
