"""A whole daemon but for its containers: engine, operations and API over the small world.

Time is virtual and goes on with `tick`; the API is real HTTP on a free port.
"""

import io
import socket
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import uvicorn

from tests.support.small_world import World as SmallWorld
from tidegate.api.app import create
from tidegate.api.client import Client
from tidegate.core import decision as d
from tidegate.core.ports import World
from tidegate.core.seen import ActionFailure
from tidegate.engine.journal import Journal
from tidegate.engine.loop import Engine
from tidegate.engine.operations import EngineOperations, Outside
from tidegate.local.home import Home

COMMIT = "3f9c2e1" + "0" * 33
FILE = """\
app: shop
gate: off
services:
  cats:
    build: cats
    tasks: 2
    deployment: {strategy: {linear: {percent: 20, every: 2s}}, bake: 1s}
"""


def tar_of(**files: str) -> io.BytesIO:
    """A tar of these files; `__` in a name is a dot."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    made.seek(0)
    return made


def source(text: str = FILE) -> io.BytesIO:
    """The tar of a revision with this app file."""
    return tar_of(tidegate__yaml=text)


@dataclass
class _Part:
    """One port's reading side; what is asked of it goes through `Served.submit`."""

    world: SmallWorld
    name: str

    def now(self) -> int:
        return self.world.now

    def observe(self, *_: int) -> Any:
        seen = self.world.seen()
        if self.name == "metrics":
            return None if seen.metrics is None else (seen.metrics, seen.metrics_until)
        return getattr(seen, self.name)


@dataclass
class Served:
    """An app of a state directory `home`. `downs` holds what `down` was asked."""

    home: Home
    world: SmallWorld = field(default_factory=SmallWorld)
    downs: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home.create()
        self.journal = Journal.open(self.home.journal, self.home.owner)
        names = ("clock", "tasks", "balancer", "metrics", "jobs", "advisories")
        parts = [_Part(self.world, name) for name in names]
        self.engine = Engine(self.journal, World(*cast(Any, parts)), self)
        self.operations = self._operate()
        self.client = Client(self.home)

    def _operate(self) -> EngineOperations:
        outside = Outside(self.home, self._task_lines, self.downs.append)
        return EngineOperations(self.engine, outside)

    # --- the runner of the engine ------------------------------------------------------------

    def submit(self, actions: Iterable[d.Action]) -> None:
        """Do them at once; a build writes two lines into its log."""
        self.world.progress = self.engine.progress
        for action in actions:
            if isinstance(action, d.StartJob) and isinstance(action.job, d.BuildImages):
                log = self.home.stage_log(action.job.execution, "build")
                log.parent.mkdir(parents=True, exist_ok=True)
                log.write_text("step 1\nstep 2\n")
            self.world._do(action)

    def failures(self) -> tuple[ActionFailure, ...]:
        """What failed since the last look."""
        failed, self.world.failures = tuple(self.world.failures), []
        return failed

    # --- time ----------------------------------------------------------------------------------

    def tick(self, ms: int = 250) -> d.Decision:
        """Let time pass, with traffic, and look."""
        before, self.world.now = self.world.now // 1000, self.world.now + ms
        for at_s in range(before, self.world.now // 1000):
            self.world._answer_requests(at_s * 1000)
        return self.engine.look()

    def until(self, reached: Callable[[], object], limit: int = 2_000) -> "Served":
        """Tick until it is so."""
        for _ in range(limit):
            if reached():
                return self
            self.tick()
        raise AssertionError(f"not reached; last: {self.engine.last.reason}")

    def until_quiet(self) -> "Served":
        """Tick until no execution and no deployment is under way."""

        def quiet() -> bool:
            progress = self.engine.progress
            live = [e.live for e in progress.executions.values()]
            moving = [one.waiting or one.deployment for one in progress.services.values()]
            return not any([*live, *moving])

        return self.until(quiet)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Time passes by itself, in a thread."""
        stop = threading.Event()

        def run() -> None:
            while not stop.wait(0.005):
                self.tick()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    # --- what a person does ----------------------------------------------------------------------

    def push(self, text: str = FILE, commit: str = COMMIT, **beside: str) -> str:
        """A new revision with this app file and those beside it; the id of its execution."""
        revision = {"commit": commit, "subject": "Faster cats", "by": "ann"}
        tar = tar_of(tidegate__yaml=text, **beside)
        return self.operations.start_execution(tar, **cast(Any, revision))

    def deployed(self, text: str = FILE) -> "Served":
        """A first release serves."""
        self.push(text)
        return self.until_quiet()

    def _task_lines(self, task: str, follow: bool) -> Iterator[str | None]:
        yield f"{task} says hello"
        while follow:
            yield None
            threading.Event().wait(0.01)

    # --- over HTTP --------------------------------------------------------------------------------

    @contextmanager
    def listening(self, **changes: Any) -> Iterator[Client]:
        """The API on a free port, announced in `daemon.json`, as by a daemon just started."""
        self.operations = self._operate()
        token = self.home.token.read_text().strip()
        fields: dict[str, Any] = {"token": token, "metrics": lambda: "up 1\n", **changes}
        with socket.socket() as listener, run_app(create(self.operations, **fields), listener):
            port = listener.getsockname()[1]
            self.home.daemon.write_text(f'{{"pid": 1, "port": {port}}}')
            try:
                yield self.client
            finally:
                self.home.daemon.unlink(missing_ok=True)
                self.operations.close()

    def close(self) -> None:
        """Let the journal go."""
        self.operations.close()
        self.journal.close()


@contextmanager
def run_app(app: Any, listener: socket.socket) -> Iterator[None]:
    """Serve the app on a loopback socket until the end."""
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=3, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended at its start"
        threading.Event().wait(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A daemon's inside for an app in `folder`, closed at the end."""
    made = Served(Home(folder / ".tidegate"))
    try:
        yield made
    finally:
        made.close()
