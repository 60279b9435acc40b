"""Deliver a revision without a push: deploy."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import output
from tidegate.cli.follow import follow
from tidegate.cli.here import Here, here
from tidegate.cli.output import AsJson
from tidegate.core.errors import GitFailed, UsageError
from tidegate.local.git.command import git


def deploy(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help="A commit, branch or tag.")] = "HEAD",
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for the end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a revision through the pipeline and follow it; Ctrl-C detaches, never aborts."""
    now = here(context)
    execution = _start(now, ref)
    code = 0
    if not detach:
        told = (message for message in now.operations.stream(execution) if message)
        code = follow(told, execution, output.progress)
    views = [now.operations.execution(one) for one in execution.split("+")]
    shown = "\n".join(f"{view.id} {view.outcome or 'goes on'}" for view in views)
    output.result(views if len(views) > 1 else views[0], shown, as_json)
    raise typer.Exit(code)


def _start(now: Here, ref: str) -> str:
    """Hand the revision's files to the daemon; the execution's id."""
    where = ("-C", str(now.folder))
    try:
        commit = git(*where, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    except GitFailed as error:
        raise UsageError(
            f"{ref!r} is no commit here",
            cause=error.cause,
            where=str(now.folder),
            remedy="commit first, and name a commit, a branch or a tag",
            code="TG109",
        ) from error
    subject = git(*where, "log", "-1", "--format=%s", commit)
    with tempfile.TemporaryDirectory(prefix="tidegate-deploy-") as folder:
        path = Path(folder) / "source.tar"
        with path.open("wb") as file:
            git(*where, "archive", "--format=tar", commit, to=file)
        with path.open("rb") as file:
            return now.operations.start_execution(
                file, commit=commit, subject=subject, trigger="deploy", by=now.by
            )
