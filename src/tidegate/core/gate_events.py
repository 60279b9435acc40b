"""What happens to running releases at the gate, in the past tense."""

from dataclasses import dataclass

from tidegate.core.grounds import NO_GROUNDS, Grounds
from tidegate.core.pipeline_events import VerdictKind


@dataclass(frozen=True, slots=True)
class ReleaseRejudged:
    """A running release was matched again, with the vulnerability data and the policy of now.

    `data` is the digest of the data that was there, `policy` that of the policy. Nothing is
    stopped or rolled back for it. It is due again at `again_at` (ms), or when either changes.
    """

    service: str
    release: int
    digest: str
    verdict: VerdictKind
    reason: str
    data: str
    policy: str
    again_at: int | None = None
    grounds: Grounds = NO_GROUNDS


GateEvent = ReleaseRejudged
"""The events of this module."""
