"""The client's end of the API, against a peer that breaks off, refuses early, or talks nonsense."""

import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tidegate.api.wire import Wire
from tidegate.core.errors import StillRunning, TidegateError
from tidegate.local.home import Home


@contextmanager
def peer(folder: Path, answer: bytes, reads_on: bool = True) -> Iterator[Wire]:
    """A daemon's place, and somebody there who reads a little, answers this, and hangs up."""
    home = Home(folder)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        home.token.write_text("secret")
        home.daemon.write_text(json.dumps({"pid": 1, "port": listening.getsockname()[1]}))

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                while reads_on and connection.recv(1 << 16):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield Wire(home)
        thread.join(10)


def http(status: str, *lines: str, body: str = "") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", body]).encode()


CHUNKED = "Transfer-Encoding: chunked"
REFUSED = '{"error": {"code": "TG123", "kind": "usage", "what": "no"}}'


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        http("200 OK", "Content-Length: 100", body='{"a": 1}'),
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "another protocol"],
)
def test_an_answer_that_breaks_off_says_that_the_controller_went_away(
    tmp_path: Path, answer: bytes
) -> None:
    with peer(tmp_path, answer) as wire, pytest.raises(StillRunning) as caught:
        wire.get("/v1/status")
    assert caught.value.number == "TG601"


def test_lines_come_until_the_stream_breaks_off(tmp_path: Path) -> None:
    answer = http("200 OK", CHUNKED, body='9\r\n{"n": 1}\n\r\n9\r\n{"n": 2}\n\r\n5\r\n{"')
    with peer(tmp_path, answer) as wire:
        lines = wire.lines("/v1/logs/x", {"follow": 1})
        assert [next(lines), next(lines)] == [{"n": 1}, {"n": 2}]
        with pytest.raises(StillRunning):
            next(lines)


@pytest.mark.parametrize("reads_on", [True, False])
def test_a_refusal_that_comes_before_all_was_sent_is_told(tmp_path: Path, reads_on: bool) -> None:
    answer = http("413 Too Large", f"Content-Length: {len(REFUSED)}", body=REFUSED)
    with peer(tmp_path, answer, reads_on) as wire, pytest.raises(TidegateError) as caught:
        wire.send("/v1/executions", io.BytesIO(b"x" * (64 << 20)), commit="c")
    assert caught.value.number == "TG123"


def test_an_answer_that_is_no_json_is_told_as_such(tmp_path: Path) -> None:
    answer = http("200 OK", "Content-Length: 2", body="hi")
    with peer(tmp_path, answer) as wire, pytest.raises(TidegateError) as caught:
        wire.get("/v1/status")
    assert caught.value.number == "TG943"
