"""The sender: every request leaves at its intended time, whatever the target does.

One thread, one epoll. On each wake all requests that are due are sent: late ones are caught up,
never skipped. An idle connection is used last in, first out; without one a new one is opened, up
to a limit; beyond it requests wait, and their latency with them. `epoll` alone waits in whole
milliseconds, so the wait is a `select` on the epoll's descriptor, which knows microseconds.
"""

import select
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Protocol

from tidegate.core.errors import SetupError, UsageError
from tidegate.load.connection import Connection
from tidegate.load.plan import Plan, Tags, ask, pattern
from tidegate.load.pool import Pool
from tidegate.load.reply import Reply
from tidegate.load.result import PENDING, Failure, Key, Mark, Records, Result, Tally, kind
from tidegate.load.target import cycle, permit

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
        self._asked = [ask(t, addresses[(t.host, t.port)]) for t in plan.targets]
        self._order = cycle([target.weight for target in plan.targets])
        self._body_tag = pattern(plan.tag.body)
        self._progress = progress
        self._stop = threading.Event()
        self._timeout_us = int(plan.limits.timeout_s * 1e6)
        self._times = self._due_times()
        self._next_due = next(self._times, NEVER)
        self._origin_ns = time.monotonic_ns()
        self._pool = Pool(plan.limits.connections)
        self._epoll = self._pool.epoll
        self._busy: dict[int, Connection] = {}  # in order of sending, so of deadline
        self._sources: dict[int, Source] = {}
        self._queue: deque[int] = deque()
        self._next_tick = self._length_us = 0
        self.records = Records()
        self.marks: list[Mark] = []
        self.tags = Tags()
        self.done: Counter[Key] = Counter()
        self.resent = self.waited = self.received_bytes = 0

    # --- from other threads ------------------------------------------------------------------

    def stop(self) -> None:
        """Release no more requests; `run` returns when those in flight have ended."""
        self._stop.set()

    def mark(self, name: str) -> Mark:
        """An act begins with the next request. Raises `UsageError` for a name used before."""
        if not name or any(mark.name == name for mark in self.marks):
            raise UsageError(
                f"an act of the run cannot be called {name!r}",
                cause="acts need names, each its own",
                code="TG155",
            )
        mark = Mark(name, len(self.records), self.now_us())
        self.marks.append(mark)
        return mark

    def tally(self) -> Tally:
        """Every request so far by act, kind and tag."""
        found = self.done.copy()
        firsts = [("", 0), *((mark.name, mark.first) for mark in self.marks)]
        ends = [first for _, first in firsts[1:]] + [len(self.records)]
        over = Counter[str]()
        for (act, _, _), n in found.items():
            over[act] += n
        for (name, first), end in zip(firsts, ends, strict=True):
            found[name, "pending", ""] = end - first - over[name]
        return +found

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

    def run(self) -> Result:
        """Send everything, wait for what is in flight, and tell what became of each."""
        started_ms = time.time_ns() // 1_000_000
        self._origin_ns = time.monotonic_ns()
        try:
            while self._next_due != NEVER or self._busy or self._queue:
                self._turn()
        finally:
            self._pool.close()
        if not self._stop.is_set() and self.plan.limits.requests is None:
            self._length_us = int(self.plan.profile.seconds * 1e6)
        return self._result(started_ms)

    def _turn(self) -> None:
        """Wait for a due time, a reply or the tick; read replies; send what is due."""
        wait_us = min(self._next_due, self._next_tick) - self.now_us()
        if wait_us > 0:
            select.select((self._epoll,), (), (), wait_us / 1e6)
        for fd, mask in self._epoll.poll(0):
            self._ready(fd, mask)
        now_us = self.now_us()
        if now_us >= self._next_tick:
            self._tick(now_us)
        if self._queue:
            self._serve_queue()
        for _ in range(BURST):
            now_us = self.now_us()
            if self._next_due > now_us:
                break
            self._release(now_us)

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
        reply = Reply(asked.to_head, self.plan.tag.header, self._body_tag)
        deadline_us = now_us + self._timeout_us
        self._after(connection, connection.carry(index, asked.request, reply, deadline_us))
        return True

    def _ready(self, fd: int, mask: int) -> None:
        """The kernel has something for a connection (or a source)."""
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
            self._after(connection, outcome)

    def _after(self, connection: Connection, outcome: int) -> None:
        """Go on with a connection after it has sent or received."""
        if outcome == PENDING:
            if connection.wants_to_write:
                self._epoll.modify(connection.fd, select.EPOLLIN | select.EPOLLOUT)
            return
        del self._busy[connection.fd]
        index = connection.index
        if self._may_resend(connection, outcome):
            self.resent += 1
            self._pool.drop(connection)
            self._begin(index, self.now_us(), fresh=True)  # there is room: one was just dropped
            return
        reply = connection.reply
        self.received_bytes += reply.received
        if reply.status:
            self.records.tag[index] = self.tags.index(reply.tag)
        self._end(index, outcome)
        if outcome > 0 and connection.rest():
            self._pool.give(connection)
        else:
            self._pool.drop(connection)

    def _may_resend(self, connection: Connection, outcome: int) -> bool:
        asked = self._asked[self.records.target[connection.index]]
        dead = outcome in (Failure.RESET, Failure.CLOSED) and connection.died_unused
        return dead and self.plan.limits.resend and asked.idempotent

    def _end(self, index: int, outcome: int) -> None:
        """A request is over."""
        self.records.end[index] = self.now_us()
        self.records.outcome[index] = outcome
        self.done[self._act(index), kind(outcome), self.tags.names[self.records.tag[index]]] += 1

    def _act(self, index: int) -> str:
        for mark in reversed(self.marks):
            if index >= mark.first:
                return mark.name
        return ""

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

    def _result(self, started_ms: int) -> Result:
        return Result(
            title=self.plan.title,
            profile=str(self.plan.profile),
            targets=tuple(target.name for target in self.plan.targets),
            started_ms=started_ms,
            length_us=self._length_us,
            records=self.records,
            tags=tuple(self.tags.names),
            marks=tuple(self.marks),
            opened=self._pool.opened,
            resent=self.resent,
            waited=self.waited,
            connections_limit=self._pool.limit,
            received_bytes=self.received_bytes,
        )
