"""One keep-alive connection: a non-blocking socket and the request that it carries.

It never waits and never decides: `flush` and `receive` do what the kernel allows now, and answer
with the outcome of the request, or `PENDING`.
"""

import errno
import socket

from tidegate.load.plan import Asked
from tidegate.load.reply import Malformed, Reply, whole
from tidegate.load.result import PENDING, Failure
from tidegate.load.target import Address

CHUNK = 16_384
UNREACHABLE = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT}
NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}


class Connection:
    """A connection to one address. `index` is the request in progress, -1 when idle.

    `received` and `tag` are of the newest request's reply.
    """

    __slots__ = (
        "_keeps",
        "_out",
        "_refused",
        "_reply",
        "_socket",
        "_tag",
        "address",
        "asked",
        "closed",
        "deadline_us",
        "fd",
        "index",
        "received",
        "served",
    )

    def __init__(self, address: Address) -> None:
        """Begin to connect; raises `OSError` when this machine has no socket or port left."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = self._socket.connect_ex(address)
        if error in NO_ROOM:
            self._socket.close()
            raise OSError(error, "no socket or port left")
        self._refused = error not in (0, errno.EINPROGRESS)
        self.address = address
        self.fd = self._socket.fileno()
        self.closed = False
        self.served = 0
        self.index = -1
        self.deadline_us = 0
        self.received = 0
        self._tag = b""
        self._reply: Reply | None = None  # only of a reply that comes in pieces
        self._keeps = False
        self._out = b""

    @property
    def wants_to_write(self) -> bool:
        """Whether bytes of the request wait for the kernel, or for the connection to be made."""
        return bool(self._out)

    @property
    def tag(self) -> bytes:
        """Who answered, as far as the reply has come."""
        return self._reply.tag if self._reply else self._tag

    @property
    def died_unused(self) -> bool:
        """Whether an earlier reply came on it, and not a byte for this request."""
        return self.served > 0 and not self.received

    def carry(self, index: int, asked: Asked, deadline_us: int) -> int:
        """Take on a request and send what can be sent now; its outcome or `PENDING`."""
        self.index = index
        self.asked = asked
        self.deadline_us = deadline_us
        self.received = 0
        self._tag = b""
        self._reply = None
        self._keeps = False
        self._out = asked.request
        return self.flush()

    def flush(self) -> int:
        """Send on; the outcome when the connection failed, else `PENDING`."""
        if self._refused:
            return Failure.REFUSED
        try:
            sent = self._socket.send(self._out)
        except BlockingIOError:
            return PENDING
        except OSError as error:
            # A reply may have come before the other side closed: read it first.
            if error.errno in UNREACHABLE and not self.served:
                return Failure.REFUSED
            return self.receive() or Failure.RESET
        self._out = self._out[sent:]
        return PENDING

    def receive(self) -> int:
        """Read what has come; the request's outcome: a status code, a `Failure`, or `PENDING`."""
        try:
            data = self._socket.recv(CHUNK)
        except BlockingIOError:
            return PENDING
        except OSError as error:
            return Failure.REFUSED if error.errno in UNREACHABLE else Failure.RESET
        self.received += len(data)
        try:
            return self._read(data) if data else self._read_end()
        except Malformed:
            return Failure.MALFORMED

    def rest(self) -> bool:
        """The request is over: become idle. False when the connection can't carry another."""
        self.index = -1
        self.served += 1
        return self._keeps and not self._out

    def close(self) -> None:
        """Close it, without waiting; twice does nothing."""
        self.closed = True
        self._socket.close()

    def _read(self, data: bytes) -> int:
        """Raises `Malformed`."""
        asked, reply = self.asked, self._reply
        if reply is None:
            if not asked.body_tag:
                head = whole(data, asked.to_head, asked.tag_header)
                if head:
                    self._tag, self._keeps = head.tag, head.keep
                    return head.status
            reply = self._reply = Reply(asked.to_head, asked.tag_header, asked.body_tag)
        reply.feed(data)
        self._keeps = reply.reusable
        return reply.status if reply.done else PENDING

    def _read_end(self) -> int:
        """The other side has closed. That ends a reply without a length, and breaks off others."""
        if self._reply:
            self._reply.end()
        return self._reply.status if self._reply and self._reply.done else Failure.CLOSED
