"""The sender: every request leaves at its intended time, whatever the target does.

One thread, one epoll. On each wake all requests that are due are sent: late ones are caught up,
never skipped; and between any two replies, so that many of them at once make nothing late. An idle
connection is used last in, first out; without one a new one is opened, up to a limit; beyond it
requests wait, and their latency with them. `epoll` alone waits in whole milliseconds, so the wait
is a `select` on the epoll's descriptor, which knows microseconds.
"""

import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from tidegate.core.errors import SetupError
from tidegate.load.acts import Acts
from tidegate.load.connection import Connection
from tidegate.load.plan import Plan, Tags, ask
from tidegate.load.pool import Pool
from tidegate.load.result import PENDING, Failure, Mark, Records, Result, Tally
from tidegate.load.target import cycle, permit
from tidegate.load.undisturbed import Share, share

NEVER = 1 << 62
TICK_US = 10_000
BURST = 64  # sends between two looks at the replies


class Source(Protocol):
    """Something else that the generator's epoll watches, such as a pipe with commands."""

    def ready(self) -> None:
        """There is something to read."""


class Generator:
    """One run. `run` in any thread; `stop`, `mark` and `tally` are safe from others meanwhile."""

    def __init__(self, plan: Plan, progress: Callable[[], None] | None = None) -> None:
        """Raises `UsageError` for a target that may not be loaded, `SetupError` without epoll.

        `progress` is called by the sender about every 10 ms; it must be quick.
        """
        if not hasattr(select, "epoll"):
            raise SetupError(
                "the load generator needs epoll, which only Linux has",
                remedy="run it in a container or on a Linux machine",
                code="TG235",
            )
        addresses = permit(plan.targets, plan.hosts)
        self.plan = plan
        self._asked = [ask(t, addresses[(t.host, t.port)], plan.tag) for t in plan.targets]
        self._order = cycle([target.weight for target in plan.targets])
        self._progress = progress
        self._stop = threading.Event()
        self._timeout_us = int(plan.limits.timeout_s * 1e6)
        self._times = self._due_times()
        self._next_due = next(self._times, NEVER)
        self._origin_ns = time.monotonic_ns()
        self._pool = Pool(plan.limits.connections)
        self._epoll = self._pool.epoll
        self._watched = (self._epoll.fileno(),)
        self._busy: dict[int, Connection] = {}  # in order of sending, so of deadline
        self._sources: dict[int, Source] = {}
        self._queue: deque[int] = deque()
        self._next_tick = self._length_us = 0
        self.records = Records()
        self.tags = Tags()
        self.acts = Acts()
        self.resent = self.waited = self.received_bytes = 0

    # --- from other threads ------------------------------------------------------------------

    def stop(self) -> None:
        """Release no more requests; `run` returns when those in flight have ended."""
        self._stop.set()

    def mark(self, name: str) -> Mark:
        """An act begins with the next request. Raises `UsageError` for a name used before."""
        return self.acts.begin(name, len(self.records), self.now_us())

    def tally(self) -> Tally:
        """Every request so far by act, kind and tag."""
        return self.acts.tally(len(self.records), self.tags.names)

    def now_us(self) -> int:
        """Microseconds since the run began."""
        return (time.monotonic_ns() - self._origin_ns) // 1000

    def watch(self, fd: int, source: Source) -> None:
        """Call `source.ready` whenever `fd` can be read, from the sender's own loop."""
        self._sources[fd] = source
        self._epoll.register(fd, select.EPOLLIN)

    def unwatch(self, fd: int) -> None:
        """No longer."""
        del self._sources[fd]
        self._epoll.unregister(fd)

    # --- the loop ----------------------------------------------------------------------------

    def run(self, first: bool = False) -> Result:
        """Send everything, wait for what is in flight, and tell what became of each.

        `first` is for the result alone: whether this process goes before others.
        """
        started_ms, before = time.time_ns() // 1_000_000, share(first)
        self._origin_ns = time.monotonic_ns()
        try:
            while self._next_due != NEVER or self._busy or self._queue:
                self._turn()
        finally:
            self._pool.close()
        if not self._stop.is_set() and self.plan.limits.requests is None:
            self._length_us = int(self.plan.profile.seconds * 1e6)
        return self._result(started_ms, share(first).since(before))

    def _turn(self) -> None:
        """Wait for a due time, a reply or the tick; read replies; send what is due."""
        now_us = self.now_us()
        wait_us = min(self._next_due, self._next_tick) - now_us
        if wait_us <= 0 or select.select(self._watched, (), (), wait_us / 1e6)[0]:
            self._read()
        now_us = self.now_us()
        if now_us >= self._next_tick:
            self._tick(now_us)
        if self._queue:
            self._serve_queue()
        self._send_due(now_us)

    def _read(self) -> None:
        """Take what the kernel has; each connection that comes free carries what is due by then."""
        events = self._epoll.poll(0)
        if len(events) > 1:  # what has happened to idle connections goes first: none is used then
            events.sort(key=self._carries)
        for fd, mask in events:
            if self._ready(fd, mask):
                now_us = self.now_us()
                if self._next_due <= now_us:
                    self._release(now_us)

    def _carries(self, event: tuple[int, int]) -> bool:
        connection = self._pool.open.get(event[0])
        return connection is not None and connection.index >= 0

    def _send_due(self, now_us: int) -> None:
        """Send what is due. Replies are looked at again before a second connection is opened."""
        opened = self._pool.opened
        for _ in range(BURST):
            if self._next_due > now_us or self._pool.opened > opened:
                break
            self._release(now_us)
            now_us = self.now_us()

    def _release(self, now_us: int) -> None:
        """The next request is due: give it a connection, or put it into the queue."""
        target = self._order[len(self.records) % len(self._order)]
        index = self.records.add(self._next_due, target)
        self._set_next_due(next(self._times, NEVER), now_us)
        if self._queue or not self._begin(index, now_us):
            self.waited += 1
            self._queue.append(index)

    def _begin(self, index: int, now_us: int, fresh: bool = False) -> bool:
        """Send a request now; False when no connection may be had yet."""
        asked = self._asked[self.records.target[index]]
        try:
            connection = self._pool.take(asked.address, fresh)
        except OSError:
            self._end(index, Failure.LOCAL)
            return True
        if connection is None:
            return False
        if self.records.sent[index] < 0:
            self.records.sent[index] = now_us
        self._busy[connection.fd] = connection
        self._after(connection, connection.carry(index, asked, now_us + self._timeout_us))
        return True

    def _ready(self, fd: int, mask: int) -> bool:
        """The kernel has something for a connection (or a source). Whether one came free."""
        connection = self._pool.open.get(fd)
        if connection is None:
            source = self._sources.get(fd)
            if source:
                source.ready()
        elif connection.index < 0:
            self._pool.drop(connection)  # a FIN, a 408 or anything else that nobody asked for
        else:
            wrote = mask & select.EPOLLOUT and connection.wants_to_write
            outcome = connection.flush() if wrote else PENDING
            if outcome == PENDING and mask & ~select.EPOLLOUT:
                outcome = connection.receive()
            elif outcome == PENDING and not connection.wants_to_write:
                self._epoll.modify(fd, select.EPOLLIN)
            return self._after(connection, outcome)
        return False

    def _after(self, connection: Connection, outcome: int) -> bool:
        """Go on with a connection after it has sent or received. Whether it came free."""
        if outcome == PENDING:
            if connection.wants_to_write:
                self._epoll.modify(connection.fd, select.EPOLLIN | select.EPOLLOUT)
            return False
        del self._busy[connection.fd]
        index = connection.index
        if self._may_resend(connection, outcome):
            self.resent += 1
            self._pool.drop(connection)
            self._begin(index, self.now_us(), fresh=True)  # there is room: one was just dropped
            return False
        self.received_bytes += connection.received
        self._end(index, outcome, self.tags.index(connection.tag))
        if outcome > 0 and connection.rest():
            self._pool.give(connection)
            return True
        self._pool.drop(connection)
        return False

    def _may_resend(self, connection: Connection, outcome: int) -> bool:
        dead = outcome in (Failure.RESET, Failure.CLOSED) and connection.died_unused
        return dead and self.plan.limits.resend and connection.asked.idempotent

    def _end(self, index: int, outcome: int, tag: int = 0) -> None:
        """A request is over."""
        records = self.records
        records.end[index] = self.now_us()
        records.outcome[index] = outcome
        records.tag[index] = tag
        self.acts.ended(index, outcome, tag)

    def _serve_queue(self) -> None:
        while self._queue and self._begin(self._queue[0], self.now_us()):
            self._queue.popleft()

    # --- time --------------------------------------------------------------------------------

    def _due_times(self) -> Iterator[int]:
        limit = self.plan.limits.requests
        for number, time_us in enumerate(self.plan.profile.times_us()):
            if limit is not None and number >= limit:
                return
            yield time_us

    def _set_next_due(self, next_due: int, now_us: int) -> None:
        self._next_due = next_due
        if next_due == NEVER:
            self._length_us = now_us

    def _tick(self, now_us: int) -> None:
        """Every 10 ms: a stop that was asked for, requests that took too long, progress."""
        self._next_tick = now_us + TICK_US
        if self._stop.is_set() and self._next_due != NEVER:
            self._set_next_due(NEVER, now_us)
        while self._busy:
            connection = next(iter(self._busy.values()))
            if connection.deadline_us > now_us:
                break
            self._after(connection, Failure.TIMEOUT)
        too_old = now_us - self._timeout_us
        while self._queue and self.records.intended[self._queue[0]] < too_old:
            self._end(self._queue.popleft(), Failure.UNSENT)
        if self._progress:
            self._progress()

    def _result(self, started_ms: int, sender: Share) -> Result:
        return Result(
            title=self.plan.title,
            profile=str(self.plan.profile),
            targets=tuple(target.name for target in self.plan.targets),
            started_ms=started_ms,
            length_us=self._length_us,
            records=self.records,
            tags=tuple(self.tags.names),
            marks=tuple(self.acts.marks),
            opened=self._pool.opened,
            resent=self.resent,
            waited=self.waited,
            connections_limit=self._pool.limit,
            received_bytes=self.received_bytes,
            sender=sender,
        )
