"""The bare repository that `git push tidegate` goes to, and its hooks."""

import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tidegate.core.errors import GitFailed, NotFound, SetupError
from tidegate.local.git.command import git
from tidegate.local.home import Home

REMOTE = "tidegate"
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SETTINGS = {
    "receive.advertisePushOptions": "true",
    "receive.denyDeleteCurrent": "true",
    "http.receivepack": "true",
    "core.logAllRefUpdates": "true",
}


class Commit(NamedTuple):
    """A commit: its full id, the first line of its message, and its author's name."""

    id: str
    subject: str
    author: str


class Repository(NamedTuple):
    """A bare repository whose HEAD names the branch that is deployed.

    `environ` is given to git: None for ours without GIT_*; a hook hands on its own, for the pushed
    objects are in a quarantine that only those variables name.
    """

    path: Path
    environ: Mapping[str, str] | None = None

    def create(self, home: Home, branch: str) -> "Repository":
        """Make the repository and its hooks, unless they are there; `branch` is the deployed one.

        Raises `SetupError` when the place cannot be written.
        """
        try:
            if not (self.path / "HEAD").exists():
                git("init", "--quiet", "--bare", f"--initial-branch={branch}", str(self.path))
            self._git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
            for name, value in _SETTINGS.items():
                self._git("config", name, value)
            # A user's own core.hooksPath would let every push past the pipeline.
            self._git("config", "core.hooksPath", str((self.path / "hooks").resolve()))
            for when in ("pre", "post"):
                _write_hook(self.path / "hooks" / f"{when}-receive", _hook(when, home.path))
        except (OSError, GitFailed) as error:
            raise SetupError(
                f"the repository {self.path} cannot be made",
                cause=str(error),
                remedy="free some disk space, or check who owns the directory",
                code="TG217",
            ) from error
        return self

    @property
    def branch(self) -> str:
        """The branch that is deployed."""
        return self._git("symbolic-ref", "--short", "HEAD")

    def tip(self, ref: str) -> str:
        """The commit that the whole name of a ref stands for, or "" when there is no such ref."""
        return self._git("for-each-ref", "--format=%(objectname)", ref)

    def add_remote(self, worktree: Path) -> None:
        """Give the user's repository the remote `tidegate`, or point it here.

        Raises `SetupError` when `worktree` is not in a git repository.
        """
        try:
            known = git("-C", str(worktree), "remote").splitlines()
        except GitFailed as error:
            raise SetupError(
                f"{worktree} is not in a git repository",
                cause=error.cause,
                remedy="make it one: git init && git add . && git commit -m 'First'",
                code="TG218",
            ) from error
        verb = "set-url" if REMOTE in known else "add"
        git("-C", str(worktree), "remote", verb, REMOTE, str(self.path.resolve()))

    def commit(self, name: str) -> Commit:
        """The commit that a full id names. Raises `NotFound`."""
        if not _COMMIT.fullmatch(name):
            raise NotFound(f"{name!r} is not the id of a commit", code="TG710")
        try:
            said = self._git("log", "-1", "--format=%H%x00%s%x00%an", name, "--")
        except GitFailed as error:
            raise NotFound(f"no commit {name[:12]}", cause=error.cause, code="TG711") from error
        return Commit(*said.split("\0"))

    def archive(self, commit: str, to: Path) -> Path:
        """Write the commit's files to the tar `to`, whole or not at all. Raises `GitFailed`."""
        part = to.with_name(f"{to.name}.{os.getpid()}")
        try:
            with part.open("wb") as file:
                git(
                    *self._place,
                    *("-c", "tar.umask=0022", "archive", "--format=tar", commit),
                    environ=self.environ,
                    to=file,
                )
            part.rename(to)
        finally:
            part.unlink(missing_ok=True)
        return to

    @property
    def _place(self) -> tuple[str, str]:
        return "--git-dir", str(self.path)

    def _git(self, *words: str) -> str:
        return git(*self._place, *words, environ=self.environ)


def _hook(when: str, state: Path) -> str:
    """A shell script that runs `cli.receive` with this very Python; -P: not from the repository."""
    words = (sys.executable, "-P", "-m", "tidegate.cli.receive", when, str(state.resolve()))
    return f"#!/bin/sh\n# Written by tidegate at each start.\nexec {shlex.join(words)}\n"


def _write_hook(path: Path, text: str) -> None:
    """Write the hook whole or not at all: a push may start at any moment."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".new")
    part.write_text(text)
    part.chmod(0o755)
    part.rename(path)
