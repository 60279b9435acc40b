"""`LocalJobs`: runs jobs in the background and tells what came of them."""

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import assert_never

import requests
from docker.errors import DockerException

from tidegate.core.decision import BuildImages, Job, RunChecks, RunHook, RunTests, ScanImages
from tidegate.core.errors import EffectFailed, GateError, TidegateError
from tidegate.core.ports import Scanner
from tidegate.core.progress import Progress
from tidegate.core.seen import JobSeen, JobState
from tidegate.local import images
from tidegate.local.clean import clean
from tidegate.local.containers.failures import one_line
from tidegate.local.home import Home
from tidegate.local.jobs import build, checks, hooks, scan, trial
from tidegate.local.jobs.log import Log
from tidegate.local.jobs.site import Site

PIPELINE_AT_ONCE = 2
STEPS_AT_ONCE = 16
EVIDENCE_OF = 20
"""Of so many executions, the latest, the evidence stays, even if they were refused."""


def log_path(home: Home, job: str) -> Path:
    """Where a job logs: `e7/build` to `logs/e7/build.log`, `d3/BAKE_TIME/x/2` to one file too."""
    owner, _, rest = job.partition("/")
    return home.stage_log(owner, re.sub(r"[^\w.-]", "-", rest) or "job")


class LocalJobs:
    """The port `Jobs` on one machine.

    A stage of the pipeline and a step of a deployment never wait for each other's place.
    `on_change` is called, from the job's thread, whenever a job has ended.
    """

    def __init__(self, site: Site, scanner: Scanner, on_change: Callable[[], None]) -> None:
        self._site = site
        self._scanner = scanner
        self._on_change = on_change
        self._lock = threading.Lock()
        self._seen: dict[str, JobSeen] = {}
        self._building: set[str] = set()
        self._pipeline = threading.BoundedSemaphore(PIPELINE_AT_ONCE)
        self._steps = threading.BoundedSemaphore(STEPS_AT_ONCE)

    def start(self, job: Job) -> None:
        """Start the job in the background, unless one of its id runs or has ended."""
        with self._lock:
            if job.id in self._seen:
                return
            self._seen[job.id] = JobSeen(job.id, JobState.RUNNING)
            if isinstance(job, BuildImages):
                self._building.add(job.id)
        threading.Thread(target=self._run, args=(job,), name=job.id, daemon=True).start()

    def observe(self) -> Mapping[str, JobSeen]:
        """Every job of this engine's life, by id."""
        with self._lock:
            return dict(self._seen)

    def prune(self, keep: tuple[str, ...]) -> None:
        """Remove our images but `keep` and those in use, and the sources of their revisions.

        Does nothing while a build runs, since its images are not in the journal yet.
        """
        with self._lock:
            if self._building:
                return
        images.prune(self._site.client, self._site.home.owner, keep)
        progress = self._site.progress()
        self._prune_evidence(progress, keep)
        needed = {r.execution for r in progress.releases.values() if r.digest in keep}
        for execution in progress.executions.values():
            if not execution.live and execution.id not in needed:
                self._site.home.source(execution.id).unlink(missing_ok=True)

    def _prune_evidence(self, progress: Progress, keep: tuple[str, ...]) -> None:
        """Let go of the evidence of images that nobody can go back to, or still asks about."""
        tagged = images.owned(self._site.client, self._site.home.owner)
        recent = list(progress.executions.values())[-EVIDENCE_OF:]
        judged = {digest for execution in recent for _, digest in execution.images}
        running = {progress.releases[task.release].digest for task in progress.tasks.values()}
        try:
            self._site.evidence.prune({*keep, *tagged, *judged, *running})
        except GateError as error:
            raise EffectFailed(error.what, cause=error.cause) from error

    def _run(self, job: Job) -> None:
        step = isinstance(job, RunChecks | RunHook)
        with self._steps if step else self._pipeline:
            seen = self._end(job)
        with self._lock:
            self._seen[job.id] = seen
            self._building.discard(job.id)
        self._on_change()

    def _end(self, job: Job) -> JobSeen:
        """What came of the job, whatever happens."""
        try:
            log = Log(log_path(self._site.home, job.id))
        except OSError as error:
            return JobSeen(job.id, JobState.FAILED, f"its log cannot be written: {error}")
        advice: tuple[str, ...] = ()
        try:
            seen = self._do(job, log)
        except TidegateError as error:
            seen = self._failed(job, f"{error.what}: {error.cause}" if error.cause else error.what)
            rows = (("where", error.where), ("remedy", error.remedy))
            advice = tuple(f"  {name:<7} {clean(text)}" for name, text in rows if text)
        except (DockerException, requests.RequestException) as error:
            seen = self._failed(job, f"the container engine: {one_line(error)}")
        except Exception as error:  # noqa: BLE001  a job's boundary; it is the job's outcome
            seen = self._failed(job, f"{type(error).__name__}: {error}")
        return self._close(log, seen, advice)

    def _do(self, job: Job, log: Log) -> JobSeen:
        match job:
            case BuildImages():
                built = build.build(self._site, job, log)
                return JobSeen(job.id, JobState.SUCCEEDED, built.summary, images=built.images)
            case RunTests():
                return JobSeen(job.id, JobState.SUCCEEDED, trial.test(self._site, job, log))
            case ScanImages():
                reports = scan.scan(self._scanner, job, log)
                summary = scan.summary(reports)
                return JobSeen(job.id, JobState.SUCCEEDED, summary, reports=reports)
            case RunChecks():
                summary = checks.check(self._site.listener(), job, log)
                return JobSeen(job.id, JobState.SUCCEEDED, summary)
            case RunHook():
                return JobSeen(job.id, JobState.SUCCEEDED, hooks.run(self._site, job, log))
            case _:
                assert_never(job)

    def _failed(self, job: Job, summary: str) -> JobSeen:
        return JobSeen(job.id, JobState.FAILED, clean(" ".join(summary.split()))[:500])

    def _close(self, log: Log, seen: JobSeen, advice: Iterable[str]) -> JobSeen:
        """Say a failure in the log, what to do about it, and close it. A full disk then is part of
        the outcome.
        """
        try:
            if seen.state is JobState.FAILED:
                log.say(f"failed: {seen.summary}")
                for line in advice:
                    log.say(line)
            log.close()
        except OSError as error:
            full = f"{seen.summary}; its log cannot be written: {error}"
            return JobSeen(seen.id, JobState.FAILED, full)
        return seen
