"""Which provider the next task goes to, and which one gives a task up.

ECS documents base and weight but not how ratios are rounded; this is a deterministic rule: first
the base, then the largest deficit against the weights, ties by the order of the strategy.
"""

from collections.abc import Mapping

from tidegate.core.model import App
from tidegate.core.provider import Capacity, StrategyItem

Strategy = tuple[StrategyItem, ...]
Counts = Mapping[str, int]


def strategy_of(app: App, service: str) -> Strategy:
    """The service's strategy: its own, the app's default, or its first provider."""
    known = app.service(service)
    if known and known.capacity_provider_strategy:
        return known.capacity_provider_strategy
    if app.capacity is None:
        return ()
    first = app.capacity.providers[:1]
    return app.capacity.default_strategy or tuple(StrategyItem(p.name) for p in first)


def next_provider(strategy: Strategy, counts: Counts) -> str | None:
    """The provider of one more task; None when no item of the strategy may take it."""
    for item in strategy:
        if counts.get(item.capacity_provider, 0) < item.base:
            return item.capacity_provider
    total, whole = 1 + _beyond(strategy, counts), sum(item.weight for item in strategy)
    able = [item for item in strategy if item.weight > 0]
    deficits = [item.weight * total - _over(item, counts) * whole for item in able]
    return able[deficits.index(max(deficits))].capacity_provider if able else None


def remove_provider(strategy: Strategy, counts: Counts) -> str | None:
    """The provider that gives up a task: the one furthest above its share, never below its base.

    Tasks with a provider that the strategy does not name go first.
    """
    strangers = sorted(name for name, n in counts.items() if n and not _named(strategy, name))
    if strangers:
        return strangers[0]
    total, whole = _beyond(strategy, counts) - 1, sum(item.weight for item in strategy)
    able = [item for item in reversed(strategy) if _over(item, counts) > 0]
    if not able:
        based = [i for i in strategy if counts.get(i.capacity_provider, 0)]
        return based[-1].capacity_provider if based else None
    surpluses = [_over(item, counts) * whole - item.weight * total for item in able]
    return able[surpluses.index(max(surpluses))].capacity_provider


def imbalance(strategy: Strategy, counts: Counts) -> int:
    """How far the counts are from base and weights: 0 is exact; strangers weigh the most."""
    total, whole = _beyond(strategy, counts), sum(item.weight for item in strategy)
    total += sum(n for name, n in counts.items() if not _named(strategy, name))
    far = [_over(item, counts) * whole - item.weight * total for item in strategy]
    missing = [max(0, i.base - counts.get(i.capacity_provider, 0)) * whole for i in strategy]
    strange = [n * whole for name, n in counts.items() if not _named(strategy, name)]
    return sum(one * one for one in (*far, *missing, *strange, *strange))


def usable(capacity: Capacity, strategy: Strategy, closed: frozenset[str]) -> Strategy:
    """The strategy without closed providers.

    When those that are left may take no task, on-demand stands in: the strategy's own, else the
    app's. With none of them open the strategy stays as it is, and tasks wait.
    """
    if not any(item.capacity_provider in closed for item in strategy):
        return strategy
    left = tuple(item for item in strategy if item.capacity_provider not in closed)
    if any(item.weight for item in left):
        return left
    stand_ins = [p.name for p in capacity.providers if not p.spot and p.name not in closed]
    named = [name for name in stand_ins if _named(strategy, name)]
    bases = {item.capacity_provider: item.base for item in left}
    found = tuple(StrategyItem(name, bases.get(name, 0)) for name in named or stand_ins)
    return found or strategy


def _named(strategy: Strategy, name: str) -> bool:
    return any(item.capacity_provider == name for item in strategy)


def _over(item: StrategyItem, counts: Counts) -> int:
    """How many tasks it has beyond its base."""
    return max(0, counts.get(item.capacity_provider, 0) - item.base)


def _beyond(strategy: Strategy, counts: Counts) -> int:
    return sum(_over(item, counts) for item in strategy)
