"""Commands that look: status, events, logs, executions, releases, show, report."""

from typing import Annotated

import typer
from rich.live import Live

from tidegate.cli import output
from tidegate.cli.here import Here, here
from tidegate.cli.output import AsJson
from tidegate.cli.render import status as render_status
from tidegate.cli.render import tables
from tidegate.cli.target import TargetName
from tidegate.core.errors import UsageError
from tidegate.engine.views.events import event_json
from tidegate.local.clean import clean

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")]


def status(
    context: typer.Context,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it again whenever something happens.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show services, target groups, weights, tasks, deployments and alarms."""
    now = here(context)
    view = now.operations.status()
    if now.target is TargetName.AWS and not view.app:
        raise now.on_aws.operations.nothing_here()
    if not watch:
        output.result(view, render_status.tree(view), as_json)
        return
    try:
        _watch(now, view.seq, as_json)
    except KeyboardInterrupt:
        output.progress("stopped watching; everything goes on")


def _watch(now: Here, seq: int, as_json: bool) -> None:
    """Look again at every event and every beat, which comes each second."""
    if as_json:
        output.line(now.operations.status())
        for _ in now.operations.events(seq, follow=True):
            output.line(now.operations.status())
        return
    shown = render_status.tree(now.operations.status())
    with Live(shown, console=output.console(), refresh_per_second=5) as live:
        for _ in now.operations.events(seq, follow=True):
            live.update(render_status.tree(now.operations.status()))


def events(
    context: typer.Context,
    follow: Follow = False,
    after: Annotated[int, typer.Option(help="Only entries after this number.")] = 0,
    service: Annotated[
        str, typer.Option(help="Only what happened to this service, in Amazon ECS's words.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show the journal: every event, in order, as a sentence (one JSON object a line)."""
    out = output.console()
    if service:
        _events_of(context, service, as_json)
        return
    try:
        for view in here(context).operations.events(after, follow):
            if view and as_json:
                output.line(event_json(view))
            elif view:
                out.print(tables.event(view))
    except KeyboardInterrupt:
        output.progress("stopped following; everything goes on")


def _events_of(context: typer.Context, service: str, as_json: bool) -> None:
    for view in here(context).client.service_events(service):
        if as_json:
            output.line(view)
        else:
            output.console().print(tables.service_event(view))


def logs(
    context: typer.Context,
    subject: Annotated[
        str, typer.Argument(help="A service, a task (t3), an execution (e2), a stage (e2/build).")
    ],
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """Show what a service's tasks, a task, or the stages of an execution have printed."""
    try:
        for told in here(context).operations.logs(subject, follow):
            if told is None:
                continue
            if as_json:
                output.line(told)
            else:
                typer.echo(f"{told['source']:<7} {clean(told['text'])}")
    except KeyboardInterrupt:
        output.progress("stopped following; everything goes on")


def executions(context: typer.Context, as_json: AsJson = False) -> None:
    """List the runs of the pipeline, the newest first, with their stages and times."""
    views = here(context).operations.executions()
    output.result(views, tables.executions(views), as_json)


def releases(context: typer.Context, as_json: AsJson = False) -> None:
    """List the releases, the newest first, and the part that each plays now."""
    views = here(context).operations.releases()
    output.result(views, tables.releases(views), as_json)


def show(
    context: typer.Context,
    release: Annotated[str, typer.Argument(help="A release: v42.")],
    as_json: AsJson = False,
) -> None:
    """Show one release: its commit, digest, verdict, settings and history."""
    view = here(context).operations.show(number_of(release))
    output.result(view, tables.release(view), as_json)


def report(
    context: typer.Context,
    deployment: Annotated[str, typer.Argument(help="A deployment: d7.")],
    as_json: AsJson = False,
) -> None:
    """Show what one deployment went through: what was seen, when, and what it touched."""
    view = here(context).operations.report(deployment)
    output.result(view, tables.report(view), as_json)


def number_of(release: str) -> int:
    """The number in `v42` or `42`. Raises `UsageError`."""
    digits = release.removeprefix("v")
    if not (digits.isascii() and digits.isdigit()):
        raise UsageError(
            f"{release!r} is not a release", remedy="name one as in: v42", code="TG107"
        )
    return int(digits)
