"""How long the balancer has given no answer, as far as one controller has looked."""

from dataclasses import dataclass


@dataclass(slots=True)
class Silence:
    """`answered_at` (ms) is the last look that was answered, or the first look of all."""

    answered_at: int | None = None
    silent: bool = False

    def note(self, answers: bool, now: int) -> int:
        """How long (ms) there was no answer before this look; 0 if the last one had one too."""
        since = now if self.answered_at is None else self.answered_at
        silent_ms = now - since if self.silent or not answers else 0
        self.silent = not answers
        self.answered_at = now if answers else since
        return silent_ms
