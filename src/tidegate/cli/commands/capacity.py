"""Commands about instances: capacity and interrupt."""

from typing import Annotated

import typer

from tidegate.cli import output
from tidegate.cli.here import here
from tidegate.cli.output import AsJson
from tidegate.cli.render import capacity as render
from tidegate.core.errors import UsageError
from tidegate.engine.drills import Drill


def capacity(context: typer.Context, as_json: AsJson = False) -> None:
    """Show capacity providers, their instances with the tasks on them, and what they cost."""
    view = here(context).operations.capacity()
    output.result(view, render.capacity(view), as_json)


def interrupt(
    context: typer.Context,
    instances: Annotated[
        list[str] | None, typer.Argument(help="Spot instances, as capacity shows them: i3.")
    ] = None,
    storm: Annotated[
        str, typer.Option("--storm", help="A share of all spot instances at once: 60%.")
    ] = "",
    provider: Annotated[str, typer.Option(help="Only this provider's, in a storm.")] = "",
) -> None:
    """Take spot instances back, as EC2 does: a notice, then their end. A drill."""
    if bool(instances) == bool(storm):
        raise UsageError(
            "name instances, or a storm",
            remedy="as in: tidegate interrupt i3, or: tidegate interrupt --storm 60%",
            code="TG162",
        )
    if provider and not storm:
        raise UsageError(
            "--provider is for a storm; an instance has its own",
            remedy=f"leave it out, or: tidegate interrupt --storm 60% --provider {provider}",
            code="TG162",
        )
    now = here(context)
    drill = Drill(tuple(instances or ()), _percent(storm) if storm else 0, provider)
    struck = now.operations.interrupt(drill, now.by)
    names = ", ".join(struck)
    told = f"{names} will be taken back" if struck else "they have their notice already"
    output.progress(f"{told}: tidegate capacity")


def _percent(text: str) -> int:
    """60 of `60%` or `60`. Raises `UsageError`."""
    digits = text.strip().removesuffix("%").strip()
    if digits.isascii() and digits.isdigit() and 1 <= int(digits) <= 100:
        return int(digits)
    raise UsageError(f"{text!r} is no share", remedy="write 1% to 100%", code="TG163")
