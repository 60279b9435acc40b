"""Datapoints of what is measured and not counted: hosts, CPU, memory, reservations.

Sources: Elastic Load Balancing user guide (`HealthyHostCount`, `UnHealthyHostCount`,
`RequestCountPerTarget`); ECS developer guide, "CloudWatch metrics" (`CPUUtilization` and
`MemoryUtilization` of a service in percent of what its tasks reserve, `MemoryReservation` of the
running tasks in percent of what is registered). `Concurrency` is ours: requests under way.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from tidegate.core.datapoints import Point, gauge_datapoints
from tidegate.core.model import Alarm, Colour
from tidegate.core.scaling.sample import BEAT_MS, Hosts, Sample, Series, Spread

SHORTEST_MS = BEAT_MS
"""Gauges are measured in beats; an alarm's period is at least one."""
LONGEST_MS = 3_600_000
"""So far back they are kept."""


def _hosts(hosts: Hosts | None, colour: Colour | None) -> Spread | None:
    if hosts is None:
        return None
    return {None: hosts.both, Colour.BLUE: hosts.blue, Colour.GREEN: hosts.green}[colour]


def _per_target(sample: Sample) -> Point:
    if sample.requests is None or not sample.hosts:
        return None
    return sample.requests / sample.hosts


VALUES: Mapping[str, Callable[[Sample, Colour | None], Point | Spread]] = MappingProxyType(
    {
        "HealthyHostCount": lambda s, colour: _hosts(s.healthy, colour),
        "UnHealthyHostCount": lambda s, colour: _hosts(s.unhealthy, colour),
        "RequestCountPerTarget": lambda s, colour: _per_target(s),
        "CPUUtilization": lambda s, colour: s.cpu_percent,
        "MemoryUtilization": lambda s, colour: s.memory_percent,
        "MemoryReservation": lambda s, colour: s.memory_reservation,
        "CapacityProviderReservation": lambda s, colour: s.provider_reservation,
        "Concurrency": lambda s, colour: s.active,
    }
)
"""Each gauge's value in a beat; `colour` is the target group that is asked about, None for both."""


def points(
    alarm: Alarm, series: Series, colour: Colour | None, since_ms: int = 0
) -> tuple[Point, ...]:
    """The alarm's evaluation range, oldest first, out of the beats from `since_ms` on.

    All missing when nothing was ever measured.
    """
    if not series.beats:
        return (None,) * (alarm.evaluation_periods + 2)
    until_ms = series.beats[-1].at_ms + BEAT_MS
    value_of = VALUES[alarm.metric]
    reach = (alarm.evaluation_periods + 3) * alarm.period_ms // BEAT_MS + 1
    recent = series.beats[-reach:]
    if alarm.metric == "RequestCountPerTarget":
        recent = _of_whole_periods(recent, alarm.period_ms)
    beats = (beat for beat in recent if beat.at_ms >= since_ms)
    values = ((beat.at_ms, _as(alarm.statistic, value_of(beat, colour))) for beat in beats)
    known = ((at_ms, value) for at_ms, value in values if value is not None)
    return gauge_datapoints(alarm, known, until_ms)


def _of_whole_periods(beats: Sequence[Sample], period_ms: int) -> tuple[Sample, ...]:
    """The beats of periods that were measured from end to end: half a sum would be half a load."""
    measured = (b.at_ms for b in beats if b.requests is not None and b.hosts is not None)
    counts = Counter(at_ms // period_ms for at_ms in measured)
    least = period_ms // BEAT_MS
    return tuple(beat for beat in beats if counts[beat.at_ms // period_ms] >= least)


def _as(statistic: str, value: Point | Spread) -> Point:
    """What a beat gives to the period's statistic: its own least or most, so that none is lost."""
    if not isinstance(value, Spread):
        return value
    return {"Minimum": value.least, "Maximum": value.most}.get(statistic, value.mean)
