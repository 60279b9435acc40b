"""Promise 5: the tested tasks are the promoted tasks."""

from tidegate.core.decision import StablePromoted
from tidegate.core.model import ALL_BP
from tidegate.simulator.checkers.case import Case, Recent


class TestedTasksArePromoted:
    """Green becomes stable by weight: the tasks that carried it before carry it after.

    The balancer really gave the candidate everything of late when it is promoted, and none of the
    tasks that served it then is taken away before the deployment ends, unless it fell ill.
    """

    __test__ = False  # no test class, whatever its name

    def __init__(self) -> None:
        self._weight: dict[str, Recent] = {}
        self._tested: dict[str, set[str]] = {}

    def check(self, case: Case) -> str | None:
        """A promotion before its time, or a tested task that was taken away."""
        for event in case.fresh:
            if isinstance(event, StablePromoted):
                found = self._promote(case, event)
                if found:
                    return found
        for deployment in case.moving():
            held = case.held_bp(deployment.service, deployment.colour)
            if held is not None:
                self._weight.setdefault(deployment.id, Recent()).note(case.now, held)
        return self._taken(case)

    def _promote(self, case: Case, event: StablePromoted) -> str | None:
        deployment = case.progress.deployments[event.deployment]
        weight = self._weight.pop(event.deployment, Recent())
        if weight.most() < ALL_BP:
            return f"{event.deployment} was promoted with {weight.most()} bp of the traffic"
        serving = case.world.balancer.serving(event.service, deployment.colour)
        self._tested[event.deployment] = {task.id for task in serving}
        return None

    def _taken(self, case: Case) -> str | None:
        for name in list(self._tested):
            deployment = case.progress.deployments[name]
            tested = self._tested[name]
            known = case.progress.services[deployment.service]
            if not deployment.live or known.desired < len(tested):
                del self._tested[name]
                continue
            for task_id in sorted(tested):
                if case.taken_away(task_id):
                    return f"{task_id} was tested, promoted in {name} and then taken away"
        return None
