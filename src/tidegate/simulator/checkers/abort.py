"""Promise 4: abort always wins."""

from tidegate.core.decision import AbortRequested, RollbackStarted
from tidegate.core.progress import Deployment
from tidegate.simulator.checkers.case import Case

ABORT_MS = 2_500
"""Two looks at the slowest pace that is simulated, and what a snapshot lags behind."""


class AbortAlwaysWins:
    """Once an abort or a rollback is recorded, all traffic is soon back on stable, and stays.

    Soon: within `ABORT_MS` in which nothing goes wrong. It stays: the candidate's weight never
    rises again, but for a call that was made before and came late.
    """

    def __init__(self) -> None:
        self._recorded: dict[str, int] = {}
        self._held: dict[str, int] = {}

    def check(self, case: Case) -> str | None:
        """Traffic that is still, or again, on a candidate that was given up."""
        for event in case.fresh:
            if isinstance(event, AbortRequested | RollbackStarted):
                self._recorded.setdefault(event.deployment, case.now)
        for deployment in case.moving():
            if deployment.id in self._recorded and deployment.stable is not None:
                found = self._remaining(case, deployment)
                if found:
                    return found
        return None

    def _remaining(self, case: Case, deployment: Deployment) -> str | None:
        held = case.held_bp(deployment.service, deployment.colour)
        if held is None:
            return None
        recorded = self._recorded[deployment.id]
        before = self._held.get(deployment.id, held)
        self._held[deployment.id] = held
        if held > before and case.world.balancer.asked_at[deployment.service] > recorded:
            return f"{deployment.id} got more traffic, {held} bp, after it was given up"
        calm_since = max(recorded, case.world.faults.disturbed_at)
        if held and case.now - calm_since > ABORT_MS:
            return f"{deployment.id} still has {held} bp {case.now - recorded} ms after the abort"
        return None
