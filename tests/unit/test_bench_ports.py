"""Ports for tests and benchmarks that run side by side."""

import socket
import subprocess
import sys

from bench.ports import free_port, free_ports

_ANOTHER = """
import sys
from bench import ports
ours, free = map(int, sys.argv[1:])
ports._PORTS = [ours] * 999 + [free]
print(ports.free_port())
"""


def test_no_other_process_is_given_a_port_that_was_given() -> None:
    ours = free_port()
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    command = [sys.executable, "-c", _ANOTHER, str(ours), str(free)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) == free


def test_no_port_is_given_twice() -> None:
    given = [*free_ports(100), *(free_port() for _ in range(200))]
    assert len(set(given)) == 300
