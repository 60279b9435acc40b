"""The state directory of one app on this machine: `.tidegate/` beside its `tidegate.yaml`."""

import os
from pathlib import Path
from typing import NamedTuple

from tidegate.core.errors import SetupError


class Home(NamedTuple):
    """Where everything of one app lies. `create` makes it; the properties only name places."""

    path: Path

    def create(self) -> "Home":
        """Make the directory (0700), its owner id and its token, unless they are there.

        Git is told to leave it alone: `git add -A` must not commit the token.

        Raises `SetupError` when the place cannot be written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.haproxy, self.path / "sources", self.path / "logs" / "tasks"):
                folder.mkdir(parents=True, exist_ok=True)
            _write_once(self.path / "owner", os.urandom(6).hex())
            _write_once(self.token, os.urandom(32).hex())
            _write_once(self.path / ".gitignore", "*")
        except OSError as error:
            raise SetupError(
                f"the state directory {self.path} cannot be written",
                cause=str(error),
                remedy="check who owns it, and that its disk can be written and has room",
                code="TG211",
            ) from error
        return self

    @property
    def owner(self) -> str:
        """12 hex digits that mark every container, network and image of this app."""
        return (self.path / "owner").read_text().strip()

    @property
    def journal(self) -> Path:
        """The SQLite file with every event."""
        return self.path / "journal.db"

    @property
    def token(self) -> Path:
        """The file (0600) with the bearer token of the daemon's API."""
        return self.path / "token"

    @property
    def daemon(self) -> Path:
        """JSON `{"pid": int, "port": int}` of the running daemon."""
        return self.path / "daemon.json"

    @property
    def daemon_log(self) -> Path:
        """What the daemon prints."""
        return self.path / "logs" / "daemon.log"

    @property
    def haproxy(self) -> Path:
        """HAProxy's configuration, maps, sockets and pid."""
        return self.path / "haproxy"

    @property
    def instances(self) -> Path:
        """A file for each instance, and one for the spot market."""
        return self.path / "instances"

    @property
    def repository(self) -> Path:
        """The bare repository that `git push tidegate` goes to."""
        return self.path / "repo.git"

    @property
    def evidence(self) -> Path:
        """SBOMs and reports of the images that were judged, by digest."""
        return self.path / "evidence"

    @property
    def layers(self) -> Path:
        """What the layers of images hold, so that none is read twice."""
        return self.path / "layers"

    def source(self, execution: str) -> Path:
        """The tar of an execution's revision."""
        return self.path / "sources" / f"{execution}.tar"

    def stage_log(self, execution: str, stage: str) -> Path:
        """The log of one stage of an execution."""
        return self.path / "logs" / execution / f"{stage}.log"

    def task_log(self, task: str) -> Path:
        """The last lines of a task that is gone."""
        return self.path / "logs" / "tasks" / f"{task}.log"


def _write_once(path: Path, text: str) -> None:
    """Create the file (0600) with `text`, whole or not at all, unless it is there."""
    if path.exists():
        return
    temporary = path.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_text(text + "\n")
    temporary.rename(path)
