"""Commands that begin and end things: init, plan, up, down."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from tidegate.aws.left_out import told
from tidegate.cli import daemon, output
from tidegate.cli.commands import account
from tidegate.cli.here import here
from tidegate.cli.output import AsJson
from tidegate.cli.target import TargetName
from tidegate.core.errors import GitFailed, StillRunning, UsageError
from tidegate.core.model import NO_TARGET, App, Listener
from tidegate.engine.journal import recorded
from tidegate.engine.journal import repair as repair_journal
from tidegate.local.git.command import git
from tidegate.local.setup.ports import free_pair
from tidegate.spec import FILE_NAME, lines, loads, propose
from tidegate.spec.plan import plan as compared


def init(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented tidegate.yaml from the Dockerfiles, compose.yaml or ECS files found."""
    folder = _chosen(context)
    path = folder / FILE_NAME
    if path.exists() and not force:
        raise UsageError(
            f"there is already a {FILE_NAME}",
            where=str(path),
            remedy="edit it, or replace it with: tidegate init --force",
            code="TG110",
        )
    usual = Listener()
    path.write_text(propose(folder, free_pair(usual.address, usual.port)))
    output.progress(f"wrote {path}; next: look it over, commit it, then: tidegate up")
    typer.echo(path)


def plan(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what the app file, as it lies here, would change; nothing is changed."""
    now = here(context)
    if now.target is TargetName.AWS:
        account.plan(now, as_json)
        return
    wanted = now.app
    text, commit = now.file.read_text(), _head(now.folder)
    if now.client.alive():
        found = now.client.plan(text, commit)
    else:
        known = now.home.journal.exists()
        against = "compared with what its journal says" if known else "nothing was deployed yet"
        output.progress(f"the controller is not running: {against}")
        found = compared(recorded(now.home.journal), loads(text), commit)
    warnings = (*found.warnings, *_unbuildable(wanted, now.folder))
    if wanted.aws != NO_TARGET:
        warnings += tuple(told(wanted))
    found = replace(found, warnings=warnings)
    output.result(found, escape("\n".join(lines(found))), as_json)


def up(
    context: typer.Context,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay in this terminal instead of the background.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="First keep what is readable of a damaged journal.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="On AWS: show what would change, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="On AWS: do not ask first.")] = False,
    bucket: Annotated[
        str, typer.Option("--bucket", metavar="NAME", help="On AWS: for templates over 51,200 B.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Start the controller of this folder's app; on AWS, bring its stacks into the account."""
    now = here(context)
    if now.target is TargetName.AWS:
        account.up(now, dry_run, yes, bucket, as_json)
        return
    _ = now.app  # raises when the file, or one with waivers beside it, is wrong
    now.home.create()
    if repair:
        kept, aside = repair_journal(now.home.journal)
        output.progress(f"kept {kept} entries; the damaged journal is now {aside}")
    if foreground:
        raise typer.Exit(daemon.serve(now.folder, foreground=True))
    if now.client.alive():
        output.progress("it is already up: tidegate status")
        return
    daemon.start(now)
    output.progress("it is up; deploy with: git push tidegate main")


def down(
    context: typer.Context,
    everything: Annotated[
        bool,
        typer.Option("--everything", help="End the tasks and the balancer too: no more traffic."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="On AWS: do not ask first.")] = False,
) -> None:
    """Stop the controller, and traffic goes on; on AWS, delete the app's stacks."""
    now = here(context)
    if now.target is TargetName.AWS:
        account.down(now, everything, yes)
        return
    if not everything and not now.client.alive():
        output.progress("it is not up")
        return
    now.client.down(everything)
    if not daemon.wait_until_gone(now):
        raise StillRunning(
            "the controller still answers",
            cause="it lets what it has begun come to its end",
            where=str(now.home.daemon_log),
            code="TG602",
        )
    stays = "its releases and their images stay for the next tidegate up"
    output.progress(f"it is down; {stays if everything else 'traffic goes on'}")


def _unbuildable(app: App, folder: Path) -> Iterator[str]:
    """Services whose image cannot be built from what lies here."""
    for service in app.services:
        place = folder / service.build.context
        if service.build.image is not None:
            continue
        if not place.is_dir():
            yield f"services.{service.name}.build: there is no folder {service.build.context}"
        elif not (place / service.build.dockerfile).is_file():
            yield (
                f"services.{service.name}.build: there is no {service.build.dockerfile} "
                f"in {service.build.context}"
            )


def _chosen(context: typer.Context) -> Path:
    """Where a first file is to be: the folder that was named, not one above it."""
    chosen = context.find_root().params.get("folder")
    return Path(chosen or ".").resolve()


def _head(folder: Path) -> str:
    """The commit that is checked out, or a word for none outside of git."""
    try:
        return git("-C", str(folder), "rev-parse", "HEAD")
    except GitFailed:
        return "uncommitted"
