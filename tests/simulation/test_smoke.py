"""Hundreds of seeded deployments under faults: no promise breaks, and it is no idle run."""

from collections import Counter
from functools import cache

import pytest

from tidegate.core.decision import Outcome
from tidegate.simulator.batch import simulate_all
from tidegate.simulator.faults import Fate, Mishap
from tidegate.simulator.result import Result
from tidegate.simulator.swarm import draw

pytestmark = pytest.mark.timeout(900)  # the first of them plays all of it
SEEDS = 200


@cache
def _results() -> tuple[Result, ...]:
    return tuple(simulate_all(map(draw, range(SEEDS)), jobs=2))


def test_no_promise_breaks_in_hundreds_of_deployments_under_faults() -> None:
    broken = [(result.seed, result.broken) for result in _results() if result.broken]
    assert not broken, f"python -m tidegate.simulator --seeds 1 --start {broken[0][0]}"


def test_the_runs_hold_enough_deployments_of_every_outcome() -> None:
    ended = [deployment for result in _results() for deployment in result.deployments]
    outcomes = Counter(deployment.outcome for deployment in ended)
    assert len(ended) >= 480
    assert outcomes[Outcome.SUCCEEDED] >= 250
    assert outcomes[Outcome.ROLLED_BACK] >= 70
    assert outcomes[Outcome.FAILED] >= 20
    assert outcomes[None] == 0


def test_every_kind_of_fault_happened_many_times() -> None:
    faults: Counter[str] = Counter()
    for result in _results():
        faults += result.faults
    kinds = [*Mishap, *(fate for fate in Fate if fate is not Fate.DONE)]
    assert [kind for kind in kinds if faults[kind.value] < 20] == []
    assert sum(result.restarts for result in _results()) >= 200


def test_the_clients_were_many_and_none_was_dropped() -> None:
    assert sum(result.sent for result in _results()) >= 250_000
    assert sum(result.dropped for result in _results()) == 0


def test_what_runs_without_faults_fails_no_request_of_good_releases() -> None:
    spared = [
        result
        for result in _results()
        if not result.faults and not any(deployment.bad for deployment in result.deployments)
    ]
    assert len(spared) >= 5
    assert sum(result.failed + result.dropped for result in spared) == 0
