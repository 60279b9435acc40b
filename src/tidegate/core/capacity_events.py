"""What happens to instances and to the tasks that want one, in the past tense.

An instance is i1, i2, … It is billed from `InstanceReady` to `InstanceTerminated`; its prices are
in `InstanceLaunched`, so that every cost can be had from the journal alone.
"""

from dataclasses import dataclass

from tidegate.core.provider import ProviderKind


@dataclass(frozen=True, slots=True)
class InstanceLaunched:
    """An instance of the provider was ordered. Prices are micro-dollars per hour."""

    instance: str
    provider: str
    kind: ProviderKind
    zone: str
    cpu_units: int
    memory_mib: int
    price_micros: int
    on_demand_micros: int
    reason: str


@dataclass(frozen=True, slots=True)
class InstanceReady:
    """It runs, and takes tasks from now on."""

    instance: str


@dataclass(frozen=True, slots=True)
class InstanceLaunchFailed:
    """It never came; nothing is paid for it."""

    instance: str
    reason: str


@dataclass(frozen=True, slots=True)
class InterruptionNoticed:
    """The instance will be taken back at `deadline` (ms): no new task, replacements at once."""

    instance: str
    deadline: int
    reason: str


@dataclass(frozen=True, slots=True)
class InstanceDraining:
    """It is to go by our own wish: no new task, and it ends once its tasks are replaced."""

    instance: str
    reason: str


@dataclass(frozen=True, slots=True)
class InstanceTerminating:
    """Nothing runs on it any more: it is given back."""

    instance: str


@dataclass(frozen=True, slots=True)
class InstanceTerminated:
    """It is gone. `lost` when that was not asked for."""

    instance: str
    reason: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class ProviderClosed:
    """Nothing is ordered from the provider before `until` (ms): it could not deliver."""

    provider: str
    until: int
    reason: str


@dataclass(frozen=True, slots=True)
class TaskPlaced:
    """A task that waited in PROVISIONING got its instance."""

    task: str
    provider: str
    instance: str


@dataclass(frozen=True, slots=True)
class TaskRelocated:
    """A task is to be replaced by one elsewhere; it serves until then."""

    task: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlacementWaits:
    """Tasks of a service wait in PROVISIONING; `reason` in ECS's wording, "" when none waits."""

    service: str
    reason: str


@dataclass(frozen=True, slots=True)
class CapacityShort:
    """The deployment waits for capacity: weights stay, and no clock of it runs."""

    deployment: str
    reason: str


@dataclass(frozen=True, slots=True)
class CapacityBack:
    """The deployment has its capacity again, and goes on."""

    deployment: str


InstanceEvent = (
    InstanceLaunched
    | InstanceReady
    | InstanceLaunchFailed
    | InterruptionNoticed
    | InstanceDraining
    | InstanceTerminating
    | InstanceTerminated
    | ProviderClosed
    | PlacementWaits
)
CapacityEvent = InstanceEvent | TaskPlaced | TaskRelocated | CapacityShort | CapacityBack
