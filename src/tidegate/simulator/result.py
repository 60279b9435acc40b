"""What one run came to."""

from collections import Counter
from dataclasses import dataclass, field

from tidegate.core.decision import Outcome
from tidegate.core.progress import Deployment


@dataclass(frozen=True, slots=True)
class Broken:
    """The promise (its number, 0 for liveness), how it was broken, and when (elapsed ms)."""

    promise: int
    sentence: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Deployed:
    """One deployment's end, as the simulation knows it.

    `bad`: the candidate should not have been kept. `detected_ms` is from its first traffic (or its
    start) to the decision to roll back. `requests` and `failed` are all that the release got.
    """

    id: str
    service: str
    release: int
    behaviour: str
    bad: bool
    known_good: bool
    outcome: Outcome | None
    reason: str
    detected_ms: int | None
    requests: int
    failed: int

    @classmethod
    def of(cls, ended: Deployment, behaviour: str, counts: list[int]) -> "Deployed":
        """From the journal's record and the ledger's counts of the release."""
        began = ended.shifted_at or ended.started_at
        return cls(
            ended.id, ended.service, ended.candidate, behaviour, behaviour != "good",
            ended.known_good, ended.outcome, ended.reason,
            ended.rollback.at - began if ended.rollback else None, *counts,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """A run's end. `digest` is the sha256 of the journal; `calls` counts effects asked for.

    `refused` counts what people asked and did not get; `rest_ms` is how long it took to come to
    rest once the faults were over.
    """

    seed: int
    name: str
    broken: Broken | None
    deployments: tuple[Deployed, ...]
    journal: tuple[str, ...]
    digest: str
    calls: int
    restarts: int
    refused: int
    virtual_ms: int
    rest_ms: int | None
    sent: int
    failed: int
    dropped: int
    cut_at_deadline: int
    excused: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        """Whether every promise was kept."""
        return self.broken is None
