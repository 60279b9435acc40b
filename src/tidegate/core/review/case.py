"""What a review looks at, and what a check answers.

A check is a pure function of the app file, of the running system, or of the templates of the stack.
It says what it saw. What it cannot see is UNKNOWN, never a pass.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tidegate.core.model import App
from tidegate.core.review.words import Principle


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service as it runs: task counts, the facts of its stable release, its alarms' states."""

    name: str
    desired: int = 0
    healthy: int = 0
    stable: int | None = None
    commit: str = ""
    execution: str = ""
    verdict: str = ""
    ways_back: int = 0
    alarms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """One run of the pipeline that is over. `at` is when it began (ms)."""

    id: str
    at: int
    trigger: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """The running system, from the same views on one machine and on AWS."""

    services: tuple[RunningService, ...]
    past: tuple[Past, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """All that a review may ask. `running` and `stack` are None where there is none to see.

    `stack` holds templates by stack name, as CloudFormation's JSON. `now` is in ms.
    """

    app: App
    now: int
    running: Running | None = None
    stack: Mapping[str, Mapping[str, Any]] | None = None


class State(StrEnum):
    """How a check came out. UNKNOWN: there was nothing to see it by."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was seen, and what to do about it when that is not enough."""

    state: State
    evidence: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the app file (`file`), the running system or the stack."""

    name: str
    principle: Principle
    of: str
    ask: Callable[[Case], Answer] = field(repr=False)


def passed(evidence: str) -> Answer:
    """It holds, by this evidence."""
    return Answer(State.PASSED, evidence)


def failed(evidence: str, remedy: str) -> Answer:
    """It does not hold; `remedy` says what to do."""
    return Answer(State.FAILED, evidence, remedy)


def unless(bad: list[str], evidence: str, what: str, remedy: str) -> Answer:
    """Passed by `evidence` when nothing is in `bad`; else `what` is wrong with those."""
    return failed(f"{what}: {', '.join(bad)}", remedy) if bad else passed(evidence)
