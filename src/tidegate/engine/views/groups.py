"""One target group of a service: its part, its weight, its tasks, and what it answered."""

from dataclasses import dataclass

from tidegate.core.metrics import merge, percentile_us
from tidegate.core.model import Colour, Role
from tidegate.core.progress import Progress, ServiceProgress, TaskRecord
from tidegate.core.routing import wanted_routing
from tidegate.core.seen import Health, Seen, TaskState
from tidegate.core.task import ready

RECENT_MS = 60_000
"""How far back traffic is counted while nothing shifts."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What views are made of: what the journal says, what was seen last, and the time (ms)."""

    progress: Progress
    seen: Seen
    now: int


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task: its phase (started, healthy, draining, stopping, stopped) since when.

    `state` and `health` are what was seen of its container, or UNKNOWN.
    """

    id: str
    release: int
    phase: str
    since: int
    state: str
    health: str
    address: str | None
    active: int


@dataclass(frozen=True, slots=True)
class TrafficView:
    """What a target group answered since `since` (ms); `p95_ms` is None without requests."""

    since: int
    requests: int
    errors: int
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class GroupView:
    """Blue or green. `role` is stable, candidate, old (being drained) or empty.

    `weight_bp` is what the balancer is seen to hold, None when that cannot be read; `wanted_bp` is
    what it should hold. The three counts are tasks: of `release`; `desired` is 0 for an old one.
    `traffic` is None when the metrics cannot be read.
    """

    colour: str
    role: str
    release: int | None
    weight_bp: int | None
    wanted_bp: int
    desired: int
    running: int
    healthy: int
    tasks: tuple[TaskView, ...]
    traffic: TrafficView | None


def group_of(sight: Sight, one: ServiceProgress, colour: Colour) -> GroupView | None:
    """The service's group in `colour`; None when there is nothing to show in it."""
    progress, seen = sight.progress, sight.seen
    role, release = _part(one, progress, colour)
    tasks = [t for t in progress.tasks_of(one.name) if t.colour is colour]
    held = seen.balancer.routing.get(one.name) if seen.balancer else None
    wanted = wanted_routing(progress, one.name)
    weight_bp = held.weight_bp(colour) if held else None
    if release is None and not tasks and not weight_bp:
        return None
    mine = [t for t in tasks if t.release == release]
    observed = [found for t in mine if (found := seen.task(t.id))]
    return GroupView(
        colour.value,
        role,
        release,
        weight_bp,
        wanted.weight_bp(colour) if wanted else 0,
        one.desired if role in (Role.STABLE, Role.CANDIDATE) else 0,
        sum(found.state is TaskState.RUNNING for found in observed),
        sum(ready(t, seen) for t in mine),
        tuple(_task(t, seen) for t in tasks),
        _traffic(sight, one, colour),
    )


def _part(one: ServiceProgress, progress: Progress, colour: Colour) -> tuple[str, int | None]:
    """The role of that group now, and the release in it."""
    moving = progress.deployment_of(one.name)
    if one.stable is not None and one.colour is colour:
        return Role.STABLE, one.stable
    if moving and not moving.promoted and moving.colour is colour:
        return Role.CANDIDATE, moving.candidate
    if moving and moving.promoted and moving.stable is not None:
        return "old", moving.stable
    return "", None


def _task(task: TaskRecord, seen: Seen) -> TaskView:
    found, target = seen.task(task.id), seen.target(task.id)
    return TaskView(
        task.id,
        task.release,
        task.phase.value,
        task.since,
        found.state.value if found else "UNKNOWN",
        found.health.value if found else Health.UNKNOWN.value,
        found.address if found else None,
        target.active if target else 0,
    )


def _traffic(sight: Sight, one: ServiceProgress, colour: Colour) -> TrafficView | None:
    """Since the shift began, or the last minute while nothing shifts."""
    if sight.seen.metrics is None:
        return None
    moving = sight.progress.deployment_of(one.name)
    since = sight.now - RECENT_MS
    if moving and not moving.promoted and moving.shifted_at is not None:
        since = moving.shifted_at
    seconds = sight.seen.metrics.get((one.name, colour), ())
    total = merge(s for s in seconds if s.at_ms + 1_000 > since)
    p95_us = percentile_us(total, 95)
    p95_ms = None if p95_us is None else p95_us / 1_000
    return TrafficView(since, total.requests, total.errors, p95_ms)
