"""The command `demo`: the walk-through on this machine."""

import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.output import AsJson, console, progress
from tidegate.core.errors import InternalError, SetupError
from tidegate.demo.acts import play
from tidegate.demo.ledger import RATE_RPS
from tidegate.demo.report import Act, facts, table
from tidegate.demo.walk import Walk
from tidegate.demo.workspace import Workspace
from tidegate.local.setup.ports import free_pair

TIMING = (
    "times are in seconds here, so that one can watch; "
    "ECSLinear10PercentEvery1Minutes and the other presets take minutes, "
    "scaling in waits for five, and EC2 gives two minutes of notice"
)


def demo(
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where to put the app; it must not exist yet.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the app running afterwards.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show it all on this machine: push, blue/green, gate, rollback, crash, scaling, spot storm.

    A steady stream of real requests runs from the first act to the last, and each is counted.
    Exit code 0 only if every act held.
    """
    place = _new_folder(folder)
    space = Workspace(place, free_pair("127.0.0.1", 8080), _branch)
    progress(f"tidegate demo in {place}: {RATE_RPS} requests/s, each one counted")
    progress(f"{TIMING}\n")
    acts = _play(space, keep)
    if as_json:
        print(json.dumps(facts(acts, TIMING), indent=2, ensure_ascii=False))
    else:
        console().print(table(acts))
    if keep:
        progress(f"the app runs on: cd {place} && tidegate status")
    sys.exit(0 if facts(acts, TIMING)["ok"] else 1)


def _play(space: Workspace, keep: bool) -> list[Act]:
    """Play the acts and print a tree of them; whatever happens, nothing is left running."""
    acts: list[Act] = []
    space.prepare()
    walk = Walk(space, _branch)
    try:
        for act in play(walk, lambda name: progress(f"├─ {name}")):
            acts.append(act)
            mark = "✓ held" if act.ok else "✗ broken"
            _branch(f"{mark}: {act.requests:,} requests, {act.dropped} failed without cause")
            for broken in act.detail.get("broken", ()):
                _branch(f"  ✗ {broken}")
    except BaseException:
        with suppress(InternalError):  # the fault is what is told, not that little could be cleared
            _clear(space, keep)
        raise
    _clear(space, keep)
    return acts


def _clear(space: Workspace, keep: bool) -> None:
    if not keep:
        space.tidegate("down", "--everything")


def _branch(text: str) -> None:
    progress(f"│    {text}")


def _new_folder(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="tidegate-demo-")) / "catsndogs"
    if folder.exists():
        raise SetupError(
            f"{folder} is there already",
            remedy="name a folder that does not exist yet",
            code="TG233",
        )
    return folder.resolve()
