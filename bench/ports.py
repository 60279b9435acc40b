"""Ports of 127.0.0.1 that are free now, and that nobody else has been given."""

import fcntl
import os
import random
import socket
import tempfile
from contextlib import ExitStack, suppress
from functools import cache

_PORTS = range(30_000, 32_768)
"""Above those that tasks are published on, below those of outgoing connections."""
_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """As many different ones, each free a moment ago, that no outgoing connection will take.

    Until this process ends neither it nor another one is given them again: what shall listen there
    may take its time, and tests may run side by side.
    """
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            with suppress(OSError):  # somebody's
                port = random.SystemRandom().choice(_PORTS)
                if port in _given:
                    continue
                fcntl.lockf(_register(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                _given.add(port)
                found.append(port)
    return found


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]


@cache
def _register() -> int:
    """A file of which a process locks the byte of each port that it was given."""
    path = f"{tempfile.gettempdir()}/tidegate-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
