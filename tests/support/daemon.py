"""A stand-in for the daemon's HTTP API: it takes revisions and tells a story of each."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.web import running
from tidegate.local.home import Home

Story = list[dict[str, Any]]


def line(stage: str, text: str) -> dict[str, Any]:
    """A line of a stage's log."""
    return {"kind": "line", "stage": stage, "text": text}


def event(text: str) -> dict[str, Any]:
    """An entry of the journal."""
    return {"kind": "event", "seq": 1, "at": 0, "type": "StageStarted", "text": text}


def end(exit_code: int, outcome: str | None, reason: str = "") -> dict[str, Any]:
    """The last message."""
    return {"kind": "end", "outcome": outcome, "exit_code": exit_code, "reason": reason}


@dataclass
class Daemon:
    """What it is told to answer, and what it was sent.

    `stories` are by the stream's `until`. With `hold`, a stream stops after its first message
    until it is set.
    """

    stories: dict[str, Story] = field(default_factory=dict)
    refusal: dict[str, Any] | None = None
    hold: threading.Event | None = None
    started: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    here: Daemon
    token: str

    def do_POST(self) -> None:
        body = self._body()
        if self.headers["Authorization"] != f"Bearer {self.token}":
            self._answer(401, {"error": {"code": "TG120", "what": "no", "exit_code": 2}})
        elif self.here.refusal:
            self._answer(400, {"error": self.here.refusal})
        else:
            self.here.started.append((dict(parse_qsl(urlsplit(self.path).query)), body))
            self._answer(201, {"execution": f"e{len(self.here.started)}"})

    def do_GET(self) -> None:
        until = dict(parse_qsl(urlsplit(self.path).query))["until"]
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, message in enumerate(self.here.stories[until]):
            if number == 1 and self.here.hold:
                self.here.hold.wait(20)
            said = json.dumps(message).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(said), said))
        self.wfile.write(b"0\r\n\r\n")

    def _body(self) -> bytes:
        """A body in chunks, as the client sends a tar."""
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, said: dict[str, Any]) -> None:
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def daemon(home: Home) -> Iterator[Daemon]:
    """The stand-in, as the daemon of this state directory."""
    here = Daemon()
    facts = {"here": here, "token": home.token.read_text().strip()}
    with running(type("Handler", (_Handler,), facts)) as port:
        home.daemon.write_text(json.dumps({"pid": 1, "port": port}))
        yield here
        home.daemon.unlink()
