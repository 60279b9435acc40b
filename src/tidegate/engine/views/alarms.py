"""Every alarm with what it looks at, what it saw last, and what hangs on it."""

from dataclasses import dataclass

from tidegate.core.decision import AlarmState
from tidegate.core.model import Alarm
from tidegate.core.watch import alarm_key, alarms_of, points
from tidegate.engine.views.groups import Sight


@dataclass(frozen=True, slots=True)
class AlarmDetail:
    """One alarm of a service, by CloudWatch's words. `points` are its datapoints, oldest first.

    It is in `state` since `since` (ms; None before it was judged at all) because of `reason`.
    `guards`: it holds and rolls back deployments. `invokes` names the step policies that it does.
    """

    name: str
    service: str
    state: str
    since: int | None
    reason: str
    metric: str
    statistic: str
    comparison: str
    threshold: float
    period_ms: int
    datapoints_to_alarm: int
    evaluation_periods: int
    points: tuple[float | None, ...]
    guards: bool
    invokes: tuple[str, ...]


def view_alarms(sight: Sight) -> tuple[AlarmDetail, ...]:
    """Those of every service, in the file's order."""
    services = sight.progress.services
    return tuple(
        _alarm(sight, name, alarm) for name in services for alarm in alarms_of(sight.progress, name)
    )


def _alarm(sight: Sight, service: str, alarm: Alarm) -> AlarmDetail:
    known = sight.progress.alarms.get(alarm_key(service, alarm))
    settings = sight.progress.app.service(service) if sight.progress.app else None
    policies = settings.scaling.step if settings else ()
    return AlarmDetail(
        alarm.name,
        service,
        known.state.value if known else AlarmState.INSUFFICIENT_DATA.value,
        known.since if known else None,
        known.reason if known else "not evaluated yet",
        alarm.metric,
        alarm.statistic,
        alarm.comparison.value,
        alarm.threshold,
        alarm.period_ms,
        alarm.datapoints_to_alarm,
        alarm.evaluation_periods,
        points(sight.progress, sight.seen, service, alarm),
        alarm.guards,
        tuple(policy.name for policy in policies if policy.alarm == alarm.name),
    )
