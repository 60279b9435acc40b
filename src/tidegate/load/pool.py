"""The connections of a run: idle ones by address, last in first out, and the epoll over all."""

import resource
import select

from tidegate.load.connection import Connection
from tidegate.load.target import Address

SPARE_DESCRIPTORS = 64


class Pool:
    """At most `limit` connections, fewer when the process may not have so many descriptors.

    `self.open` holds every connection by descriptor, `self.epoll` watches them for reading.
    """

    def __init__(self, limit: int) -> None:
        self.limit = descriptors(limit)
        self.epoll = select.epoll()
        self.open: dict[int, Connection] = {}
        self.opened = 0
        self._idle: dict[Address, list[Connection]] = {}

    def take(self, address: Address, fresh: bool = False) -> Connection | None:
        """An idle one unless `fresh`, else a new one; None at the limit.

        Raises `OSError` when this machine has no socket or port left.
        """
        idle = self._idle.get(address)
        while idle and not fresh:
            connection = idle.pop()
            if not connection.closed:
                return connection
        if len(self.open) >= self.limit and not self._drop_an_idle_one():
            return None
        connection = Connection(address)
        self.open[connection.fd] = connection
        self.epoll.register(connection.fd, select.EPOLLIN)
        self.opened += 1
        return connection

    def give(self, connection: Connection) -> None:
        """It is idle and may carry another request."""
        self._idle.setdefault(connection.address, []).append(connection)

    def drop(self, connection: Connection) -> None:
        """Close it. One that lies idle is left in its list, and passed over there."""
        del self.open[connection.fd]
        connection.close()

    def close(self) -> None:
        """Close everything."""
        for connection in self.open.values():
            connection.close()
        self.epoll.close()

    def _drop_an_idle_one(self) -> bool:
        for idle in self._idle.values():
            while idle:
                connection = idle.pop()
                if not connection.closed:
                    self.drop(connection)
                    return True
        return False


def descriptors(connections: int) -> int:
    """Raise the soft limit of descriptors as far as needed; how many connections there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE_DESCRIPTORS
    if soft < wanted and soft != resource.RLIM_INFINITY:
        most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
        soft = max(soft, most)
    room = connections if soft == resource.RLIM_INFINITY else soft - SPARE_DESCRIPTORS
    return max(1, min(connections, room))
