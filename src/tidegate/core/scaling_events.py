"""What happens to a service's scaling, in the past tense."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DesiredChanged:
    """The service should have so many tasks from now on."""

    service: str
    desired: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScalingActivity:
    """A policy changed the desired count, reckoned from `base`; `DesiredChanged` comes with it.

    `metric` and `value` are what it saw. `limit`, if not 0, is the requests per second and task
    that it found to be too much for the p95.
    """

    service: str
    policy: str
    before: int
    after: int
    base: int
    reason: str
    metric: str = ""
    value: float | None = None
    limit: float = 0.0


@dataclass(frozen=True, slots=True)
class BoundsChanged:
    """A scheduled action set other bounds than the app file's."""

    service: str
    minimum: int
    maximum: int
    action: str
    reason: str


ScalingEvent = DesiredChanged | ScalingActivity | BoundsChanged
