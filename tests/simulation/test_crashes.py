"""The controller may die between any two effects, and the next one takes it from there."""

from dataclasses import replace

import pytest

from tidegate.core.decision import Outcome
from tidegate.core.model import LifecycleStage
from tidegate.simulator import behaviour as b
from tidegate.simulator.batch import simulate_all
from tidegate.simulator.faults import CrashPoint
from tidegate.simulator.options import Ask, Options, Verb
from tidegate.simulator.run import simulate
from tidegate.simulator.scenarios import QUICKLY, SERVICE, change

ABORT = Ask(Verb.ABORT, SERVICE, stage=LifecycleStage.PRODUCTION_TRAFFIC_SHIFT)
STORIES = {
    "good": (b.GOOD, (), Outcome.SUCCEEDED),
    "failing": (b.failing(1.0), (), Outcome.ROLLED_BACK),
    "aborted": (b.GOOD, (ABORT,), Outcome.ROLLED_BACK),
}


def _crashed(options: Options, calls: int) -> list[Options]:
    points = [CrashPoint(call, after) for call in range(1, calls + 1) for after in (False, True)]
    return [replace(options, crash=point) for point in points]


@pytest.mark.parametrize("story", STORIES)
def test_a_crash_before_or_after_any_effect_changes_no_outcome(story: str) -> None:
    behaviour, asks, outcome = STORIES[story]
    calm = change(1, behaviour, QUICKLY)
    options = replace(calm, asks=asks, requests_per_second=40)
    whole = simulate(options)
    assert whole.calls > 30
    runs = _crashed(options, whole.calls)
    for run, result in zip(runs, simulate_all(runs, jobs=2), strict=True):
        assert result.broken is None, run.crash
        assert result.restarts == 1, run.crash
        assert [d.outcome for d in result.deployments] == [Outcome.SUCCEEDED, outcome], run.crash
