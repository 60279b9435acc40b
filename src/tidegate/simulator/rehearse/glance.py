"""The real engine, and a way to tell that a look would decide nothing without taking all of it."""

from collections.abc import Iterable
from dataclasses import replace

from tidegate.core import deployment, watch
from tidegate.core.decision import PipelineStage
from tidegate.core.ports import World
from tidegate.core.progress import Deployment, Execution, Progress
from tidegate.core.scaling import controller as scaling
from tidegate.core.scaling.record import Traffic, closed, repeated
from tidegate.core.seen import Seen
from tidegate.engine.execute import Runner
from tidegate.engine.journal import Journal
from tidegate.engine.loop import Engine, unsettled


def comes_or_goes(progress: Progress) -> bool:
    """Whether a look may find a task, an instance or a job in another state than the last one did.

    A deployment whose tasks are all healthy waits for the clock and for what the metrics say.
    """
    built = any(e.live and not _deploys(e) for e in progress.executions.values())
    return built or unsettled(progress)


def _deploys(execution: Execution) -> bool:
    return execution.stage is not None and execution.stage.stage is PipelineStage.DEPLOY


class GlancingEngine(Engine):
    """While nothing comes or goes and no time is due, only what reads the metrics can decide
    anything: alarms, deployments, scaling.

    `left_out` are the times (ms) of looks that were not taken: each would have read what the last
    one read.
    """

    def __init__(self, journal: Journal, world: World, runner: Runner) -> None:
        super().__init__(journal, world, runner)
        self._missed: list[int] = []

    def left_out(self, times: Iterable[int]) -> None:
        """Note looks that are not taken."""
        self._missed += times

    @property
    def deploying(self) -> list[Deployment]:
        """The deployments under way."""
        return [one for one in self.progress.deployments.values() if one.live]

    def _observe(self) -> Seen:
        self._catch_up()
        return super()._observe()

    def _catch_up(self) -> None:
        if self._missed:
            self._recording = repeated(self._recording, self._missed)
            self._missed.clear()

    def glance(self, alarms: bool, policies: bool) -> bool:
        """Whether the newest numbers decide anything, in a world that is as it was last seen.

        `alarms`: one of them has a new datapoint; `policies`: one that scales has a new beat, or
        minute. A deployment compares every second, and is asked every time.
        """
        if self.seen is None:
            return True
        now = self.now()
        metrics, until_ms = self._world.metrics.observe(self._metrics_since()) or (None, 0)
        self._missed.append(now)
        self._catch_up()
        traffic = Traffic.of(self.progress, metrics, until_ms)
        self._recording = closed(self._recording, self.progress, traffic, now)
        self.seen = seen = replace(
            self.seen,
            metrics=metrics,
            metrics_until=until_ms,
            series=self._recording.series,
        )
        if alarms and watch.decide(self.progress, seen).events:
            return True
        for one in self.deploying:
            found = deployment.decide(self.progress, one, seen, now)
            if found.events or found.actions:
                return True
        return policies and bool(scaling.decide(self.progress, seen, now).events)
