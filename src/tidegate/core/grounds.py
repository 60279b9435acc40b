"""What a verdict stands on: each finding with what the gate made of it, and the rest of the proof.

`Grounds` goes to the journal with the verdict, so it is bounded; the scanner keeps all findings.
"""

from dataclasses import dataclass
from enum import StrEnum

from tidegate.core.findings import Finding


class Treatment(StrEnum):
    """What the gate made of a finding: held against the image, waived, or let through by policy."""

    COUNTED = "counted"
    WAIVED = "waived"
    LET_THROUGH = "let through"


@dataclass(frozen=True, slots=True)
class Weighed:
    """One finding, what became of it, and why, as words for a person."""

    finding: Finding
    treatment: Treatment
    why: str = ""


@dataclass(frozen=True, slots=True)
class Grounds:
    """The evidence of one verdict.

    `found` and `counted` are (severity, count) pairs of all findings, and of those held against
    the image. `weighed` are the worst findings, those that counted first, and `left_out` how many
    more there were. `waived`, `expired` and `unused` name waivers by their ids. `compared` says
    against which running image findings had to be new. `data`, `policy` and `sbom` are digests.
    From `holds_until` (ms) on the same findings would be judged otherwise, `then` says why.
    """

    found: tuple[tuple[str, int], ...] = ()
    counted: tuple[tuple[str, int], ...] = ()
    weighed: tuple[Weighed, ...] = ()
    left_out: int = 0
    waived: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    compared: str = ""
    data: str = ""
    data_at: int | None = None
    scanner: str = ""
    policy: str = ""
    sbom: str = ""
    holds_until: int | None = None
    then: str = ""


NO_GROUNDS = Grounds()
"""What an older journal kept of a verdict: nothing."""
