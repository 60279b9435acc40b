"""The acts of a run under way, and what has become of the requests of each so far."""

from collections import Counter

from tidegate.core.errors import UsageError
from tidegate.load.result import Key, Mark, Tally, kind


class Acts:
    """Request number `n` is of the last act whose first request is not above `n`.

    The sender counts; other threads may begin acts and ask for the tally meanwhile.
    """

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self._ended: list[tuple[Mark, Counter[tuple[int, int]]]] = [(Mark("", 0, 0), Counter())]

    def begin(self, name: str, first: int, at_us: int) -> Mark:
        """An act begins with request `first`. Raises `UsageError` for a name used before."""
        if not name or any(mark.name == name for mark in self.marks):
            raise UsageError(
                f"an act of the run cannot be called {name!r}",
                cause="acts need names, each its own",
                code="TG155",
            )
        mark = Mark(name, first, at_us)
        self._ended.append((mark, Counter()))
        self.marks.append(mark)
        return mark

    def ended(self, index: int, outcome: int, tag: int) -> None:
        """A request is over."""
        mark, counts = self._ended[-1]
        if index < mark.first:
            counts = next(older for mark, older in reversed(self._ended) if index >= mark.first)
        counts[outcome, tag] += 1

    def tally(self, released: int, tags: list[str]) -> Tally:
        """Every request so far by act, kind and tag; `tags` are the names of the tags."""
        found = Counter[Key]()
        acts = list(self._ended)
        ends = [mark.first for mark, _ in acts[1:]] + [released]
        for (mark, counts), end in zip(acts, ends, strict=True):
            now = counts.copy()
            found[mark.name, "pending", ""] = end - mark.first - now.total()
            for (outcome, tag), n in now.items():
                found[mark.name, kind(outcome), tags[tag]] += n
        return +found
