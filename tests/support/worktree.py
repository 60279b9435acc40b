"""A user's git repository."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Worktree:
    """A repository with a worktree, as a user has one."""

    path: Path

    def create(self) -> "Worktree":
        """Make it, with the branch main."""
        self.path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        return self

    def git(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run git here as the user Ann, without the machine's settings."""
        return subprocess.run(
            ["git", *words],
            cwd=self.path,
            env=surroundings(),
            check=check,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def commit(self, files: dict[str, str], message: str = "A change") -> str:
        """Write the files and commit them; answers the commit's id."""
        for name, content in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD").stdout.strip()


def surroundings() -> dict[str, str]:
    """The environment of the user Ann's git."""
    who = {"NAME": "Ann", "EMAIL": "ann@example.com"}
    named = {f"GIT_{part}_{what}": v for part in ("AUTHOR", "COMMITTER") for what, v in who.items()}
    return {**os.environ, **named, "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
