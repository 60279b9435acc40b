"""The Well-Architected review: each design principle, what shows that it is kept, what to do.

The same on one machine and on AWS. Nothing here asks anybody; `Case` holds what was seen.
"""

from dataclasses import dataclass

from tidegate.core.review import of_file, of_running, of_stack
from tidegate.core.review.case import (
    Answer,
    Case,
    Check,
    Past,
    Running,
    RunningService,
    State,
)
from tidegate.core.review.words import Pillar, Principle

__all__ = [
    "CHECKS",
    "Answer",
    "Asked",
    "Case",
    "Check",
    "Past",
    "Pillar",
    "Principle",
    "Review",
    "Running",
    "RunningService",
    "State",
    "review",
]

CHECKS: tuple[Check, ...] = (*of_file.CHECKS, *of_running.CHECKS, *of_stack.CHECKS)
"""Every check. Each principle has at least one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One check and its answer."""

    name: str
    pillar: Pillar
    principle: Principle
    of: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Review:
    """All answers, pillar by pillar in the framework's order."""

    asked: tuple[Asked, ...]

    def of(self, pillar: Pillar) -> tuple[Asked, ...]:
        """The answers of one pillar."""
        return tuple(one for one in self.asked if one.pillar is pillar)

    @property
    def failed(self) -> tuple[Asked, ...]:
        """What asks for something to be done."""
        return tuple(one for one in self.asked if one.answer.state is State.FAILED)


def review(case: Case) -> Review:
    """Ask everything. The same case always gives the same review."""
    order = list(Principle)
    checks = sorted(CHECKS, key=lambda check: order.index(check.principle))
    return Review(
        tuple(
            Asked(one.name, one.principle.pillar, one.principle, one.of, one.ask(case))
            for one in checks
        )
    )
