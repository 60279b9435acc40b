"""Progress bars on stderr: one per source that is fetched and read. Without a terminal, lines."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from tidegate.cli.output import console, progress
from tidegate.scan.advisories.report import Report


@contextmanager
def bars() -> Iterator[Report]:
    """What is told of progress is shown for as long as the block runs."""
    if not sys.stderr.isatty():
        yield _Lines().tell
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console(sys.stderr)) as shown:
        yield _Bars(shown).tell


class _Bars:
    """A bar for each source: its bytes while they come, its records while they are read."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._tasks: dict[tuple[str, bool], TaskID] = {}

    def tell(self, source: str, done: int, total: int | None) -> None:
        """The source is so far."""
        key = source, done % 1000 == 0 and total is None
        if key not in self._tasks:
            what = "reading" if key[1] else "fetching"
            self._tasks[key] = self._shown.add_task(f"{what} {source}", total=total)
        self._shown.update(self._tasks[key], completed=done, total=total)


class _Lines:
    """One line when a source begins."""

    def __init__(self) -> None:
        self._begun: set[str] = set()

    def tell(self, source: str, done: int, total: int | None) -> None:
        """The source is so far."""
        if source not in self._begun:
            self._begun.add(source)
            progress(f"-----> advisories: {source}")
