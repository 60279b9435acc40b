"""A state directory with jobs on a real engine, and a journal's progress made by hand."""

import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from docker import DockerClient

from tests.support.engine import tar_of
from tidegate.core.decision import BuildImages, Job, Outcome, RunTests
from tidegate.core.findings import ScanReport
from tidegate.core.model import App, Release, Service
from tidegate.core.ports import Scanner
from tidegate.core.progress import Execution, Progress
from tidegate.core.seen import JobSeen, JobState
from tidegate.local.bases import resolve
from tidegate.local.home import Home
from tidegate.local.jobs import LocalJobs, Site
from tidegate.local.jobs.runner import log_path

WAIT_S = 60.0


class NoScanner:
    """A scanner that can tell nothing."""

    def scan(self, digest: str) -> ScanReport:
        """A report without findings data."""
        return ScanReport(digest, None, "no scanner is set up")


@dataclass
class Yard:
    """Runs jobs to their end. `changes` counts the calls of `on_change`."""

    home: Home
    client: DockerClient
    app: App
    scanner: Scanner = field(default_factory=NoScanner)
    progress: Progress = field(default_factory=Progress)
    changed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.jobs = self.restarted()

    def restarted(self) -> LocalJobs:
        """Jobs that know of none, as after a restart of the daemon."""
        site = Site(self.home, self.client, lambda: self.progress, resolve)
        self.jobs = LocalJobs(site, self.scanner, self.changed.set)
        return self.jobs

    def push(self, execution: str, files: dict[str, str | bytes], mtime: int = 1) -> None:
        """Let an execution of this app begin with this source."""
        self.home.source(execution).write_bytes(tar_of(files, mtime).getvalue())
        known = {**self.progress.executions, execution: _execution(execution, self.app)}
        self.progress = replace(self.progress, executions=known, app=self.app)

    def release(self, number: int, execution: str, digest: str) -> None:
        """Let the execution have made a release of the first service."""
        made = Release(number, self.app.services[0], digest, "c" * 40, execution, "passed", 0)
        self.progress = replace(self.progress, releases={**self.progress.releases, number: made})

    def finish(self, execution: str) -> None:
        """Let the execution have ended."""
        ended = replace(self.progress.executions[execution], outcome=Outcome.SUCCEEDED)
        known = {**self.progress.executions, execution: ended}
        self.progress = replace(self.progress, executions=known)

    def run(self, job: Job) -> JobSeen:
        """Start the job and wait for its end."""
        self.jobs.start(job)
        return self.wait(job.id)

    def wait(self, job: str) -> JobSeen:
        """Look until the job has ended."""
        until = time.monotonic() + WAIT_S
        while (seen := self.jobs.observe()[job]).state is JobState.RUNNING:
            assert time.monotonic() < until, f"{job} did not end"
            time.sleep(0.01)
        return seen

    def build(self, execution: str) -> JobSeen:
        """Build the execution's images."""
        return self.run(BuildImages(f"{execution}/build", execution, self.app.services))

    def test(self, execution: str, images: tuple[tuple[str, str], ...]) -> JobSeen:
        """Run the execution's tests."""
        return self.run(RunTests(f"{execution}/test", execution, self.app.services, images))

    def log(self, job: str) -> str:
        """The job's log."""
        return log_path(self.home, job).read_text()


def yard(path: Path, client: DockerClient, *services: Service) -> Yard:
    """A yard for an app of these services, with an owner and a name of its own.

    Images are tagged with the app's name, and yards may be side by side.
    """
    home = Home(path / ".tidegate").create()
    return Yard(home, client, App(f"shop-{home.owner}", services))


def _execution(name: str, app: App) -> Execution:
    return Execution(name, "c" * 40, "A change", "push", "ann", app, 0)
