"""Know at any moment which tasks the engine has, without ever waiting for the engine.

A thread lists the owner's containers four times a second, and at once when the engine tells of an
event; it inspects only those whose state is new. A list of fifty takes 5 ms (`research/runtime.md`
§4). What it knows grows stale when the engine stops answering, and recovers when it is back.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any

from docker import DockerClient
from docker.errors import APIError, DockerException
from requests import RequestException

from tidegate.core.seen import TaskState
from tidegate.local.containers.events import Events
from tidegate.local.containers.failures import ending, gone, one_line
from tidegate.local.containers.labels import OWNER, TASK
from tidegate.local.containers.reading import Read, read

LOOK_EVERY_S = 0.25
SETTLE_S = 0.03
"""After an event the looks come this soon, then ever later: the engine tells of an end some 0.2 s
before its list shows it."""
ATTEMPTS = 5
STALE_AFTER_S = 2.0
SOON_S = 10.0
"""A task that ends sooner than this after its start never ran well: its last lines may say why."""

log = logging.getLogger(__name__)

Known = Mapping[str, Read]
"""Every container of the owner, by task."""


class Watcher:
    """Two threads: one looks, one listens for events. `on_look` runs after each look that
    brought something new, in the looking thread."""

    def __init__(self, client: DockerClient, owner: str, on_look: Callable[[Known], None]) -> None:
        self._client = client
        # a build's containers carry no task
        self._mine: dict[str, Any] = {"label": [f"{OWNER}={owner}", TASK]}
        self._on_look = on_look
        self._inspected: dict[str, tuple[str, Read | None]] = {}
        self._known: Known = {}
        self._answered_s = float("-inf")
        self._reachable = True
        self._turn = threading.Condition()
        self._begun = self._ended = 0
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._events = Events(client, self._mine, self._wake.set)

    def open(self) -> None:
        """Begin to watch."""
        self._thread.start()
        self._events.open()

    def close(self) -> None:
        """Stop watching. A thread that waits for a hung engine is left to it."""
        self._closed.set()
        self._wake.set()
        self._events.close()
        self._thread.join(STALE_AFTER_S)

    def known(self) -> Known | None:
        """What the last look saw; None when the engine has not answered for two seconds."""
        return self._known if monotonic() - self._answered_s < STALE_AFTER_S else None

    def look_again(self) -> None:
        """Wait for a look that begins from now on, so that one's own writes are seen.

        It waits no longer than what is known stays fresh.
        """
        if not self._thread.is_alive():
            return
        with self._turn:
            wanted = self._begun + 1
            self._wake.set()
            self._turn.wait_for(lambda: self._ended >= wanted, STALE_AFTER_S)

    def _run(self) -> None:
        pause_s = LOOK_EVERY_S
        while not self._closed.is_set():
            with self._turn:
                self._begun += 1
            try:
                self._look()
                self._reachable = True
            except (DockerException, RequestException) as error:
                if self._reachable:
                    log.warning("the container engine does not answer: %s", one_line(error))
                self._reachable = False
            except Exception:
                log.exception("a look at the containers failed; the next one follows")
            with self._turn:
                self._ended = self._begun
                self._turn.notify_all()
            woken = self._wake.wait(pause_s)
            pause_s = SETTLE_S if woken else min(2 * pause_s, LOOK_EVERY_S)
            self._wake.clear()

    def _look(self) -> None:
        owned = self._list()
        listed = [found for found in owned if TASK in found["Labels"]]  # trials are no tasks
        inspected: dict[str, tuple[str, Read | None]] = {}
        for container in listed:
            key, state = container["Id"], container["State"]
            before = self._inspected.get(key)
            if before and before[0] == state:
                inspected[key] = before
                continue
            try:
                inspected[key] = state, self._read(key)
            except APIError as error:
                if not gone(error):
                    raise  # else removed since, or listed before it can be read: the next look asks
        news = inspected != self._inspected
        self._inspected = inspected
        self._known = {found.seen.id: found for _, found in inspected.values() if found}
        self._answered_s = monotonic()
        if news:
            self._on_look(self._known)

    def _list(self) -> list[dict[str, Any]]:
        """All of the owner's. Podman fails when one goes meanwhile: then it is asked again."""
        for _ in range(ATTEMPTS - 1):
            try:
                return self._ask()
            except APIError as error:
                if not gone(error):
                    raise
        return self._ask()

    def _ask(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._client.api.containers(all=True, filters=self._mine)
        return found

    def _read(self, container: str) -> Read | None:
        """Raises the SDK's `APIError`; None, once told, for one with damaged labels."""
        inspected: dict[str, Any] = self._client.api.inspect_container(container)
        try:
            found = read(inspected)
        except (KeyError, ValueError) as error:
            log.warning("container %s has damaged labels: %s", container[:12], error)
            return None
        return self._with_note(container, found)

    def _with_note(self, container: str, found: Read) -> Read:
        """Why it ended so soon, if its last lines tell."""
        seen = found.seen
        if seen.state is not TaskState.STOPPED or not seen.exit_code or found.lived_s > SOON_S:
            return found
        try:
            lines = self._client.api.logs(container, tail=50)
        except APIError:
            return found  # it is just being removed
        return replace(found, seen=replace(seen, note=ending(lines.decode(errors="replace"))))
