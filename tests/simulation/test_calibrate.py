"""Two load levels tell what a task can do: known parameters are found again."""

from dataclasses import replace

import pytest

from tests.simulation.test_queueing import answered
from tidegate.core.errors import UsageError
from tidegate.simulator.queueing import Balance, Group, Work
from tidegate.simulator.rehearse.calibrate import Level, doubt, fit, predicted, rows
from tidegate.simulator.traffic import Traffic


def measured(tasks: int, workers: int, use: float, cs2: float) -> Level:
    """A level as the load generator would see it, of tasks that are followed request by request."""
    mean, p95, p99 = answered(Traffic, Group(tasks, workers, use, cs2), 120)
    rps = use * tasks * workers * 50
    lowest = 0.1  # of the latency's variation: the low level is without waiting
    spread = cs2 if use < 0.4 else lowest
    return Level(rps, tasks, mean * 1000, spread, 0, p95 * 1000, p99 * 1000, round(rps * 120), rps)


@pytest.mark.parametrize(("tasks", "workers"), [(1, 1), (2, 3), (3, 8)])
def test_what_was_put_in_comes_out(tasks: int, workers: int) -> None:
    low, middle, high = (measured(tasks, workers, use, 1.0) for use in (0.25, 0.6, 0.85))
    known = fit(low, high)
    assert known.work.mean_us == pytest.approx(20_000, rel=0.05)
    assert known.work.concurrency == pytest.approx(workers, rel=0.15)
    assert not known.least
    mean, _, _, p99 = predicted(known.work, middle, Balance.ROUNDROBIN)
    assert mean == pytest.approx(middle.mean_us, rel=0.10)
    assert p99 == pytest.approx(middle.p99_us, rel=0.20)
    assert doubt(known.work, [middle], Balance.ROUNDROBIN) is None
    wrong = replace(middle, mean_us=middle.mean_us / 2)
    assert "the mean is off by +" in (doubt(known.work, [wrong, high], Balance.ROUNDROBIN) or "")
    slow = replace(high, mean_us=high.mean_us * 2)
    said = doubt(known.work, [middle, slow], Balance.ROUNDROBIN) or ""
    assert said.startswith(f"at {high.rps:,.0f} requests/s the mean is off by -")


def test_the_table_puts_simulated_beside_measured_for_every_level() -> None:
    levels = [measured(2, 2, use, 1.0) for use in (0.25, 0.8)]
    text = rows(fit(levels[0], levels[1]).work, levels, Balance.ROUNDROBIN)
    assert [row[2] for row in text[1:]] == ["measured", "simulated", "error"] * 2
    assert text[3][3].endswith("%")
    assert not any(cell in ("+0 %", "-0 %") for row in text for cell in row)
    assert text[0][-1] == "sent late"


def test_a_sender_that_was_late_is_told_as_part_of_the_error() -> None:
    work = Work(20_000, 4)
    known = Level(100, 1, 40_000, 1, 0, 0, 150_000, 5_000, 100)
    said = doubt(work, [known], Balance.ROUNDROBIN) or ""
    assert "the mean is off by -" in said and "late" not in said
    late = doubt(work, [replace(known, late_us=7_900)], Balance.ROUNDROBIN) or ""
    assert "sent 7.9 ms late, so this machine is part of it: measure on a quieter one" in late


def test_levels_without_any_wait_only_tell_how_many_workers_there_are_at_least() -> None:
    low, high = (Level(rps, 1, 20_000, 0.2, 0, 0, 0, 5_000, rps) for rps in (10, 100))
    known = fit(low, high)
    assert known.least and known.work.mean_us == pytest.approx(20_000, rel=0.01)


def test_levels_that_are_too_close_or_too_short_are_refused() -> None:
    low, near, short = (Level(rps, 1, 20_000, 1, 0, 0, 0, n, rps)
                        for rps, n in ((10, 500), (12, 500), (50, 20)))  # fmt: skip
    with pytest.raises(UsageError, match="too close"):
        fit(low, near)
    with pytest.raises(UsageError, match="841 of 5000 requests failed at 300 requests/s"):
        fit(low, Level(300, 1, 20_000, 1, 0, 0, 0, 5_000, 300, failed=841))
    with pytest.raises(UsageError, match="20 answers at 50 requests/s are too few"):
        fit(low, short)
