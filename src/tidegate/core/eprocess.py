"""Evidence against "the candidate is no worse" that may be looked at as often as one likes.

An e-value is a bet at fair odds against the null hypothesis: under it, its mean is at most 1. The
product of the e-values of successive seconds is wealth that under the null exceeds 1/a, at *any*
time, with probability at most a (Ville's inequality). So looking every second costs nothing.

Two bets are placed. Errors: Turner, Ly, Grünwald, "Generic E-variables for exact sequential
k-sample tests that allow for optional stopping" (2024). Slowness: Waudby-Smith, Ramdas,
"Estimating means of bounded random variables by betting" (2024). Each is spread over a grid of
effects and of starting times; an average of e-processes is an e-process.
"""

from dataclasses import dataclass, field
from math import exp, log, log1p

MOST_PER_STEP = 100.0
"""No single second multiplies the wealth by more, so that none convicts a candidate on its own."""

_MOST_WEALTH = 1e100  # throwing wealth away keeps a bet fair, and keeps a float finite


@dataclass(slots=True)
class Tally:
    """Requests of both sides in a stretch of time, and how many were bad (5xx, or slow)."""

    seconds: int = 0
    stable: int = 0
    stable_bad: int = 0
    candidate: int = 0
    candidate_bad: int = 0

    def add(self, other: "Tally") -> None:
        """Lengthen the stretch."""
        self.seconds += other.seconds
        self.stable += other.stable
        self.stable_bad += other.stable_bad
        self.candidate += other.candidate
        self.candidate_bad += other.candidate_bad

    @property
    def stable_share(self) -> float:
        """Bad requests of stable, 0..1."""
        return self.stable_bad / max(1, self.stable)

    @property
    def candidate_share(self) -> float:
        """Bad requests of the candidate, 0..1."""
        return self.candidate_bad / max(1, self.candidate)

    @property
    def difference(self) -> float:
        """How much worse the candidate is, -1..1."""
        return self.candidate_share - self.stable_share


@dataclass(slots=True)
class EProcess:
    """Wealth of bets on a grid of effects, each begun anew every second.

    Of a bet's capital 1/(k(k+1)) begins at second k (these sum to 1), so that a fault which comes
    late is not weighed down by all the good seconds before it. `suspect` is the stretch since
    which the evidence grows (Page's CUSUM); it words the finding, and measures its size.
    """

    prior: tuple[float, ...]
    steps: int = 0
    wealth: list[float] = field(default_factory=list)
    value: float = 1.0
    peak: float = 1.0
    growth: float = 1.0
    suspect: Tally = field(default_factory=Tally)

    def bet(self, factors: tuple[float, ...], tally: Tally) -> None:
        """Take in one second: an e-value for each effect of the grid, and what it was made of."""
        self.wealth = self.wealth or [0.0] * len(self.prior)
        self.steps += 1
        begun = 1 / (self.steps * (self.steps + 1))
        value = 1 / (self.steps + 1)  # what has not begun yet is kept
        step = 0.0
        for index, share in enumerate(self.prior):
            factor = min(factors[index], MOST_PER_STEP)
            wealth = min((self.wealth[index] + begun) * factor, _MOST_WEALTH)
            self.wealth[index] = wealth
            value += share * wealth
            step += share * factor
        self.value = value
        self.peak = max(self.peak, value)
        self.growth = min(self.growth * step, _MOST_WEALTH)
        self.suspect.add(tally)
        if self.growth < 1:
            self.growth, self.suspect = 1.0, Tally()


# --- errors ----------------------------------------------------------------------------------

ERROR_EFFECTS = (0.008, 0.02, 0.06, 0.18, 0.6)
"""By how many points (as shares) the candidate may be worse: one bet on each."""
ERROR_PRIOR = (0.2, 0.2, 0.25, 0.2, 0.15)


def error_factors(base: float, tally: Tally) -> tuple[float, ...]:
    """The e-value of one second for each effect: likelihood if worse, over that if the same.

    `base` (0 < base < 1) is stable's error share as guessed from *earlier* seconds. The null's
    share is the average of both guesses, weighted by requests; that choice makes the ratio an
    e-value whatever the true common share is, and it may differ from second to second. It holds
    for every candidate that is no worse, since the null is convex.
    """
    stable_good = tally.stable - tally.stable_bad
    good = tally.candidate - tally.candidate_bad
    share = tally.candidate / max(1, tally.stable + tally.candidate)
    log_base, log_rest = log(base), log1p(-base)
    factors = []
    for effect in ERROR_EFFECTS:
        worse = base + effect * (1 - base)
        null = base + share * (worse - base)
        log_null, log_null_rest = log(null), log1p(-null)
        evidence = stable_good * (log_rest - log_null_rest) + good * (log1p(-worse) - log_null_rest)
        if tally.stable_bad:
            evidence += tally.stable_bad * (log_base - log_null)
        if tally.candidate_bad:
            evidence += tally.candidate_bad * (log(worse) - log_null)
        factors.append(exp(min(evidence, 50.0)))
    return tuple(factors)


# --- slowness --------------------------------------------------------------------------------

STAKES = (0.4, 0.95)
"""The parts of its wealth that a bet on slowness stakes each second."""
STAKE_PRIOR = (0.25, 0.75)

SLOW_CAP = 0.25
"""A share of slow requests beyond this counts as this: a tail is then as telling as a landslide."""


def slow_factors(tally: Tally, margin: float) -> tuple[float, ...]:
    """The e-value of one second for each stake: 1 + stake x (candidate's slow - stable's slow).

    Requests of one second wait on the same pauses, so they are no independent witnesses: a second
    is one witness, however many requests it has, and the difference of shares in [-1, 1] is all
    it says. With an equal candidate its mean is at most 0.

    Capping keeps that true while the candidate has fewer requests than stable: its share is then
    the more spread of two with one mean, and a cap (concave) takes more from it. With more
    requests, and so with busier tasks than stable's, the shares stand uncapped and the candidate
    must be worse by `margin`.
    """
    if tally.candidate <= tally.stable:
        slow = min(tally.candidate_share, SLOW_CAP) - min(tally.stable_share, SLOW_CAP)
        difference = slow / SLOW_CAP
    else:
        difference = (tally.difference - margin) / (1 + margin)
    return tuple(1 + stake * difference for stake in STAKES)
