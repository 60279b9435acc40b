"""What a push asks for, and what is done with each ref: decisions only."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tidegate.core.errors import UsageError

NO_DEPLOY = "no-deploy"


class RefUpdate(NamedTuple):
    """One line of a receive hook: a ref moves from `old` to `new`; 40 zeros stand for nothing."""

    old: str
    new: str
    ref: str

    @property
    def before(self) -> str:
        """The commit that the pusher was told the ref has, or "" for none."""
        return self.old if self.old.strip("0") else ""

    @property
    def deletes(self) -> bool:
        """Whether the ref is to go."""
        return not self.new.strip("0")


class Plan(NamedTuple):
    """The commit to put into the pipeline, if any, and what to say of the other refs."""

    commit: str | None
    notes: tuple[str, ...]


def updates(lines: Iterable[str]) -> tuple[RefUpdate, ...]:
    """The ref updates that git tells a receive hook on its standard input."""
    return tuple(RefUpdate(*line.rstrip("\n").split(" ", 2)) for line in lines if line.strip())


def options(environ: Mapping[str, str]) -> frozenset[str]:
    """The words given with `git push -o`. Raises `UsageError` for one that is not known."""
    count = int(environ.get("GIT_PUSH_OPTION_COUNT", "0"))
    given = frozenset(environ[f"GIT_PUSH_OPTION_{n}"] for n in range(count))
    unknown = ", ".join(sorted(given - {NO_DEPLOY}))
    if unknown:
        raise UsageError(
            f"no push option {unknown}",
            remedy=f"known: -o {NO_DEPLOY} (store the commits, deploy nothing)",
            code="TG112",
        )
    return given


def plan(pushed: Iterable[RefUpdate], branch: str, given: frozenset[str]) -> Plan:
    """Only the deploy branch deploys; other refs are stored. Raises `UsageError`.

    The deploy branch cannot be deleted: what runs would have no source any more.
    """
    commit = None
    notes = []
    for update in pushed:
        name = update.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        if update.ref != f"refs/heads/{branch}":
            what = "deleted" if update.deletes else "stored"
            notes.append(f"{name} is {what}, not deployed: only {branch} deploys")
        elif update.deletes:
            raise UsageError(
                f"the deploy branch {branch} cannot be deleted",
                remedy="to stop the app: tidegate down",
                code="TG113",
            )
        elif NO_DEPLOY in given:
            notes.append(f"{name} is stored, not deployed, as you asked")
        else:
            commit = update.new
    return Plan(commit, tuple(notes))
