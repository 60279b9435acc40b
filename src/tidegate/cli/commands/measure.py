"""Commands that show numbers: metrics, alarms, scaling."""

from typing import Annotated

import typer

from tidegate.cli import output
from tidegate.cli.here import here
from tidegate.cli.output import AsJson
from tidegate.cli.render import numbers
from tidegate.core.errors import UsageError
from tidegate.spec.units import time_ms

Service = Annotated[str | None, typer.Argument(help="A service; all of them when left out.")]


def metrics(
    context: typer.Context,
    service: Service = None,
    since: Annotated[str, typer.Option(help="How far back; on this machine up to 1h.")] = "10m",
    as_json: AsJson = False,
) -> None:
    """Show each service's metrics by AWS's names, with their course."""
    since_ms = time_ms(since)
    if not since_ms:
        raise UsageError(
            f"{since!r} is not a time", remedy="write it as in: --since 10m", code="TG138"
        )
    view = here(context).operations.metrics(service, since_ms)
    output.result(view, numbers.metrics(view), as_json)


def alarms(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every alarm: its state and since when, why, its threshold and last datapoints."""
    operations = here(context).operations
    views = operations.alarms()
    output.result(views, numbers.alarms(views, operations.status().at), as_json)


def scaling(context: typer.Context, service: Service = None, as_json: AsJson = False) -> None:
    """Show how services are scaled: bounds, what each policy sees now, what was done of late."""
    views = here(context).operations.scaling(service)
    output.result(views, numbers.scaling(views), as_json)
