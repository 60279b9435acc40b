"""Promises 8 and 9: one deployment at a time, and counts within their bounds."""

from tidegate.core.decision import (
    DeploymentFinished,
    DeploymentStarted,
    DeploymentSuperseded,
)
from tidegate.core.model import Colour
from tidegate.core.progress import TaskPhase
from tidegate.core.scaling.bounds import bounds_of
from tidegate.simulator.checkers.case import Case


class OneAtATime:
    """A service has one deployment at a time, and a target group sends to one release only.

    What is superseded has never been started.
    """

    def __init__(self) -> None:
        self._live: dict[str, str] = {}
        self._started: set[int] = set()

    def check(self, case: Case) -> str | None:
        """A second deployment, or a second release, where one is."""
        for event in case.fresh:
            match event:
                case DeploymentStarted(name, service, _, release):
                    if service in self._live:
                        return f"{name} started while {self._live[service]} was under way"
                    self._live[service] = name
                    self._started.add(release)
                case DeploymentFinished(name):
                    self._live = {s: d for s, d in self._live.items() if d != name}
                case DeploymentSuperseded(_, release) if release in self._started:
                    return f"v{release} was superseded though its deployment had started"
                case _:
                    pass
        return _mixed(case)


def _mixed(case: Case) -> str | None:
    for service in case.options.app.services:
        for colour in Colour:
            tasks = case.world.balancer.serving(service.name, colour)
            releases = sorted({task.release for task in tasks})
            if len(releases) > 1:
                return f"{service.name}'s {colour} group sends to releases {releases}"
    return None


class CountsWithinBounds:
    """min ≤ desired ≤ max, and never more than twice as many tasks of a release as desired."""

    def __init__(self) -> None:
        self._most: dict[str, int] = {}

    def check(self, case: Case) -> str | None:
        """A count out of bounds."""
        alive = [
            (record.service, record.release)
            for record in case.progress.tasks.values()
            if record.phase in (TaskPhase.STARTED, TaskPhase.HEALTHY)
            and (task := case.world.fleet.tasks.get(record.id)) is not None
            and task.ended_by is None
        ]
        for service in case.options.app.services:
            known = case.progress.services.get(service.name)
            if known is None:
                continue
            least, highest = bounds_of(case.progress, service.name, service.count)
            if not least <= known.desired <= highest:
                return f"{service.name} is to have {known.desired} tasks"
            most = max(known.desired, self._most.get(service.name, 0))
            self._most[service.name] = most
            for group in sorted(set(alive)):
                if group[0] == service.name and alive.count(group) > 2 * most:
                    return f"{service.name} v{group[1]} has {alive.count(group)} tasks for {most}"
        return None
