"""What is normal for stable, learned from seconds before the one that is judged.

Only earlier seconds may be used: a guess that knows the second it is used on would make the bets
of `core.eprocess` unfair.
"""

from dataclasses import dataclass, field

from tidegate.core.metrics import BUCKET_BOUNDS_US, Second

_PRIOR_REQUESTS, _PRIOR_ERRORS = 100.0, 0.5  # as if this much had been seen before the first second
_MEMORY = 0.97  # of past errors, a second later: half is forgotten in 23 s


@dataclass(slots=True)
class Baseline:
    """Stable's usual error share, and the bucket of its 95th percentile (`p95`)."""

    requests: float = _PRIOR_REQUESTS
    errors: float = _PRIOR_ERRORS
    seen: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * len(BUCKET_BOUNDS_US))
    p95: int = 0
    above: int = 0  # requests in buckets above `p95`

    @property
    def error_share(self) -> float:
        """The guess for the next second, 0..1, never 0 and never 1."""
        return self.errors / self.requests

    def learn(self, second: Second) -> None:
        """Take the second in, and move the p95 to where it now is."""
        self.requests = (
            _PRIOR_REQUESTS + (self.requests - _PRIOR_REQUESTS) * _MEMORY + second.requests
        )
        self.errors = _PRIOR_ERRORS + (self.errors - _PRIOR_ERRORS) * _MEMORY + second.errors
        counts, limit = self.counts, self.p95
        for bucket, requests in second.latency:
            counts[bucket] += requests
            self.seen += requests
            if bucket > limit:
                self.above += requests
        allowed = self.seen * 0.05
        while self.above > allowed:
            self.p95 += 1
            self.above -= counts[self.p95]
        while self.p95 and self.above + counts[self.p95] <= allowed:
            self.above += counts[self.p95]
            self.p95 -= 1
