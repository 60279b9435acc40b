"""Commands on what is measured: metrics, alarms; and load, which makes something to measure."""

from typing import Annotated

import typer
from rich.table import Table

from tidegate.cli import output
from tidegate.cli.commands import account
from tidegate.cli.here import here
from tidegate.cli.output import AsJson
from tidegate.cli.render.words import clock, count, share, state
from tidegate.cli.target import TargetName


def metrics(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what each target group answered lately: requests, errors, p95."""
    services = here(context).operations.status().services
    table = _table("service", "group", "release", "weight", "requests", "errors", "p95")
    rows = []
    for one in services:
        for group in one.groups:
            traffic = group.traffic
            rows.append({"service": one.name, "group": group.colour, "traffic": traffic})
            release = f"v{group.release}" if group.release is not None else "-"
            told = ("unknown", "unknown", "-")
            if traffic:
                part = 100 * traffic.errors / traffic.requests if traffic.requests else 0.0
                p95 = f"{traffic.p95_ms:.0f} ms" if traffic.p95_ms is not None else "-"
                told = (count(traffic.requests, "request"), f"{part:.2f} %", p95)
            table.add_row(one.name, group.colour, release, share(group.weight_bp), *told)
    output.result(rows, table if rows else "no target groups yet", as_json)


def alarms(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every alarm: its state, since when, and why."""
    services = here(context).operations.status().services
    found = [(one.name, alarm) for one in services for alarm in one.alarms]
    table = _table("service", "alarm", "state", "since", "why")
    for service, alarm in found:
        since = clock(alarm.since) if alarm.since else "-"
        table.add_row(service, alarm.name, state(alarm.state), since, alarm.reason)
    rows = [{"service": service, "alarm": alarm} for service, alarm in found]
    output.result(rows, table if found else "no alarms", as_json)


def load(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(help="After --, as of python -m tidegate.load: URL, --rate, --for …"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send an open-loop load and measure the replies; on AWS from within the account."""
    now = here(context)
    if now.target is TargetName.AWS:
        account.load(now, words or [], as_json)
        return
    from tidegate.load.__main__ import main  # loads what other commands do not need

    more = ["--json"] if as_json else []
    raise typer.Exit(main(["run", *(words or []), *more], "tidegate load --"))


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    return table
