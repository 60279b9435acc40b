"""Reading the files that others wrote: Dockerfiles, compose files, task definitions."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tidegate.core.errors import AppFileError
from tidegate.spec.problems import error_of, shown
from tidegate.spec.source import parse

_MOST_BYTES = 1_000_000


def read_text(path: Path) -> str:
    """The file's text. Raises `AppFileError` when it cannot be read as such."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise unread(path, f"it is larger than {_MOST_BYTES // 1_000:,} kB")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise unread(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise unread(path, "it is not UTF-8 text") from error


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, with `<<` merged. Raises `AppFileError`."""
    source = parse(read_text(path), str(path))
    if source.problems:
        raise error_of(source.problems, str(path), source.place)
    return mapping(_merge(source.data))


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a JSON file. Raises `AppFileError`."""
    try:
        return mapping(json.loads(read_text(path)))
    except (ValueError, RecursionError) as error:
        raise unread(path, f"it is not JSON: {shown(str(error), 100)}") from error


def unread(path: Path, cause: str) -> AppFileError:
    """The error of a file or folder that init has to look into and cannot."""
    return AppFileError(
        f"{path.name} cannot be read",
        cause=cause,
        where=str(path),
        remedy="mend it, or move it away so that init does not look at it",
        code="TG207",
    )


def _merge(data: Any) -> Any:
    """YAML 1.1's merge keys, which compose files still have: the mapping's own keys win."""
    if isinstance(data, list):
        return [_merge(item) for item in data]
    if not isinstance(data, dict):
        return data
    merged: dict[str, Any] = {}
    for below in reversed(sequence(data.get("<<")) or [data.get("<<")]):
        merged |= mapping(_merge(below))
    return merged | {name: _merge(value) for name, value in data.items() if name != "<<"}


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def number(value: Any, read: Callable[[str], float] = float) -> float | None:
    """A number that may be written as text, or None."""
    try:
        return read(str(value)) if isinstance(value, int | float | str) else None
    except ValueError:
        return None
