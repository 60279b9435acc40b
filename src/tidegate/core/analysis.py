"""The comparison of a candidate with stable on the same seconds of traffic, at any time.

Two tests run side by side, each with half of the false rollbacks that the policy allows
(Bonferroni): more 5xx answers, and more requests slower than stable's 95th percentile of earlier
calm seconds. Both are products of bets (`core.eprocess` names the papers), so the bound holds
however often one looks and whenever one stops: over a whole deployment, an equal candidate is found
worse with probability at most `false_rollback_rate`.

What it rests on: the balancer splits requests at random, and both sides have equally many tasks.
Errors must not cling together within one second on one side only; slow requests may.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tidegate.core.baseline import Baseline
from tidegate.core.eprocess import (
    ERROR_PRIOR,
    STAKE_PRIOR,
    EProcess,
    Tally,
    error_factors,
    slow_factors,
)
from tidegate.core.metrics import BUCKET_BOUNDS_US, Second, between, slower_than_bucket
from tidegate.core.model import AnalysisPolicy

BASELINE_MS = 60_000
"""So much of stable's traffic before the candidate's first is used to learn what is normal."""

SUSPECT, SUSPICION_MS = 2.0, 3_000
"""An e-value that is no evidence yet, but holds the weight while it grows; and for how long."""

ENOUGH_REQUESTS = 30
"""With fewer on either side, "no difference seen" would say nothing."""

_BLOCK_REQUESTS = 5  # fewer of either side are pooled with the next second's before a bet
_BASELINE_REQUESTS = 100  # of stable, before its 95th percentile means anything
_SLOW_BUCKETS = 2  # over the bucket of the p95: a request must be some 10 % slower to be slow


class ComparisonVerdict(StrEnum):
    """What the comparison says. NOT_ENOUGH_DATA is a word of its own, never a pass."""

    NOT_ENOUGH_DATA = "not enough data"
    NO_DIFFERENCE_SEEN = "no difference seen"
    WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the traffic so far says of the candidate.

    `requests` and `errors` are all that the candidate answered since `since_ms`, warm-up included.
    The e-values are the highest so far; over `needed` is evidence. `worse_at_ms` is the end of the
    second in which the verdict fell, None while it has not.
    """

    verdict: ComparisonVerdict
    reason: str
    requests: int = 0
    errors: int = 0
    stable_requests: int = 0
    stable_errors: int = 0
    error_e_value: float = 1.0
    slow_e_value: float = 1.0
    needed: float = 1.0
    worse_at_ms: int | None = None


def compare(
    policy: AnalysisPolicy,
    stable_seconds: Sequence[Second],
    candidate_seconds: Sequence[Second],
    since_ms: int,
    until_ms: int,
) -> Comparison:
    """Whether the candidate is worse than stable, on complete seconds in [since_ms, until_ms).

    Both sequences are oldest first. Stable's should reach back before `since_ms`, up to
    `BASELINE_MS`; that teaches what is normal. The candidate's must reach back to `since_ms` at
    every look, or the bound is on the part that is left. Once WORSE, it stays so at later looks.
    """
    return _look(policy, stable_seconds, candidate_seconds, since_ms, until_ms).comparison()


@dataclass(frozen=True, slots=True)
class Against:
    """What speaks against the candidate: `finding` that it is WORSE, or a `suspicion`, or nothing.

    A suspicion is evidence that has reached a new height of `SUSPECT` or more in the last
    `SUSPICION_MS`: no weight should rise on it. By Ville's inequality an equal candidate ever has
    such evidence with a probability of at most 1 in `SUSPECT`, and what stops growing is forgotten.
    """

    finding: str | None = None
    suspicion: str | None = None


def against(
    policy: AnalysisPolicy,
    stable_seconds: Sequence[Second],
    candidate_seconds: Sequence[Second],
    since_ms: int,
    until_ms: int,
) -> Against:
    """What `compare` of the same finds against the candidate, in words."""
    look = _look(policy, stable_seconds, candidate_seconds, since_ms, until_ms)
    if look.worse_at_ms is not None:
        return Against(finding=look.finding)
    fresh = until_ms - look.suspected_ms <= SUSPICION_MS
    return Against(suspicion=look.suspicion) if fresh else Against()


def _look(
    policy: AnalysisPolicy,
    stable_seconds: Sequence[Second],
    candidate_seconds: Sequence[Second],
    since_ms: int,
    until_ms: int,
) -> "_Look":
    """The pass over all seconds up to `until_ms`."""
    mine = between(stable_seconds, since_ms - BASELINE_MS, until_ms - 999)
    theirs = between(candidate_seconds, since_ms - 999, until_ms - 999)
    key = (policy, since_ms, mine[:1], theirs[:1])
    known = _PASSES.pop(key, None)  # taken out, so that no two threads go on with the same one
    if known is None or not known.leads_to(mine, theirs):
        known = _Pass(_Look(policy))
    known.go_on(mine, theirs)
    _PASSES[key] = known
    while len(_PASSES) > _MOST_PASSES:
        _PASSES.pop(next(iter(_PASSES)), None)
    return known.look


@dataclass(slots=True)
class _Pass:
    """How far the seconds of one deployment have been taken in.

    Each look brings some seconds more, and a pass over all of them is costly; so the next look
    goes on where the last one stopped if what it took is still the same. The answer is that of a
    pass from the beginning.
    """

    look: "_Look"
    stable: tuple[Second, ...] = ()
    candidate: tuple[Second, ...] = ()
    first_ms: int | None = None

    def leads_to(self, stable: tuple[Second, ...], candidate: tuple[Second, ...]) -> bool:
        """Whether these begin with all that was taken in, and go on after it."""
        mine, theirs = len(self.stable), len(self.candidate)
        if self.stable != stable[:mine] or self.candidate != candidate[:theirs]:
            return False
        last_ms = max((s.at_ms for s in (*self.stable[-1:], *self.candidate[-1:])), default=0)
        return all(s.at_ms > last_ms for s in (*stable[mine:], *candidate[theirs:]))

    def go_on(self, stable: tuple[Second, ...], candidate: tuple[Second, ...]) -> None:
        """Take in the seconds that are new."""
        mine, theirs = stable[len(self.stable) :], candidate[len(self.candidate) :]
        self.stable, self.candidate = stable, candidate
        for one, other in _paired(mine, theirs):
            if other.requests and self.first_ms is None:
                self.first_ms = other.at_ms
            if self.first_ms is not None:
                warm_ms = self.first_ms + self.look.policy.warm_up_ms
                self.look.take(one, other, warm=other.at_ms >= warm_ms)
            if one.requests and self.look.worse_at_ms is None:
                self.look.normal.learn(one)


_Key = tuple[AnalysisPolicy, int, tuple[Second, ...], tuple[Second, ...]]
_PASSES: dict[_Key, _Pass] = {}
_MOST_PASSES = 64


@dataclass(slots=True)
class _Look:
    """One pass over the seconds: both tests, and what they found first."""

    policy: AnalysisPolicy
    normal: Baseline = field(default_factory=Baseline)
    error_test: EProcess = field(default_factory=lambda: EProcess(ERROR_PRIOR))
    slow_test: EProcess = field(default_factory=lambda: EProcess(STAKE_PRIOR))
    all: Tally = field(default_factory=Tally)  # since the candidate's first traffic
    judged: Tally = field(default_factory=Tally)  # errors after the warm-up
    slow: Tally = field(default_factory=Tally)  # slow requests after the warm-up
    block: Tally = field(default_factory=Tally)  # not yet enough for a bet on slowness
    worse_at_ms: int | None = None
    finding: str = ""
    suspected_ms: int = 0
    suspicion: str = ""

    @property
    def needed(self) -> float:
        return 2 / self.policy.false_rollback_rate

    def take(self, stable: Second, candidate: Second, *, warm: bool) -> None:
        """Count this second, and bet on it unless it is warm-up or the verdict has fallen."""
        errors = Tally(1, stable.requests, stable.errors, candidate.requests, candidate.errors)
        self.all.add(errors)
        if not warm or self.worse_at_ms is not None:
            return
        self.judged.add(errors)
        if stable.requests and candidate.requests:
            self.error_test.bet(error_factors(self.normal.error_share, errors), errors)
            margin = self.policy.error_margin
            self._weigh(self.error_test, margin, candidate.at_ms, "5xx share")
        if self.worse_at_ms is None and self.normal.seen >= _BASELINE_REQUESTS:
            self._judge_slowness(stable, candidate)

    def _judge_slowness(self, stable: Second, candidate: Second) -> None:
        limit = self.normal.p95 + _SLOW_BUCKETS
        block = self.block
        block.add(_slow(stable, candidate, limit))
        if min(block.stable, block.candidate) < _BLOCK_REQUESTS:
            return
        self.block = Tally()
        self.slow.add(block)
        self.slow_test.bet(slow_factors(block, self.policy.slow_margin), block)
        what = f"share slower than {BUCKET_BOUNDS_US[limit] / 1000:.4g} ms"
        self._weigh(self.slow_test, self.policy.slow_margin, candidate.at_ms, what)

    def _weigh(self, test: EProcess, margin: float, at_ms: int, what: str) -> None:
        """What the test has come to with the second that begins at `at_ms`."""
        if test.suspect.difference <= margin:
            return
        words = _words(what, test.suspect)
        if test.value >= self.needed:
            self.worse_at_ms = at_ms + 1_000
            self.finding = f"{words}; e-value {test.value:,.0f} over the {self.needed:,.0f} needed"
        elif test.value == test.peak >= SUSPECT:
            self.suspected_ms = at_ms + 1_000
            self.suspicion = f"{words}; e-value {test.value:,.0f} of the {self.needed:,.0f} needed"

    def comparison(self) -> Comparison:
        """What to answer after the last second."""
        verdict, reason = self._verdict()
        return Comparison(
            verdict,
            reason,
            requests=self.all.candidate,
            errors=self.all.candidate_bad,
            stable_requests=self.all.stable,
            stable_errors=self.all.stable_bad,
            error_e_value=self.error_test.peak,
            slow_e_value=self.slow_test.peak,
            needed=self.needed,
            worse_at_ms=self.worse_at_ms,
        )

    def _verdict(self) -> tuple[ComparisonVerdict, str]:
        if self.worse_at_ms is not None:
            return ComparisonVerdict.WORSE, self.finding
        seen = self.judged
        if min(seen.stable, seen.candidate) < ENOUGH_REQUESTS:
            reason = (
                f"{seen.candidate} requests on the candidate and {seen.stable} on stable in the "
                f"same seconds, {ENOUGH_REQUESTS} of each are needed"
            )
            return ComparisonVerdict.NOT_ENOUGH_DATA, reason
        return ComparisonVerdict.NO_DIFFERENCE_SEEN, _words("5xx share", seen)


def _words(what: str, tally: Tally) -> str:
    return (
        f"{what} {tally.candidate_share:.1%} on the candidate against {tally.stable_share:.1%} on "
        f"stable over {tally.seconds} s ({tally.candidate:,} against {tally.stable:,} requests)"
    ).replace("%", " %")


def _slow(stable: Second, candidate: Second, limit: int) -> Tally:
    """How many requests of this second fell in a bucket above `limit`."""
    return Tally(
        1,
        stable.requests,
        slower_than_bucket(stable, limit),
        candidate.requests,
        slower_than_bucket(candidate, limit),
    )


def _paired(
    stable: Sequence[Second], candidate: Sequence[Second]
) -> Iterator[tuple[Second, Second]]:
    """Both sides second by second."""
    mine = {s.at_ms: s for s in stable}
    theirs = {s.at_ms: s for s in candidate}
    for at_ms in sorted(mine.keys() | theirs.keys()):
        empty = Second(at_ms, 0)
        yield mine.get(at_ms, empty), theirs.get(at_ms, empty)
