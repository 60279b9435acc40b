"""Scaling under faults, beside deployments: no promise breaks, and then the count comes to rest.

Each kind of policy in the runs that draw it, and each checker of scaling against a controller that
breaks its promise.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice

import pytest

from tidegate.core.model import TaskCount
from tidegate.core.scaling import totals
from tidegate.core.scaling.chance import Need
from tidegate.core.scaling.look import Look, Wish
from tidegate.core.scaling.needs import Needs, needs_of
from tidegate.core.scaling.policy import Scaling, Totals
from tidegate.simulator import run
from tidegate.simulator.batch import simulate_all
from tidegate.simulator.checkers import rest_scaling
from tidegate.simulator.faults import Chances, Mishap
from tidegate.simulator.options import Options
from tidegate.simulator.result import Result
from tidegate.simulator.run import simulate
from tidegate.simulator.scenarios import change
from tidegate.simulator.swarm import draw

DRAWN, RUNS, ACT = 180, 20, 10
"""So many runs are drawn, the first that scale are played, and so many of these do scale."""
POLICIES = ("totals", "tracking", "step", "scheduled")


def scaled(options: Options, target: float) -> Options:
    """The same run with every service scaled by the recommended controller."""
    scaling = Scaling(Totals(requests=target, scale_in_after_ms=30_000))
    services = tuple(replace(one, scaling=scaling) for one in options.app.services)
    return replace(options, app=replace(options.app, services=services))


def kinds(options: Options) -> Iterator[str]:
    """Which kinds of policy a run has."""
    for service in options.app.services:
        yield from (kind for kind in POLICIES if getattr(service.scaling, kind))


@cache
def _runs() -> tuple[Options, ...]:
    drawn = (draw(seed) for seed in range(200, 200 + DRAWN))
    those = (options for options in drawn if set(kinds(options)) - {"tracking"})
    return tuple(islice(those, RUNS))


@cache
def _results() -> tuple[Result, ...]:
    return tuple(simulate_all(_runs(), jobs=2))


def acts(result: Result) -> list[str]:
    """The journal's lines on what policies did."""
    return [line for line in result.journal if '"type":"ScalingActivity"' in line]


def test_no_promise_breaks_while_services_scale_under_faults() -> None:
    assert len(_results()) == RUNS
    assert [(result.seed, result.broken) for result in _results() if result.broken] == []
    assert sum(result.dropped for result in _results()) == 0


def test_policies_did_act_in_these_runs() -> None:
    assert sum(bool(acts(result)) for result in _results()) >= ACT


def test_the_swarm_draws_every_kind_of_policy_and_loads_that_move() -> None:
    drawn = [draw(seed) for seed in range(300)]
    found = Counter(kind for options in drawn for kind in kinds(options))
    assert all(found[kind] >= 8 for kind in POLICIES), found
    assert sum(bool(options.moves) for options in drawn) >= 60
    assert sum(bool(options.strikes) for options in drawn) >= 20
    both = [o for o in drawn if o.app.capacity is not None and any(kinds(o))]
    assert len(both) >= 25


def test_a_rise_during_a_shift_is_answered_and_the_shift_goes_through() -> None:
    """100 requests a second on 3 tasks of 20 each: 5 are needed, of blue and of green alike."""
    (result,) = simulate_all([scaled(change(3), target=20)])
    assert result.broken is None
    assert [one.outcome for one in result.deployments] == ["succeeded", "succeeded"]
    (act,) = acts(result)
    assert '"before":3,"after":5' in act


def restless(
    count: Callable[[Look], int], every_ms: int = 15_000
) -> Callable[[Look, Totals], Wish | None]:
    """A policy that wants another count so often."""

    def wish(look: Look, policy: Totals) -> Wish | None:
        due = look.now - max(look.state.last_change_at) >= every_ms
        after = look.clamped(count(look))
        return Wish(policy.name, after, look.desired, "bored") if due and not look.moving else None

    return wish


def test_a_count_that_does_not_rest_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "wish", restless(lambda look: 2 if look.desired == 3 else 3))
    monkeypatch.setattr(rest_scaling, "_SURE_MS", 0)
    monkeypatch.setattr(run, "CHECKERS", {})
    result = simulate(scaled(change(3), target=20))
    assert result.broken is not None
    assert result.broken.promise == 0
    assert "its count turned round 2 times" in result.broken.sentence


def test_a_count_that_grows_for_ever_may_still_be_scaled_and_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(totals, "wish", restless(lambda look: look.desired + 1, 50_000))
    monkeypatch.setattr(rest_scaling, "_SURE_MS", 0)
    options = scaled(replace(change(3), requests_per_second=3, tick_ms=1_000), target=1_000)
    endless = tuple(replace(one, count=TaskCount(1, 3, 40)) for one in options.app.services)
    result = simulate(replace(options, app=replace(options.app, services=endless)))
    assert result.broken is not None
    assert result.broken.promise == 0
    assert result.broken.sentence.startswith("cats may still be scaled, ")


def test_9_tasks_that_are_taken_away_on_missing_data_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def blind(look: Look, policy: Totals) -> Wish | None:
        if all(beat.requests is not None for beat in look.series.beats[-3:]) or look.desired < 2:
            return None
        return Wish(policy.name, look.desired - 1, look.desired, "nobody asks")

    monkeypatch.setattr(totals, "wish", blind)
    options = scaled(change(3), target=20)
    lost = Chances(mishaps=((Mishap.METRICS_LOST, 400),))
    result = simulate(replace(options, chances=lost, faulty_ms=60_000))
    assert result.broken is not None
    assert result.broken.promise == 9
    assert "totals took tasks of cats away with" in result.broken.sentence


CRASHES = Chances(mishaps=((Mishap.CONTROLLER_CRASH, 4_000),))


def test_9_a_window_is_not_measured_by_a_controller_that_has_just_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that holds its first beats to be the whole window."""
    true = totals._window

    def hasty(look: Look, asked: Needs, few: float) -> list[Need]:
        return true(
            look, needs_of(replace(asked.policy, scale_in_after_ms=5_000), asked.limit), few
        )

    monkeypatch.setattr(totals, "_window", hasty)
    options = scaled(change(3), target=1_000)
    result = simulate(replace(options, chances=CRASHES, faulty_ms=90_000))
    assert result.broken is not None
    assert result.broken.promise == 9
    assert "totals took tasks of cats away with" in result.broken.sentence
    assert "ms of its 30000 ms measured" in result.broken.sentence
