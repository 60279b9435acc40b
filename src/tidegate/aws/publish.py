"""The templates of a release: `python -m tidegate.aws.publish --out dist`.

A release ships the example's stacks as plain CloudFormation beside its wheel, so that somebody can
read and launch them without installing anything: one folder, one file for each stack in the order
of their launch, and `SHA256SUMS`.
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

_EXAMPLE = Path("examples/catsndogs/tidegate.yaml")


def publish(file: Path, out: Path) -> Path:
    """Write the templates of an app file into a folder of `out` that names app and version.

    Raises `TidegateError`, like `tidegate aws template`.
    """
    app = collect(load(file), Folder(file.parent))
    folder = out / f"tidegate-{__version__}-{app.name}-aws"
    paths = write(app, folder)
    sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths)
    (folder / "SHA256SUMS").write_text("".join(sums))
    return folder


def main(words: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser("python -m tidegate.aws.publish", description=__doc__)
    parser.add_argument("--file", type=Path, default=_EXAMPLE, help="the app file (the example's)")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the release")
    asked = parser.parse_args(words)
    try:
        folder = publish(asked.file, asked.out)
    except TidegateError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
