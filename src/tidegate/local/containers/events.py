"""Be told by the engine when a container starts, ends or goes, within some 50 ms."""

import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

from docker import DockerClient
from docker.errors import DockerException
from docker.types.daemon import CancellableStream
from requests import RequestException

AGAIN_AFTER_S = 0.5
_NO_NEWS = frozenset({"create", "kill", "attach", "exec_create", "exec_start", "exec_die"})
"""What changes nothing yet: a start or an end follows, or nothing does."""


class Events:
    """One thread on the engine's event stream; it connects again whenever the stream ends.

    An event only wakes: what is true is read anew, so a lost one costs time and nothing else.
    """

    def __init__(
        self, client: DockerClient, mine: dict[str, Any], on_event: Callable[[], None]
    ) -> None:
        self._client = client
        self._filters = mine | {"type": "container"}
        self._on_event = on_event
        self._closed = threading.Event()
        self._stream: CancellableStream[Any] | None = None
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def open(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening. A thread that waits for a hung engine is left to it."""
        self._closed.set()
        if self._stream is not None:
            self._stream.close()
        self._thread.join(AGAIN_AFTER_S)

    def _run(self) -> None:
        while not self._closed.is_set():
            with suppress(DockerException, RequestException):  # the watcher reports it
                self._listen()
            self._closed.wait(AGAIN_AFTER_S)

    def _listen(self) -> None:
        stream: Any = self._client.api.events(filters=self._filters, decode=True)
        self._stream = stream
        with closing(stream._response):  # the stream's own `close` only cuts the connection
            self._on_event()  # what happened before we listened
            if not self._closed.is_set():
                for event in stream:
                    if str(event.get("Action")).partition(":")[0] not in _NO_NEWS:
                        self._on_event()
