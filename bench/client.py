"""What the client sees: a strict open-loop stream, and long answers and connections beside it.

Times are in seconds since the epoch. Nothing is sent twice.
"""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tidegate.load import Background, Limits, Plan, Result, Tag, Target, constant
from tidegate.load.report import summarise
from tidegate.load.result import kind

TAG = "x-version"
HELD_S = 6.0
"""So long a long connection is held: any drain of 30 s could wait for it."""
PATIENCE_S = 10.0


class Stream:
    """A constant rate of short requests, tagged by the version that answered.

    It waits like other programs. Before them, each of its wakes would come out of what a contender
    starts containers with.
    """

    def __init__(self, port: int, rate: int) -> None:
        target = Target(f"http://127.0.0.1:{port}/")
        tag, limits = Tag(header=TAG), Limits(timeout_s=5.0)
        plan = Plan((target,), constant(rate), tag=tag, limits=limits, first=False)
        self._load = Background(plan)

    def __enter__(self) -> "Stream":
        self._load.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._load.close()

    def stop(self) -> "Seen":
        """Send no more, wait for the answers, and tell what became of each request."""
        return Seen(self._load.stop())


@dataclass(frozen=True)
class Seen:
    """A run of the stream, afterwards."""

    result: Result

    @property
    def requests(self) -> int:
        """How many were sent."""
        return len(self.result.records)

    @property
    def sound(self) -> bool:
        """Whether the sender kept to its times."""
        return summarise(self.result).sound

    def failures(self, faulty: str = "") -> Counter[str]:
        """Requests without a good answer, by kind; 5xx of the version `faulty` are its own."""
        found: Counter[str] = Counter()
        for outcome, tag in self._rows():
            its = kind(outcome)
            if its != "ok" and not (its == "http-5xx" and tag == faulty):
                found[its] += 1
        return found

    def answers(self, version: str) -> int:
        """How many answers that version gave, good or bad."""
        return sum(1 for outcome, tag in self._rows() if outcome > 0 and tag == version)

    def errors(self, version: str) -> int:
        """How many answers of that version were 5xx."""
        return sum(1 for outcome, tag in self._rows() if outcome >= 500 and tag == version)

    def last_answer(self, version: str, before: float = float("inf")) -> float | None:
        """When the last answer of that version came; None without one."""
        records, names = self.result.records, self.result.tags
        zero = self.result.started_ms / 1000
        ends = (
            zero + end / 1e6
            for end, tag, outcome in zip(records.end, records.tag, records.outcome, strict=True)
            if outcome > 0 and names[tag] == version
        )
        return max((end for end in ends if end <= before), default=None)

    def first_answer(self, version: str) -> float | None:
        """When the first answer of that version came; None without one."""
        records, names = self.result.records, self.result.tags
        for end, tag, outcome in zip(records.end, records.tag, records.outcome, strict=True):
            if outcome > 0 and names[tag] == version:
                return self.result.started_ms / 1000 + end / 1e6
        return None

    def _rows(self) -> Iterator[tuple[int, str]]:
        names = self.result.tags
        records = self.result.records
        for outcome, tag in zip(records.outcome, records.tag, strict=True):
            yield outcome, names[tag]


@dataclass(slots=True)
class Tally:
    """Long requests of one kind: how many were begun, and how many were not served to their end."""

    begun: int = 0
    refused: int = 0
    cut: int = 0


@dataclass
class LongClients:
    """Clients that keep a few answers of 5 s and a few open connections under way all the time."""

    port: int
    each: int = 8
    slow: Tally = field(default_factory=Tally)
    socket: Tally = field(default_factory=Tally)

    def __enter__(self) -> "LongClients":
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._keep, args=(path, tally, number))
            for path, tally in (("/slow", self.slow), ("/socket", self.socket))
            for number in range(self.each)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _keep(self, path: str, tally: Tally, number: int) -> None:
        """One after the other, staggered, until it is over; the last one is served to its end."""
        self._over.wait(HELD_S * number / self.each)
        while not self._over.is_set():
            refused, cut = _slow(self.port) if path == "/slow" else _hold(self.port)
            with self._lock:
                tally.begun += 1
                tally.refused += refused
                tally.cut += cut


def _slow(port: int) -> tuple[bool, bool]:
    """Ask for a chunked answer of 5 s: whether it was refused, and whether it was cut."""
    data = b""
    try:
        with _asked(port, "/slow", "Connection: close") as connection:
            while part := connection.recv(4096):
                data += part
    except OSError:
        pass
    begun = data.startswith(b"HTTP/1.1 200")
    return not begun, begun and not data.endswith(b"0\r\n\r\n")


def _hold(port: int) -> tuple[bool, bool]:
    """Upgrade a connection and hold it for a while: whether that was refused, or cut."""
    begun = False
    until = time.monotonic() + HELD_S
    try:
        with _asked(port, "/socket", "Connection: Upgrade\r\nUpgrade: ticks") as connection:
            begun = connection.recv(4096).startswith(b"HTTP/1.1 101")
            while begun and time.monotonic() < until:
                if not connection.recv(4096):
                    return False, True
    except OSError:
        return not begun, begun
    return not begun, False


def _asked(port: int, path: str, headers: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    try:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n\r\n".encode())
    except OSError:
        connection.close()
        raise
    return connection
