"""Commands about this machine: setup and doctor."""

import sys
from typing import Annotated

import typer
from rich.markup import escape

from tidegate.cli import output
from tidegate.cli.here import Here, here
from tidegate.cli.output import AsJson
from tidegate.cli.render.words import state
from tidegate.core.errors import ConfigurationError, TidegateError, UsageError
from tidegate.spec import load


def setup(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Install what this machine lacks: container engine, HAProxy, git. It says so first."""
    from tidegate.local.setup import StepKind, plan_setup, run_setup  # loads much

    steps = plan_setup()
    if not steps:
        output.progress("✓ nothing is missing")
        return
    for step in steps:
        output.progress(f"{step.kind:<8} {step.what}")
    by_hand = all(step.kind is StepKind.MANUAL for step in steps)
    if not yes and not by_hand and not sys.stdin.isatty():
        raise UsageError(
            "nobody is there to ask",
            remedy="say yes beforehand: tidegate setup --yes",
            code="TG111",
        )
    if yes or by_hand or typer.confirm("Do this?", err=True):
        run_setup(steps, lambda what: output.progress(f"-----> {what}"))
        output.progress("✓ done")


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check this machine and this app's state; each finding with its remedy. Exit code 3 if bad."""
    from tidegate.local.setup import CheckState  # loads what other commands do not need
    from tidegate.local.setup import doctor as look

    now = here(context)
    checks = look(now.home.path, _addresses(now))
    rows = []
    for check in checks:
        pad = " " * (len(CheckState.FAIL) - len(check.state))
        rows.append(f"{state(check.state.value)}{pad}  {escape(f'{check.name:<10} {check.what}')}")
        if check.remedy and check.state is not CheckState.OK:
            rows.append(f"{'':<19}{escape(check.remedy)}")
    output.result(checks, "\n".join(rows), as_json)
    if any(check.state is CheckState.FAIL for check in checks):
        raise typer.Exit(ConfigurationError.exit_code)


def _addresses(now: Here) -> list[tuple[str, int]]:
    """Where the app is to listen, unless it does already, or has no readable file yet."""
    try:
        listener = load(now.file).listener
    except TidegateError:
        return []
    if now.client.alive():
        return []
    return [(listener.address, listener.port), (listener.address, listener.test_port)]
