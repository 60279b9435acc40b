"""Promise 9, the part of evidence: scaling takes nothing away on missing data."""

from tidegate.core.decision import ScalingActivity
from tidegate.core.model import Service
from tidegate.core.scaling.policy import Metric
from tidegate.core.scaling.record import LATE_MS
from tidegate.core.scaling.sample import BEAT_MS, MINUTE_MS
from tidegate.core.scaling.tracking import LOW
from tidegate.simulator.checkers.case import Case

_LATEST_MS = BEAT_MS + LATE_MS
"""Numbers that are this old when they are shown come too late for their beat."""


class NothingGoesUnmeasured:
    """A policy takes tasks away only after its whole window was measured without a hole.

    A hole: the controller was shown no numbers, or old ones, until a beat was closed without them;
    or it began anew, and knows nothing of what was before. A step policy is left out: its alarm
    says what missing data means, as AWS lets it.
    """

    def __init__(self) -> None:
        self._hole_at = 0
        self._shown_lag_ms = 0
        self._checked_at = 0

    def check(self, case: Case) -> str | None:
        """A scale-in whose window has a hole."""
        self._note(case)
        for event in case.fresh:
            if isinstance(event, ScalingActivity) and event.after < event.before:
                service = case.options.app.service(event.service)
                window_ms = _window_ms(service, event.policy) if service else 0
                seen_ms = case.now - self._hole_at
                if seen_ms < window_ms - _LATEST_MS:
                    return (
                        f"{event.policy} took tasks of {event.service} away with {seen_ms} ms of "
                        f"its {window_ms} ms measured"
                    )
        return None

    def _note(self, case: Case) -> None:
        """How old the newest numbers are that the controller was shown."""
        shown = case.world.meter.shown_until
        self._shown_lag_ms += case.now - self._checked_at
        self._checked_at = case.now
        if shown is not None:
            self._shown_lag_ms = min(self._shown_lag_ms, case.world.clock.now() - shown)
        if self._shown_lag_ms > _LATEST_MS + BEAT_MS:
            self._hole_at = case.now - BEAT_MS
        self._hole_at = max(self._hole_at, case.restarted_at)


def _window_ms(service: Service, policy: str) -> int:
    """How long the policy must have measured before it takes anything away; 0 for any time."""
    scaling = service.scaling
    if scaling.totals and scaling.totals.name == policy:
        return scaling.totals.scale_in_after_ms
    whole = (one.name for one in scaling.tracking if one.metric is Metric.REQUESTS)
    return LOW * MINUTE_MS if policy in whole else 0
