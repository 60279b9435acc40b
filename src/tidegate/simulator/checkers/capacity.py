"""Promise 3: weight never exceeds capacity."""

from dataclasses import dataclass, field

from tidegate.core.decision import Event, TrafficShifted
from tidegate.core.model import ALL_BP
from tidegate.core.progress import Deployment
from tidegate.simulator.checkers.case import GRACE_MS, Case, Recent


@dataclass(slots=True)
class _Climb:
    """One candidate's way up: the share it had, what was asked last and when, whether it was held.

    `asked_at` is elapsed ms.
    """

    had_bp: int = 0
    asked_bp: int = 0
    asked_at: int = 0
    reached: bool = True
    ready: Recent = field(default_factory=Recent)
    desired: Recent = field(default_factory=Recent)


class WeightWithinCapacity:
    """The candidate's weight rises only when its tasks can carry it, one recorded step at a time.

    Can carry: as many answer, in the balancer's group, as the share of the desired count comes to.
    One at a time: the balancer has held the last weight before the next is recorded, and it never
    gives the candidate more than is recorded, but by a call that was made before and came late.
    A first deployment has nobody else to send to.
    """

    def __init__(self) -> None:
        self._climbs: dict[str, _Climb] = {}

    def check(self, case: Case) -> str | None:
        """A step that came too early, or a weight that is too high."""
        for event in case.fresh:
            found = self._skipped(case.now, event)
            if found:
                return found
        for deployment in case.moving():
            if deployment.stable is not None:
                found = self._risen(case, deployment)
                if found:
                    return found
        return None

    def _skipped(self, now: int, event: Event) -> str | None:
        climb = self._climbs.get(event.deployment) if isinstance(event, TrafficShifted) else None
        if climb is None or not isinstance(event, TrafficShifted):
            return None
        if event.weight_bp > climb.asked_bp and not climb.reached:
            return f"{event.deployment} took the next step before {climb.asked_bp} bp was held"
        climb.asked_bp, climb.asked_at, climb.reached = event.weight_bp, now, False
        return None

    def _risen(self, case: Case, deployment: Deployment) -> str | None:
        climb = self._climbs.setdefault(deployment.id, _Climb())
        desired = case.progress.services[deployment.service].desired
        climb.ready.note(case.now, _fit_of_late(case, deployment))
        climb.desired.note(case.now, desired)
        held = case.held_bp(deployment.service, deployment.colour)
        if held is None:
            return None
        had_bp, climb.had_bp = climb.had_bp, held
        climb.reached = climb.reached or held == climb.asked_bp
        late = case.world.balancer.asked_at[deployment.service] < climb.asked_at
        if held <= had_bp or late:
            return None
        if held > climb.asked_bp:
            return f"{deployment.id} got {held} bp when only {climb.asked_bp} had been recorded"
        needed = -(-climb.desired.least() * held // ALL_BP)
        if climb.ready.most() < needed:
            return f"{deployment.id} got {held} bp on {climb.ready.most()} tasks and needs {needed}"
        return None


def _fit_of_late(case: Case, deployment: Deployment) -> int:
    """How many tasks the candidate's group sends to that answer, or did until a moment ago."""
    ready = case.world.balancer.ready(deployment.service, deployment.colour)
    tasks = (case.world.fleet.tasks.get(name) for name in ready)
    since = case.now - GRACE_MS
    return sum(t is not None and (t.serves(case.now) or t.failed_at >= since) for t in tasks)


class StableStaysFull:
    """Until its successor is stable, no healthy task of the stable release is taken away.

    One over the desired count may go, and one that was not healthy of late.
    """

    def __init__(self) -> None:
        self._serving: dict[str, set[str]] = {}
        self._count: dict[str, Recent] = {}
        self._desired: dict[str, Recent] = {}

    def check(self, case: Case) -> str | None:
        """A task of the stable release that was drained or stopped too early."""
        for deployment in case.moving():
            if deployment.stable is not None:
                found = self._taken(case, deployment)
                if found:
                    return found
        return None

    def _taken(self, case: Case, deployment: Deployment) -> str | None:
        service, balancer = deployment.service, case.world.balancer
        colour = deployment.colour.other
        count = self._count.setdefault(deployment.id, Recent())
        desired = self._desired.setdefault(deployment.id, Recent())
        serving = {task.id for task in balancer.serving(service, colour)}
        before = self._serving.get(deployment.id, set())
        self._serving[deployment.id] = serving
        most = count.most()
        count.note(case.now, len(serving))
        desired.note(case.now, case.progress.services[service].desired)
        taken = [name for name in sorted(before - serving) if case.taken_away(name)]
        if not taken or most - len(taken) >= desired.least():
            return None
        return f"{taken[0]} of the stable release was taken away during {deployment.id}"
