"""Money: whole seconds × price, in micro-dollars, from the journal alone."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import T0, release, service
from tidegate.core import decision as d
from tidegate.core.cost import Stay, altogether, dollars, micros, share_of, so_far
from tidegate.core.fold import advance_all
from tidegate.core.instance import InstanceRecord
from tidegate.core.model import Colour
from tidegate.core.progress import Progress
from tidegate.core.provider import ProviderKind
from tidegate.engine.journal import Entry
from tidegate.engine.views.second_set import second_set_micros

SPOT = ProviderKind.SPOT
ORDERED = d.InstanceLaunched("i1", "spot", SPOT, "a", 1_024, 1_024, 3_600_000, 7_200_000, "")
times = st.integers(0, 10**10)


def test_an_hour_costs_its_price_and_half_a_second_nothing() -> None:
    assert micros(3_600_000, 41_600) == 41_600
    assert micros(999, 3_600_000) == 0
    assert micros(1_999, 3_600_000) == 1_000


@given(times, times, st.integers(0, 10**9))
def test_more_time_never_costs_less(one: int, more: int, price: int) -> None:
    assert micros(one, price) <= micros(one + more, price)


def test_an_instance_costs_from_running_to_its_end_and_its_order_is_free() -> None:
    ordered = advance_all(Progress(), (ORDERED,), T0)
    assert altogether(so_far(ordered.fleet, T0 + 60_000)).micros == 0
    ready = advance_all(ordered, (d.InstanceReady("i1"),), T0 + 10_000)
    assert altogether(so_far(ready.fleet, T0 + 20_000)).micros == 10_000
    gone = advance_all(ready, (d.InstanceTerminated("i1", "over"),), T0 + 30_000)
    spent = altogether(so_far(gone.fleet, T0 + 90_000))
    assert (spent.ms, spent.micros, spent.on_demand_micros) == (20_000, 20_000, 40_000)
    assert not gone.fleet.instances


def test_one_that_never_came_costs_nothing() -> None:
    failed = (ORDERED, d.InstanceLaunchFailed("i1", "none to be had"))
    progress = advance_all(Progress(), failed, T0)
    assert altogether(so_far(progress.fleet, T0 + 10**9)).micros == 0


def test_a_task_costs_the_larger_of_the_shares_that_it_reserves() -> None:
    whole = InstanceRecord("i1", "spot", SPOT, "a", 1_024, 1_024, 3_600_000, 0, T0)
    assert share_of([Stay(10_000, 256, 128, whole)]) == 2_500
    assert share_of([Stay(10_000, 128, 512, whole)]) == 5_000


def test_dollars_show_small_amounts_whole() -> None:
    assert dollars(41_600) == "$0.0416"
    assert dollars(0) == "$0.0000"
    assert dollars(12_345_678) == "$12.35"


CATS = service(count=1)
STORY: tuple[tuple[int, d.Event], ...] = (
    (0, d.ReleaseMade(release(1, CATS))),
    (0, d.ReleaseMade(release(2, CATS))),
    (0, ORDERED),
    (0, d.InstanceReady("i1")),
    (0, d.TaskStarted("t1", "cats", 1, Colour.BLUE, "")),
    (0, d.TaskPlaced("t1", "spot", "i1")),
    (100, d.DeploymentStarted("d2", "cats", 1, 2, Colour.GREEN)),
    (100, d.TaskStarted("t2", "cats", 2, Colour.GREEN, "")),
    (110, d.TaskPlaced("t2", "spot", "i1")),
    (150, d.StablePromoted("d2", "cats", 2)),
    (160, d.TaskRemoved("t1")),
    (170, d.DeploymentFinished("d2", d.Outcome.SUCCEEDED, "")),
)


def entries(story: tuple[tuple[int, d.Event], ...]) -> list[Entry]:
    """The story as a journal; its times are seconds."""
    return [Entry(n, T0 + s * 1_000, event) for n, (s, event) in enumerate(story, 1)]


def test_the_second_task_set_is_the_candidate_until_it_is_promoted_and_the_old_one_after() -> None:
    quarter = 3_600_000 // 3_600 // 4  # of an instance, a second
    assert second_set_micros("d2", entries(STORY)) == (40 + 10) * quarter


def test_a_deployment_without_instances_has_no_such_cost() -> None:
    bare = tuple((s, e) for s, e in STORY if not isinstance(e, d.TaskPlaced))
    assert second_set_micros("d2", entries(bare)) is None
