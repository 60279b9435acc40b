"""Which events belong to one execution, deployment or release, read in the journal's order."""

from dataclasses import dataclass, field

from tidegate.core import decision as d


@dataclass(slots=True)
class Related:
    """Begin with what is asked about; every event that belongs adds what it leads to.

    `holds` must be asked of each event in order.
    """

    executions: set[str] = field(default_factory=set)
    releases: set[int] = field(default_factory=set)
    deployments: set[str] = field(default_factory=set)
    tasks: set[str] = field(default_factory=set)
    moving: dict[str, str] = field(default_factory=dict)

    def holds(self, event: d.Event) -> bool:
        """Whether the event belongs; from then on what it names belongs as well."""
        match event:
            case d.ReleaseMade(release):
                if release.execution in self.executions:
                    self.releases.add(release.number)
                return release.number in self.releases
            case d.DeploymentStarted():
                return self._starts(event)
            case d.TaskStarted(task, _, release):
                if release in self.releases:
                    self.tasks.add(task)
                return release in self.releases
            case d.AlarmChanged(alarm):
                return alarm.split("/", 1)[0] in self.moving
            case d.DeploymentQueued() | d.DeploymentSuperseded() | d.ReleaseRejudged():
                return event.release in self.releases
            case d.DeploymentFinished(deployment):
                self.moving = {s: one for s, one in self.moving.items() if one != deployment}
        return self._names(event)

    def _starts(self, event: d.DeploymentStarted) -> bool:
        belongs = event.deployment in self.deployments or event.candidate in self.releases
        if belongs:
            self.deployments.add(event.deployment)
            self.releases.add(event.candidate)
            self.moving[event.service] = event.deployment
        return belongs

    def _names(self, event: d.Event) -> bool:
        """Events name what they are about by the same fields everywhere."""
        return (
            getattr(event, "execution", None) in self.executions
            or getattr(event, "deployment", None) in self.deployments
            or getattr(event, "task", None) in self.tasks
        )
