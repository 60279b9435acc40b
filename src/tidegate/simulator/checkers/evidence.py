"""Promise 6: fail closed."""

from tidegate.core.decision import Event, StablePromoted, TrafficShifted
from tidegate.core.evidence import STALE_MS
from tidegate.core.model import Alarm, AlarmScope, Colour, OnUnknown
from tidegate.core.progress import Deployment
from tidegate.simulator.checkers.case import Case


class FailClosed:
    """No weight rises, and nothing is promoted, without fresh evidence or on evidence against it.

    Fresh: the controller was shown metrics that are at most `STALE_MS` old. Against it: every
    period that an alarm of 5xx shares looks at was over its threshold, as the requests really
    went. A file that says `on_unknown: proceed` waives the first.
    """

    def __init__(self) -> None:
        self._asked_bp: dict[str, int] = {}

    def check(self, case: Case) -> str | None:
        """A rise or a promotion that no evidence bears out."""
        for event in case.fresh:
            if isinstance(event, StablePromoted) or (
                isinstance(event, TrafficShifted) and self._rises(event)
            ):
                found = _unfounded(case, event)
                if found:
                    return found
        return None

    def _rises(self, event: TrafficShifted) -> bool:
        before = self._asked_bp.get(event.deployment, 0)
        self._asked_bp[event.deployment] = event.weight_bp
        return event.weight_bp > before


def _unfounded(case: Case, event: TrafficShifted | StablePromoted) -> str | None:
    deployment = case.progress.deployments[event.deployment]
    if deployment.stable is None or deployment.known_good:
        return None
    policy = case.progress.releases[deployment.candidate].service.deployment
    shown = case.world.meter.shown_until
    if policy.on_unknown is OnUnknown.HOLD:
        if shown is None:
            return f"{_what(event)} though the metrics could not be read"
        if case.world.clock.now() - shown > STALE_MS:
            return f"{_what(event)} on metrics that are {case.world.clock.now() - shown} ms old"
    for alarm in case.options.app.alarms:
        if alarm.guards and shown is not None and _breached(case, deployment, alarm, shown):
            return f"{_what(event)} though alarm {alarm.name} is over its threshold"
    return None


def _what(event: Event) -> str:
    return f"{type(event).__name__} was recorded"


def _breached(case: Case, deployment: Deployment, alarm: Alarm, until_ms: int) -> bool:
    """Whether all of the alarm's last periods had requests and too large a share of errors."""
    colours = tuple(Colour) if alarm.scope is AlarmScope.SERVICE else (deployment.colour,)
    since_ms = deployment.shifted_at or until_ms
    end_ms = until_ms // alarm.period_ms * alarm.period_ms
    for number in range(1, alarm.evaluation_periods + 1):
        start_ms = end_ms - number * alarm.period_ms
        seconds = [
            second
            for colour in colours
            for second in case.world.meter.truth(
                (deployment.service, colour), start_ms, start_ms + alarm.period_ms
            )
        ]
        requests = sum(second.requests for second in seconds)
        errors = sum(second.errors for second in seconds)
        if start_ms <= since_ms or not requests or 100 * errors / requests <= alarm.threshold:
            return False
    return True
