"""What the journal says of instances, closed providers and money spent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tidegate.core.provider import ProviderKind


class InstancePhase(StrEnum):
    """Where an instance is in its life, as far as the journal knows."""

    LAUNCHING = "launching"
    READY = "ready"
    DRAINING = "draining"
    TERMINATING = "terminating"


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """An instance from its order to its end. Times are ms; `since` is when its phase began.

    `deadline` is when it will be taken back, or None. `empty_since` is when its last task was gone,
    None while it has one or is not ready. `busy_at` is when a task was last placed on it.
    """

    id: str
    provider: str
    kind: ProviderKind
    zone: str
    cpu_units: int
    memory_mib: int
    price_micros: int
    on_demand_micros: int
    launched_at: int
    phase: InstancePhase = InstancePhase.LAUNCHING
    since: int = 0
    ready_at: int | None = None
    empty_since: int | None = None
    busy_at: int = 0
    deadline: int | None = None
    reason: str = ""

    @property
    def wanted(self) -> bool:
        """Whether it counts among the provider's desired instances."""
        return self.phase in (InstancePhase.LAUNCHING, InstancePhase.READY)

    @property
    def number(self) -> int:
        """Its number: 7 for i7."""
        return int(self.id[1:])


@dataclass(frozen=True, slots=True)
class Closure:
    """When a provider opens again (ms), and how many launches failed in a row."""

    until: int
    failures: int


@dataclass(frozen=True, slots=True)
class Spent:
    """Time (ms) and money (micro-dollars) of instances that are gone, and what on-demand costs."""

    ms: int = 0
    micros: int = 0
    on_demand_micros: int = 0


@dataclass(frozen=True, slots=True)
class Fleet:
    """Instances by id, closures and money by provider, and services whose tasks wait, with why.

    `returned_at` is when a task was last moved back to spot.
    """

    instances: Mapping[str, InstanceRecord] = field(default_factory=dict)
    closures: Mapping[str, Closure] = field(default_factory=dict)
    spent: Mapping[str, Spent] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)
    returned_at: int = 0
