"""Two app files on the same seeds: paired differences with confidence intervals. Pure.

The same seed draws the same requests for both, so most of what differs between seeds cancels out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev

from tidegate.simulator.rehearse.outcome import Outcome

_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
)  # fmt: skip
"""Student's t for 95 %, two-sided, by degrees of freedom from 1 to 20."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A number of both, averaged over the seeds; B - A is between `low` and `high`, 95 % sure."""

    name: str
    a: float
    b: float
    mean: float
    low: float
    high: float
    known: bool

    @property
    def sure(self) -> bool:
        """Whether there is a difference at all, as far as the seeds tell."""
        return self.known and (self.low > 0 or self.high < 0)


def compare(a: Sequence[Outcome], b: Sequence[Outcome]) -> list[Difference]:
    """Every number that both have, seed by seed. Both hold the same seeds in the same order."""
    pairs = [(one.numbers(), other.numbers()) for one, other in zip(a, b, strict=True)]
    names = [name for name in pairs[0][0] if all(name in x and name in y for x, y in pairs)]
    return [_difference(name, [(x[name], y[name]) for x, y in pairs]) for name in names]


def _difference(name: str, pairs: Sequence[tuple[float, float]]) -> Difference:
    changes = [round(y - x, 9) for x, y in pairs]  # what floats leave over is no difference
    middle = mean(changes)
    known = len(changes) > 1
    freedom = min(len(changes) - 1, len(_T95))
    wide = _T95[freedom - 1] * stdev(changes) / sqrt(len(changes)) if known else 0.0
    mean_a, mean_b = mean(x for x, _ in pairs), mean(y for _, y in pairs)
    return Difference(name, mean_a, mean_b, middle, middle - wide, middle + wide, known)
