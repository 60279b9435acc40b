"""An HTTP server on loopback that does to each request what a script says, down to the bytes."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Act = Callable[["Call"], bool]


@dataclass
class Call:
    """One request: `number` counts all of the server, `nth` those of its connection; from 0."""

    number: int
    nth: int
    request: bytes
    connection: socket.socket

    def reply(self, data: bytes = OK) -> bool:
        """Send bytes and keep the connection."""
        self.connection.sendall(data)
        return True

    def reset(self) -> bool:
        """End the connection with a RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def cut(self, data: bytes = b"") -> bool:
        """Send perhaps a part of a reply, then end the connection in order."""
        self.connection.sendall(data)
        return False


@dataclass
class Server:
    """A running server. `act` returns whether its connection stays open."""

    act: Act
    listener: socket.socket
    calls: list[Call] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT/`."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/"

    def accept(self) -> None:
        """Serve each connection in a thread, until the listener is closed."""
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(ConnectionError, OSError):
            buffer, nth = b"", 0
            while True:
                request, buffer = _read_request(connection, buffer)
                if not request:
                    return
                with self._lock:
                    call = Call(len(self.calls), nth, request, connection)
                    self.calls.append(call)
                nth += 1
                if not self.act(call):
                    return


def _read_request(connection: socket.socket, buffer: bytes) -> tuple[bytes, bytes]:
    """One request with its body, and what came after it; empty at the end."""
    while b"\r\n\r\n" not in buffer:
        data = connection.recv(65536)
        if not data:
            return b"", b""
        buffer += data
    head, _, rest = buffer.partition(b"\r\n\r\n")
    lengths = [int(x[15:]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")]
    length = lengths[0] if lengths else 0
    while len(rest) < length:
        rest += connection.recv(65536)
    return head + b"\r\n\r\n" + rest[:length], rest[length:]


@contextmanager
def serving(act: Act = Call.reply, backlog: int = 512) -> Iterator[Server]:
    """A server that does `act` to each request; everything of it is closed at the end."""
    server = Server(act, socket.create_server(("127.0.0.1", 0), backlog=backlog))
    thread = threading.Thread(target=server.accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        for connection in server.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join(5)
