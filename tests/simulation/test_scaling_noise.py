"""Requests come at random, also at a constant load: the count must not follow them.

Hours of Poisson arrivals at the loads at which chance decides, a whole number of tasks or a little
more, with a window of ten seconds: the quickest that anybody would set.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from tidegate.core import decision as d
from tidegate.core.model import TaskCount
from tidegate.core.scaling import chance
from tidegate.core.scaling.policy import Scaling, Totals
from tidegate.load.profile import constant
from tidegate.simulator.rehearse.plan import Rehearsal
from tidegate.simulator.rehearse.run import play, told
from tidegate.simulator.rehearse.scenarios import Scenario
from tidegate.simulator.scenarios import SLOWLY

HOURS = 2


def acts(rate: float, need: float, totals: Totals, seed: int = 1) -> list[d.ScalingActivity]:
    """What the controller does in `HOURS` of that load, which asks for `need` tasks."""
    service = replace(SLOWLY.services[0], count=TaskCount(1, 2, 12), scaling=Scaling(totals))
    story = Scenario("constant", "", constant(rate, HOURS * 3_600), absolute=True)
    app = replace(SLOWLY, services=(service,), alarms=())
    stage = play(Rehearsal(app, story, seed=seed))
    return [event for _, event in told(stage) if isinstance(event, d.ScalingActivity)]


def turns(activities: list[d.ScalingActivity]) -> int:
    """How often the direction changed."""
    return sum(a != b for a, b in pairwise(one.after > one.before for one in activities))


def quick(rate: float, need: float) -> Totals:
    """So many tasks are needed at that rate, and nothing is waited for."""
    return Totals(requests=rate / need, scale_in_after_ms=10_000)


@pytest.mark.parametrize("need", [0.9, 1.05, 2.05])
@pytest.mark.parametrize("rate", [0.5, 5, 100])
def test_a_constant_load_of_random_requests_turns_the_count_once_at_most(
    rate: float, need: float
) -> None:
    found = acts(rate, need, quick(rate, need), seed=round(100 * rate * need))
    assert turns(found) <= 1
    assert len(found) <= 3


@pytest.fixture
def without_regard_to_chance(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Bounds that are remembered are neither of before nor for afterwards."""
    chance.lower.cache_clear()
    monkeypatch.setattr(chance, "Z", 0.0)
    yield
    chance.lower.cache_clear()


@pytest.mark.usefixtures("without_regard_to_chance")
def test_without_regard_to_chance_it_flaps_for_ever() -> None:
    assert turns(acts(2, 1.05, quick(2, 1.05))) > 50


@pytest.mark.parametrize("rate", [0.5, 5])
def test_the_default_window_is_as_still(rate: float) -> None:
    assert turns(acts(rate, 1.5, Totals(requests=rate / 1.5))) <= 1
