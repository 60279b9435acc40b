"""The command tree, and the one place where errors become text and exit codes."""

import errno
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.here import Here, find
from tidegate.cli.tree import Tree
from tidegate.core.errors import SetupError, TidegateError

_HELP = (
    "Deliver containers safely: push, gate, blue/green shift, alarms, rollback.\n\n"
    "Results go to stdout, progress to stderr. Exit codes: 0 done, 1 internal fault, 2 usage, "
    "3 configuration, 4 build failed, 5 gate refused, 6 rolled back, 7 still running, "
    "8 not found, 9 busy. What an error means: tidegate explain CODE."
)

app = typer.Typer(
    name="tidegate",
    cls=Tree,
    help=_HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def top(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Option(
            "-C",
            metavar="DIR",
            help="Work on the app in this folder.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
) -> None:
    """Find the app: in the folder, or in the nearest one above it."""
    context.obj = Here(find(folder or Path()))


def call(words: list[str]) -> int:
    """Run one command line; its exit code. Errors go to stderr."""
    try:
        app(words, prog_name="tidegate")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except TidegateError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except Exception as fault:  # noqa: BLE001 — the outermost boundary; it is reported whole
        if isinstance(fault, OSError) and fault.errno in (_REFUSED if fault.filename else _FULL):
            refused = _refused(fault)
            print(refused, file=sys.stderr)
            return refused.exit_code
        traceback.print_exc()
        print(f"error TG900: a fault of Tidegate: {type(fault).__name__}", file=sys.stderr)
        return 1
    return 0


_FULL = {errno.EDQUOT, errno.ENOSPC}
_REFUSED = _FULL | {errno.EACCES, errno.EPERM, errno.EROFS}
"""What the system says of a file when nothing of Tidegate is at fault; of a write it says no name.
"""


def _refused(fault: OSError) -> SetupError:
    return SetupError(
        "the system refuses a file",
        cause=fault.strerror or str(fault),
        where=str(fault.filename or ""),
        remedy="check who owns it and its folder, and that the disk can be written and has room",
        code="TG238",
    )


def run() -> None:
    """The entry point of `tidegate`."""
    sys.exit(call(sys.argv[1:]))


if __name__ == "__main__":
    run()
