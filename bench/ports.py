"""Ports of 127.0.0.1 that are free now."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """As many different ones, each free a moment ago."""
    with ExitStack() as held:
        taken = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in taken]
