"""The real engine, and a way to tell that a look would decide nothing without taking all of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from tidegate.core import deployment, watch
from tidegate.core.decision import PipelineStage
from tidegate.core.metrics import Second
from tidegate.core.model import Colour
from tidegate.core.ports import World
from tidegate.core.progress import Deployment, Execution, Progress
from tidegate.core.scaling import controller as scaling
from tidegate.core.scaling import totals
from tidegate.core.scaling.look import Look, look_at
from tidegate.core.scaling.record import Traffic, closed, repeated, with_p95
from tidegate.core.scaling.sample import BEAT_MS, MINUTE_MS
from tidegate.core.seen import Seen
from tidegate.engine.execute import Runner
from tidegate.engine.journal import Journal
from tidegate.engine.loop import Engine, Reach, unsettled
from tidegate.simulator.meter import Meter


def comes_or_goes(progress: Progress) -> bool:
    """Whether a look may find a task, an instance or a job in another state than the last one did.

    A deployment whose tasks are all healthy waits for the clock and for what the metrics say.
    """
    built = any(e.live and not _deploys(e) for e in progress.executions.values())
    return built or unsettled(progress)


def _deploys(execution: Execution) -> bool:
    return execution.stage is not None and execution.stage.stage is PipelineStage.DEPLOY


def _quiet(look: Look) -> range:
    scaling = look.scaling
    if scaling.totals is None or scaling.tracking or scaling.step:
        return range(0)  # they have to be asked
    return totals.quiet(look, scaling.totals)


class Standing:
    """What follows from what is recorded and from the tasks that were seen, and stands as they do.

    Each part is found out once somebody asks. `now`: when it began to stand. `stays_until` is until
    when (ms) no task of a service goes, as far as was seen (`totals.stays_until`); `waits_until`
    the time (ms) that a deployment waits for, if it does.
    """

    def __init__(self, progress: Progress, seen: Seen, now: int) -> None:
        self.progress = progress
        self._seen = seen
        self._now = now
        self.stays_until: dict[str, int] = {}
        self.waits_until: dict[str, int] = {}

    def holds(self, progress: Progress, seen: Seen) -> bool:
        """Whether nothing was recorded since, and no task seen in another state."""
        return self.progress is progress and self._seen.tasks is seen.tasks

    @cached_property
    def moves(self) -> bool:
        """See `comes_or_goes`."""
        return comes_or_goes(self.progress)

    @cached_property
    def deploying(self) -> Sequence[Deployment]:
        """The deployments under way."""
        return [one for one in self.progress.deployments.values() if one.live]

    @cached_property
    def looks(self) -> Sequence[Look]:
        """One at each service that scales; the numbers in them grow old."""
        services = self.progress.app.services if self.progress.app else ()
        scaled = (one for one in services if one.scaling.on)
        looks = (look_at(self.progress, one, self._seen, self._now) for one in scaled)
        return [look for look in looks if look]

    @cached_property
    def quiet(self) -> Mapping[str, range]:
        """So many requests in a beat of each service that scales, and no policy wants anything."""
        return {look.service.name: _quiet(look) for look in self.looks}

    @cached_property
    def with_p95(self) -> frozenset[str]:
        """The services of which a policy reads a percentile."""
        return with_p95(self.progress)

    @cached_property
    def reach(self) -> Reach:
        """How far back the metrics are read."""
        return Reach.of(self.progress)


class GlancingEngine(Engine):
    """While nothing comes or goes and no time is due, only what reads the metrics can decide
    anything: alarms, deployments, scaling.

    `left_out` are the times (ms) of looks that were not taken: each would have read what the last
    one read.
    """

    def __init__(self, journal: Journal, world: World, runner: Runner, meter: Meter) -> None:
        super().__init__(journal, world, runner)
        self._meter = meter
        self._missed: list[int] = []
        self._open: tuple[int, int] | None = None
        self._standing = Standing(self.progress, Seen(), 0)

    def left_out(self, times: Iterable[int]) -> None:
        """Note looks that are not taken."""
        self._missed += times

    @property
    def standing(self) -> Standing:
        """What stands now."""
        known, seen = self._standing, self.seen or Seen()
        if not known.holds(self.progress, seen):
            known = self._standing = Standing(self.progress, seen, self.now())
        return known

    def _observe(self) -> Seen:
        self._catch_up()
        if self._open:
            now, until_ms = self._open
            found = self._world.metrics.observe(self.standing.reach.since(now))
            self._close(found[0] if found else None, until_ms, now)
        return super()._observe()

    def _close(
        self,
        metrics: Mapping[tuple[str, Colour], tuple[Second, ...]] | None,
        until_ms: int,
        now: int,
    ) -> None:
        """The beats that were over then are samples."""
        traffic = Traffic(metrics, until_ms, self.standing.with_p95)
        self._recording = closed(self._recording, self.progress, traffic, now)
        self._open = None

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
        now, standing = self.now(), self.standing
        asked = policies and not self._is_quiet(now)
        long_open = now - self.seen.metrics_until >= MINUTE_MS
        self._missed.append(now)
        if not (alarms or standing.deploying or asked or long_open):
            return False
        metrics, until_ms = self._world.metrics.observe(standing.reach.since(now)) or (None, 0)
        if alarms or policies:
            self._catch_up()
            self._close(metrics, until_ms, now)
        self.seen = seen = replace(
            self.seen,
            metrics=metrics,
            metrics_until=until_ms,
            series=self._recording.series,
        )
        if alarms and watch.decide(self.progress, seen).events:
            return True
        if any(self._moves(one, seen, now) for one in standing.deploying):
            return True
        return asked and self._scales(seen, now)

    def _moves(self, one: Deployment, seen: Seen, now: int) -> bool:
        """Whether a deployment goes on, or back."""
        waits_until = self.standing.waits_until
        if now < waits_until.get(one.id, 0):
            return deployment.troubled(self.progress, one, seen, now)
        found = deployment.decide(self.progress, one, seen, now)
        waits_until[one.id] = found.look_again_at or 0
        return bool(found.events or found.actions)

    def _scales(self, seen: Seen, now: int) -> bool:
        """Whether a policy wants anything."""
        for look in [look.later(seen.series, now) for look in self.standing.looks]:
            if scaling.choose(self.progress, seen, look):
                return True
            if look.scaling.totals is not None:
                until_ms = totals.stays_until(look, look.scaling.totals)
                self.standing.stays_until[look.service.name] = until_ms
        return False

    def _is_quiet(self, now: int) -> bool:
        """Whether the newest beat alone says that no policy wants anything.

        What it measured is recorded at the next look, as if it had been at this one, or within a
        minute, while it can still be read.
        """
        until_ms = self._meter.whole_until()
        end_ms = until_ms // BEAT_MS * BEAT_MS
        self._open = now, until_ms
        standing = self.standing
        for name, quiet in standing.quiet.items():
            least = 0 if now < standing.stays_until.get(name, 0) else quiet.start
            if not least <= self._meter.requests(name, end_ms - BEAT_MS, end_ms) < quiet.stop:
                return False
        return True
