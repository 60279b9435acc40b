"""Commands that need no daemon and no app file: scan, sbom."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import output
from tidegate.cli.here import here
from tidegate.cli.output import AsJson
from tidegate.core.errors import GateError


def scan(
    context: typer.Context,
    image: Annotated[
        str,
        typer.Argument(
            help="An image of the engine, the tar of `docker save`, an OCI layout (folder or tar), "
            "a folder of files, or a CycloneDX SBOM in JSON."
        ),
    ],
    *,
    as_json: AsJson = False,
    as_sarif: Annotated[bool, typer.Option("--sarif", help="Print SARIF 2.1.0.")] = False,
    to: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write JSON, or SARIF, to this file."),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not fetch advisories that are missing.")
    ] = False,
    platform: Annotated[
        str, typer.Option(help="Which image of an archive with several: linux/arm64.")
    ] = "",
) -> None:
    """Find the known vulnerabilities of an image, and judge them as the gate would.

    The policy is that of the nearest tidegate.yaml, else the default. Exit code 0: it may run;
    5: it is refused, or it is UNKNOWN and the policy does not let such an image run.
    """
    from tidegate.cli import scanning  # loads what other commands do not need

    done = scanning.scan(here(context), image, offline=offline, platform=platform)
    value = done.sarif() if as_sarif else done.value()
    if to:
        output.save(to, value)
    output.result(value, done.shown(), (as_json or as_sarif) and not to)
    if not done.may_run:
        raise typer.Exit(GateError.exit_code)


def sbom(
    context: typer.Context,
    image: Annotated[
        str, typer.Argument(help="A release of this app (v42), or what `tidegate scan` takes.")
    ],
) -> None:
    """Print the CycloneDX SBOM: the stored one of a release, or that of an image."""
    from tidegate.cli import scanning  # loads what other commands do not need

    typer.echo(scanning.sbom(here(context), image), nl=False)
