"""Commands of the scan gate: waive a finding, explain a verdict."""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import output
from tidegate.cli.here import Here, here
from tidegate.cli.output import AsJson
from tidegate.cli.render import gate as render_gate
from tidegate.cli.target import also_on_aws
from tidegate.core.errors import GitFailed, SetupError, UsageError
from tidegate.core.model import DAY_MS, GateMode, Waiver
from tidegate.core.waivers import last_day
from tidegate.local.git.command import git
from tidegate.spec import FILE_NAME, load
from tidegate.spec.days import day_ms, days_ms
from tidegate.spec.edit import with_waiver

LONGEST_MS = 366 * DAY_MS

app = typer.Typer(name="gate", help=__doc__, no_args_is_help=True)


@app.callback()
def _top() -> None:
    """The scan gate."""


@app.command()
@also_on_aws
def explain(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="A release (v42) or an execution (e7).")],
    as_json: AsJson = False,
) -> None:
    """Show a verdict: the policy, each finding that counted or not, why, and what to do."""
    views = here(context).operations.explain_gate(subject)
    output.result(views, render_gate.verdicts(views), as_json)


def waive(
    context: typer.Context,
    vulnerability: Annotated[str, typer.Argument(help="Any of its ids: CVE-2026-0001.")],
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why it may stand.")],
    until: Annotated[str, typer.Option(help="The last day: 2026-12-31, or 30d from today.")],
    owner: Annotated[str, typer.Option(help="Who answers for it; git's user when left out.")] = "",
    service: Annotated[str, typer.Option(help="Only in this service.")] = "",
    package: Annotated[str, typer.Option(help="Only in this package, by name or purl.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Also for more than a year.")] = False,
) -> None:
    """Put a dated waiver into tidegate.yaml, in place; it counts once it is pushed."""
    now = here(context)
    waiver = Waiver(
        vulnerability,
        " ".join(reason.split()),
        owner or _git_user(now.folder),
        _end_ms(until, force),
        (package,) if package else (),
        service,
    )
    _check(now, waiver)
    path = now.file.resolve()
    with path.open(newline="") as file:
        text = file.read()
    _replace(path, with_waiver(text, waiver, str(now.file)))
    output.progress(
        f"{vulnerability} is waived until {last_day(waiver)} by {waiver.owner}, once you push it: "
        f"git commit -m 'Waive {vulnerability}' {FILE_NAME}"
    )
    typer.echo(now.file)


def _check(now: Here, waiver: Waiver) -> None:
    """Raise when the waiver would change nothing."""
    gate = load(now.file).gate
    if gate.mode is GateMode.OFF:
        raise UsageError(
            "there is nothing to waive",
            cause="the gate is off",
            where=str(now.file),
            remedy="switch it on first: remove `gate: off`",
            code="TG134",
        )
    for known in gate.waivers:
        same = (known.packages, known.service) == (waiver.packages, waiver.service)
        if same and known.id.upper() == waiver.id.upper():
            raise UsageError(
                f"{known.id} is waived already, until {last_day(known)} by {known.owner}",
                where=str(now.file),
                remedy="change the `expires` of that waiver",
                code="TG133",
            )


def _end_ms(until: str, force: bool) -> int:
    """The first moment (ms) after the last day. Raises `UsageError`."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    today_ms = int(today.timestamp() * 1_000)
    span, day = days_ms(until), day_ms(until)
    last_ms = today_ms + span if span is not None else day
    if last_ms is None:
        cause = f"{until!r} is neither a day nor a number of days"
    elif last_ms < today_ms:
        cause = "that day is over"
    elif last_ms - today_ms > LONGEST_MS and not force:
        cause = "that is more than a year away; with --force it may be"
    else:
        return last_ms + DAY_MS
    soon = (today + timedelta(days=30)).date().isoformat()
    raise UsageError(
        f"a waiver cannot end at {until}",
        cause=cause,
        remedy=f"--until 30d, or --until {soon}",
        code="TG132",
    )


def _git_user(folder: Path) -> str:
    """Who commits here. Raises `UsageError` when git does not know."""
    try:
        email = git("-C", str(folder), "config", "user.email")
    except (GitFailed, SetupError):
        email = ""
    if email:
        return email
    raise UsageError(
        "name who answers for the waiver",
        cause="git knows no user.email here",
        remedy="--owner ann@example.org",
        code="TG135",
    )


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all, with the permissions that it has."""
    mode = path.stat().st_mode
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", newline="") as file:
            file.write(text)
        Path(name).chmod(mode & 0o777)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
