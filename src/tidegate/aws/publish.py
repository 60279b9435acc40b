"""The templates of a release: `python -m tidegate.aws.publish`, or `make templates`.

A release ships the examples' stacks as plain CloudFormation beside its wheel, so that somebody can
read and launch them without installing anything: a folder for each example, one file for each stack
in the order of their launch, and `SHA256SUMS`.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from tidegate import __version__
from tidegate.aws.template import write
from tidegate.core.errors import TidegateError
from tidegate.spec import load
from tidegate.spec.waivers import Folder, collect

_EXAMPLES = Path("examples")
_OUT = Path("dist/templates")


def publish(file: Path, out: Path) -> Path:
    """Write the templates of an app file into a folder of `out` that names version and app.

    Raises `TidegateError`, like `tidegate aws template`.
    """
    app = collect(load(file), Folder(file.parent))
    folder = out / f"tidegate-{__version__}-{app.name}"
    paths = write(app, folder)
    sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths)
    (folder / "SHA256SUMS").write_text("".join(sums))
    return folder


def main(words: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser("python -m tidegate.aws.publish", description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", help="app files (those of the examples)")
    parser.add_argument("--out", type=Path, default=_OUT, help=f"the folder ({_OUT})")
    asked = parser.parse_args(words)
    files = asked.files or sorted(_EXAMPLES.glob("*/tidegate.yaml"))
    try:
        for file in files:
            sys.stdout.write(f"{publish(file, asked.out)}\n")
    except TidegateError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
