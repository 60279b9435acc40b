"""What `plan`, `up`, `down` and `load` do when the target is AWS."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.markup import escape

from tidegate.aws.left_out import left_out
from tidegate.aws.names import Names, PlatformOutput
from tidegate.aws.refusals import check
from tidegate.cli import load_words, output
from tidegate.cli.here import Here
from tidegate.core.errors import UsageError


def plan(now: Here, as_json: bool) -> None:
    """Whether AWS takes the file, into which stacks, and what it goes without; AWS is not asked.

    Raises `ConfigurationError` for what AWS refuses. What the account has is in `up --dry-run`.
    """
    check(now.app)
    names = Names(now.app.name)
    stacks = [*names.shared_stacks, *(names.service_stack(s.name) for s in now.app.services)]
    without = list(left_out(now.app))
    text = ["AWS takes this file, as:", *(f"  {stack}" for stack in stacks)]
    text += [f"! AWS goes without {one}" for one in without]
    text.append("what that changes in the account: tidegate up --target aws --dry-run")
    found = {"stacks": stacks, "left_out": without}
    output.result(found, escape("\n".join(text)), as_json)


def note(now: Here) -> None:
    """Say what AWS goes without, beside what a command does there."""
    for one in left_out(now.app):
        output.progress(f"! AWS goes without {one}")


def up(now: Here, dry_run: bool, yes: bool, bucket: str, as_json: bool) -> None:
    """Show what would change, ask where it deserves a look, execute, follow."""
    from tidegate.wiring.aws import Options, changes  # the extra `aws`

    def confirm(_: Sequence[changes.Diff]) -> bool:
        return yes or _asked("Do this?")

    note(now)
    options = Options(dry_run=dry_run, confirm=confirm, bucket=bucket)
    outputs = now.on_aws.up(options, output.progress)
    if outputs:
        shown = "\n".join(f"{name:<24}{escape(value)}" for name, value in sorted(outputs.items()))
        output.result(outputs, shown, as_json)


def down(now: Here, everything: bool, yes: bool) -> None:
    """Delete the stacks, once a person has said the app's name."""
    app = now.on_aws.app.name
    if not yes and not _asked(f"Delete {app} from the account, its images and artifacts too?"):
        raise UsageError(
            "nothing was deleted",
            cause="nobody said yes",
            remedy="say it beforehand: tidegate down --target aws --yes",
            code="TG178",
        )
    kept = now.on_aws.down(output.progress, everything)
    output.progress(f"{app} is down")
    for name in kept:
        output.progress(f"kept: {name}; no stack has it any more: delete it by AWS's own means")


def load(now: Here, words: Sequence[str], asked: Mapping[str, Any]) -> None:
    """Run the load generator in the account; Ctrl-C detaches, the load goes on to its end.

    `words` are URLs or paths of the app, `asked` the options of `tidegate load` by their names.
    """
    from tidegate.aws import load as loading
    from tidegate.load import __main__ as generator
    from tidegate.load.text import as_text

    on_aws = now.on_aws
    outputs = on_aws.outputs()
    url = outputs.get(PlatformOutput.URL, "")
    paths = words or load_words.paths_of(on_aws.app)
    command = loading.arguments(load_words.spoken(paths, asked, url), url)
    started = loading.start(on_aws.account, Names(on_aws.app.name), outputs, command)
    output.progress(f"-----> {started.build}")
    try:
        for phase in loading.follow(on_aws.account, started, on_aws.pace):
            output.progress(f"-----> {phase}")
    except KeyboardInterrupt:
        output.progress(f"detached; the load goes on, its report will be in {started.key}")
        raise typer.Exit(7) from None
    report = loading.report_of(on_aws.account, started)
    try:
        generator.keep(report, asked["out"], asked["html"])
    finally:
        typer.echo(report.to_json() if asked["as_json"] else as_text(report))


def _asked(question: str) -> bool:
    """A person's answer; no when nobody is there."""
    return sys.stdin.isatty() and typer.confirm(question, err=True)
