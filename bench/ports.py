"""Ports of 127.0.0.1 that are free now."""

import random
import socket
from contextlib import ExitStack, suppress

_PORTS = range(20_000, 32_000)  # below those that systems give to outgoing connections


def free_ports(count: int) -> list[int]:
    """As many different ones, each free a moment ago, that no outgoing connection will take."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            with suppress(OSError):  # somebody's
                port = random.SystemRandom().choice(_PORTS)
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
    return found


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]
