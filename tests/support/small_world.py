"""The smallest world that an app can be deployed to: what is asked for is done at once.

The world keeps the promises of a deployment itself: it fails the test when a task is stopped that
may still be asked, when weight goes where nothing can carry it, or when an unjudged image starts.
"""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any

from tests.support.builders import T0, second
from tidegate.core import decision as d
from tidegate.core.decide import decide
from tidegate.core.findings import Finding, ScanReport
from tidegate.core.fold import advance_all
from tidegate.core.metrics import Second
from tidegate.core.model import App, Colour
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.progress import Deployment, Progress
from tidegate.core.requests import Abort, Pause, Promote, Request, Resume, StartExecution, answer
from tidegate.core.routing import listener_key
from tidegate.core.seen import (
    ActionFailure,
    AdvisoriesSeen,
    BalancerSeen,
    Health,
    JobSeen,
    JobState,
    Routing,
    Seen,
    Target,
    TaskSeen,
    TaskState,
)


@dataclass
class Nature:
    """How the tasks of a release behave."""

    health: Health = Health.HEALTHY
    crashes: bool = False
    start_error: str = ""
    error_share: float = 0.0
    latency_ms: float = 10


@dataclass
class World:
    """A journal, its progress, and parts that do at once what they are asked.

    `entries` holds how long the journal was after each transaction: a crash falls between two.
    `natures` is by release number; `images` holds digests that a build gives whatever is pushed.
    `broken` names the jobs (by a part of their id) that fail, `hung` those that never end, `busy`
    the tasks with a request under way, `blind` the parts of `Seen` that cannot be read. A balancer
    that is `deaf` says yes and does nothing. `findings` is what a scan finds by digest (nothing
    elsewhere), on the data of `advisories`.
    """

    now: int = T0
    rate: int = 100
    progress: Progress = field(default_factory=Progress)
    journal: list[tuple[int, d.Event]] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    natures: dict[int, Nature] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    hung: set[str] = field(default_factory=set)
    blind: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)
    tasks: dict[str, TaskSeen] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    routing: dict[str, Routing] = field(default_factory=dict)
    listener: str = ""
    jobs: dict[str, JobSeen] = field(default_factory=dict)
    metrics: dict[tuple[str, Colour], list[Second]] = field(default_factory=dict)
    failures: list[ActionFailure] = field(default_factory=list)
    pruned: list[tuple[str, ...]] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    advisories: AdvisoriesSeen | None = None
    deaf: bool = False

    # --- what a person does ---------------------------------------------------------------

    def ask(self, request: Request) -> None:
        """Grant the request, or raise."""
        self.record(answer(self.progress, request, self.now))

    def push(self, app: App, name: str = "") -> str:
        """A new revision with this app file; the id of its execution."""
        execution = f"e{self.progress.next_id('execution')}"
        self.ask(
            StartExecution(execution, name or f"commit-{execution}", "work", "push", "me", app)
        )
        return execution

    def abort(self, name: str = "cats") -> None:
        """Stop the deployment."""
        self.ask(Abort(name, "me"))

    def pause(self, name: str = "cats") -> None:
        """Hold the deployment."""
        self.ask(Pause(name, "me"))

    def resume(self, name: str = "cats") -> None:
        """Let it go on."""
        self.ask(Resume(name, "me"))

    def promote(self, name: str = "cats") -> None:
        """Go on at once."""
        self.ask(Promote(name, "me"))

    def fork(self) -> "World":
        """Another world that is in every way like this one so far."""
        parts = {f.name: copy(getattr(self, f.name)) for f in fields(self)}
        return World(**{**parts, "metrics": {k: list(v) for k, v in self.metrics.items()}})

    # --- what the controller does ---------------------------------------------------------

    def seen(self) -> Seen:
        """The world as of now, but for what it is blind to."""
        return Seen(
            tasks=None if "tasks" in self.blind else tuple(self.tasks.values()),
            balancer=None if "balancer" in self.blind else self._balancer(),
            metrics=None if "metrics" in self.blind else self._metrics(),
            metrics_until=self.now // 1000 * 1000,
            jobs=dict(self.jobs),
            failures=tuple(self.failures),
            advisories=self.advisories,
        )

    def record(self, events: tuple[d.Event, ...]) -> None:
        """Write to the journal."""
        self.journal += [(self.now, event) for event in events]
        self.entries.append(len(self.journal))
        self.progress = advance_all(self.progress, events, self.now)

    def look(self, *, lose_actions: bool = False) -> d.Decision:
        """One turn of the loop; a crash after the journal's entry loses the actions."""
        seen = self.seen()
        decision = decide(self.progress, seen, self.now)
        assert decision == decide(self.progress, seen, self.now)
        self._check_weight(decision.events)
        self.record(decision.events)
        self.failures = []
        if not lose_actions:
            for action in decision.actions:
                self._do(action)
        return decision

    def tick(self, ms: int = 250) -> d.Decision:
        """Let time pass, with traffic, and look."""
        before = self.now // 1000
        self.now += ms
        for at_s in range(before, self.now // 1000):
            self._answer_requests(at_s * 1000)
        return self.look()

    def until(self, reached: Callable[["World"], object], limit_s: float = 120) -> "World":
        """Tick until it is so."""
        end = self.now + limit_s * 1000
        while not reached(self):
            assert self.now < end, f"not reached in {limit_s} s; last: {self.look().reason}"
            self.tick()
        return self

    def until_stage(self, stage: Stage, name: str = "cats") -> "World":
        """Tick until the service's deployment has entered that stage."""
        return self.until(lambda w: (m := w.progress.deployment_of(name)) and m.stage is stage)

    def until_weight(self, weight_bp: int, name: str = "cats") -> "World":
        """Tick until the candidate is observed to have that much traffic."""
        return self.until(
            lambda w: (
                (m := w.progress.deployment_of(name))
                and m.weight_bp == weight_bp
                and m.observed_at is not None
            )
        )

    def until_quiet(self, limit_s: float = 120) -> "World":
        """Tick until nothing is under way and there is nothing left to do."""
        return self.until(lambda w: not w.moves() and not w.look().events, limit_s)

    # --- what a test asks -----------------------------------------------------------------

    def moves(self) -> bool:
        """Whether an execution or a deployment is under way."""
        progress = self.progress
        return any(one.live for one in progress.executions.values()) or any(
            one.live for one in progress.deployments.values()
        )

    @property
    def last(self) -> Deployment:
        """The newest deployment."""
        return list(self.progress.deployments.values())[-1]

    def events(self, kind: type[d.Event]) -> list[Any]:
        """All of that kind in the journal."""
        return [event for _, event in self.journal if isinstance(event, kind)]

    def stages(self) -> list[Stage]:
        """The stages that were entered, in order."""
        return [event.stage for event in self.events(d.StageEntered)]

    def running(self, number: int) -> list[str]:
        """The tasks of a release that run."""
        return [
            t.id
            for t in self.tasks.values()
            if t.release == number and t.state is TaskState.RUNNING
        ]

    def change(self, task: str, **changes: Any) -> None:
        """Something happens to a task by itself."""
        self.tasks[task] = replace(self.tasks[task], **changes)

    def candidate_bp(self, name: str = "cats") -> int:
        """What the balancer gives to the colour that does not hold the stable release."""
        return self.routing[name].weight_bp(self.progress.services[name].colour.other)

    def nature(self, number: int) -> Nature:
        """How the tasks of the release behave, to read or to change."""
        return self.natures.setdefault(number, Nature())

    # --- what the parts do ----------------------------------------------------------------

    def _balancer(self) -> BalancerSeen:
        targets = tuple(replace(t, active=int(t.task in self.busy)) for t in self.targets.values())
        return BalancerSeen(targets, dict(self.routing), self.listener)

    def _metrics(self) -> Mapping[tuple[str, Colour], tuple[Second, ...]]:
        return {key: tuple(seconds) for key, seconds in self.metrics.items()}

    def _answer_requests(self, at_ms: int) -> None:
        for name, routing in self.routing.items():
            for colour in Colour:
                requests = self.rate * routing.weight_bp(colour) // 10_000
                serving = [
                    self.tasks[t.task].release
                    for t in self.targets.values()
                    if (t.service, t.colour) == (name, colour) and t.task in self.tasks
                ]
                if requests and serving:
                    nature = self.nature(serving[-1])
                    errors = round(requests * nature.error_share)
                    made = second(at_ms, requests, errors, nature.latency_ms)
                    self.metrics.setdefault((name, colour), []).append(made)

    def _do(self, action: d.Action) -> None:  # noqa: C901, PLR0912 — one case per action
        match action:
            case d.StartTask(task, _, number, digest):
                self._start(action, task, number, digest)
            case d.StopTask(task):
                if task in self.tasks:
                    self._check_drained(task)
                    self.change(task, state=TaskState.STOPPED, exit_code=0)
            case d.RemoveTask(task):
                self.tasks.pop(task, None)
            case d.RegisterTarget(task, name, colour, _) if not self.deaf:
                self.targets[task] = Target(name, colour, task)
            case d.DrainTarget(task) if not self.deaf:
                if task in self.targets:
                    self.targets[task] = replace(self.targets[task], draining=True)
            case d.DeregisterTarget(task) if not self.deaf:
                self.targets.pop(task, None)
            case d.ApplyRouting(routing) if not self.deaf:
                if routing.service in self.routing:
                    self.routing[routing.service] = routing
            case d.ApplyListener(app) if not self.deaf:
                self.listener = listener_key(app)
                held = self.routing
                self.routing = {s.name: held.get(s.name, Routing(s.name, 0)) for s in app.services}
            case d.StartJob(job):
                self._run_job(job)
            case d.PruneImages(keep):
                self.pruned.append(keep)
            case _:
                assert self.deaf

    def _start(self, action: d.StartTask, task: str, number: int, digest: str) -> None:
        made = self.progress.releases[number]
        allowed = made.verdict in ("passed", "off") or (made.verdict == "unknown" and made.allowed)
        assert allowed, "an unjudged image was started"
        assert digest == made.digest
        nature = self.nature(number)
        if nature.start_error:
            self.failures.append(ActionFailure(d.identity(action), nature.start_error))
        elif task not in self.tasks:
            state = TaskState.STOPPED if nature.crashes else TaskState.RUNNING
            code = 1 if nature.crashes else None
            fields = (task, made.service.name, number, digest, state, nature.health)
            self.tasks[task] = TaskSeen(*fields, f"127.0.0.1:{len(self.journal)}", code)

    def _check_drained(self, task: str) -> None:
        target = self.targets.get(task)
        if target is None or self.tasks[task].state is not TaskState.RUNNING:
            return
        assert target.draining, f"{task} was stopped while it may still be asked"

    def _check_weight(self, events: tuple[d.Event, ...]) -> None:
        """A weight that rises has the tasks for it, seen to be healthy and in the balancer."""
        for event in events:
            if not isinstance(event, d.TrafficShifted):
                continue
            moved = self.progress.deployments[event.deployment]
            if moved.stable is None or event.weight_bp <= moved.weight_bp:
                continue
            able = sum(
                self.tasks[t.task].health is Health.HEALTHY and not t.draining
                for t in self.targets.values()
                if (t.service, t.colour) == (moved.service, moved.colour) and t.task in self.tasks
            )
            desired = self.progress.services[moved.service].desired
            assert able * 10_000 >= event.weight_bp * desired, f"{able} tasks: {event}"
            assert not self.blind & {"tasks", "balancer"}, f"blind: {event}"
            held = self.routing[moved.service].weight_bp(moved.colour)
            assert held == moved.weight_bp, f"the balancer holds {held}: {event}"

    def _image(self, name: str, execution: str) -> str:
        return self.images.get(name, f"sha256:{name}-{execution}")

    def _report(self, digest: str) -> ScanReport:
        findings = self.findings.get(digest, ())
        data = self.advisories.digest if self.advisories else "sha256:data"
        return ScanReport(digest, findings, data=data, data_at=self.now)

    def _run_job(self, job: d.Job) -> None:
        if job.id in self.jobs:
            return
        state = JobState.SUCCEEDED
        if any(part in job.id for part in self.hung):
            state = JobState.RUNNING
        elif any(part in job.id for part in self.broken):
            state = JobState.FAILED
        seen = JobSeen(job.id, state, "it broke" if state is JobState.FAILED else "done")
        if isinstance(job, d.BuildImages):
            images = tuple((s.name, self._image(s.name, job.execution)) for s in job.services)
            seen = replace(seen, images=images)
        if isinstance(job, d.ScanImages):
            reports = tuple(self._report(digest) for _, digest in (*job.images, *job.running))
            seen = replace(seen, reports=reports)
        self.jobs[job.id] = seen


def serving(app: App, **world: Any) -> World:
    """A world in which v1 of every service of the app is stable and at rest."""
    made = World(**world)
    made.push(app)
    made.until_quiet()
    for one in app.services:
        assert made.progress.services[one.name].stable is not None
    for _ in range(16):
        made.tick()
    return made


def moving(app: App, first: App | None = None, **world: Any) -> World:
    """A world that serves v1 (of `first`, if given), and into which v2 has been pushed."""
    made = serving(first or app, **world)
    made.push(app)
    return made.until(lambda w: any(one.live for one in w.progress.deployments.values()))
