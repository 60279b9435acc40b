"""Answers that are kept, so that what has not changed is not reckoned again at every look."""

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")


class Kept(Generic[Answer]):
    """The answers last asked for, at most so many, each with what it was made of.

    What an answer is made of is compared item by item, and an item that is the very same object
    costs next to nothing; so a hit is cheap, and a stale answer is impossible. Any thread may ask.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: dict[Hashable, tuple[tuple[Any, ...], Answer]] = {}

    def get(self, key: Hashable, source: tuple[Any, ...], make: Callable[[], Answer]) -> Answer:
        """The answer under `key`, made anew unless it was made of the same `source`."""
        known = self._answers.pop(key, None)  # out and in again: the last used are at the end
        if known is None or known[0] != source:
            known = source, make()
        self._answers[key] = known
        while len(self._answers) > self._most:
            keys = list(self._answers)  # in one go, for other threads ask as well
            self._answers.pop(keys[0], None)
        return known[1]
