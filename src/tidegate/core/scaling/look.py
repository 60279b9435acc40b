"""One look at one service's scaling: all that a policy may ask, and what it answers with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tidegate.core.capacity.leaving import why_leaving
from tidegate.core.model import Service
from tidegate.core.progress import Progress, TaskPhase
from tidegate.core.scaling.bounds import bounds_of
from tidegate.core.scaling.policy import Scaling
from tidegate.core.scaling.sample import BEAT_MS, NOTHING, Sample, Series
from tidegate.core.scaling.state import UNSCALED, ScalingState
from tidegate.core.seen import Seen, TaskState

FRESH_MS = 20_000
"""The newest beat, or minute, may have ended so long ago, and no longer."""


WARM_UP_MS = 60_000
"""A task that starts counts as coming for so long."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The count that a policy wants, reckoned from `base`, and why, in one sentence.

    `tracks`: it is a policy whose consent a scale-in needs. `limit` is what it learned (see
    `ScalingState.limit`).
    """

    policy: str
    after: int
    base: int
    reason: str
    metric: str = ""
    value: float | None = None
    tracks: bool = True
    limit: float | None = None


class Counts(NamedTuple):
    """Tasks of one revision, the one with the most of those that serve; never blue and green.

    `running` are those whose container runs; `coming` those that are starting, or healthy. Tasks
    that leave, and are replaced already, are no more than the desired count together.
    """

    running: int
    coming: int


class Look(NamedTuple):
    """The service, its bounds and counts, what was measured, what was done, and the time (ms)."""

    service: Service
    desired: int
    least: int
    most: int
    counts: Counts
    moving: bool
    series: Series
    state: ScalingState
    release: int
    now: int

    @property
    def scaling(self) -> Scaling:
        """Its policies."""
        return self.service.scaling

    @property
    def beats(self) -> tuple[Sample, ...]:
        """The beats, if the newest is fresh; else none."""
        beats = self.series.beats
        fresh = beats and self.now - beats[-1].at_ms - BEAT_MS < FRESH_MS
        return beats if fresh else ()

    def later(self, series: Mapping[str, Series], now: int) -> "Look":
        """The same with newer numbers. Its counts hold for as long as no task starts or ends."""
        return self._replace(series=series.get(self.service.name, NOTHING), now=now)

    def clamped(self, count: int) -> int:
        """The count within min and max."""
        return min(max(count, self.least), self.most)


def look_at(progress: Progress, service: Service, seen: Seen, now: int) -> Look | None:
    """A look; None while there is no stable release, or while the tasks cannot be read."""
    known = progress.services[service.name]
    if known.stable is None or seen.tasks is None:
        return None
    moving = progress.deployment_of(service.name)
    serving = {known.stable}
    if moving and not moving.promoted and moving.rollback is None and moving.weight_bp:
        serving.add(moving.candidate)
    state = progress.scaling.get(service.name, UNSCALED)
    least, most = bounds_of(progress, service.name, service.count)
    return Look(
        service,
        known.desired,
        least,
        most,
        _counts(progress, serving, seen, (known.desired, now - WARM_UP_MS)),
        moving is not None or known.waiting is not None,
        seen.series.get(service.name, NOTHING),
        state,
        known.stable,
        now,
    )


def _counts(
    progress: Progress, serving: set[int], seen: Seen, desired_since: tuple[int, int]
) -> Counts:
    """Of the revision that has the most; one that started before `since` counts once healthy."""
    desired, since = desired_since
    running = dict.fromkeys(serving, 0)
    coming = dict.fromkeys(serving, 0)
    leaving = dict.fromkeys(serving, 0)
    up = {task.id for task in seen.tasks or () if task.state is TaskState.RUNNING}
    for task in progress.tasks.values():
        if task.release not in running:
            continue
        starting = task.phase is TaskPhase.STARTED
        if task.id in up and (starting or task.phase is TaskPhase.HEALTHY):
            running[task.release] += 1
        if task.phase is TaskPhase.HEALTHY or (starting and task.started_at > since):
            counts = leaving if why_leaving(progress, task) else coming
            counts[task.release] += 1
    there = (n + min(leaving[one], max(0, desired - n)) for one, n in coming.items())
    return Counts(max(running.values()), max(there))
