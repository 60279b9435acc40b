"""The receive hooks of the app's repository: a push goes through the pipeline before it counts.

    python -m tidegate.cli.receive pre|post STATE_DIR

`pre` hands the pushed commit to the daemon and prints what happens to it, line by line; the push
is refused when the build, the tests or the gate refuse. `post` prints the rest, up to the end of
the deployments. The pusher's Ctrl-C ends the printing, not the work.

A hook starts twice at every push, so what it loads is light: named tuples here, no dataclasses.
"""

import fcntl
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from getpass import getuser
from pathlib import Path
from typing import NamedTuple

from tidegate.api.pushing import Pushing
from tidegate.cli.follow import follow
from tidegate.core.errors import Busy, TidegateError
from tidegate.local.git import Repository
from tidegate.local.git.push import RefUpdate, options, plan, updates
from tidegate.local.home import Home


class Receive(NamedTuple):
    """One push, as a hook sees it. `environ` is the hook's, with git's quarantine in it."""

    home: Home
    environ: Mapping[str, str]

    def pre(self, lines: Iterable[str]) -> int:
        """The exit code of pre-receive: 0 lets git take the push."""
        repository = Repository(self.home.repository, self.environ)
        branch = repository.branch
        pushed = updates(lines)
        todo = plan(pushed, branch, options(self.environ))
        for note in todo.notes:
            say(note)
        if todo.commit is None:
            return 0
        with self._alone():
            _see_that_git_will_take(pushed, repository)
            execution = self._start(repository, todo.commit, branch)
            code = follow(Pushing(self.home).stream(execution, "gate"), execution, say)
            if code == 0:
                self._note(todo.commit).write_text(execution)
        return code

    def post(self, lines: Iterable[str]) -> int:
        """Print how the deployments of the push go; git does not care for the exit code."""
        for update in updates(lines):
            note = self._note(update.new)
            if note.exists():
                execution = note.read_text()
                note.unlink()
                return follow(Pushing(self.home).stream(execution, "rest"), execution, say)
        return 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One push at a time is before its gate. Raises `Busy` TG806.

        The kernel gives the lock back when the hook ends, however it does.
        """
        with (self.home.repository / "push.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Busy(
                    "another push is on its way to the gate",
                    remedy="push again when that one is accepted or refused: tidegate executions",
                    code="TG806",
                ) from error
            yield

    def _start(self, repository: Repository, commit: str, branch: str) -> str:
        tar = repository.archive(commit, self.home.repository / "push.tar")
        try:
            with tar.open("rb") as file:
                return Pushing(self.home).start_execution(
                    file,
                    commit=commit,
                    subject=repository.commit(commit).subject,
                    trigger="push",
                    by=self.environ.get("REMOTE_USER") or getuser(),
                    branch=branch,
                )
        finally:
            tar.unlink()

    def _note(self, commit: str) -> Path:
        """Where `pre` leaves the execution's id for `post`."""
        return self.home.repository / f"tidegate-{commit}"


def _see_that_git_will_take(pushed: Iterable[RefUpdate], repository: Repository) -> None:
    """Raise `Busy` TG806 when another push has moved a ref since this one began.

    Git compares each ref with what it was then, but only when this hook has ended: it would refuse
    what is deployed already.
    """
    for update in pushed:
        if repository.tip(update.ref) != update.before:
            raise Busy(
                f"another push has moved {update.ref} since this one began",
                remedy="push again, on top of that one: tidegate executions",
                code="TG806",
            )


def say(text: str) -> None:
    """One line for the pusher, now: git shows it as `remote: …`."""
    print(text, flush=True)


def main(words: list[str]) -> int:
    """Run the hook `pre` or `post` for a state directory."""
    when, state = words
    receive = Receive(Home(Path(state)), dict(os.environ))
    try:
        return receive.pre(sys.stdin) if when == "pre" else receive.post(sys.stdin)
    except TidegateError as error:
        say(str(error))
        return error.exit_code
    except (KeyboardInterrupt, BrokenPipeError):
        return detach()


def detach() -> int:
    """The pusher has gone, and with him perhaps the pipe; what has begun goes on."""
    with suppress(BrokenPipeError):
        say("detached; what has begun goes on: tidegate status")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to flush
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
