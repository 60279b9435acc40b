"""The vulnerability data of this user, shared by all apps; no daemon and no app file is needed."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import output
from tidegate.cli.output import AsJson
from tidegate.core.errors import GateError

app = typer.Typer(
    name="advisories",
    help=__doc__,
    no_args_is_help=True,
)


@app.command()
def update(
    epss: Annotated[
        bool, typer.Option("--epss", help="Also EPSS: the chance that each is exploited.")
    ] = False,
    ecosystem: Annotated[
        list[str] | None,
        typer.Option(help="Instead of those that were seen in images: Debian, PyPI. Repeatable."),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(hidden=True, help="Exactly these sources.")
    ] = None,
) -> None:
    """Fetch the advisories of what was seen in images so far, and what CISA knows as exploited.

    What cannot be fetched stays as it was; exit code 5 then.
    """
    from tidegate.cli import advising  # loads what other commands do not need

    advising.update(ecosystem or [], source or [], epss=epss)


@app.command("import")
def take(
    folder: Annotated[
        Path,
        typer.Argument(
            exists=True,
            file_okay=False,
            metavar="DIR",
            help="A folder with <ECOSYSTEM>/all.zip, as the OSV bucket or osv-scanner has them.",
        ),
    ],
) -> None:
    """Take advisories in that somebody carried here, without any network."""
    from tidegate.cli import advising  # loads what other commands do not need

    advising.take(folder)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show each source with its age. Exit code 5 when the gate would know nothing by them."""
    from tidegate.cli import advising  # loads what other commands do not need

    view = advising.view()
    output.result(view, advising.shown(view), as_json)
    if view.state == "fail":
        raise typer.Exit(GateError.exit_code)
