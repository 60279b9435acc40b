"""Metrics in virtual time: what each target group answered, second by second."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from random import Random

from tidegate.core.metrics import Second
from tidegate.core.model import Colour
from tidegate.simulator.clock import VirtualClock
from tidegate.simulator.fleet import Request

Group = tuple[str, Colour]


@dataclass(slots=True)
class _Counts:
    requests: int = 0
    errors: int = 0
    buckets: dict[int, int] = field(default_factory=dict)

    def second(self, at_ms: int) -> Second:
        good, bad = self.requests - self.errors, self.errors
        status = tuple(pair for pair in ((2, good), (5, bad)) if pair[1])
        return Second(at_ms, self.requests, bad, tuple(sorted(self.buckets.items())), status)


_at_ms = attrgetter("at_ms")


class Meter:
    """Implements `core.ports.Metrics`.

    A request is counted in the second of its end as soon as it begins, and taken back if it is
    cut; no second is shown before it is over. `blind_until` and `late_until` (elapsed ms) are
    faults; `shown_until` is up to when (machine time) the controller was last told, None if not.
    `keep_s`: older seconds are forgotten; None for never. `lag_ms` is how long a second takes to be
    shown.
    """

    def __init__(self, clock: VirtualClock, draws: Random) -> None:
        self.blind_until = 0
        self.late_until = 0
        self.shown_until: int | None = None
        self.keep_s: int | None = None
        self._clock = clock
        self._late_ms = 0
        self.lag_ms = draws.choice((0, 100, 700))
        self._open: dict[int, dict[Group, _Counts]] = {}
        self._closed: dict[Group, list[Second]] = {}
        self._next = 0
        self._restart = draws.random() < 0.5

    def count(self, group: Group, request: Request, sign: int = 1) -> None:
        """Count a request in the second of its end, or take it back with `sign` -1."""
        groups = self._open.setdefault(request.end_us // 1_000_000, {})
        counts = groups.get(group)
        if counts is None:
            counts = groups[group] = _Counts()
        counts.requests += sign
        counts.errors += sign * request.error
        inside = counts.buckets.get(request.bucket, 0) + sign
        if inside:
            counts.buckets[request.bucket] = inside
        else:
            counts.buckets.pop(request.bucket, None)

    def whole(self, group: Group, second: Second) -> None:
        """A second that is over, all at once."""
        closed = self._closed.setdefault(group, [])
        closed.append(second)
        if self.keep_s is not None and len(closed) > 2 * self.keep_s:
            del closed[: -self.keep_s]

    def whole_until(self) -> int:
        """Up to when (machine time) an undisturbed look is shown seconds."""
        now = self._clock.elapsed
        return self._clock.now() - now + (now - self.lag_ms) // 1000 * 1000

    def be_late(self, by_ms: int, for_ms: int) -> None:
        """Seconds are shown that much later for a while."""
        self._late_ms = by_ms
        self.late_until = self._clock.elapsed + for_ms

    def restart(self) -> None:
        """A new controller begins; in half of the worlds the past seconds died with the old one."""
        self.shown_until = None
        if self._restart:
            self._close(self._clock.elapsed // 1000)
            self._closed.clear()

    def observe(self, since_ms: int) -> tuple[Mapping[Group, tuple[Second, ...]], int] | None:
        """Complete seconds from `since_ms` (machine time) on, and up to when they are complete."""
        self.shown_until = None
        now = self._clock.elapsed
        if now < self.blind_until:
            return None
        late_ms = self._late_ms if now < self.late_until else 0
        whole_s = (now - self.lag_ms - late_ms) // 1000
        self._close(now // 1000)
        until_ms = self._clock.now() - now + whole_s * 1000
        self.shown_until = until_ms
        return {
            group: _between(s, since_ms, until_ms) for group, s in self._closed.items()
        }, until_ms

    def requests(self, service: str, from_ms: int, until_ms: int) -> int:
        """How many requests a service answered in a time that is over, of which little is past."""
        self._close(self._clock.elapsed // 1000)
        found = 0
        for group in ((service, Colour.BLUE), (service, Colour.GREEN)):
            for second in reversed(self._closed.get(group, ())):
                if second.at_ms < from_ms:
                    break
                if second.at_ms < until_ms:
                    found += second.requests
        return found

    def truth(self, group: Group, since_ms: int, until_ms: int) -> tuple[Second, ...]:
        """What the group really answered in [since_ms, until_ms), machine time."""
        self._close(self._clock.elapsed // 1000)
        return _between(self._closed.get(group, []), since_ms, until_ms)

    def _close(self, before_s: int) -> None:
        """Seconds that are over get their machine time and never change again."""
        offset_ms = self._clock.now() - self._clock.elapsed
        for second in range(self._next, before_s) if self._open else ():
            for group, counts in self._open.pop(second, {}).items():
                if counts.requests:
                    closed = self._closed.setdefault(group, [])
                    closed.append(counts.second(second * 1000 + offset_ms))
        self._next = max(self._next, before_s)


def _between(seconds: list[Second], since_ms: int, until_ms: int) -> tuple[Second, ...]:
    first = bisect_left(seconds, since_ms, key=_at_ms)
    if seconds and seconds[-1].at_ms < until_ms:
        return tuple(seconds[first:])  # so it mostly is
    return tuple(seconds[first : bisect_left(seconds, until_ms, first, key=_at_ms)])
