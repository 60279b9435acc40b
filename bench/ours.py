"""Tidegate as a contender: an app of one service, delivered by `git push`."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.contender import TASKS, Delivery
from bench.engine import run
from bench.ports import free_ports
from tidegate.demo.story import Story, Told

ALL_AT_ONCE = "ECSAllAtOnce"
LINEAR = "{linear: {percent: 20, every: 500ms}}"
CAREFUL = "{linear: {percent: 10, every: 5s}}"
CANARY = "{canary: {percent: 10, hold: 2m}}"
PUSH_S = 180.0
_FILE = """\
app: bench
gate: off
listener: {{port: {port}, test_port: {test_port}}}
deployment: {{strategy: {how}}}
services:
  web:
    image: {image}
    port: 8080
    health: /health
    cpu: 1024
    memory: 64MiB
    tasks: {tasks}
"""


@dataclass
class Tidegate:
    """The app in `folder`, with its daemon."""

    folder: Path
    port: int
    test_port: int
    tasks: int = TASKS
    name: str = "Tidegate"

    def deliver(self, image: str, how: str) -> Delivery:
        """`git push`, and wait for its end."""
        push, at = self.begin(image, how)
        push.wait(PUSH_S)
        return Delivery(at, time.time(), str(self.told().outcome))

    def begin(self, image: str, how: str) -> tuple["subprocess.Popen[bytes]", float]:
        """Commit the change, then push it: the push under way, and when it was begun."""
        ports = {"port": self.port, "test_port": self.test_port}
        text = _FILE.format(image=image, how=how, tasks=self.tasks, **ports)
        (self.folder / "tidegate.yaml").write_text(text)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", f"{image}, {how}")
        at = time.time()
        words = ["git", "-C", str(self.folder), "push", "--quiet", "tidegate", "main"]
        with (self.folder / ".tidegate" / "push.log").open("ab") as log:
            return subprocess.Popen(words, stdout=log, stderr=log, env=_environment()), at

    def told(self) -> Told:
        """What the journal says of the newest deployment."""
        return self.story().last_deployment("web")

    def story(self) -> Story:
        """The journal."""
        return Story(self.folder / ".tidegate" / "journal.db")

    def command(self, *words: str) -> None:
        """A command of `tidegate`, in the app's folder."""
        run(sys.executable, "-m", "tidegate", "-C", str(self.folder), *words)

    def owns(self, names: list[str]) -> bool:
        """Its tasks are named by it; so are throw-away containers, but none runs here."""
        return names[0].startswith("/tidegate-")

    def prepare(self, image: str) -> None:
        """A repository, the daemon, and a first deployment."""
        run("git", "init", "--quiet", "--initial-branch", "main", str(self.folder))
        self._git("config", "user.name", "Bench")
        self._git("config", "user.email", "bench@localhost")
        (self.folder / ".gitignore").write_text(".tidegate/\n")
        text = _FILE.format(
            image=image, how=ALL_AT_ONCE, port=self.port, test_port=self.test_port, tasks=self.tasks
        )
        (self.folder / "tidegate.yaml").write_text(text)
        self.command("up")
        first = self.deliver(image, ALL_AT_ONCE)
        if first.outcome != "succeeded":
            said = (self.folder / ".tidegate" / "push.log").read_text()[-2000:]
            raise SystemExit(f"the first deployment {first.outcome}:\n{said}")

    def _git(self, *words: str) -> None:
        run("git", "-C", str(self.folder), *words)


@contextmanager
def tidegate(folder: Path, image: str, tasks: int = TASKS) -> Iterator[Tidegate]:
    """An app that serves `image`; it ends with everything of it."""
    folder.mkdir()
    port, test_port = free_ports(2)
    contender = Tidegate(folder, port, test_port, tasks)
    try:
        contender.prepare(image)
        yield contender
    finally:
        contender.command("down", "--everything")


def _environment() -> dict[str, str]:
    """Without git's own variables, which a hook or a test run may have set."""
    return {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
