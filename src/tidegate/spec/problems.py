"""What is wrong with an app file, each thing with its place; and all of it as one error."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tidegate.core.errors import AppFileError

Path = tuple[str | int, ...]
"""Where something stands in the file: keys, and numbers of list items from 0."""

_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: what, why, and what to do. `place` (line, column) is known when the path lies."""

    path: Path
    what: str
    cause: str
    remedy: str
    place: tuple[int, int] | None = None


def dotted(path: Path) -> str:
    """The path as people write it: `services.cats.routes[0].path`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return shown(text, 120) or "the file"


def shown(text: str, most: int) -> str:
    """Text of anybody's making, safe to print: one line, nothing unprintable, not too long."""
    text = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def error_of(
    problems: Sequence[Problem], where: str, place: Callable[[Path], tuple[int, int]]
) -> AppFileError:
    """All the problems as one error, in the file's order. `place` finds the line of a path."""
    known = sorted(((p.place or place(p.path), p) for p in problems), key=lambda pair: pair[0])
    rows = [(f"{where}:{line}:{column}", problem) for (line, column), problem in known]
    first_where, first = rows[0]
    if len(rows) == 1:
        return AppFileError(first.what, cause=first.cause, where=first_where, remedy=first.remedy)
    shown = "".join(_entry(at, problem) for at, problem in rows[:_MOST_SHOWN])
    left = len(rows) - _MOST_SHOWN
    shown += f"\n    and {left} more" if left > 0 else ""
    return AppFileError(
        f"{where} has {len(rows)} errors",
        cause=shown,
        where=first_where,
        remedy="mend them from the top; `tidegate plan` checks the file without doing anything",
    )


def _entry(where: str, problem: Problem) -> str:
    rows = (f"{where}  {problem.what}", f"  cause   {problem.cause}", f"  remedy  {problem.remedy}")
    return "".join(f"\n    {row}" for row in rows)
