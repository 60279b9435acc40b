"""Base and weight: which provider a task goes to, and which one gives it up."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import app_of, service
from tidegate.core.capacity.strategy import (
    imbalance,
    next_provider,
    remove_provider,
    strategy_of,
    usable,
)
from tidegate.core.provider import Capacity, Provider, ProviderKind, StrategyItem

OD, SPOT = Provider("od"), Provider("spot", ProviderKind.SPOT)
CAPACITY = Capacity((OD, SPOT))
ONE_TO_FOUR = (StrategyItem("od", 2, 1), StrategyItem("spot", 0, 4))

names = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True)


@st.composite
def strategies(draw: st.DrawFn) -> tuple[StrategyItem, ...]:
    """Any strategy that an app file may have."""
    known = draw(names)
    based = draw(st.sampled_from([None, *known]))
    items = [
        StrategyItem(n, draw(st.integers(1, 5)) if n == based else 0, draw(st.integers(0, 9)))
        for n in known
    ]
    items[0] = StrategyItem(items[0].capacity_provider, items[0].base, draw(st.integers(1, 9)))
    return tuple(items)


def placed(strategy: tuple[StrategyItem, ...], tasks: int) -> list[str]:
    """Where so many tasks go, one after the other."""
    counts: Counter[str] = Counter()
    found = []
    for _ in range(tasks):
        provider = next_provider(strategy, counts)
        assert provider is not None
        counts[provider] += 1
        found.append(provider)
    return found


def test_the_base_comes_first_and_then_the_largest_deficit() -> None:
    order = "".join(name[0] for name in placed(ONE_TO_FOUR, 16))
    assert order == "oossossssossssoss"[:16]


@given(strategies(), st.integers(1, 200))
def test_counts_follow_the_weights_to_within_one_task_and_a_zero_gets_its_base(
    strategy: tuple[StrategyItem, ...], tasks: int
) -> None:
    counts = Counter(placed(strategy, tasks))
    whole = sum(item.weight for item in strategy)
    beyond = max(0, tasks - sum(item.base for item in strategy))
    for item in strategy:
        over = counts[item.capacity_provider] - min(item.base, tasks)
        assert over >= 0
        assert abs(over - beyond * item.weight / whole) < len(strategy)
        assert item.weight or over == 0


@given(strategies(), st.integers(1, 60))
def test_what_is_taken_away_leaves_the_base_till_last(
    strategy: tuple[StrategyItem, ...], tasks: int
) -> None:
    counts = Counter(placed(strategy, tasks))
    base = next((item for item in strategy if item.base), None)
    while counts.total():
        gone = remove_provider(strategy, counts)
        assert gone is not None and counts[gone] > 0
        if base and gone == base.capacity_provider and counts[gone] <= base.base:
            assert counts.total() == counts[gone]
        counts[gone] -= 1
    assert remove_provider(strategy, counts) is None


def test_a_task_with_a_provider_that_the_strategy_does_not_name_goes_first() -> None:
    assert remove_provider(ONE_TO_FOUR, {"od": 2, "spot": 9, "old": 1}) == "old"


def test_a_provider_with_weight_zero_takes_nothing_beyond_its_base() -> None:
    assert placed((StrategyItem("od", 1, 0), StrategyItem("spot", 0, 1)), 4) == [
        "od", "spot", "spot", "spot",
    ]  # fmt: skip


def test_on_demand_stands_in_for_spot_that_is_closed_and_spot_never_for_on_demand() -> None:
    spot_only = (StrategyItem("spot"),)
    assert usable(CAPACITY, ONE_TO_FOUR, frozenset({"spot"})) == ONE_TO_FOUR[:1]
    assert usable(CAPACITY, spot_only, frozenset({"spot"})) == (StrategyItem("od"),)
    assert usable(CAPACITY, spot_only, frozenset({"spot", "od"})) == spot_only
    assert usable(CAPACITY, spot_only, frozenset()) == spot_only


def test_a_base_alone_cannot_stand_in_so_its_provider_gets_a_weight() -> None:
    strategy = (StrategyItem("od", 2, 0), StrategyItem("spot", 0, 1))
    assert usable(CAPACITY, strategy, frozenset({"spot"})) == (StrategyItem("od", 2, 1),)


def test_a_service_without_a_strategy_has_the_app_s_or_its_first_provider() -> None:
    first = strategy_of(app_of(capacity=CAPACITY), "cats")
    assert first == (StrategyItem("od"),)
    given_all = Capacity((OD, SPOT), ONE_TO_FOUR)
    assert strategy_of(app_of(capacity=given_all), "cats") == ONE_TO_FOUR
    assert strategy_of(app_of(service()), "cats") == ()


@given(strategies(), st.integers(0, 40))
def test_a_move_that_is_made_never_wants_to_be_made_back(
    strategy: tuple[StrategyItem, ...], tasks: int
) -> None:
    """As `core.capacity.returning` decides: moves come to an end."""
    counts = Counter({item.capacity_provider: tasks // len(strategy) for item in strategy})
    for _ in range(4 * tasks + 4):
        giver = remove_provider(strategy, counts)
        if giver is None:
            return
        after = counts.copy()
        after[giver] -= 1
        taker = next_provider(strategy, after)
        assert taker is not None
        after[taker] += 1
        if imbalance(strategy, after) >= imbalance(strategy, counts):
            return
        counts = after
    raise AssertionError("it never ends")
