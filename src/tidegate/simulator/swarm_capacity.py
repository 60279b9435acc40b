"""The part of a swarm run's options that is about capacity: providers, strategies, spot weather."""

from dataclasses import replace
from random import Random

from tidegate.core.model import App, LifecycleStage
from tidegate.core.provider import (
    Capacity,
    Placement,
    PlacementField,
    PlacementType,
    Provider,
    ProviderKind,
    StrategyItem,
)
from tidegate.simulator.faults import NONE, Chances, Mishap

SPREAD = Placement(PlacementType.SPREAD, PlacementField.ZONE)
PACK = Placement(PlacementType.BINPACK, PlacementField.MEMORY)

_WEATHER = (
    (Mishap.STALE_INSTANCES, 15_000), (Mishap.SPOT_STORM, 8_000), (Mishap.INSTANCE_LOST, 15_000),
    (Mishap.FALSE_NOTICE, 25_000), (Mishap.POOL_DRY, 20_000), (Mishap.LAUNCHES_FAIL, 25_000),
    (Mishap.LAUNCHES_SLOW, 20_000),
)  # fmt: skip


def with_capacity(app: App, rng: Random) -> App:
    """Four runs in ten have providers; their times are short, as everything is in a simulation."""
    if rng.random() >= 0.4:
        return app
    size = rng.choice((1, 2, 4))  # in tasks of the default size
    on_demand = Provider(
        "on-demand",
        cpu_units=256 * size,
        memory_mib=128 * size,
        minimum=rng.choice((0, 0, 1)),
        maximum=60,
        launch_ms=rng.choice((500, 2_000)),
        price_micros=41_600,
        on_demand_micros=41_600,
        target_capacity_percent=rng.choice((100, 100, 80)),
        termination_protection=rng.random() < 0.3,
    )
    spot = replace(
        on_demand,
        name="spot",
        kind=ProviderKind.SPOT,
        minimum=0,
        launch_ms=rng.choice((500, 2_000)),
        zones=rng.choice((("a",), ("a", "b"))),
        price_micros=14_560,
    )
    strategy = (
        StrategyItem("on-demand", rng.choice((0, 1, 2)), rng.choice((0, 1, 1))),
        StrategyItem("spot", 0, rng.choice((1, 4))),
    )
    capacity = Capacity(
        (on_demand, spot),
        strategy,
        rng.choice(((SPREAD,), (PACK,), Capacity(()).placement)),
        interruption_notice_ms=rng.choice((8_000, 15_000)),
        idle_ms=rng.choice((3_000, 6_000)),
        disruption_budget_percent=rng.choice((10, 50)),
        pending_ms=4_000,
        backoff_ms=3_000,
        backoff_most_ms=12_000,
        return_after_ms=3_000,
        return_every_ms=rng.choice((500, 2_000)),
    )
    return replace(app, capacity=capacity)


def weather(chances: Chances, app: App, rng: Random) -> Chances:
    """What befalls the instances, where there are any and the run is not spared."""
    if app.capacity is None or chances is NONE:
        return chances
    mishaps = tuple(one for one in _WEATHER if rng.random() < 0.7)
    return replace(chances, mishaps=(*chances.mishaps, *mishaps))


def strikes(chances: Chances, rng: Random) -> tuple[LifecycleStage, ...]:
    """The stages of a deployment that a spot storm meets, where there are any storms."""
    if all(kind is not Mishap.SPOT_STORM for kind, _ in chances.mishaps) or rng.random() < 0.5:
        return ()
    return tuple(rng.sample(tuple(LifecycleStage), rng.choice((1, 2))))
