"""Starting an engine, with a small program in the place of dockerd."""

import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidegate.core.errors import SetupError
from tidegate.local.engine_socket import ping
from tidegate.local.setup.dockerd import Places, start_dockerd, stop_own_dockerd

ENGINE = """
    import http.server, os, socketserver, sys
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(folder + "/flags", "a") as flags:
        print(*sys.argv[1:], file=flags)
    if os.path.exists(folder + "/pid") or len(open(folder + "/flags").readlines()) <= FAILURES:
        sys.exit("it does not start")
    open("/proc/self/comm", "w").write("dockerd")
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = b'{"ApiVersion": "1.41"}' if "version" in self.path else b"OK"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def address_string(self):
            return "somebody"
    class Server(socketserver.UnixStreamServer):
        pass
    Server(folder + "/socket", Answers).serve_forever()
"""


def places(folder: Path, failures: int = 0) -> Places:
    """An engine that gives up the first so many times, and beside any pid file."""
    program = folder / "engine.py"
    program.write_text(textwrap.dedent(ENGINE).replace("FAILURES", str(failures)))
    return Places(
        command=(sys.executable, str(program)),
        socket=folder / "socket",
        pid_files=(folder / "pid",),
        log=folder / "log",
        ours=folder / "ours" / "pid",
    )


@pytest.fixture
def cleared(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stop_own_dockerd(places(tmp_path))


def flags(folder: Path) -> list[str]:
    return (folder / "flags").read_text().splitlines()


def test_it_starts_once_with_the_measured_flags_and_stops_when_asked(cleared: Path) -> None:
    here = places(cleared)
    start_dockerd(here)
    start_dockerd(here)
    assert ping(here.url) is None
    assert flags(cleared) == ["--userland-proxy=false --icc=false --live-restore --log-level=warn"]
    assert stop_own_dockerd(here)
    assert ping(here.url) is not None
    assert not stop_own_dockerd(here)


def test_what_a_crash_left_is_cleared_away(cleared: Path) -> None:
    here = places(cleared)
    here.pid_files[0].write_text(f"{os.getpid()}\n")  # alive, and another program
    here.socket.write_text("a plain file")
    start_dockerd(here)
    assert ping(here.url) is None


def test_it_is_tried_again_with_fewer_flags(cleared: Path) -> None:
    start_dockerd(places(cleared, failures=3))
    assert flags(cleared)[-2:] == ["--live-restore --log-level=warn", "--log-level=warn"]


def test_an_engine_that_never_starts_is_an_error_with_its_last_words(cleared: Path) -> None:
    with pytest.raises(SetupError, match="it does not start") as caught:
        start_dockerd(places(cleared, failures=9))
    assert caught.value.where.endswith("log")
