"""What a run was like, minute by minute and service by service."""

from dataclasses import dataclass, field

from tidegate.core.metrics import Second, merge, percentile_us
from tidegate.core.model import Colour
from tidegate.simulator.queueing import SATURATED

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of a service. Latencies in ms, None without requests.

    `utilisation` is the highest of its seconds, above 1 when more was asked than can be answered;
    `saturated`: the latencies are no more than a guess. `tasks` serve at its end, `running` also
    counts those that do not, such as a candidate's; `desired` is what the controller wants.
    """

    at_min: int
    wanted_rps: float
    requests: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    utilisation: float
    tasks: int
    running: int
    desired: int

    @property
    def saturated(self) -> bool:
        """Whether it was busier than the formulas hold for."""
        return self.utilisation > SATURATED

    def lost(self, slo_ms: int, slo_errors: float) -> bool:
        """Whether it misses the objective."""
        slow = self.p95_ms is not None and self.p95_ms > slo_ms
        return slow or self.errors > slo_errors * self.requests


@dataclass(slots=True)
class Track:
    """One service's minutes, and what it answered in each.

    `task_s` is how long its tasks ran, `second_s` the part of it that was a second task set's.
    """

    minutes: list[Minute] = field(default_factory=list)
    answers: list[Second] = field(default_factory=list)
    task_s: float = 0.0
    second_s: float = 0.0

    def take(self, seconds: Second, minute: Minute) -> None:
        """Add a minute and its answers."""
        self.minutes.append(minute)
        self.answers.append(seconds)

    @property
    def total(self) -> Second:
        """All its answers as one."""
        return merge(self.answers)

    @property
    def fair(self) -> Second:
        """Those of unsaturated minutes as one."""
        pairs = zip(self.minutes, self.answers, strict=True)
        return merge(seconds for minute, seconds in pairs if not minute.saturated)


def milliseconds(second: Second, percent: float) -> float | None:
    """A percentile in ms, or None without requests."""
    us = percentile_us(second, percent)
    return None if us is None else us / 1000


COLOURS = tuple(Colour)
