"""The Well-Architected review of this app."""

import time

import typer

from tidegate.aws.refusals import check
from tidegate.cli import output
from tidegate.cli.commands import account
from tidegate.cli.here import Here, here
from tidegate.cli.output import AsJson
from tidegate.cli.render import review as render
from tidegate.cli.target import TargetName
from tidegate.core.review import Case, Running
from tidegate.core.review import review as ask
from tidegate.engine.views.reviewed import running_of


def review(context: typer.Context, as_json: AsJson = False) -> None:
    """Review the app by the five pillars of the Well-Architected Framework.

    Each design principle has its checks, of the app file and of the running system; each says what
    it saw, and what to do when that is not enough. Nothing is changed.
    """
    now = here(context)
    stack = None
    if now.target is TargetName.AWS:
        check(now.app)
        account.note(now)
        stack = now.on_aws.stack()
    done = ask(Case(now.app, time.time_ns() // 1_000_000, _running(now), stack))
    output.result(done, render.tree(done), as_json)


def _running(now: Here) -> Running | None:
    """The running system, or None when its controller is not up, or the account has no app."""
    operations = now.operations
    if now.target is TargetName.LOCAL and not now.client.alive():
        return None
    status = operations.status()
    if not status.app:
        return None
    return running_of(status, operations.releases(), operations.executions())
