"""What was measured of one service: in beats of five seconds, and in minutes.

A value that could not be measured is None. Minutes are what AWS's policies read, beats what the
recommended controller and the alarms on gauges do.
"""

from dataclasses import dataclass
from typing import NamedTuple

BEAT_MS = 5_000
MINUTE_MS = 60_000
KEPT_BEATS = 720
"""An hour."""
KEPT_MINUTES = 60


class Spread(NamedTuple):
    """What one beat's looks saw of a count: CloudWatch's Minimum, Average and Maximum of them."""

    least: float
    mean: float
    most: float


class Hosts(NamedTuple):
    """Targets of each target group, and of both together, whose least is no sum of two leasts."""

    blue: Spread
    green: Spread
    both: Spread


class Sample(NamedTuple):
    """One beat or minute that begins at `at_ms`; values are its averages, requests its sum.

    `hosts` is the healthy tasks of one revision, the one with the most of those that get traffic:
    while blue and green both serve, the service is sized as one of them must carry it alone.
    `cpu_percent` is what all the tasks use, in percent of what `hosts` tasks reserve;
    `memory_percent` is a task's average. `healthy` and `unhealthy` count targets.
    `memory_reservation` is the app's, in percent of what is registered; `provider_reservation` is
    AWS's `CapacityProviderReservation`.
    """

    at_ms: int
    requests: int | None = None
    hosts: float | None = None
    active: float | None = None
    cpu_percent: float | None = None
    memory_percent: float | None = None
    p95_us: int | None = None
    healthy: Hosts | None = None
    unhealthy: Hosts | None = None
    memory_reservation: float | None = None
    provider_reservation: float | None = None

    def __hash__(self) -> int:
        """Its time: to hash the rest costs more than it tells apart."""
        return hash(self.at_ms)


@dataclass(frozen=True, slots=True)
class Series:
    """The last hour of one service, oldest first, without gaps: what is missing is all None."""

    beats: tuple[Sample, ...] = ()
    minutes: tuple[Sample, ...] = ()


NOTHING = Series()
"""What is known of a service that was never measured."""
