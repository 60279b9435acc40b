"""One daemon's HTTP API as a client needs it: JSON in and out, lines, events, and its errors."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import httpx2

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
        with self.open() as http:
            return told(http.get(path))

    def post(self, path: str, **body: Any) -> Any:
        """Send `body` as JSON; the JSON that is answered."""
        with self.open() as http:
            return told(http.post(path, json=body))

    def text(self, path: str) -> str:
        """The text at `path`."""
        with self.open() as http:
            answer = http.get(path)
            return str(answer.text if answer.is_success else told(answer))

    def lines(self, path: str, query: Mapping[str, str | int]) -> Iterator[Any]:
        """Each line of JSON as it comes."""
        with self.open() as http, http.stream("GET", path, params=query) as answer:
            _check(answer)
            for line in answer.iter_lines():
                item = json.loads(line) if line else None
                if item and "error" in item:
                    raise from_json(item)
                if item:
                    yield item

    def events(self, path: str, query: Mapping[str, str | int]) -> Iterator[Any]:
        """The data of each server-sent event as it comes; None for a beat."""
        with self.open() as http, http.stream("GET", path, params=query) as answer:
            _check(answer)
            failed = False
            for line in answer.iter_lines():
                failed = failed or line.startswith("event: failure")
                if line.startswith(":"):
                    yield None
                elif line.startswith("data: "):
                    item = json.loads(line.removeprefix("data: "))
                    if failed:
                        raise from_json(item)
                    yield item

    @contextmanager
    def open(self) -> Iterator[httpx2.Client]:
        """A connection to the running daemon; what breaks on it is translated."""
        port, token = self._reach()
        limits = httpx2.Timeout(SILENCE_S, connect=CONNECT_S)
        headers = {"authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{port}"
        with httpx2.Client(
            base_url=url,
            headers=headers,
            timeout=limits,
            trust_env=False,
            verify=False,  # plain HTTP on loopback; reading the certificates would take 90 ms
        ) as client:
            try:
                yield client
            except httpx2.ConnectError as error:
                raise _not_running(f"nothing answers at {url}") from error
            except httpx2.TransportError as error:
                raise StillRunning(
                    "the controller went away while it told how things go",
                    cause=f"{type(error).__name__}: {error}".rstrip(": "),
                    remedy="what it did goes on when it is back: tidegate up, tidegate status",
                    code="TG601",
                ) from error

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


def told(answer: httpx2.Response) -> Any:
    """The answer's JSON, or the error that it tells."""
    try:
        told = answer.json()
    except ValueError as error:
        raise InternalError(
            "the daemon's answer is not JSON", cause=f"HTTP {answer.status_code}", code="TG943"
        ) from error
    if not answer.is_success:
        raise from_json(told)
    return told


def _check(answer: httpx2.Response) -> None:
    if not answer.is_success:
        answer.read()
        told(answer)


def part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")
