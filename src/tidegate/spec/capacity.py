"""The keys of `capacity`: providers of instances, and strategies over them, by ECS's words."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from tidegate.core import provider as core
from tidegate.core.provider import PlacementField, PlacementType, ProviderKind
from tidegate.spec.keys import Keys, Short, conflict, key, many, needed, part
from tidegate.spec.kinds import Kind, Label, Memory, Moment, Name, Span, Switch, one_of, refuse
from tidegate.spec.prices import INSTANCE_TYPES, spot_price
from tidegate.spec.units import time_text

PROVIDER = core.Provider("provider")
CAPACITY = core.Capacity(())
MARKET = core.Market()
_MICROS = 1_000_000


def _price(value: object) -> object:
    """Micro-dollars of dollars."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1_000:
        raise refuse()
    return round(value * _MICROS)


Price = Annotated[
    int,
    Kind(
        "dollars per hour, from 0 to 1000",
        (("type", "number"), ("minimum", 0), ("maximum", 1_000)),
        _price,
    ),
]
Count = Annotated[int, Field(ge=0, le=10_000)]


class StrategyItemKeys(Short):
    """A provider in a strategy. A plain value is its name."""

    short: ClassVar[str] = "capacity_provider"
    capacity_provider: Name = needed("The provider's name.", "spot")
    base: Annotated[int, Field(ge=0, le=100_000)] = key(
        0, "So many tasks go here before any weight counts; one item may have a base.", 2
    )
    weight: Annotated[int, Field(ge=0, le=1_000)] = key(
        1, "The share of the further tasks, as a ratio; 0 gets none.", 4
    )

    def core(self) -> core.StrategyItem:
        """As the core knows it."""
        return core.StrategyItem(self.capacity_provider, self.base, self.weight)


class PlacementKeys(Keys):
    """One placement strategy: what tasks are spread over, or packed by."""

    type: Annotated[str, one_of(*PlacementType)] = needed("`spread` or `binpack`.", "spread")
    field: Annotated[str, one_of(*PlacementField)] = needed(
        "`zone` or `instance` to spread over, `cpu` or `memory` to pack by.", "zone"
    )

    @model_validator(mode="after")
    def _fits(self) -> "PlacementKeys":
        spreads = self.field in (PlacementField.ZONE, PlacementField.INSTANCE)
        if spreads != (self.type == PlacementType.SPREAD):
            raise conflict(
                f"{self.type} does not go by {self.field}",
                "spread over zone or instance, or binpack by cpu or memory",
            )
        return self

    def core(self) -> core.Placement:
        """As the core knows it."""
        return core.Placement(PlacementType(self.type), PlacementField(self.field))


class ProviderKeys(Keys):
    """A source of equal instances, on-demand or spot."""

    kind: Annotated[str, one_of(*ProviderKind)] = key(
        PROVIDER.kind.value, "How its instances are bought; spot may be taken back.", "spot"
    )
    instance_type: Label | None = key(
        None, "An EC2 type: gives cpu, memory and price where they are not written.", "t3.medium"
    )
    cpu: Annotated[int, Field(ge=128, le=196_608)] | None = key(
        None, "CPU units that tasks may reserve on one; 2048 when nothing is said.", 1024
    )
    memory: Memory | None = key(
        None, "Memory that tasks may reserve on one; 4GiB when nothing is said.", "2GiB"
    )
    min: Count = key(PROVIDER.minimum, "Never fewer instances than this.", 1)
    max: Count = key(PROVIDER.maximum, "Never more instances than this.", 20)
    launch: Moment = key(
        time_text(PROVIDER.launch_ms), "From the order of an instance to RUNNING.", "5s"
    )
    instance_warmup_period: Moment = key(
        time_text(PROVIDER.instance_warmup_period_ms),
        "So long a new instance is left alone by scale-in.",
        "1m",
    )
    zones: Annotated[list[Label], Field(min_length=1)] = key(
        ["a"], "The availability zones that its instances are spread over.", ["a", "b"]
    )
    price: Price | None = key(
        None, "Dollars per hour of one. Left out: the table of the instance type, else 0.", 0.0125
    )
    on_demand_price: Price | None = key(
        None, "What the same instance costs on demand, to compare with.", 0.0416
    )
    target_capacity: Annotated[int, Field(ge=1, le=100)] = key(
        PROVIDER.target_capacity_percent, "Below 100, some whole instances stand by.", 90
    )
    minimum_scaling_step_size: Annotated[int, Field(ge=1, le=10_000)] = key(
        PROVIDER.step_min, "The least that one scale-out adds.", 2
    )
    maximum_scaling_step_size: Annotated[int, Field(ge=1, le=10_000)] = key(
        PROVIDER.step_max, "The most that one scale-out adds.", 10
    )
    managed_termination_protection: Switch = key(
        PROVIDER.termination_protection, "Whether only empty instances are removed.", True
    )

    @model_validator(mode="after")
    def _bounds(self) -> "ProviderKeys":
        if self.min > self.max:
            raise conflict(f"min {self.min} is more than max {self.max}", "write min ≤ max")
        if self.minimum_scaling_step_size > self.maximum_scaling_step_size:
            raise conflict("the least step is more than the most", "write minimum ≤ maximum")
        listed = self.instance_type is None or self.instance_type in INSTANCE_TYPES
        if not listed and None in (self.cpu, self.memory, self.price):
            raise conflict(
                f"{self.instance_type} is not in the table of instance types",
                f"write cpu, memory and price, or one of: {', '.join(INSTANCE_TYPES)}",
            )
        return self

    def core(self, name: str) -> core.Provider:
        """As the core knows it."""
        table = INSTANCE_TYPES.get(self.instance_type or "")
        kind = ProviderKind(self.kind)
        on_demand = table.price_micros if table else 0
        listed = spot_price(on_demand) if kind is ProviderKind.SPOT else on_demand
        price = listed if self.price is None else self.price
        on_demand = on_demand or price if self.on_demand_price is None else self.on_demand_price
        return core.Provider(
            name=name,
            kind=kind,
            instance_type=self.instance_type or "",
            cpu_units=self.cpu or (table.cpu_units if table else PROVIDER.cpu_units),
            memory_mib=self.memory or (table.memory_mib if table else PROVIDER.memory_mib),
            minimum=self.min,
            maximum=self.max,
            launch_ms=self.launch,
            instance_warmup_period_ms=self.instance_warmup_period,
            zones=tuple(self.zones),
            price_micros=price,
            on_demand_micros=on_demand if kind is ProviderKind.SPOT else price,
            target_capacity_percent=self.target_capacity,
            step_min=self.minimum_scaling_step_size,
            step_max=self.maximum_scaling_step_size,
            termination_protection=self.managed_termination_protection,
        )


class MarketKeys(Keys):
    """A made-up spot market, for drills: storms that take spot instances back."""

    seed: Annotated[int, Field(ge=0, le=2**31)] = key(
        MARKET.seed, "The same seed gives the same storms.", 7
    )
    storms_per_hour: Annotated[float, Field(ge=0, le=3_600)] = key(
        MARKET.storms_per_hour, "How many storms come in an hour; 0 is no market at all.", 2.0
    )
    share: Annotated[int, Field(ge=1, le=100)] = key(
        MARKET.share_percent, "The percentage of the spot instances that a storm takes.", 60
    )

    def core(self) -> core.Market:
        """As the core knows it."""
        return core.Market(self.seed, float(self.storms_per_hour), self.share)


class CapacityKeys(Keys):
    """Instances that tasks run on. Left out, the tasks run on this machine as it is."""

    providers: Annotated[dict[Name, ProviderKeys], Field(min_length=1)] = needed(
        "The capacity providers, by name.", {"spot": {"kind": "spot", "max": 4}}
    )
    default_strategy: list[StrategyItemKeys] = many(
        "The strategy of services without one of their own; else the first provider takes all.",
        [{"capacity_provider": "on-demand", "base": 1}, {"capacity_provider": "spot", "weight": 4}],
    )
    placement: list[PlacementKeys] | None = key(
        None,
        "How tasks are placed, in this order; spread over zones, then instances, if left out.",
        [{"type": "binpack", "field": "memory"}],
    )
    interruption_notice: Span = key(
        time_text(CAPACITY.interruption_notice_ms),
        "From the notice to the end of an interrupted instance; EC2 gives 2 minutes.",
        "20s",
    )
    idle: Span = key(
        time_text(CAPACITY.idle_ms), "An instance that is empty for so long is removed.", "10s"
    )
    disruption_budget: Annotated[int, Field(ge=1, le=100)] = key(
        CAPACITY.disruption_budget_percent,
        "The percentage of a provider's instances that may be drained at a time, at least one.",
        20,
    )
    pending: Span = key(
        time_text(CAPACITY.pending_ms), "A launch this late has failed: on-demand stands in.", "5s"
    )
    backoff: Span = key(
        time_text(CAPACITY.backoff_ms), "How long a provider that failed is left alone.", "10s"
    )
    backoff_max: Span = key(
        time_text(CAPACITY.backoff_most_ms),
        "The longest that it is, after failures in a row.",
        "1m",
    )
    return_after: Span = key(
        time_text(CAPACITY.return_after_ms), "Open for so long, it gets its tasks back.", "1m"
    )
    return_every: Span = key(
        time_text(CAPACITY.return_every_ms), "One task moves back in this time.", "5s"
    )
    market: MarketKeys = part(MarketKeys, "A made-up spot market, for drills.", {"seed": 7})

    def core(self) -> core.Capacity:
        """As the core knows it."""
        placement = CAPACITY.placement
        if self.placement is not None:
            placement = tuple(one.core() for one in self.placement)
        return core.Capacity(
            tuple(provider.core(name) for name, provider in self.providers.items()),
            tuple(item.core() for item in self.default_strategy),
            placement,
            self.interruption_notice,
            self.idle,
            self.disruption_budget,
            self.pending,
            self.backoff,
            self.backoff_max,
            self.return_after,
            self.return_every,
            self.market.core(),
        )
