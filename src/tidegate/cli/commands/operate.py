"""Commands that steer a deployment or a service: each is one request, granted or refused."""

from typing import Annotated

import typer

from tidegate.cli import output
from tidegate.cli.commands.observe import number_of
from tidegate.cli.here import here
from tidegate.core.errors import UsageError
from tidegate.core.words import counted

Service = Annotated[
    str | None,
    typer.Argument(help="The service; may be left out when only one deployment is under way."),
]


def pause(context: typer.Context, service: Service = None) -> None:
    """Hold a deployment where it is; alarms still roll it back."""
    now = here(context)
    name = now.service(service)
    now.operations.pause(name, now.by)
    output.progress(f"{name} is paused; go on with: tidegate resume {name}")


def resume(context: typer.Context, service: Service = None) -> None:
    """Go on with a paused deployment."""
    now = here(context)
    name = now.service(service)
    now.operations.resume(name, now.by)
    output.progress(f"{name} goes on")


def promote(context: typer.Context, service: Service = None) -> None:
    """Go on at once: past a pause, the rest of the timetable, or the bake."""
    now = here(context)
    name = now.service(service)
    now.operations.promote(name, now.by)
    output.progress(f"{name} goes on at once: tidegate status --watch")


def abort(context: typer.Context, service: Service = None) -> None:
    """Take all traffic back to the stable release."""
    now = here(context)
    name = now.service(service)
    now.operations.abort(name, now.by)
    output.progress(f"{name} goes back to its stable release: tidegate status --watch")


def rollback(
    context: typer.Context,
    service: Annotated[
        str | None, typer.Argument(help="The service; a release alone names its service too.")
    ] = None,
    release: Annotated[
        str | None, typer.Argument(help="A good release (v42); the last one when left out.")
    ] = None,
) -> None:
    """Go back to an earlier good release, or abort a deployment that is under way."""
    now = here(context)
    if service and release is None and service[:1] == "v" and service[1:].isdigit():
        service, release = None, service
    number = number_of(release) if release else None
    if service is None and number is not None:
        service = now.operations.show(number).release.service
    name = service or _only_service(context)
    now.operations.rollback(name, number, now.by)
    target = f"v{number}" if number else "the release before"
    output.progress(f"{name} goes back to {target}: tidegate status --watch")


def scale(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="The service.")],
    desired: Annotated[int, typer.Argument(min=0, help="How many tasks it is to have.")],
) -> None:
    """Change how many tasks a service has, within the app file's bounds."""
    now = here(context)
    now.operations.scale(service, desired, now.by)
    output.progress(f"{service} is to have {counted(desired, 'task')}")


def approve(
    context: typer.Context,
    execution: Annotated[str, typer.Argument(help="The execution that waits: e7.")],
) -> None:
    """Let an execution that waits for approval be deployed."""
    now = here(context)
    now.operations.approve(execution, now.by)
    output.progress(f"{execution} is approved")


def reject(
    context: typer.Context,
    execution: Annotated[str, typer.Argument(help="The execution that waits: e7.")],
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why, for the journal.")] = "",
) -> None:
    """End an execution that waits for approval."""
    now = here(context)
    now.operations.reject(execution, now.by, reason)
    output.progress(f"{execution} is rejected")


def _only_service(context: typer.Context) -> str:
    names = [one.name for one in here(context).operations.status().services]
    if len(names) == 1:
        return names[0]
    raise UsageError(
        "name the service to roll back",
        cause=f"the app has several: {', '.join(names)}" if names else "nothing is deployed yet",
        remedy=f"tidegate rollback {names[0]}" if names else "push a first release",
        code="TG108",
    )
