"""The port `Metrics`: a thread that reads HAProxy's line for each request and counts it.

HAProxy writes the lines into a ring in its memory and sends them from there to our socket. While
nobody reads, the ring keeps the last 100,000 or so and sends them to the next collector.

Completeness: five times a second we send HAProxy a request of our own. Its line, the heartbeat,
comes through the same ring in the order of time, so once it is here, every line of an earlier
second is.

Not counted is what an old worker still answers after a reload: HAProxy 2.6 and 2.8 close the ring's
connection when they begin to stop (`sink_forward_io_handler` in src/sink.c).
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tidegate.core.metrics import Second
from tidegate.core.model import Colour
from tidegate.local.haproxy.place import Place
from tidegate.local.metrics.streams import Stream, Streams, next_beat
from tidegate.local.metrics.totals import GroupTotals
from tidegate.local.metrics.window import KEPT_MS, Group, Window

_BEAT_S = 0.2
_BATCH_S = 0.01
"""A pause after reading, so that many lines are read at once when there are many."""
_BROKEN_S = 2.0


@dataclass(frozen=True, slots=True)
class Counted:
    """All that was counted since the start. `lines` has those of the test listener too."""

    groups: Mapping[Group, GroupTotals] = field(default_factory=dict)
    lines: int = 0
    late: int = 0


class Collector:
    """Counts from `start` to `close`. Only the newest one on a directory gets HAProxy's lines.

    `ahead_ms` is how far the controller's clock is ahead of the machine's (`local.clock`).
    """

    def __init__(self, home_dir: Path, ahead_ms: Callable[[], int] = lambda: 0) -> None:
        self._ahead_ms = ahead_ms
        self._place = Place(home_dir.resolve())
        self._window = Window(b"", self._ahead_ms)
        self._totals: dict[Group, GroupTotals] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._beat_ms = 0
        self._beat_read = float("-inf")

    def start(self) -> "Collector":
        """Listen for HAProxy and begin to count.

        Raises `SetupError` TG225 for too long a path, TG228 without a free port.
        """
        self._place.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        streams = Streams(self._place)
        self._window = Window(streams.reports.word.encode(), self._ahead_ms)
        self._thread = threading.Thread(
            target=self._run, args=(streams,), name="metrics", daemon=True
        )
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop counting; HAProxy keeps the lines for the next collector."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def observe(
        self, since_ms: int
    ) -> tuple[Mapping[tuple[str, Colour], tuple[Second, ...]], int] | None:
        """Complete seconds from `since_ms` on, and the time (ms) up to which they are complete.

        None when no heartbeat has come for 2 s.
        """
        with self._lock:
            if time.monotonic() - self._beat_read > _BROKEN_S or not self._window.until_ms:
                return None
            return self._window.since(since_ms), self._window.until_ms

    def counted(self) -> Counted:
        """Everything counted since the start, up to the last complete second."""
        with self._lock:
            groups = {group: totals.copy() for group, totals in self._totals.items()}
            return Counted(groups, self._window.lines(), self._window.late)

    def _run(self, streams: Streams) -> None:
        beat_at = time.monotonic()
        try:
            while not self._stop.is_set():
                ready = list(streams.ready(max(0.0, beat_at - time.monotonic())))
                dry = [self._read(streams, stream) for stream in ready]
                if all(dry):
                    self._complete(self._beat_ms)
                if time.monotonic() >= beat_at:
                    streams.beat()
                    beat_at = time.monotonic() + next_beat(_BEAT_S)
                self._stop.wait(_BATCH_S)
        finally:
            streams.close()

    def _read(self, streams: Streams, stream: Stream) -> bool:
        """Count what has come. Whether that was all there is."""
        got = stream.read()
        if got is None:
            streams.drop(stream)
            return True
        lines, dry = got
        with self._lock:
            beat_ms = self._window.feed(lines)
            if beat_ms:
                self._beat_ms, self._beat_read = beat_ms, time.monotonic()
        return dry

    def _complete(self, until_ms: int) -> None:
        """File the seconds before `until_ms`."""
        with self._lock:
            for group, second in self._window.close(until_ms):
                self._totals.setdefault(group, GroupTotals()).add(second)
            self._window.forget(until_ms - KEPT_MS)
