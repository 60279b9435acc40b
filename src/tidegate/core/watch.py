"""Which seconds of traffic each alarm reads now, and what its state becomes.

An alarm of the candidate reads the candidate's target group from its first traffic on, and the
stable one's before: at the start of a deployment it says whether the service is well.
"""

from collections.abc import Iterable
from dataclasses import replace

from tidegate.core import alarms
from tidegate.core.decision import AlarmChanged, AlarmState, Decision, Event
from tidegate.core.metrics import Second, merge
from tidegate.core.model import Alarm, AlarmScope, Colour, MissingData
from tidegate.core.progress import Deployment, Progress
from tidegate.core.seen import Seen


def alarm_key(service: str, alarm: Alarm) -> str:
    """The name under which a service's state of an alarm is kept: `service/alarm`."""
    return f"{service}/{alarm.name}"


def alarms_of(progress: Progress, service: str) -> tuple[Alarm, ...]:
    """The alarms that guard this service."""
    known = progress.app.alarms if progress.app else ()
    return tuple(a for a in known if a.service in (None, service))


def decide(progress: Progress, seen: Seen) -> Decision:
    """An `AlarmChanged` for every alarm whose state is another than it was."""
    events: list[Event] = []
    for service in progress.services:
        for alarm in alarms_of(progress, service):
            key = alarm_key(service, alarm)
            known = progress.alarms.get(key)
            before = known.state if known else AlarmState.INSUFFICIENT_DATA
            seconds = seconds_for(progress, seen, service, alarm.scope)
            fair = _fair(progress, alarm, service, seen.metrics_until)
            state, reason = alarms.judge(fair, key, seconds, seen.metrics_until, before)
            if known is None or state is not before:
                events.append(AlarmChanged(key, state, reason))
    return Decision(events=tuple(events))


def seconds_for(
    progress: Progress, seen: Seen, service: str, scope: AlarmScope
) -> tuple[Second, ...] | None:
    """The seconds of traffic that an alarm of this scope reads, or None when none can be read."""
    if seen.metrics is None:
        return None
    if scope is AlarmScope.SERVICE:
        both = [seen.metrics.get((service, colour), ()) for colour in Colour]
        return _together(second for seconds in both for second in seconds)
    moving = _moving(progress, service)
    if scope is AlarmScope.CANDIDATE and moving and moving.shifted_at is not None:
        seconds = seen.metrics.get((service, moving.colour), ())
        return tuple(s for s in seconds if s.at_ms + 1_000 > moving.shifted_at)
    return seen.metrics.get((service, progress.services[service].colour), ())


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


def _together(seconds: Iterable[Second]) -> tuple[Second, ...]:
    """Both target groups as one, second by second."""
    by_time: dict[int, list[Second]] = {}
    for second in seconds:
        by_time.setdefault(second.at_ms, []).append(second)
    return tuple(merge(by_time[at]) for at in sorted(by_time))
