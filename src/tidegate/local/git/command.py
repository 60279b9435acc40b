"""Run git: never interactive, with a time limit, and without the caller's GIT_* variables."""

import os
import subprocess
from collections.abc import Mapping
from typing import IO

from tidegate.core.errors import GitFailed, SetupError

LIMIT_S = 120.0


def without_git(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment less what a surrounding git has put there."""
    return {name: value for name, value in environ.items() if not name.startswith("GIT_")}


def git(
    *words: str,
    environ: Mapping[str, str] | None = None,
    to: IO[bytes] | None = None,
    limit_s: float = LIMIT_S,
) -> str:
    """What git printed, stripped; or "" when that went to the file `to`.

    `environ` is the whole environment (None: this process's, without GIT_*). Raises `GitFailed`,
    or `SetupError` when there is no git.
    """
    surroundings = dict(environ if environ is not None else without_git(os.environ))
    surroundings |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ("git", *words),
            env=surroundings,
            stdin=subprocess.DEVNULL,
            stdout=to if to is not None else subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=limit_s,
            check=True,
        )
    except FileNotFoundError as error:
        raise SetupError(
            "there is no git on this machine", remedy="install git: tidegate setup", code="TG216"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise GitFailed(
            f"git {_verb(words)} was not done in {limit_s:g} s", code="TG961"
        ) from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitFailed(f"git {_verb(words)} failed", cause=said[-1] if said else "") from None
    return (done.stdout or b"").decode("utf-8", "replace").strip()


def _verb(words: tuple[str, ...]) -> str:
    """The word that says what git was to do: the first that is no option or an option's value."""
    skipped = {"-C", "-c", "--git-dir"}
    rest = list(words)
    while rest and rest[0].startswith("-"):
        del rest[: 2 if rest[0] in skipped else 1]
    return rest[0] if rest else ""
