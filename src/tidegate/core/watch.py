"""Which seconds of traffic each alarm reads now, and what its state becomes.

An alarm of the candidate reads the candidate's target group from its first traffic on, and the
stable one's before: at the start of a deployment it says whether the service is well.
"""

from bisect import bisect_right
from dataclasses import replace
from itertools import groupby

from tidegate.core import alarms, gauges
from tidegate.core.datapoints import GAUGES, Point, datapoints, reads
from tidegate.core.decision import AlarmChanged, AlarmState, Decision, Event
from tidegate.core.kept import Kept
from tidegate.core.metrics import Second, at_ms_of, between, merge
from tidegate.core.model import Alarm, AlarmScope, Colour, MissingData
from tidegate.core.progress import Deployment, Progress
from tidegate.core.scaling.sample import NOTHING
from tidegate.core.seen import Seen


def alarm_key(service: str, alarm: Alarm) -> str:
    """The name under which a service's state of an alarm is kept: `service/alarm`."""
    return f"{service}/{alarm.name}"


def alarms_of(progress: Progress, service: str) -> tuple[Alarm, ...]:
    """The alarms that watch this service."""
    known = progress.app.alarms if progress.app else ()
    return tuple(a for a in known if a.service in (None, service))


def guards_of(progress: Progress, service: str) -> tuple[Alarm, ...]:
    """Those of them that hold its deployments and roll them back."""
    return tuple(a for a in alarms_of(progress, service) if a.guards)


def alarm_named(progress: Progress, service: str, name: str) -> Alarm | None:
    """The service's alarm of that name, or None."""
    return next((a for a in alarms_of(progress, service) if a.name == name), None)


def points(progress: Progress, seen: Seen, service: str, alarm: Alarm) -> tuple[Point, ...]:
    """The alarm's datapoints as of this look, oldest first; none when they cannot be read."""
    if alarm.metric in GAUGES:
        colour, since_ms = _group(progress, service, alarm.scope)
        return gauges.points(alarm, seen.series.get(service, NOTHING), colour, since_ms)
    seconds = _read_by(alarm, progress, seen, service)
    return () if seconds is None else datapoints(alarm, seconds, seen.metrics_until)


def decide(progress: Progress, seen: Seen) -> Decision:
    """An `AlarmChanged` for every alarm whose state is another than it was.

    So it is when an alarm still has no data, but for another reason: its metrics can be read again.
    """
    events: list[Event] = []
    for service in progress.services:
        for alarm in alarms_of(progress, service):
            key = alarm_key(service, alarm)
            known = progress.alarms.get(key)
            before = known.state if known else AlarmState.INSUFFICIENT_DATA
            fair = _fair(progress, alarm, service, seen.metrics_until)
            if alarm.metric in GAUGES:
                found = points(progress, seen, service, alarm)
                state, reason = alarms.judge_points(fair, found, before)
            else:
                seconds = _read_by(alarm, progress, seen, service)
                state, reason = alarms.judge(fair, key, seconds, seen.metrics_until, before)
            mended = known is not None and known.reason == alarms.unreadable(key) != reason
            if known is None or state is not before or mended:
                events.append(AlarmChanged(key, state, reason))
    return Decision(events=tuple(events))


def seconds_for(
    progress: Progress, seen: Seen, service: str, scope: AlarmScope
) -> tuple[Second, ...] | None:
    """The seconds of traffic that an alarm of this scope reads, or None when none can be read."""
    found = _read(progress, seen, service, scope)
    if not found or scope is not AlarmScope.SERVICE:
        return found
    return tuple(merge(same) for _, same in groupby(found, key=at_ms_of))


def _read_by(
    alarm: Alarm, progress: Progress, seen: Seen, service: str
) -> tuple[Second, ...] | None:
    """What counts for the alarm's datapoints now, or more.

    A second in which both target groups had requests is there twice: datapoints add them up anyway.
    """
    if alarm.scope is not AlarmScope.SERVICE or seen.metrics is None:
        return _read(progress, seen, service, alarm.scope)
    from_ms, until_ms = reads(alarm, seen.metrics_until)
    blue = seen.metrics.get((service, Colour.BLUE), ())
    green = seen.metrics.get((service, Colour.GREEN), ())
    if not blue or not green:
        return blue or green
    both = between(blue, from_ms, until_ms) + between(green, from_ms, until_ms)
    return _SORTED.get((service, from_ms), both, lambda: tuple(sorted(both, key=at_ms_of)))


_SORTED: Kept[tuple[Second, ...]] = Kept(64)


def _read(
    progress: Progress, seen: Seen, service: str, scope: AlarmScope
) -> tuple[Second, ...] | None:
    """`seconds_for`, but those of both target groups are not added up."""
    if seen.metrics is None:
        return None
    if scope is AlarmScope.SERVICE:
        both = [s for colour in Colour if (s := seen.metrics.get((service, colour), ()))]
        if len(both) < 2:
            return both[0] if both else ()
        return tuple(sorted((*both[0], *both[1]), key=at_ms_of))
    moving = _moving(progress, service)
    if scope is AlarmScope.CANDIDATE and moving and moving.shifted_at is not None:
        seconds = seen.metrics.get((service, moving.colour), ())
        return seconds[bisect_right(seconds, moving.shifted_at - 1_000, key=at_ms_of) :]
    return seen.metrics.get((service, progress.services[service].colour), ())


def _group(progress: Progress, service: str, scope: AlarmScope) -> tuple[Colour | None, int]:
    """The target group that an alarm of this scope reads, and since when (ms); None for both.

    The candidate's counts from its first traffic on: before, its tasks were still starting.
    """
    if scope is AlarmScope.SERVICE:
        return None, 0
    moving = _moving(progress, service)
    if scope is AlarmScope.CANDIDATE and moving and moving.shifted_at is not None:
        return moving.colour, moving.shifted_at
    return progress.services[service].colour, 0


def _moving(progress: Progress, service: str) -> Deployment | None:
    """The deployment that still has a candidate."""
    deployment = progress.deployment_of(service)
    gone = deployment is None or deployment.promoted or deployment.rollback is not None
    return None if gone else deployment


def _fair(progress: Progress, alarm: Alarm, service: str, until_ms: int) -> Alarm:
    """Missing data counts as breaching only once there could be data: after N whole periods.

    Before that it is just missing, and so INSUFFICIENT_DATA, on which no weight rises.
    """
    if alarm.treat_missing_data is not MissingData.BREACHING:
        return alarm
    moving = _moving(progress, service)
    since_ms = moving.shifted_at if moving else None
    first = progress.services[service].stable is None
    if not first and (since_ms is None or alarm.scope is not AlarmScope.CANDIDATE):
        return alarm  # it reads the stable release
    whole_ms = (alarm.evaluation_periods + 1) * alarm.period_ms
    if since_ms is not None and until_ms >= since_ms + whole_ms:
        return alarm
    return replace(alarm, treat_missing_data=MissingData.MISSING)
