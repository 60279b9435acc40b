"""Which seconds of traffic each alarm reads now, and what its state becomes.

An alarm of the candidate reads the candidate's target group from its first traffic on, and the
stable one's before: at the start of a deployment it says whether the service is well.
"""

from collections.abc import Iterable

from tidegate.core import alarms
from tidegate.core.decision import AlarmChanged, AlarmState, Decision, Event
from tidegate.core.metrics import Second, merge
from tidegate.core.model import Alarm, AlarmScope, Colour
from tidegate.core.progress import Progress
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
            state, reason = alarms.judge(alarm, key, seconds, seen.metrics_until, before)
            if known is None or state is not before:
                events.append(AlarmChanged(key, state, reason))
    return Decision(events=tuple(events))


def seconds_for(
    progress: Progress, seen: Seen, service: str, scope: AlarmScope
) -> tuple[Second, ...] | None:
    """The seconds of traffic that an alarm of this scope reads, or None when none can be read."""
    if seen.metrics is None:
        return None
    known = progress.services[service]
    deployment = progress.deployment_of(service)
    moving = deployment if deployment and not deployment.promoted else None
    if scope is AlarmScope.SERVICE:
        both = [seen.metrics.get((service, colour), ()) for colour in Colour]
        return _together(second for seconds in both for second in seconds)
    shifted_at = moving.shifted_at if moving and moving.rollback is None else None
    if scope is AlarmScope.CANDIDATE and moving and shifted_at is not None:
        seconds = seen.metrics.get((service, moving.colour), ())
        return tuple(s for s in seconds if s.at_ms + 1_000 > shifted_at)
    return seen.metrics.get((service, known.colour), ())


def _together(seconds: Iterable[Second]) -> tuple[Second, ...]:
    """Both target groups as one, second by second."""
    by_time: dict[int, list[Second]] = {}
    for second in seconds:
        by_time.setdefault(second.at_ms, []).append(second)
    return tuple(merge(by_time[at]) for at in sorted(by_time))
