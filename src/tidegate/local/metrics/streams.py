"""The sockets between HAProxy and the collector: its streams of lines to us, our heartbeats to it.

Everything here is for one thread and never waits longer than it is told to.
"""

import contextlib
import selectors
import socket
import time
from collections.abc import Iterator

from tidegate.local.haproxy.place import HEARTBEAT, Place
from tidegate.local.haproxy.reports import listen

_READ = 1 << 18


class Stream:
    """One worker's connection, with the start of a line that has not come whole."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self._rest = b""

    def read(self) -> tuple[list[bytes], bool] | None:
        """The whole lines that have come, and whether that was all; None at the end."""
        try:
            data = self.connection.recv(_READ)
        except BlockingIOError:
            return [], True
        except OSError:
            return None
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines, len(data) < _READ


class Streams:
    """Listens for HAProxy's workers.

    Raises `SetupError` TG225 for too long a path, TG228 without a free port.
    """

    def __init__(self, place: Place) -> None:
        self._path = place.socket(HEARTBEAT)
        self._listening, self.reports = listen(place)
        self._listening.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._streams: dict[int, Stream] = {}
        self._beat: socket.socket | None = None

    def ready(self, limit_s: float) -> Iterator[Stream]:
        """Wait until something has come, at most so long; yields the streams that have lines."""
        for key, _ in self._selector.select(limit_s):
            if key.fileobj is not self._listening:
                yield self._streams[key.fd]
                continue
            with contextlib.suppress(OSError):  # it went again, and will come again
                connection, _ = self._listening.accept()
                self._selector.register(connection, selectors.EVENT_READ)
                self._streams[connection.fileno()] = Stream(connection)

    def drop(self, stream: Stream) -> None:
        """Forget a stream that has ended."""
        self._selector.unregister(stream.connection)
        del self._streams[stream.connection.fileno()]
        stream.connection.close()

    def beat(self) -> None:
        """Send HAProxy a request, whose line will show how far we have read. It may not be there.

        The connection is kept until the next one, so that HAProxy can answer.
        """
        if self._beat is not None:
            self._beat.close()
        with contextlib.suppress(OSError):
            self._beat = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._beat.setblocking(False)
            self._beat.connect(self._path)
            self._beat.sendall(b"GET / HTTP/1.1\r\nHost: heartbeat\r\nConnection: close\r\n\r\n")

    def close(self) -> None:
        """Hang up on everybody; HAProxy keeps its lines for the next one."""
        for stream in tuple(self._streams.values()):
            self.drop(stream)
        if self._beat is not None:
            self._beat.close()
        self._selector.close()
        self._listening.close()


def next_beat(interval_s: float) -> float:
    """Seconds until the next heartbeat. One is due just after each second has begun."""
    return interval_s - (time.time() - 0.005) % interval_s
