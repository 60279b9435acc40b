"""The keys of `capacity`: ECS's words and rules, prices from the file or the dated table."""

import pytest

from tidegate.core.errors import AppFileError
from tidegate.core.progress import Progress
from tidegate.core.provider import Placement, PlacementField, PlacementType, StrategyItem
from tidegate.spec import lines, loads, plan
from tidegate.spec.prices import INSTANCE_TYPES, spot_price

FILE = """\
app: shop
capacity:
  providers:
    on-demand: {instance_type: t3.medium, min: 1, max: 4, launch: 2s}
    spot: {kind: spot, instance_type: t3.medium, zones: [a, b], price: 0.0125}
  default_strategy:
    - {capacity_provider: on-demand, base: 2}
    - {capacity_provider: spot, weight: 4}
services:
  cats: {build: cats, route: /}
"""


def refused(old: str, new: str) -> str:
    """What is said of the file with this change."""
    assert old in FILE
    with pytest.raises(AppFileError) as found:
        loads(FILE.replace(old, new))
    return str(found.value)


def test_a_provider_has_what_its_type_has_and_the_file_goes_before_the_table() -> None:
    capacity = loads(FILE).capacity
    assert capacity is not None
    on_demand, spot = capacity.providers
    assert (on_demand.cpu_units, on_demand.memory_mib) == (2_048, 4_096)
    assert (on_demand.price_micros, on_demand.on_demand_micros) == (41_600, 41_600)
    assert (spot.price_micros, spot.on_demand_micros) == (12_500, 41_600)
    assert capacity.default_strategy == (
        StrategyItem("on-demand", 2, 1),
        StrategyItem("spot", 0, 4),
    )
    assert capacity.interruption_notice_ms == 120_000


def test_spot_without_a_price_is_the_median_saving_below_on_demand() -> None:
    app = loads(FILE.replace(", price: 0.0125", ""))
    assert app.capacity is not None
    assert app.capacity.providers[1].price_micros == spot_price(41_600) == 14_560


def test_without_capacity_there_is_none() -> None:
    assert loads("app: shop\nservices:\n  cats: {build: cats}\n").capacity is None


def test_a_service_has_its_own_strategy_and_a_plain_name_is_one() -> None:
    own = "  cats: {build: cats, route: /, capacity_provider_strategy: [spot]}"
    app = loads(FILE.replace("  cats: {build: cats, route: /}", own))
    assert app.services[0].capacity_provider_strategy == (StrategyItem("spot"),)


def test_placement_is_read_by_type_and_field() -> None:
    packed = "capacity:\n  placement: [{type: binpack, field: memory}]\n"
    app = loads(FILE.replace("capacity:\n", packed, 1))
    assert app.capacity is not None
    assert app.capacity.placement == (Placement(PlacementType.BINPACK, PlacementField.MEMORY),)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("weight: 4", "weight: 4, base: 1", "more than one item has a base"),
        ("base: 2}\n", "base: 2, weight: 0}\n", None),
        ("capacity_provider: spot", "capacity_provider: spott", "did you mean `spot`?"),
        ("capacity_provider: spot", "capacity_provider: on-demand", "is named twice"),
        ("max: 4", "max: 0", "min 1 is more than max 0"),
        ("instance_type: t3.medium, min", "instance_type: x9.huge, min", "not in the table"),
        ("weight: 4", "weight: 1001", "from 0 to 1000"),
        ("base: 2", "base: 100001", "from 0 to 100000"),
        ("route: /}", "route: /, cpu: 4096}", "a task does not fit on an instance of on-demand"),
        ("kind: spot", "kind: spotty", "did you mean `spot`?"),
        ("price: 0.0125", "price: free", "dollars per hour"),
    ],
)
def test_what_does_not_go_together_is_said(old: str, new: str, said: str | None) -> None:
    if said is None:
        assert loads(FILE.replace(old, new)).capacity is not None
    else:
        assert said in refused(old, new)


def test_a_strategy_in_which_no_weight_counts_is_an_error_as_in_ecs() -> None:
    text = FILE.replace("base: 2}", "base: 2, weight: 0}").replace("weight: 4", "weight: 0")
    with pytest.raises(AppFileError, match="every weight is 0"):
        loads(text)


def test_a_strategy_without_capacity_is_an_error() -> None:
    text = "app: shop\nservices:\n  cats: {build: cats, capacity_provider_strategy: [spot]}\n"
    with pytest.raises(AppFileError, match="there are no capacity providers"):
        loads(text)


def test_a_plan_shows_each_change_of_capacity_and_that_it_counts_at_once() -> None:
    running = Progress(app=loads(FILE))
    wanted = loads(FILE.replace("max: 4", "max: 6").replace("weight: 4", "weight: 9"))
    told = lines(plan(running, wanted, "c0ffee"))
    assert "~ capacity.providers.on-demand.max: 4 → 6  [at once]" in told
    assert any("spot base 0 weight 9" in line for line in told)


def test_every_type_of_the_table_has_room_and_a_price() -> None:
    for made in INSTANCE_TYPES.values():
        assert min(made.cpu_units, made.memory_mib, made.price_micros) > 0
