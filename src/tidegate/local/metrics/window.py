"""The lines of the data plane, counted by target group and second. No clock and no socket here.

A line is `WORD shop-green 200 -- 1700000000 1234`: a word that proves it is HAProxy's, group,
status, how it ended, the second, and the microseconds until the response's headers, or until the
end if none came. Nothing in it comes from a client. All but the last word is the same for many
lines, so it is read once.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tidegate.core.metrics import BUCKET_BOUNDS_US, Second, bucket_of, merge
from tidegate.core.model import Colour
from tidegate.local.haproxy.routing import TEST, of_group

Group = tuple[str, Colour]

KEPT_MS = 2 * 3_600_000
_HEARTBEAT = b"heartbeat"
_TEST = TEST.encode()
_BUCKETS = len(BUCKET_BOUNDS_US)
_MOST_LATENCIES = 100_000


@dataclass(frozen=True, slots=True)
class Kind:
    """What requests of one count have in common. `status` is the first digit."""

    group: Group
    test: bool
    at_ms: int
    status: int
    error: bool


class Window:
    """Counts of the last two hours, and the lines that are still coming in.

    `word` is what a line must begin with. `late` counts the requests that came after their second
    was given out as complete. HAProxy writes the machine's time, which may jump; `ahead_ms` is
    added to it, in whole seconds (`local.clock`). Not safe for threads: its owner locks.
    """

    def __init__(self, word: bytes, ahead_ms: Callable[[], int] = lambda: 0) -> None:
        self.late = 0
        self.until_ms = 0
        self._word = word
        self._ahead_ms = ahead_ms
        self._filed = 0
        self._open: dict[bytes, tuple[Kind, list[int]]] = {}
        self._counts: dict[bytes, list[int]] = {}
        self._buckets: dict[bytes, int] = {}
        self._seconds: dict[Group, list[Second]] = {}

    def feed(self, lines: Iterable[bytes]) -> int:
        """Count these lines. Returns the second (ms) of the last heartbeat among them, or 0."""
        beat = 0
        counts, buckets = self._counts, self._buckets
        for line in lines:
            head, _, latency = line.rpartition(b" ")
            count = counts.get(head)
            if count is None:
                count, at_ms = self._new(head)
                beat = at_ms or beat
                if count is None:
                    continue
            bucket = buckets.get(latency)
            if bucket is None:
                bucket = self._bucket(latency)
            count[bucket] += 1
        return beat

    def close(self, until_ms: int) -> tuple[tuple[Group, Second], ...]:
        """All seconds before `until_ms` are complete: file them. Returns what was filed."""
        before, self.until_ms = self.until_ms, max(self.until_ms, until_ms)
        done = {h: kind for h, (kind, _) in self._open.items() if kind.at_ms < self.until_ms}
        filed: list[tuple[Group, Second]] = []
        for head, kind in done.items():
            _, count = self._open.pop(head)
            del self._counts[head]
            if not kind.test:
                filed.append((kind.group, _second(kind, count)))
            self._filed += sum(count)
        for group, second in filed:
            self.late += second.requests if second.at_ms < before else 0
            self._file(group, second)
        return tuple(filed)

    def since(self, since_ms: int) -> Mapping[Group, tuple[Second, ...]]:
        """The complete seconds of each group that begin at `since_ms` or later, oldest first."""
        found = {}
        for group, seconds in self._seconds.items():
            first = bisect_left(seconds, since_ms, key=_at)
            if first < len(seconds):
                found[group] = tuple(seconds[first:])
        return found

    def forget(self, before_ms: int) -> None:
        """Drop the seconds before `before_ms`."""
        for seconds in self._seconds.values():
            del seconds[: bisect_left(seconds, before_ms, key=_at)]

    def lines(self) -> int:
        """How many lines of target groups have come."""
        return self._filed + sum(sum(count) for _, count in self._open.values())

    def _new(self, head: bytes) -> tuple[list[int] | None, int]:
        """The count for lines that begin so, or None for lines that are not of a target group.

        With it the second (ms) of the line if it is a heartbeat's, else 0.
        """
        words = head.split(b" ")
        if len(words) != 5 or words[0] != self._word:
            return None, 0
        name, status, ending, second = words[1:]
        if not second.isdigit():
            return None, 0
        at_ms = (int(second) + round(self._ahead_ms() / 1000)) * 1000
        group = of_group(name.removeprefix(_TEST).decode(errors="replace"))
        if group is None:
            return None, at_ms if name == _HEARTBEAT else 0
        count = [0] * _BUCKETS
        test = name.startswith(_TEST)
        kind = Kind(group, test, at_ms, *_outcome(status, ending))
        self._open[head] = (kind, count)
        self._counts[head] = count
        return count, 0

    def _bucket(self, latency: bytes) -> int:
        """The bucket of a latency, remembered for the next line that has the same."""
        if len(self._buckets) >= _MOST_LATENCIES:
            self._buckets.clear()
        bucket = bucket_of(int(latency)) if latency.isdigit() else 0
        self._buckets[latency] = bucket
        return bucket

    def _file(self, group: Group, second: Second) -> None:
        seconds = self._seconds.setdefault(group, [])
        place = bisect_left(seconds, second.at_ms, key=_at)
        if place < len(seconds) and seconds[place].at_ms == second.at_ms:
            seconds[place] = merge((seconds[place], second))
        else:
            seconds.insert(place, second)


def _outcome(status: bytes, ending: bytes) -> tuple[int, bool]:
    """The class of a line and whether it is an error, by its status and how it ended.

    No answer counts with 5xx, or with 4xx (as ALB's 460) when it was the client who went.
    Source: HAProxy 2.6 configuration manual, §8.5 "Session state at disconnection".
    """
    if status.isdigit() and status != b"0":
        return int(status[:1]), status.startswith(b"5")
    return (4, False) if ending.startswith((b"C", b"c")) else (5, True)


def _second(kind: Kind, count: list[int]) -> Second:
    latency = tuple((bucket, n) for bucket, n in enumerate(count) if n)
    total = sum(n for _, n in latency)
    return Second(kind.at_ms, total, total if kind.error else 0, latency, ((kind.status, total),))


def _at(second: Second) -> int:
    return second.at_ms
