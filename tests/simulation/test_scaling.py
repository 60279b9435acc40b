"""Scaling under faults, beside deployments: no promise breaks, and then the count comes to rest.

Rest waits out the controller's own window, so these runs use the recommended one with a short one,
and a need of two and a half tasks: at a whole number the noise of a few requests a second decides.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from tidegate.core.scaling import totals
from tidegate.core.scaling.look import Look, Wish
from tidegate.core.scaling.policy import Scaling, Totals
from tidegate.simulator.batch import simulate_all
from tidegate.simulator.options import Options
from tidegate.simulator.result import Result
from tidegate.simulator.run import simulate
from tidegate.simulator.scenarios import change
from tidegate.simulator.swarm import draw

SEEDS = 24


def scaled(options: Options, target: float) -> Options:
    """The same run with every service scaled by the recommended controller."""
    scaling = Scaling(Totals(requests=target, scale_in_after_ms=30_000))
    services = tuple(replace(one, scaling=scaling) for one in options.app.services)
    return replace(options, app=replace(options.app, services=services))


@cache
def _results() -> tuple[Result, ...]:
    drawn = (draw(seed) for seed in range(SEEDS))
    runs = (scaled(options, options.requests_per_second / 2.5) for options in drawn)
    return tuple(simulate_all(runs, jobs=2))


def acts(result: Result) -> list[str]:
    """The journal's lines on what policies did."""
    return [line for line in result.journal if '"type":"ScalingActivity"' in line]


def test_no_promise_breaks_while_services_scale_under_faults() -> None:
    assert [(result.seed, result.broken) for result in _results() if result.broken] == []
    assert sum(result.dropped for result in _results()) == 0


def test_policies_did_act_in_these_runs() -> None:
    assert sum(bool(acts(result)) for result in _results()) >= SEEDS // 4


def test_a_rise_during_a_shift_is_answered_and_the_shift_goes_through() -> None:
    """100 requests a second on 3 tasks of 20 each: 5 are needed, of blue and of green alike."""
    (result,) = simulate_all([scaled(change(3), target=20)])
    assert result.broken is None
    assert [one.outcome for one in result.deployments] == ["succeeded", "succeeded"]
    (act,) = acts(result)
    assert '"before":3,"after":5' in act


def restless(count: Callable[[Look], int]) -> Callable[[Look, Totals], Wish | None]:
    """A policy that wants another count every 15 seconds."""

    def wish(look: Look, policy: Totals) -> Wish | None:
        due = look.now - max(look.state.last_change_at) >= 15_000
        after = look.clamped(count(look))
        return Wish(policy.name, after, look.desired, "bored") if due and not look.moving else None

    return wish


def test_a_count_that_does_not_rest_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "wish", restless(lambda look: 2 if look.desired == 3 else 3))
    result = simulate(scaled(change(3), target=20))
    assert result.broken is not None
    assert result.broken.promise == 0
    assert "its count turned round 2 times" in result.broken.sentence
