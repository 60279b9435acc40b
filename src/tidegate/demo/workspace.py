"""A copy of the example app under git, and the commands that a person would type in it."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from tidegate.core.errors import InternalError, NotFound
from tidegate.demo import advisories

COMMAND_TIMEOUT_S = 120
PUSH_TIMEOUT_S = 300
_STEPS = ("stand-in", "build succeeded", " moves ", " asks for ", "rolls back", "==>")
_TROUBLE = ("error", "fatal", "rejected", "cause ", "remedy ")
TOLD = _STEPS + _TROUBLE
"""Which of a push's lines are passed on; `git push` itself shows them all."""


def example() -> Path:
    """Where `examples/catsndogs` lies: in the installed package, or in the checkout.

    Raises `NotFound`.
    """
    here = Path(__file__).resolve()
    for place in (here.parent / "catsndogs", here.parents[3] / "examples" / "catsndogs"):
        if (place / "tidegate.yaml").is_file():
            return place
    raise NotFound(
        "the example app is not here", where=str(here.parent), remedy="install again", code="TG708"
    )


class Workspace:
    """`folder` holds the copy; `ports` are its listener's: production and test.

    `environ` is given to every command, on top of the environment.
    """

    def __init__(self, folder: Path, ports: tuple[int, int], say: Callable[[str], None]) -> None:
        self.folder = folder
        self.port, self.test_port = ports
        self.environ: dict[str, str] = {}
        self._say = say
        self._told_once: set[str] = set()

    def prepare(self) -> None:
        """Copy the example, give it its ports, and commit it."""
        shutil.copytree(example(), self.folder, ignore=shutil.ignore_patterns("variants"))
        file = self.folder / "tidegate.yaml"
        listener = f"\nlistener: {{port: {self.port}, test_port: {self.test_port}}}\n"
        instances = (example() / "variants" / "instances.yaml").read_text()
        file.write_text(file.read_text() + listener + instances)
        (self.folder / ".gitignore").write_text(".tidegate/\n")
        self._keep_to_itself()
        self._git("init", "--quiet", "--initial-branch", "main")
        self._git("config", "user.name", "Demo")
        self._git("config", "user.email", "demo@localhost")
        self.commit("Cats and dogs")

    def _keep_to_itself(self) -> None:
        """Advisories of its own, so that the demo needs no network and leaves yours alone."""
        place = self.folder.parent / f"{self.folder.name}-data"
        self.environ["XDG_DATA_HOME"] = str(place / "share")
        self.environ["XDG_CONFIG_HOME"] = str(place / "config")
        advisories.settings(place / "config")
        advisories.write(place / "osv")
        self.tidegate("advisories", "import", str(place / "osv"))

    def change(self, variant: str, subject: str, colour: tuple[str, str] | None = None) -> None:
        """Commit one of the example's variants; `colour` replaces its own by another."""
        shutil.copytree(example() / "variants" / variant, self.folder, dirs_exist_ok=True)
        if colour:
            for file in (self.folder / "cats").rglob("*.*"):
                file.write_text(file.read_text().replace(*colour))
        self.commit(subject)

    def cost(self) -> dict[str, int]:
        """What its instances have cost so far, and would have on demand, in micro-dollars."""
        cost = json.loads(self.tidegate("capacity", "--json"))["cost"]
        return {name: int(cost[name]) for name in ("micros", "on_demand_micros")}

    def commit(self, subject: str) -> None:
        """Everything as it is now."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", subject)

    def tidegate(self, *words: str) -> str:
        """Run a command of Tidegate here; its output. Raises `InternalError` when it fails."""
        return self._run([sys.executable, "-m", "tidegate", *words])

    def push(self) -> int:
        """`git push tidegate main`, its main lines passed on as they come; git's exit code."""
        return self.push_in_background().join()

    def push_in_background(self) -> "Push":
        """The same, without waiting."""
        self._say("$ git push tidegate main")
        return Push(self.folder, self._environment(), self._tell)

    def _tell(self, line: str) -> None:
        if "stand-in" in line and line in self._told_once:
            return  # the first push has said it
        self._told_once.add(line)
        if any(word in line for word in TOLD):
            self._say(line)

    def _git(self, *words: str) -> str:
        return self._run(["git", *words])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise InternalError(
                f"`{' '.join(command[-3:])}` failed with exit code {done.returncode}",
                cause=(done.stderr or done.stdout).strip()[-2000:],
                where=str(self.folder),
                code="TG901",
            )
        return done.stdout

    def _environment(self) -> dict[str, str]:
        """Without git's own variables, which a hook or a test run may have set."""
        own = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        return own | self.environ | {"NO_COLOR": "1"}


class Push:
    """A `git push` under way; its lines go to `say`."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._say = say
        self._process = subprocess.Popen(
            ["git", "push", "tidegate", "main"],
            cwd=folder,
            env=environ,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def join(self) -> int:
        """Wait for its end; git's exit code. Raises `InternalError` when it takes too long."""
        try:
            code = self._process.wait(PUSH_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            raise InternalError(
                "the push did not end", cause=f"{PUSH_TIMEOUT_S} s", code="TG902"
            ) from error
        self._reader.join()
        return code

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                text = line.removeprefix("remote:").strip()
                if text:
                    self._say(text)
        self._process.wait()
