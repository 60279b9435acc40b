"""Where HAProxy sends its line for each request: a port on loopback, and a word that proves it.

A Unix socket would need neither, but HAProxy 2.6 tries one that nobody listens on again and again
without a pause, and burns half a core as long as no controller runs. A refused port it tries once a
second. Anybody on the machine may connect to the port, so each line begins with a secret word.
"""

import random
import secrets
import socket
from dataclasses import dataclass

from tidegate.core.errors import SetupError
from tidegate.local.haproxy.place import Place, kept, write

_PORTS = range(20_000, 32_000)  # below those that systems give to outgoing connections
_TRIES = 50


@dataclass(frozen=True, slots=True)
class Reports:
    """The port on 127.0.0.1, and the first word of each line."""

    port: int
    word: str


def reports(place: Place) -> Reports:
    """Where the lines go, chosen once for the directory."""
    port, _, word = kept(place.collector).strip().partition(" ")
    return Reports(int(port), word) if word else _choose(place)


def listen(place: Place) -> tuple[socket.socket, Reports]:
    """A socket that listens for the lines. If the port is taken, another one is chosen.

    HAProxy learns of the new one when the balancer is next asked to serve. Raises `SetupError`
    TG228 when there is no free port at all.
    """
    chosen = reports(place)
    for _ in range(_TRIES):
        try:
            return socket.create_server(("127.0.0.1", chosen.port)), chosen
        except OSError:
            chosen = _choose(place)
    raise SetupError(
        "there is no free port for the metrics",
        cause=f"{_TRIES} ports from {_PORTS.start} on were tried",
        remedy="see what listens there: ss -ltn",
        code="TG228",
    )


def _choose(place: Place) -> Reports:
    chosen = Reports(random.SystemRandom().choice(_PORTS), secrets.token_hex(4))
    write(place.collector, f"{chosen.port} {chosen.word}\n")
    return chosen
