"""Where tasks run: capacity providers, a service's strategy over them, and how tasks are placed.

The words and rules are those of Amazon ECS (developer guide, "Capacity providers" and "Task
placement"; `CapacityProviderStrategyItem` of its API). Without `capacity` in the app file there are
no instances: every task runs on this machine as it is.
"""

from dataclasses import dataclass
from enum import StrEnum

HOUR_MS = 3_600_000


class ProviderKind(StrEnum):
    """How a provider's instances are bought. Spot may be taken back after a notice."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"

    @property
    def spot(self) -> bool:
        """Whether its instances may be taken back."""
        return self is ProviderKind.SPOT


@dataclass(frozen=True, slots=True)
class Provider:
    """A source of equal instances. Prices are micro-dollars per hour.

    `cpu_units` and `memory_mib` are what tasks may reserve on one. `launch_ms` is how long one
    takes from its order to RUNNING; scale-in leaves it alone for `instance_warmup_period_ms` more.
    `target_capacity_percent` below 100 keeps whole spare instances. A scale-out step is between
    `step_min` and `step_max` instances. With `termination_protection` only empty ones are removed.
    `on_demand_micros` is what the same instance costs on demand.
    """

    name: str
    kind: ProviderKind = ProviderKind.ON_DEMAND
    instance_type: str = ""
    cpu_units: int = 2_048
    memory_mib: int = 4_096
    minimum: int = 0
    maximum: int = 10
    launch_ms: int = 30_000
    instance_warmup_period_ms: int = 0
    zones: tuple[str, ...] = ("a",)
    price_micros: int = 0
    on_demand_micros: int = 0
    target_capacity_percent: int = 100
    step_min: int = 1
    step_max: int = 10_000
    termination_protection: bool = False

    @property
    def spot(self) -> bool:
        """Whether its instances may be taken back."""
        return self.kind.spot


@dataclass(frozen=True, slots=True)
class StrategyItem:
    """A provider in a strategy: `base` tasks first, then `weight` as a ratio of the rest.

    One item of a strategy may have a base. Weight 0 gets nothing beyond its base.
    """

    capacity_provider: str
    base: int = 0
    weight: int = 1


class PlacementType(StrEnum):
    """ECS's placement strategies. The random one is left out: decisions are deterministic."""

    SPREAD = "spread"
    BINPACK = "binpack"


class PlacementField(StrEnum):
    """What tasks are spread over, or packed by."""

    ZONE = "zone"
    INSTANCE = "instance"
    CPU = "cpu"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Placement:
    """One placement strategy: spread over zones or instances, or pack by CPU or memory."""

    type: PlacementType
    field: PlacementField


@dataclass(frozen=True, slots=True)
class Market:
    """A made-up spot market for drills: so many storms an hour, each on that share of the spot.

    The same seed gives the same storms.
    """

    seed: int = 0
    storms_per_hour: float = 0.0
    share_percent: int = 60


@dataclass(frozen=True, slots=True)
class Capacity:
    """The providers of an app, and the rules that all of them share.

    `idle_ms`: an instance that is empty for so long is removed. `disruption_budget_percent`: how
    many of a provider's instances (at least one) may be drained by our own wish at a time.
    `pending_ms`: a launch this much over its latency has failed; the provider is closed then for
    `backoff_ms`, doubled with each failure in a row up to `backoff_most_ms`. `return_after_ms`: a
    spot provider that has been open for so long gets its tasks back, one each `return_every_ms`.
    """

    providers: tuple[Provider, ...]
    default_strategy: tuple[StrategyItem, ...] = ()
    placement: tuple[Placement, ...] = (
        Placement(PlacementType.SPREAD, PlacementField.ZONE),
        Placement(PlacementType.SPREAD, PlacementField.INSTANCE),
    )
    interruption_notice_ms: int = 120_000
    idle_ms: int = 120_000
    disruption_budget_percent: int = 10
    pending_ms: int = 20_000
    backoff_ms: int = 5 * 60_000
    backoff_most_ms: int = 60 * 60_000
    return_after_ms: int = 30 * 60_000
    return_every_ms: int = 60_000
    market: Market = Market()

    def provider(self, name: str) -> Provider | None:
        """The provider of that name, or None."""
        return next((p for p in self.providers if p.name == name), None)
