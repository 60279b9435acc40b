"""What the metrics of the recommended controller ask for in a beat: load / target, in tasks."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from math import inf

from tidegate.core.scaling.chance import Need
from tidegate.core.scaling.policy import Totals
from tidegate.core.scaling.sample import BEAT_MS, Sample

SLOW_FACTOR = 2.0
"""A p95 asks for no more than so many times the tasks at once."""

BUSY_PERCENT = 95.0
"""Tasks that use as much CPU as this cannot use more: that is no chance."""

_ALONE = 0.5
"""Requests take different times, so a sum of times varies as a count of half as many (cs² = 1)."""

_LEARNED = "requests at which p95 was over its target"
_KEPT = 2_048


class Needs:
    """The needs of one policy. `limit`: the load of a task (requests/s) that was too much, if any.

    Every beat is asked at every look for as long as it is in the window, so answers are kept.
    `need` gives the largest need of a beat, None when nothing was measured in it. `whole` gives
    None also when a metric is missing in it, or requests hang and none ends.
    """

    def __init__(self, policy: Totals, limit: float | None) -> None:
        self.policy = policy
        self.limit = limit
        self.need: Callable[[Sample], Need | None] = lru_cache(_KEPT)(self._need)
        self.whole: Callable[[Sample], Need | None] = lru_cache(_KEPT)(self._whole)

    @property
    def of_requests_alone(self) -> bool:
        """Whether a beat's requests are all that it asks for."""
        policy = self.policy
        others = (policy.concurrency, policy.cpu_percent, policy.memory_percent, policy.p95_ms)
        return policy.requests is not None and all(target is None for target in others)

    def each(self, beat: Sample) -> Iterator[Need]:
        """What each metric asks for."""
        policy, rate, hosts = self.policy, rate_of(beat), beat.hosts
        if policy.requests is not None and rate is not None:
            yield _of_rate(rate, policy.requests, "requests/s")
        if policy.concurrency is not None and beat.active is not None:
            tasks, counted = beat.active / policy.concurrency, max(beat.requests or 0, beat.active)
            yield Need(tasks, "requests under way", beat.active, counted=_ALONE * counted)
        if policy.cpu_percent is not None and beat.cpu_percent is not None and hosts:
            tasks, used = beat.cpu_percent * hosts / policy.cpu_percent, beat.cpu_percent
            counted = inf if used >= BUSY_PERCENT else _ALONE * (beat.requests or inf)
            yield Need(tasks, "CPU percent", used, counted=counted)
        if policy.memory_percent is not None and beat.memory_percent is not None and hosts:
            used = beat.memory_percent
            yield Need(used * hosts / policy.memory_percent, "memory percent", used)
        if policy.p95_ms is not None and rate is not None and hosts is not None:
            yield from self._of_p95(policy.p95_ms, beat)

    def _of_p95(self, target_ms: int, beat: Sample) -> Iterator[Need]:
        """A p95 that is too long, and the load per task at which one was; no load needs no task."""
        rate, hosts = rate_of(beat) or 0.0, beat.hosts or 0.0
        slow_by = (beat.p95_us or 0) / 1_000 / target_ms
        if slow_by > 1:
            tasks, value = hosts * min(slow_by, SLOW_FACTOR), (beat.p95_us or 0) / 1_000
            yield Need(tasks, "p95 ms", value, slow=True, counted=_ALONE * (beat.requests or 0))
        if self.limit:
            yield _of_rate(rate, self.limit, _LEARNED)
        elif slow_by <= 1:
            yield Need(0.0, "p95 ms", (beat.p95_us or 0) / 1_000)

    def _need(self, beat: Sample) -> Need | None:
        return max(self.each(beat), key=lambda need: need.tasks, default=None)

    def _whole(self, beat: Sample) -> Need | None:
        policy, needs = self.policy, tuple(self.each(beat))
        asked = (policy.requests, policy.concurrency, policy.cpu_percent, policy.memory_percent)
        silent = (
            beat.hosts is None or beat.requests is None or bool(beat.active and not beat.requests)
        )
        measured = sum(not need.slow and need.metric != _LEARNED for need in needs)
        if silent or measured < sum(target is not None for target in asked):
            return None
        return max(needs, key=lambda need: need.tasks, default=Need(0.0))


needs_of = lru_cache(maxsize=64)(Needs)
"""The same `Needs` for the same policy and limit, with all that it has kept."""


def rate_of(beat: Sample) -> float | None:
    """Requests per second."""
    return None if beat.requests is None else beat.requests * 1_000 / BEAT_MS


def _of_rate(rate: float, each: float, metric: str) -> Need:
    """Of so many requests a second, of which a task carries `each`."""
    unit = 1_000 / BEAT_MS / each
    return Need(rate / each, metric, rate, counted=rate * BEAT_MS / 1_000, unit=unit)
