"""What is normal for stable, learned from seconds before the one that is judged.

Only earlier seconds may be used: a guess that knows the second it is used on would make the bets
of `core.eprocess` unfair.
"""

from dataclasses import dataclass, field

from tidegate.core.metrics import BUCKET_BOUNDS_US, Second, bucket_of, merge, percentile_us

_PRIOR_REQUESTS, _PRIOR_ERRORS = 100.0, 0.5  # as if this much had been seen before the first second
_MEMORY = 0.97  # of past errors, a second later: half is forgotten in 23 s
_GROWTH = 1 / 0.9  # of a second's latencies against those of the second before: half in 7 s
_MOST_WEIGHT = 1e9
_SHARE_ABOVE = 0.05
_STRETCH_REQUESTS, _STRETCHES = 100, 15


@dataclass(slots=True)
class Baseline:
    """Stable's usual error share, and the bucket of its 95th percentile (`p95`).

    Latencies of the last seconds count most: what was normal under a load that has passed would
    hide a candidate that is slow now. A new second weighs more, instead of each old one less.

    A pause of the machine slows many requests of both sides at once. Pooled with calm seconds it
    would hide a slow candidate long after it, so a lower p95 of calm stretches goes before: of the
    last 15 stretches of 100 requests or more, a quarter were calmer.
    """

    requests: float = _PRIOR_REQUESTS
    errors: float = _PRIOR_ERRORS
    seen: int = 0
    weight: float = 1.0  # of a request of the next second
    total: float = 0.0  # of all weights
    counts: list[float] = field(default_factory=lambda: [0.0] * len(BUCKET_BOUNDS_US))
    pooled: int = 0
    above: float = 0.0  # the weights in buckets above `pooled`
    stretch: tuple[Second, ...] = ()  # not yet enough requests
    stretches: tuple[int, ...] = ()  # the bucket of the 95th percentile of each, newest last

    @property
    def error_share(self) -> float:
        """The guess for the next second, 0..1, never 0 and never 1."""
        return self.errors / self.requests

    @property
    def p95(self) -> int:
        """The bucket that few requests of calm seconds are above; 0 before the first."""
        calm = sorted(self.stretches)[len(self.stretches) // 4] if self.stretches else self.pooled
        return min(self.pooled, calm)

    def learn(self, second: Second) -> None:
        """Take the second in, and move the percentiles to where they now are."""
        self.requests = (
            _PRIOR_REQUESTS + (self.requests - _PRIOR_REQUESTS) * _MEMORY + second.requests
        )
        self.errors = _PRIOR_ERRORS + (self.errors - _PRIOR_ERRORS) * _MEMORY + second.errors
        counts, limit, weight = self.counts, self.pooled, self.weight
        for bucket, requests in second.latency:
            counts[bucket] += requests * weight
            self.seen += requests
            self.total += requests * weight
            if bucket > limit:
                self.above += requests * weight
        allowed = self.total * _SHARE_ABOVE
        while self.above > allowed:
            self.pooled += 1
            self.above -= counts[self.pooled]
        while self.pooled and self.above + counts[self.pooled] <= allowed:
            self.above += counts[self.pooled]
            self.pooled -= 1
        if second.latency:
            self._learn_stretch(second)
        self.weight *= _GROWTH
        if self.weight > _MOST_WEIGHT:
            self._scale_down()

    def _learn_stretch(self, second: Second) -> None:
        self.stretch = (*self.stretch, second)
        if sum(n for one in self.stretch for _, n in one.latency) < _STRETCH_REQUESTS:
            return
        limit_us = percentile_us(merge(self.stretch), 100 * (1 - _SHARE_ABOVE)) or 0
        self.stretches = (*self.stretches, bucket_of(limit_us))[-_STRETCHES:]
        self.stretch = ()

    def _scale_down(self) -> None:
        """Count the weights anew from 1, before they leave what a float can tell apart."""
        self.counts = [count / self.weight for count in self.counts]
        self.total = sum(self.counts)
        self.above = sum(self.counts[self.pooled + 1 :])
        self.weight = 1.0
