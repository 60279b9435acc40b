"""Results go to stdout, progress to stderr; without a terminal there is neither colour nor cursor.

Rich itself honours NO_COLOR.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.tree import Tree

from tidegate.core.errors import UsageError
from tidegate.core.plain import plain

WIDTH = 100
"""Where there is no terminal to ask for its width: that of tables and of columns."""
WIDEST = 1_000
"""Of a tree there, whose lines are for grep: none is cut off or broken."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def console(file: Any = None, width: int = WIDTH) -> Console:
    """A console on stdout, or on `file`; `width` is for one without a terminal."""
    file = file or sys.stdout
    wide = None if file.isatty() else width
    return Console(file=file, width=wide, highlight=False, soft_wrap=not file.isatty())


def result(value: Any, shown: RenderableType, as_json: bool) -> None:
    """Print `value` as JSON, or what it looks like."""
    if as_json:
        print(json.dumps(plain(value), indent=2, ensure_ascii=False))
    else:
        parts = shown.renderables if isinstance(shown, Group) else [shown]
        trees = all(isinstance(part, Tree) for part in parts)
        console(width=WIDEST if trees else WIDTH).print(shown)


def save(file: Path, value: Any) -> None:
    """Write `value` as JSON to a file, whole or not at all. Raises `UsageError` TG131."""
    beside = file.with_name(f".{file.name}.new")
    try:
        beside.write_text(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")
        beside.replace(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written", cause=str(error), code="TG131") from error


def line(value: Any) -> None:
    """Print one line of JSON now, for whoever reads along."""
    print(json.dumps(plain(value), ensure_ascii=False), flush=True)


def progress(text: str) -> None:
    """Tell a person what goes on."""
    print(text, file=sys.stderr, flush=True)
