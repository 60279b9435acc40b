"""The commands by name, each loaded when it is called: most people wait for one of them only.

The help of the whole tree reads what the commands' files say, and runs none of them.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
import typer.core
import typer.main

from tidegate.cli.target import also_on_aws

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Start": (
        *("machine.setup", "machine.doctor"),
        *("start.init", "start.plan", "start.up", "start.down"),
    ),
    "Deliver": ("deliver.deploy", "operate.approve", "operate.reject"),
    "Observe": (
        *("observe.status", "observe.events", "observe.logs", "observe.executions"),
        *("observe.releases", "observe.show", "observe.report"),
        "capacity.capacity",
        *("measure.metrics", "measure.alarms", "measure.scaling"),
    ),
    "Operate": (
        *("operate.pause", "operate.resume", "operate.promote", "operate.abort"),
        *("operate.rollback", "operate.scale"),
        "capacity.interrupt",
    ),
    "Scan": ("scan.scan", "scan.sbom", "gate.waive", "gate.app", "advisories.app"),
    "Prove": ("demo.demo", "load.load", "simulate.simulate", "review.review"),
    "On AWS": ("aws.app",),
    "About": ("about.explain", "about.schema", "about.version"),
}
"""Every command, as its file and its function, by the panel of the help that it stands in.

`FILE.app` is a group of commands, of the file's name.
"""

ALSO_ON_AWS = frozenset(
    {
        *("start.plan", "start.up", "start.down", "load.load", "review.review"),
        *GROUPS["Deliver"],
        *GROUPS["Observe"],
        *GROUPS["Operate"],
    }
)
"""Commands that take `--target aws`."""

_FOLDER = Path(__file__).parent / "commands"


class Standing(typer.core.TyperCommand):
    """A command's place in the tree before it is loaded: its name, and its help as written."""

    def __init__(self, place: str, panel: str) -> None:
        self._place = place
        self._file, _, self._function = place.partition(".")
        name = self._file if self._function == "app" else self._function
        super().__init__(name, rich_help_panel=panel)
        del self.help

    @cached_property
    def help(self) -> str:  # type: ignore[override]  # read from the file when it is shown
        """The docstring; of a group that of its file."""
        tree = ast.parse((_FOLDER / f"{self._file}.py").read_text(encoding="utf-8"))
        named = (
            node
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name == self._function
        )
        return ast.get_docstring(next(named, tree)) or ""

    def loaded(self) -> Any:
        """The command itself."""
        found = getattr(import_module(f"tidegate.cli.commands.{self._file}"), self._function)
        if isinstance(found, typer.Typer):
            return typer.main.get_group(found)
        if self._place in ALSO_ON_AWS:
            found = also_on_aws(found)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(self.name)(found)
        return typer.main.get_command(alone)


class Tree(typer.core.TyperGroup):
    """The top of the command line."""

    def __init__(self, **given: Any) -> None:
        given["commands"] = {str(one.name): one for one in standing()}
        super().__init__(**given)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load the command that is called."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.loaded() if isinstance(command, Standing) else command, rest


def standing() -> Iterator[Standing]:
    """Every command in the order of the help."""
    for panel, places in GROUPS.items():
        for place in places:
            yield Standing(place, panel)
