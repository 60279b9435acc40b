"""Scaling under faults, beside deployments: no promise breaks.

That a count comes to rest is held in `tests/unit/test_scaling_totals.py`: the simulator's rest of
seconds is too short for it, since a new controller measures for two beats before it acts.
"""

from dataclasses import replace
from functools import cache

from tidegate.core.scaling.policy import Metric, Scaling, TargetTracking, Totals
from tidegate.simulator.batch import simulate_all
from tidegate.simulator.options import Options
from tidegate.simulator.result import Result
from tidegate.simulator.scenarios import change
from tidegate.simulator.swarm import draw

SEEDS = 24
REST = 0
"""What is said of a run that does not stay at rest."""


def scaled(options: Options, target: float) -> Options:
    """The same run with every service scaled: by the recommended controller and by tracking."""
    policy = TargetTracking("requests", Metric.REQUESTS, target * 60)
    scaling = Scaling(Totals(requests=target, scale_in_after_ms=10_000), (policy,))
    services = tuple(replace(one, scaling=scaling) for one in options.app.services)
    return replace(options, app=replace(options.app, services=services))


@cache
def _results() -> tuple[Result, ...]:
    runs = (scaled(draw(seed), target=(4, 10, 25)[seed % 3]) for seed in range(SEEDS))
    return tuple(simulate_all(runs, jobs=2))


def acts(result: Result) -> list[str]:
    """The journal's lines on what policies did."""
    return [line for line in result.journal if '"type":"ScalingActivity"' in line]


def test_no_promise_breaks_while_services_scale_under_faults() -> None:
    broken = [(result.seed, result.broken) for result in _results() if result.broken]
    assert [one for one in broken if one[1].promise != REST] == []
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
