"""What happened to a service, in the words of the Events tab of Amazon ECS.

Source: ECS developer guide, "Viewing Amazon ECS service event messages"; the two messages on the
desired count are Application Auto Scaling's `StatusMessage`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from tidegate.core import decision as d
from tidegate.core.fold import advance
from tidegate.core.progress import Progress, TaskPhase
from tidegate.engine.journal import Entry


@dataclass(frozen=True, slots=True)
class ServiceEventView:
    """One message; `seq` is the number of the journal's entry that it stands for (the last one)."""

    seq: int
    at: int
    service: str
    text: str


@dataclass(slots=True)
class _Story:
    """The service as far as the journal was read."""

    service: str
    progress: Progress = field(default_factory=Progress)
    steady: bool = False
    unfulfilled: bool = False

    def hear(self, entries: list[Entry]) -> Iterator[str]:
        """The messages of one transaction."""
        tasks = {**self.progress.tasks}
        for entry in entries:
            self.progress = advance(self.progress, entry.event, entry.at)
        tasks |= self.progress.tasks
        events = [entry.event for entry in entries]
        named = [(e, t) for e in events if (t := tasks.get(getattr(e, "task", "")))]
        mine = [e for e, task in named if task.service == self.service]
        for event in events:
            if getattr(event, "service", None) == self.service:
                yield from self._scaled(event)
        yield from self._tasks(mine)
        yield from self._ended(events)
        yield from self._settled()

    def _tasks(self, events: list[d.Event]) -> Iterator[str]:
        started = _ids(events, d.TaskStarted)
        if started:
            yield self._say(f"has started {len(started)} tasks: {_named(started)}.")
        healthy = len(_ids(events, d.TaskHealthy))
        if healthy:
            yield self._say(f"registered {healthy} targets.")
        draining = len(_ids(events, d.TaskDraining))
        if draining:
            yield self._say(f"has begun draining connections on {draining} tasks.")
        stopped = _ids(events, d.TaskStopping)
        if stopped:
            yield self._say(f"has stopped {len(stopped)} running tasks: {_named(stopped)}.")
        for event in events:
            if isinstance(event, d.TaskStopped) and event.failed:
                yield self._say(f"(task {event.task}) failed: {event.reason}.")

    def _scaled(self, event: d.Event) -> Iterator[str]:
        if isinstance(event, d.ScalingActivity):
            self.unfulfilled = True
            done = f"Successfully set desired count to {event.after}."
            yield f"{done} Waiting for change to be fulfilled by ecs. Cause: {event.reason}."

    def _ended(self, events: list[d.Event]) -> Iterator[str]:
        for event in events:
            if not isinstance(event, d.DeploymentFinished):
                continue
            deployment = self.progress.deployments.get(event.deployment)
            if deployment and deployment.service == self.service:
                good = event.outcome is d.Outcome.SUCCEEDED
                how = "completed" if good else f"failed: {event.reason}"
                yield self._say(f"(deployment {event.deployment}) deployment {how}.")

    def _settled(self) -> Iterator[str]:
        """ECS says it once, when the tasks are as many as desired and all of them healthy."""
        known = self.progress.services.get(self.service)
        tasks = self.progress.tasks_of(self.service)
        all_well = all(task.phase is TaskPhase.HEALTHY for task in tasks)
        steady = (
            known is not None
            and known.stable is not None
            and known.deployment is None
            and all_well
            and len(tasks) == known.desired
        )
        if steady and self.unfulfilled and known:
            self.unfulfilled = False
            yield f"Successfully set desired count to {known.desired}. " + (
                "Change successfully fulfilled by ecs."
            )
        if steady and not self.steady:
            yield self._say("has reached a steady state.")
        self.steady = steady

    def _say(self, what: str) -> str:
        return f"(service {self.service}) {what}"


def service_events(service: str, entries: Iterable[Entry]) -> tuple[ServiceEventView, ...]:
    """Every message of the service, in order, out of the whole journal."""
    story = _Story(service)
    found = []
    for at, group in groupby(entries, key=lambda entry: entry.at):
        together = list(group)
        for text in story.hear(together):
            found.append(ServiceEventView(together[-1].seq, at, service, text))
    return tuple(found)


def _ids(events: list[d.Event], kind: type[d.Event]) -> list[str]:
    return [getattr(event, "task", "") for event in events if isinstance(event, kind)]


def _named(tasks: list[str]) -> str:
    return " ".join(f"(task {task})" for task in tasks)
