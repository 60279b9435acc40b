"""What the jobs of one app work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from docker import DockerClient

from tidegate.core.decision import BuildImages, RunTests
from tidegate.core.model import App, Listener
from tidegate.core.progress import Progress
from tidegate.local.home import Home
from tidegate.local.scanning.evidence import Evidence

Say = Callable[[str], None]
Resolve = Callable[[str, DockerClient, Say, Mapping[str, str]], str]


@dataclass(frozen=True, slots=True)
class Site:
    """The state directory, the engine, the journal's progress, and how base images are had.

    `resolve(dockerfile, client, say, args)` answers the Dockerfile with each FROM naming an image
    that is on the engine, and says what it put in its place (`local.bases`).
    """

    home: Home
    client: DockerClient
    progress: Callable[[], Progress]
    resolve: Resolve

    @property
    def evidence(self) -> Evidence:
        """What is kept of the images that were judged."""
        return Evidence(self.home.evidence)

    def app_of(self, job: BuildImages | RunTests) -> App:
        """The app file of the job's revision. KeyError when the journal has no such execution."""
        return self.progress().executions[job.execution].app

    def listener(self) -> Listener:
        """Where the app answers now."""
        app = self.progress().app
        return app.listener if app else Listener()
