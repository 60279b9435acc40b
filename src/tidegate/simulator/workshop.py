"""Builds, tests, scans, checks and hooks in virtual time, and the images that they make."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import assert_never

from tidegate.core.decision import BuildImages, Job, RunChecks, RunHook, RunTests, ScanImages
from tidegate.core.model import Service
from tidegate.core.seen import JobSeen, JobState
from tidegate.simulator.advisories import SimAdvisories
from tidegate.simulator.balancer import SimBalancer
from tidegate.simulator.behaviour import Behaviour
from tidegate.simulator.clock import VirtualClock
from tidegate.simulator.faults import Wire
from tidegate.simulator.fleet import Fleet
from tidegate.simulator.options import Content, Push


@dataclass
class Workshop:
    """Implements `core.ports.Jobs`. Jobs die with the controller; images stay.

    `pushed` holds the source of each execution, `made` the content of every image that ever was,
    `images` how the tasks of each one that is there behave, and `passed` those of which a finished
    scan for an execution said that they may run.
    """

    clock: VirtualClock
    draws: Random
    wire: Wire
    images: dict[str, Behaviour]
    fleet: Fleet
    balancer: SimBalancer
    advisories: SimAdvisories
    pushed: dict[str, Push] = field(default_factory=dict)
    made: dict[str, Content] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    jobs: dict[str, JobSeen] = field(default_factory=dict)

    # --- the port ---------------------------------------------------------------------------

    def start(self, job: Job) -> None:
        """Start the job, unless one of its id is there. Raises `EffectFailed`."""
        self.wire.send(lambda: self._start(job))

    def observe(self) -> Mapping[str, JobSeen]:
        """Every job of this controller's life."""
        return dict(self.jobs)

    def prune(self, keep: tuple[str, ...]) -> None:
        """Remove the images except these and those in use. Raises `EffectFailed`."""
        self.wire.send(lambda: self._prune(keep))

    # --- the truth --------------------------------------------------------------------------

    def restart(self) -> None:
        """A new controller begins; the jobs died with the old one."""
        self.jobs = {}

    def _start(self, job: Job) -> None:
        if job.id in self.jobs:
            return
        jobs = self.jobs
        jobs[job.id] = JobSeen(job.id, JobState.RUNNING)

        def finish() -> None:
            if jobs is self.jobs:
                jobs[job.id] = self._result(job)

        self.clock.after(self.draws.randrange(50, 1_200), finish)

    def _result(self, job: Job) -> JobSeen:
        match job:
            case BuildImages():
                return self._build(job)
            case RunTests(execution=execution):
                return _done(job, not self.pushed[execution].tests_fail, "the tests")
            case ScanImages():
                return self._scan(job)
            case RunChecks():
                return _done(job, self._checks_pass(job), "the smoke checks")
            case RunHook(release=release):
                tasks = [t for t in self.fleet.tasks.values() if t.release == release]
                return _done(job, not any(t.behaviour.fails_hooks for t in tasks), "the hook")
            case _:
                assert_never(job)

    def _build(self, job: BuildImages) -> JobSeen:
        push = self.pushed[job.execution]
        if push.build_fails:
            return _done(job, False, "the build")
        made = tuple((s.name, self._image(push, s)) for s in job.services)
        return JobSeen(job.id, JobState.SUCCEEDED, f"{len(made)} images", made)

    def _image(self, push: Push, service: Service) -> str:
        """The same content has the same digest, whichever push it came with."""
        content = dict(push.contents)[service.name]
        digest = "sha256:" + hashlib.sha256(content.id.encode()).hexdigest()
        self.images[digest] = content.behaviour
        self.made[digest] = content
        return digest

    def _scan(self, job: ScanImages) -> JobSeen:
        reports = [
            self.advisories.report(digest, self.made[digest])
            for digest in dict.fromkeys(d for _, d in (*job.images, *job.running))
        ]
        running = {service: self.made[digest] for service, digest in job.running}
        for service, digest in job.images if job.execution else ():
            if self.advisories.lets_run(self.made[digest], running.get(service)):
                self.passed.add(digest)
        return JobSeen(job.id, JobState.SUCCEEDED, "scanned", reports=tuple(reports))

    def _checks_pass(self, job: RunChecks) -> bool:
        """Whether each check passes in one of its attempts, against what the test listener hits."""
        held = self.balancer.held.get(job.service.name)
        if held is None or held.test is None:
            return False
        tasks = self.balancer.serving(job.service.name, held.test)
        return bool(tasks) and all(
            any(
                self.draws.random() >= self.draws.choice(tasks).behaviour.error_share
                for _ in range(check.attempts)
            )
            for check in job.checks
        )

    def _prune(self, keep: tuple[str, ...]) -> None:
        used = {task.digest for task in self.fleet.tasks.values()}
        for digest in [d for d in self.images if d not in keep and d not in used]:
            del self.images[digest]


def _done(job: Job, ok: bool, what: str) -> JobSeen:
    state = JobState.SUCCEEDED if ok else JobState.FAILED
    return JobSeen(job.id, state, f"{what} {'passed' if ok else 'failed'}")
