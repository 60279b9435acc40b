"""When requests are due: rates over time as intended send times. Pure; times in microseconds.

Every profile is a row of ramps; a constant rate is a ramp whose ends are equal. Request number k
is due when the expected count, the integral of the rate, reaches k. The count runs on across
segments, so a profile of N expected requests sends ceil(N), wherever it is cut.
"""

import itertools
import math
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tidegate.core.errors import UsageError

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Segment:
    """A rate that moves evenly from `from_rps` to `to_rps` in `seconds` (may be infinite)."""

    from_rps: float
    to_rps: float
    seconds: float

    def __post_init__(self) -> None:
        """Raises `UsageError` for a rate below 0, no length, or an endless ramp."""
        rates = (self.from_rps, self.to_rps)
        finite = all(math.isfinite(rate) and rate >= 0 for rate in rates)
        endless = math.isinf(self.seconds) and (rates[0] != rates[1] or not rates[0])
        if not finite or not self.seconds > 0 or endless:
            raise UsageError(
                f"no such load: {self.from_rps:g} to {self.to_rps:g} requests/s in {self.seconds}s",
                remedy="rates are 0 or more, lengths above 0; an endless load has one rate above 0",
                code="TG150",
            )

    @property
    def expected(self) -> float:
        """How many requests it holds: the integral of its rate."""
        if math.isinf(self.seconds):
            return math.inf
        return round((self.from_rps + self.to_rps) / 2 * self.seconds, 6)

    def when_s(self, count: float) -> float:
        """After how many seconds the integral of the rate reaches `count` (0 ≤ count < expected).

        The root of `from t + slope t² / 2 = count`, in the form that loses no digits near slope 0.
        """
        if self.from_rps == self.to_rps:
            return min(self.seconds, count / self.from_rps)
        if not count:
            return 0.0
        slope = (self.to_rps - self.from_rps) / self.seconds
        under = max(0.0, self.from_rps**2 + 2 * slope * count)
        return min(self.seconds, 2 * count / (self.from_rps + math.sqrt(under)))


@dataclass(frozen=True, slots=True)
class Profile:
    """Segments one after another. With a `poisson_seed` arrivals are random at the same rates."""

    segments: tuple[Segment, ...]
    poisson_seed: int | None = None

    def __add__(self, other: "Profile") -> "Profile":
        """This profile, then the other; the seed is this one's."""
        return Profile(self.segments + other.segments, self.poisson_seed)

    @property
    def seconds(self) -> float:
        """Its length, infinite for a load without end."""
        return sum(segment.seconds for segment in self.segments)

    @property
    def expected(self) -> float:
        """How many requests it holds on average; evenly spaced arrivals are exactly ceil of it."""
        return sum(segment.expected for segment in self.segments)

    def times_us(self) -> Iterator[int]:
        """The intended send times, from the start of the run, never decreasing."""
        arrivals = self._arrivals()
        count, base, start_s = next(arrivals), 0.0, 0.0
        for segment in self.segments:
            end = round(base + segment.expected, 6)
            while count < end:
                yield round(1e6 * (start_s + segment.when_s(max(0.0, count - base))))
                count = next(arrivals)
            base, start_s = end, start_s + segment.seconds

    def _arrivals(self) -> Iterator[float]:
        """Where on the axis of expected counts requests lie: evenly, or as a Poisson process."""
        if self.poisson_seed is None:
            return iter(itertools.count())
        rng = random.Random(self.poisson_seed)
        return itertools.accumulate(rng.expovariate(1.0) for _ in itertools.repeat(None))

    def __str__(self) -> str:
        """The notation that `parse` reads; long replays are cut short."""
        texts = [_written(segment) for segment in self.segments]
        if len(texts) > 8:
            texts = [*texts[:3], f"… {len(texts) - 4} more …", texts[-1]]
        return ",".join(texts) + ("" if self.poisson_seed is None else " poisson")


def constant(rps: float, seconds: float = math.inf) -> Profile:
    """The same rate for a time, or until the run is stopped."""
    return Profile((Segment(rps, rps, seconds),))


def ramp(from_rps: float, to_rps: float, seconds: float) -> Profile:
    """A rate that rises or falls evenly."""
    return Profile((Segment(from_rps, to_rps, seconds),))


def steps(rates_rps: Iterable[float], seconds: float) -> Profile:
    """Each rate for the same time."""
    return Profile(tuple(Segment(rate, rate, seconds) for rate in rates_rps))


def spike(base_rps: float, peak_rps: float, before_s: float, peak_s: float) -> Profile:
    """The base rate, suddenly the peak, then the base as long as before."""
    base, peak = constant(base_rps, before_s), constant(peak_rps, peak_s)
    return base + peak + base


def replay(counts: Sequence[float], speed: float = 1.0, scale: float = 1.0) -> Profile:
    """Counts per minute, spread evenly in each minute; `speed` 60 plays an hour in a minute.

    `scale` multiplies the rates (after the speeding up, which already multiplies them by `speed`).
    """
    if not 0 < speed < math.inf or not counts:
        wrong = f"a replay's speed must be a number above 0, not {speed}"
        raise UsageError(
            wrong if counts else "nothing to replay",
            remedy="give one count per minute, and a speed such as 60",
            code="TG150",
        )
    width_s = 60.0 / speed
    return steps((count * scale / width_s for count in counts), width_s)


def parse(text: str) -> Profile:
    """`RATE[-RATE]:LENGTH,…` such as `100:30s,100-1000:1m,1000:5m`; raises `UsageError`."""
    return Profile(tuple(_segment(part.strip()) for part in text.split(",")))


def parse_seconds(text: str) -> float:
    """A length such as `90`, `90s`, `1.5m`, `250ms` or `2h`, in seconds; raises `UsageError`."""
    match = DURATION.fullmatch(text.strip())
    if not match:
        raise UsageError(
            f"{text!r} is no length of time", remedy="write 30s, 5m or 1h", code="TG150"
        )
    return float(match[1]) * UNIT_S[match[2] or "s"]


def _segment(part: str) -> Segment:
    rates, colon, length = part.partition(":")
    first, _, last = rates.partition("-")
    try:
        ends = float(first), float(last or first)
    except ValueError:
        colon = ""
    if not colon:
        raise UsageError(
            f"{part!r} is no part of a load",
            remedy="write RATE:LENGTH or RATE-RATE:LENGTH, as in 100:30s,100-1000:1m",
            code="TG150",
        )
    return Segment(*ends, parse_seconds(length))


def _written(segment: Segment) -> str:
    rate = f"{segment.from_rps:g}"
    if segment.to_rps != segment.from_rps:
        rate += f"-{segment.to_rps:g}"
    return rate if math.isinf(segment.seconds) else f"{rate}:{segment.seconds:g}s"
