"""How those who bring advisories in tell how far they are."""

from collections.abc import Callable

Report = Callable[[str, int, int | None], None]
"""Told of progress: the source, how much of it is done, and of how much, if that is known.

Bytes while a source is fetched; records while it is read.
"""


def silent(source: str, done: int, total: int | None) -> None:
    """Report nothing."""
