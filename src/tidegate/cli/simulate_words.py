"""The words of `tidegate simulate`: one annotated type for each of its options."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.simulator.queueing import Balance as Balances
from tidegate.simulator.rehearse.scenarios import SCENARIOS

_WHAT = "What happens"
_ASSUMED = "What is assumed"
_MEASURE = "calibrate"

Story = Annotated[
    str | None,
    typer.Argument(
        metavar="[SCENARIO]",
        help=f"{', '.join(SCENARIOS)}; or `calibrate`, which measures the running app.",
        show_default=False,
    ),
]
Trace = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Instead of a scenario: requests per minute, one a line, or an access log.",
        rich_help_panel=_WHAT,
    ),
]
Day = Annotated[
    str | None,
    typer.Option(
        metavar="YYYY-MM-DD", help="Of an access log, by its own clock.", rich_help_panel=_WHAT
    ),
]
Scale = Annotated[float, typer.Option(help="Times the rates of a trace.", rich_help_panel=_WHAT)]
BaseRate = Annotated[
    float | None,
    typer.Option(
        "--rate",
        help="The base rate of each service, in requests/s (40 % of what its tasks can answer).",
        rich_help_panel=_WHAT,
    ),
]
Seed = Annotated[int, typer.Option(help="Of all that is random.", rich_help_panel=_WHAT)]
Seeds = Annotated[
    int, typer.Option(help="How many seeds a comparison runs.", rich_help_panel=_WHAT)
]
Compare = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Another app file (B), on the same seeds as this one (A).",
        rich_help_panel=_WHAT,
    ),
]
Each = Annotated[
    bool,
    typer.Option(
        "--each", help="Follow every request instead of a flow: slow.", rich_help_panel=_WHAT
    ),
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What `calibrate` wrote (.tidegate/calibration.json, if there).",
        rich_help_panel=_ASSUMED,
    ),
]
Balance = Annotated[
    Balances, typer.Option(help="How the balancer chooses.", rich_help_panel=_ASSUMED)
]
Timeout = Annotated[
    float, typer.Option(metavar="SECONDS", help="Of a client.", rich_help_panel=_ASSUMED)
]
SloMs = Annotated[
    int, typer.Option(help="A minute with a higher p95 is lost.", rich_help_panel=_ASSUMED)
]
Price = Annotated[
    float | None,
    typer.Option(help="Of a task for an hour, in any currency.", rich_help_panel=_ASSUMED),
]
Peak = Annotated[
    float | None,
    typer.Option(
        help="The high level in requests/s; --rate is the low one.", rich_help_panel=_MEASURE
    ),
]
Length = Annotated[
    str, typer.Option("--for", metavar="LENGTH", help="Of each level.", rich_help_panel=_MEASURE)
]
Html = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the outcome as a page with plots.")
]
