"""Whether a port of this machine can be listened on, and which ones a new app takes."""

import socket

_TRIED = 200
_MOST = 65_535


def taken(host: str, port: int) -> str:
    """Why the port cannot be listened on, in the system's words, or ""."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def free_pair(host: str, first: int) -> tuple[int, int]:
    """Two ports side by side that are free: `first` and the next, else the first pair after them.

    When none of the next 200 pairs is free, the wished ones: the start of the app tells it then.
    """
    for port in range(first, min(first + 2 * _TRIED, _MOST), 2):
        if not taken(host, port) and not taken(host, port + 1):
            return port, port + 1
    return first, first + 1
