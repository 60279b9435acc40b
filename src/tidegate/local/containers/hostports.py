"""Which loopback port a task is published on: one of our own range, free, and kept for its life.

The range lies below the kernel's ephemeral ports (32768 on, `ip_local_port_range`), so that no
outgoing connection takes one. A port that the engine chooses would change with a restart.
"""

import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from zlib import crc32

from tidegate.core.errors import EffectFailed

LOOPBACK = "127.0.0.1"
FIRST = 20_000
LAST = 29_999


def candidates(seed: str) -> Iterator[int]:
    """Every port of the range once, from a place that the seed decides.

    Each task has its own place, so the port of one that is gone is not soon another's.
    """
    size = LAST - FIRST + 1
    start = crc32(seed.encode()) % size
    return (FIRST + (start + step) % size for step in range(size))


class HostPorts:
    """Hands out ports to threads that start tasks at the same time.

    A port is held on every address at once: instances may share 127.0.0.1.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[int] = set()

    @contextmanager
    def hold(
        self, seed: str, refused: Collection[int] = (), address: str = LOOPBACK
    ) -> Iterator[int]:
        """A port that nobody listens on at the address, held against our own other starts.

        `refused` are those that the engine would not have. Raises `EffectFailed` TG914.
        """
        port = self._take(seed, refused, address)
        try:
            yield port
        finally:
            with self._lock:
                self._held.discard(port)

    def _take(self, seed: str, refused: Collection[int], address: str) -> int:
        with self._lock:
            for port in candidates(seed):
                if port not in self._held and port not in refused and _free(address, port):
                    self._held.add(port)
                    return port
        raise EffectFailed(
            f"no port of {address}:{FIRST}-{LAST} is free",
            remedy="stop what listens there: ss -ltnp",
            code="TG914",
        )


def _free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
