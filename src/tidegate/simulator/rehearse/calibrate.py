"""What a task can do, from two load levels of the real app. Pure.

The low level tells the time of a request when nobody waits, the high one how many are worked on at
once: the concurrency whose queue makes the answers as slow as they were. A third level, between
them, is not fitted and shows how good the model is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.core.errors import UsageError
from tidegate.load.histogram import Histogram
from tidegate.load.report import Report
from tidegate.simulator.queueing import (
    HIGHEST,
    Balance,
    Group,
    Work,
    answer_times,
    mean_of,
    percentile_of,
)

MOST_WORKERS = 64
MEAN_GOOD_TO, P99_GOOD_TO = 0.10, 0.20
"""What the model claims below saturation; see `queueing`."""

LATE_SHARE = 0.1
"""A sender that is late (p99) by more than this share of a request's time is part of the error."""

MOST_FAILED = 0.01
"""A level of which more failed was over the limit, and its times tell nothing of a queue."""

FEWEST_ANSWERS = 200
"""Fewer answers at a level tell too little."""


@dataclass(frozen=True, slots=True)
class Level:
    """One load level as it was measured, on so many tasks. Times in µs.

    `cs2` is the variance of the latency over its squared mean. `late_us` is how late the sender
    was (p99): part of every time here, and none of the app's doing.
    """

    rps: float
    tasks: int
    mean_us: float
    cs2: float
    p50_us: float
    p95_us: float
    p99_us: float
    answers: int
    answered_rps: float
    late_us: float = 0.0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted. `least`: no wait was seen, so there may be more workers than that."""

    work: Work
    least: bool


def level_of(report: Report, tasks: int) -> Level:
    """A level out of a load's report."""
    latency = report.latency
    p50, p95, p99 = latency.percentiles_us((50, 95, 99))
    return Level(
        report.intended_rps, tasks, latency.mean_us, _variation(latency), p50, p95, p99,
        latency.count, report.answered_rps, report.scheduling.percentiles_us((99,))[0],
        report.counts.failed,
    )  # fmt: skip


def fit(low: Level, high: Level, balance: Balance = Balance.ROUNDROBIN) -> Fit:
    """The work of a request. Raises `UsageError` when the levels tell too little."""
    for level in (low, high):
        if level.answers < FEWEST_ANSWERS:
            raise UsageError(
                f"{level.answers} answers at {level.rps:g} requests/s are too few to fit",
                remedy="load for longer, with --for",
                code="TG174",
            )
        if level.failed > MOST_FAILED * level.answers:
            raise UsageError(
                f"{level.failed} of {level.answers} requests failed at {level.rps:g} requests/s",
                cause="that is more than the app, or this machine as it is, can answer",
                remedy="choose a lower --peak, or measure on a quieter machine",
                code="TG174",
            )
    if high.rps < 1.5 * low.rps:
        raise UsageError(
            f"{high.rps:g} and {low.rps:g} requests/s are too close to fit",
            remedy="choose --rate and --peak further apart",
            code="TG174",
        )
    found = [_with(workers, low, balance) for workers in range(1, MOST_WORKERS + 1)]
    errors = [abs(_mean_us(work, high, balance) - high.mean_us) for work in found]
    best = errors.index(min(errors))
    return Fit(found[best], least=high.mean_us < 1.03 * low.mean_us)


def predicted(work: Work, level: Level, balance: Balance) -> tuple[float, float, float, float]:
    """Mean, p50, p95 and p99 (µs) that the model gives for the level."""
    layers = answer_times(_group(work, level, balance))
    times = (mean_of(layers), *(percentile_of(layers, p) for p in (50, 95, 99)))
    return tuple(time * work.mean_us for time in times)  # type: ignore[return-value]


def doubt(work: Work, checks: Sequence[Level], balance: Balance) -> str | None:
    """Why the fit should not be trusted, by the first level that it does not hold for; else None.

    To ask of the middle one, which was not fitted, and of the high one, which whole workers cannot
    always meet.
    """
    return next(filter(None, (_doubt(work, check, balance) for check in checks)), None)


def _doubt(work: Work, check: Level, balance: Balance) -> str | None:
    mean, _, _, p99 = predicted(work, check, balance)
    off, tail = mean / check.mean_us - 1, p99 / check.p99_us - 1
    if abs(off) <= MEAN_GOOD_TO and abs(tail) <= P99_GOOD_TO:
        return None
    wrong = (
        f"at {check.rps:,.0f} requests/s the mean is off by {off:+.0%} and the p99 by {tail:+.0%}"
    )
    if check.late_us > LATE_SHARE * check.mean_us:
        wrong += (
            f"; one in a hundred was sent {check.late_us / 1000:,.1f} ms late, so this machine is "
            "part of it: measure on a quieter one"
        )
    return wrong


def rows(work: Work, levels: Sequence[Level], balance: Balance) -> list[tuple[str, ...]]:
    """Simulated against measured, level by level; the middle ones were not fitted."""
    head = ("requests/s", "utilisation", "", "mean ms", "p50 ms", "p95 ms", "p99 ms", "sent late")
    found: list[tuple[str, ...]] = [head]
    for level in sorted(levels, key=lambda one: one.rps):
        use = level.rps / (level.tasks * work.most_rps)
        told = predicted(work, level, balance)
        real = (level.mean_us, level.p50_us, level.p95_us, level.p99_us)
        first = (f"{level.rps:,.0f}", f"{use:.0%}")
        late = f"{level.late_us / 1000:,.2f}"
        found.append((*first, "measured", *(f"{us / 1000:,.2f}" for us in real), late))
        found.append(("", "", "simulated", *(f"{us / 1000:,.2f}" for us in told), ""))
        errors = (_off(a, b) for a, b in zip(told, real, strict=True))
        found.append(("", "", "error", *errors, ""))
    return found


def _off(told: float, real: float) -> str:
    """How far the first is from the second, in percent."""
    if not real:
        return "–"
    percent = round(100 * (told / real - 1))
    return f"{percent:+d} %" if percent else "0 %"


def _with(workers: int, low: Level, balance: Balance) -> Work:
    """The work that explains the low level with so many workers: its waiting is taken out."""
    mean_us = low.mean_us
    for _ in range(8):
        work = Work(max(1, round(mean_us)), workers, round(min(low.cs2, 4.0), 2))
        mean_us *= low.mean_us / _mean_us(work, low, balance)
    return work


def _mean_us(work: Work, level: Level, balance: Balance) -> float:
    return mean_of(answer_times(_group(work, level, balance))) * work.mean_us


def _group(work: Work, level: Level, balance: Balance) -> Group:
    use = level.rps / (level.tasks * work.most_rps)
    return Group(level.tasks, work.concurrency, min(HIGHEST, use), work.cs2, balance)


def _variation(latency: Histogram) -> float:
    mean = latency.mean_us
    if not mean:
        return 0.0
    spread = sum(n * (low - mean) ** 2 for low, n in latency.buckets) / latency.count
    return spread / mean**2
