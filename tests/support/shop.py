"""The example app, really running, and what one says of it in a test."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import docker
from bench.ports import free_port
from docker.errors import APIError
from docker.models.containers import Container

from tidegate.core.model import LifecycleStage
from tidegate.demo.ledger import Ledger
from tidegate.demo.story import Story
from tidegate.demo.workspace import Workspace
from tidegate.local import engine_socket
from tidegate.local.containers.clear import clear_away
from tidegate.local.containers.failures import gone
from tidegate.local.home import Home
from tidegate.local.instances import Records, find

FAST = {"every: 3s": "every: 1s", "bake: 3s": "bake: 1s"}
PATIENCE_S = 120.0
"""For a busy machine: how long something takes is never what these tests are about."""
COLOURS = ("seagreen", "rebeccapurple", "teal", "orchid", "navy", "olive", "maroon", "indigo")


class Shop:
    """Home, cats and dogs behind a listener, with clients that count every request."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self.said: list[str] = []
        self.space = Workspace(folder, (free_port(), free_port()), self.said.append)
        self.space.environ = dict(environ or {})
        self.home = Home(folder / ".tidegate")
        self.story = Story(self.home.journal)
        self.clients = Ledger(self.space.port)
        self.engine = docker.DockerClient(base_url=engine_socket.find_engine())
        self._pushes = 0

    # --- what one does -------------------------------------------------------------------------

    def open(self, changes: Mapping[str, str] = FAST) -> "Shop":
        """Up, deployed with `changes` to the app file, and the clients come."""
        if not (self.space.folder / ".git").exists():
            self.space.prepare()
        self.edit(changes)
        self.up()
        assert self.space.push() == 0, self.said
        self.until(lambda: self.story.succeeded() == 3 and self.story.quiet(), "deployed")
        self.clients.start("all")
        return self

    def close(self) -> None:
        """The clients go, and nothing is left running."""
        self.clients.stop()
        if self.home.daemon.exists():
            os.kill(self.pid, signal.SIGKILL)
        self.kill_balancer()
        clear_away(self.engine, self.home.owner)
        groups = find(self.engine, self.home.owner)
        for record in Records(self.home.instances).all():
            groups.clear(record.id)
        self.engine.close()

    def up(self) -> str:
        """`tidegate up`."""
        return self.space.tidegate("up")

    def edit(self, changes: Mapping[str, str]) -> None:
        """Change the app file and commit."""
        file = self.space.folder / "tidegate.yaml"
        text = file.read_text()
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        file.write_text(text)
        self.space.commit("Change the app file")

    def push_a_colour(self) -> str:
        """Push a good release of cats in the background; its colour."""
        colour = COLOURS[self._pushes % len(COLOURS)]
        self._pushes += 1
        self.space.change("colour", f"Cats turn {colour}", ("seagreen", colour))
        self.space.push_in_background()
        return colour

    def push_failing(self) -> None:
        """Push a release of cats of which 30 % of the answers are errors, in the background."""
        self.space.change("failing", "Cats fail now and then", ("3%", "30%"))
        self.space.push_in_background()

    def kill_controller(self) -> None:
        """`kill -9`."""
        os.kill(self.pid, signal.SIGKILL)

    def kill_balancer(self) -> None:
        """`kill -9` of HAProxy's master and worker."""
        for pid in self.balancer_pids():
            os.kill(pid, signal.SIGKILL)

    def kill_a_task(self, service: str) -> str:
        """`kill -9` of one container of the service; its name."""
        container = self.containers(service)[0]
        container.kill("SIGKILL")
        return str(container.name)

    # --- what one sees -------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The controller's process id."""
        return int(json.loads(self.home.daemon.read_text())["pid"])

    def containers(self, service: str) -> list[Container]:
        """The service's containers, running or not."""
        labels = [f"tidegate.io/owner={self.home.owner}", f"tidegate.io/service={service}"]
        while True:
            try:
                found = self.engine.containers
                return list(found.list(all=True, filters={"label": labels}, ignore_removed=True))
            except APIError as error:
                if not gone(error):  # Podman fails when one goes between its list and its look
                    raise

    def balancer_pids(self) -> list[int]:
        """HAProxy's processes of this app, master first."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _command(entry).find(str(self.home.haproxy)) >= 0:
                found.append(int(entry.name))
        return sorted(found)

    def tidegate(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command that may fail."""
        return subprocess.run(
            [sys.executable, "-m", "tidegate", *words],
            cwd=self.space.folder,
            env={**os.environ, **self.space.environ, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def stage(self) -> LifecycleStage | None:
        """The stage of cats' deployment, None without one."""
        return self.story.stage("cats")

    # --- what must hold ------------------------------------------------------------------------

    def until(self, holds: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
        """Wait until it holds."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"not {what} after {seconds} s: {self.said[-8:]}"
            time.sleep(0.02)

    def must_serve(self, colour: str) -> None:
        """Within a second or two every answer of cats is of that colour."""
        self.until(lambda: self.clients.only(colour, last_s=0.5), f"all {colour}")

    def must_be_quiet(self) -> None:
        """Everything has ended, and each service has its two tasks and nothing else."""
        self.until(self.story.quiet, "quiet")
        for service in ("home", "cats", "dogs"):
            self.until(
                lambda s=service: [c.status for c in self.containers(s)] == ["running"] * 2,  # type: ignore[misc]
                f"two tasks of {service} and no orphan",
            )

    def must_have_dropped(self, nothing: int = 0) -> None:
        """Count what failed without a faulty release as its cause."""
        counts = self.clients.counts("all", faulty="crimson")
        assert counts.requests > 100
        assert counts.dropped == nothing, counts


def _command(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""
