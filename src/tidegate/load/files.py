"""Files for results: seen to be writable before the work, written whole or not at all after it."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tidegate.core.errors import SetupError


def see_writable(paths: Iterable[Path | None], code: str) -> None:
    """Raise `SetupError` with the code for a path that a result could not go to."""
    for path in filter(None, paths):
        cause = _fault(path)
        if cause:
            raise SetupError(
                f"{path} cannot be written",
                cause=cause,
                remedy="name a file in a folder that is there; nothing was run",
                code=code,
            )


def _fault(path: Path) -> str:
    if path.is_dir():
        return "it is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return "no permission"
    return ""


def write_whole(path: Path, text: str, code: str) -> None:
    """Write a file; what it held is lost only when the new text is there.

    Raises `SetupError` with the code.
    """
    new = path.with_name(f".{path.name[:200]}.new")
    try:
        if path.exists() and not path.is_file():  # a device or a pipe cannot be replaced
            path.write_text(text, encoding="utf-8")
            return
        new.write_text(text, encoding="utf-8")
        new.replace(path.resolve())  # where a link leads to, if it is one
    except OSError as error:
        with suppress(OSError):  # there may be nothing to clean up
            new.unlink()
        raise SetupError(f"{path} cannot be written", cause=str(error), code=code) from error
