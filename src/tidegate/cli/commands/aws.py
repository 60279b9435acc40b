"""The same app on AWS: its templates."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.commands import account
from tidegate.cli.here import here
from tidegate.cli.output import AsJson, result

app = typer.Typer(name="aws", help="The same app on AWS: its templates.", no_args_is_help=True)


@app.command()
def template(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder that they are written to.")
    ],
    as_json: AsJson = False,
) -> None:
    """Write the app's stacks as plain CloudFormation, one file each; nothing is asked of AWS."""
    from tidegate.aws.template import write

    now = here(context)
    account.note(now)
    paths = write(now.app, out)
    sizes = [(str(path), path.stat().st_size) for path in paths]
    shown = "\n".join(f"{path}  {size:,} bytes" for path, size in sizes)
    found = [{"path": path, "bytes": size} for path, size in sizes]
    result({"templates": found}, shown, as_json)
