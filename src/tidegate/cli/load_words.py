"""The words of `tidegate load`: one annotated type for each of its options."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tidegate.core.errors import UsageError
from tidegate.core.model import App

_TO = "What is asked"
_WHEN = "When"
_HOW = "How"

Urls = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[URL…]",
        help="URLs, or paths of this app; without any, every service of tidegate.yaml alike. "
        "`compare A B` shows two reports of --out side by side.",
        show_default=False,
    ),
]
Weight = Annotated[
    list[int] | None, typer.Option(help="Of each URL in turn (1).", rich_help_panel=_TO)
]
Targets = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="A targets file of Vegeta, http or json.", rich_help_panel=_TO
    ),
]
Method = Annotated[str, typer.Option("-X", "--method", help="For each URL.", rich_help_panel=_TO)]
Header = Annotated[
    list[str] | None,
    typer.Option(
        "-H", "--header", metavar="NAME:VALUE", help="Sent with every request.", rich_help_panel=_TO
    ),
]
Body = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A file with the body.", rich_help_panel=_TO)
]
TagHeader = Annotated[
    str,
    typer.Option(metavar="NAME", help="Count replies by this header's value.", rich_help_panel=_TO),
]
TagBody = Annotated[
    str, typer.Option(metavar="PATTERN", help="Count replies by its group 1.", rich_help_panel=_TO)
]
IMayLoad = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HOST",
        rich_help_panel=_TO,
        help="A host (or HOST:PORT) that is neither this machine nor this app's "
        "listener, and that you may load.",
    ),
]
Rate = Annotated[
    float | None, typer.Option(help="Requests per second (50).", rich_help_panel=_WHEN)
]
Length = Annotated[
    str | None,
    typer.Option("--for", metavar="LENGTH", help="How long (10s).", rich_help_panel=_WHEN),
]
Profile = Annotated[
    str | None,
    typer.Option(
        help="RATE[-RATE]:LENGTH,… A ramp is 100-1000:1m, a spike 100:30s,1000:10s,100:30s.",
        rich_help_panel=_WHEN,
    ),
]
Replay = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Requests per minute, one a line; or an access log.",
        rich_help_panel=_WHEN,
    ),
]
Day = Annotated[
    str | None,
    typer.Option(
        metavar="YYYY-MM-DD", help="Of an access log, by its own clock.", rich_help_panel=_WHEN
    ),
]
Speed = Annotated[
    float | None,
    typer.Option(help="Of a replay (1); 60 plays an hour in a minute.", rich_help_panel=_WHEN),
]
Scale = Annotated[
    float | None, typer.Option(help="Times the rates of a replay (1).", rich_help_panel=_WHEN)
]
Poisson = Annotated[
    int | None,
    typer.Option(metavar="SEED", help="Random arrivals at these rates.", rich_help_panel=_WHEN),
]
Requests = Annotated[
    int | None, typer.Option(metavar="N", help="Stop after so many.", rich_help_panel=_WHEN)
]
Timeout = Annotated[
    str, typer.Option(metavar="LENGTH", help="Of each request.", rich_help_panel=_HOW)
]
Connections = Annotated[int, typer.Option(metavar="N", help="At most.", rich_help_panel=_HOW)]
Resend = Annotated[
    bool,
    typer.Option(
        "--resend", help="Once, on a reused connection that is dead.", rich_help_panel=_HOW
    ),
]
NoPrecedence = Annotated[
    bool,
    typer.Option(
        "--no-precedence",
        help="Let the sender wait like other programs.",
        rich_help_panel=_HOW,
    ),
]
Title = Annotated[str, typer.Option(help="What the report is called.", rich_help_panel=_HOW)]
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as JSON.")]
Html = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the report as a page with plots.")
]

_FILES = ("targets", "body", "replay")
_HERE = (*_FILES, "as_json", "out", "html")
"""Options that are about files of this machine, or about what is shown on it."""
_NAMED = {"length": "for"}


def paths_of(app: App) -> list[str]:
    """What is loaded when nothing is named: the first path of each service that has a route."""
    return [service.routes[0].path for service in app.services if service.routes]


def spoken(words: Sequence[str], asked: Mapping[str, Any], url: str) -> list[str]:
    """The command line of `python -m tidegate.load` that says the same; paths are of `url`.

    What the generator takes by itself is left out. Raises `UsageError` for an option that names a
    file of this machine.
    """
    from tidegate.load.options import parser  # only a load in the account needs it

    files = [name for name in _FILES if asked.get(name)]
    if files:
        raise UsageError(
            f"--{files[0]} names a file of this machine",
            cause="the load runs as a task in the account, which has not got it",
            remedy="say it by options: URLs, --weight, --profile; or load from here, by the app's "
            "address and --i-may-load",
            code="TG186",
        )
    usual = vars(parser("tidegate load").parse_args(["run"]))
    told: list[str] = []
    for name, value in asked.items():
        if name in _HERE or value is None or value == usual[name]:
            continue
        option = "--" + _NAMED.get(name, name).replace("_", "-")
        if value is True:
            told.append(option)
        else:
            each = value if isinstance(value, list) else [value]
            told += [f"{option}={one}" for one in each]
    return [*told, *(f"{url}{word}" if word.startswith("/") else word for word in words)]
