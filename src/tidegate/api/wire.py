"""One daemon's HTTP API as a client needs it: JSON in and out, lines, events, and its errors.

By Python's own client, though the rest uses httpx2: each command and each push starts with this,
and waits for what it loads.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Protocol
from urllib.parse import quote, urlencode

from tidegate import FILE_NAME
from tidegate.api.problems import from_json
from tidegate.core.errors import InternalError, SetupError, StillRunning

CONNECT_S = 5.0
SILENCE_S = 30.0
"""A daemon that says nothing for so long has gone; a follower hears a beat every second."""


class Place(Protocol):
    """Where a daemon says how to reach it (`local.home.Home` is one)."""

    @property
    def daemon(self) -> Path:
        """JSON `{"pid": int, "port": int}` of the running daemon."""
        ...

    @property
    def token(self) -> Path:
        """The file with the bearer token."""
        ...


class Wire:
    """Opens a connection for each call, for a follower may stay on its own for hours.

    Every call raises what the daemon raised, `SetupError` when none is running, `StillRunning`
    when it goes away while it tells something.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def get(self, path: str) -> Any:
        """The JSON at `path`."""
        with self._ask("GET", path) as answer:
            return _told(answer)

    def post(self, path: str, **body: Any) -> Any:
        """Send `body` as JSON; the JSON that is answered."""
        return self.send(path, json.dumps(body).encode())

    def send(self, path: str, content: bytes | BinaryIO, **query: str) -> Any:
        """Send `content` as it is; the JSON that is answered."""
        with self._ask("POST", path, query, content) as answer:
            return _told(answer)

    def text(self, path: str) -> str:
        """The text at `path`."""
        with self._ask("GET", path) as answer:
            return _checked(answer).read().decode()

    def lines(self, path: str, query: Mapping[str, str | int]) -> Iterator[Any]:
        """Each line of JSON as it comes."""
        for line in self._lines(path, query):
            item = json.loads(line) if line else None
            if item and "error" in item:
                raise from_json(item)
            if item:
                yield item

    def events(self, path: str, query: Mapping[str, str | int]) -> Iterator[Any]:
        """The data of each server-sent event as it comes; None for a beat."""
        failed = False
        for line in self._lines(path, query):
            failed = failed or line.startswith("event: failure")
            if line.startswith(":"):
                yield None
            elif line.startswith("data: "):
                item = json.loads(line.removeprefix("data: "))
                if failed:
                    raise from_json(item)
                yield item

    def _lines(self, path: str, query: Mapping[str, str | int]) -> Iterator[str]:
        with self._ask("GET", path, query) as answer:
            for line in _checked(answer):
                yield line.decode().rstrip("\r\n")

    @contextmanager
    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] = MappingProxyType({}),
        content: bytes | BinaryIO | None = None,
    ) -> Iterator[HTTPResponse]:
        """The running daemon's answer; what breaks on the way is translated."""
        port, token = self._reach()
        where = f"{path}?{urlencode(query)}" if query else path
        connection = HTTPConnection("127.0.0.1", port, CONNECT_S, blocksize=1 << 16)
        with closing(connection), _translated(port):
            connection.connect()
            connection.sock.settimeout(SILENCE_S)
            with suppress(BrokenPipeError):  # refused before all was sent: the answer says why
                connection.request(method, where, content, {"authorization": f"Bearer {token}"})
            with connection.getresponse() as answer:
                if answer.length is None and not answer.chunked:  # the head was cut short
                    raise IncompleteRead(b"")
                yield answer

    def _reach(self) -> tuple[int, str]:
        try:
            port = int(json.loads(self._place.daemon.read_text())["port"])
            return port, self._place.token.read_text().strip()
        except FileNotFoundError as error:
            raise self._missing(str(error.filename)) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _not_running(f"{self._place.daemon} cannot be read: {error}") from error

    def _missing(self, file: str) -> SetupError:
        """No controller here: perhaps there is no app here, either."""
        state = self._place.daemon.parent
        folder = state.parent
        if state.exists() or (folder / FILE_NAME).exists():
            return _not_running(f"{file} is not there")
        return _not_running(
            f"there is no app in {folder}, nor above it",
            "go to the folder with its tidegate.yaml, or name it: tidegate -C DIR",
        )


def _not_running(cause: str, remedy: str = "start it: tidegate up") -> SetupError:
    return SetupError("the controller is not running", cause=cause, remedy=remedy, code="TG240")


@contextmanager
def _translated(port: int) -> Iterator[None]:
    try:
        yield
    except ConnectionRefusedError as error:
        raise _not_running(f"nothing answers at http://127.0.0.1:{port}") from error
    except (OSError, HTTPException) as error:
        raise StillRunning(
            "the controller went away while it told how things go",
            cause=f"{type(error).__name__}: {error}".rstrip(": "),
            remedy="what it did goes on when it is back: tidegate up, tidegate status",
            code="TG601",
        ) from error


def _told(answer: HTTPResponse) -> Any:
    """The answer's JSON, or the error that it tells."""
    text = answer.read()
    try:
        told = json.loads(text)
    except ValueError as error:
        raise InternalError(
            "the daemon's answer is not JSON", cause=f"HTTP {answer.status}", code="TG943"
        ) from error
    if not _good(answer):
        raise from_json(told)
    return told


def _checked(answer: HTTPResponse) -> HTTPResponse:
    """The answer, unread, unless it tells an error."""
    if not _good(answer):
        _told(answer)
    return answer


def _good(answer: HTTPResponse) -> bool:
    return answer.status in range(200, 300)


def part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")
