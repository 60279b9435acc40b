"""Prices for an app file that names an instance type and no price: a table with its date.

Public on-demand list prices of Linux in us-east-1, written down on `AS_OF`; nothing is looked up.
A spot price is the on-demand price less the median saving of the Spot Instance Advisor's pools
(65 %, `alexei-led/spotinfo`, July 2025). Prices that matter belong in the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

AS_OF = "2025-07"
SPOT_SAVING_PERCENT = 65


@dataclass(frozen=True, slots=True)
class InstanceType:
    """What one instance has for tasks, and its on-demand price in micro-dollars per hour."""

    cpu_units: int
    memory_mib: int
    price_micros: int


INSTANCE_TYPES: Mapping[str, InstanceType] = MappingProxyType(
    {
        "t3.micro": InstanceType(2_048, 1_024, 10_400),
        "t3.small": InstanceType(2_048, 2_048, 20_800),
        "t3.medium": InstanceType(2_048, 4_096, 41_600),
        "t3.large": InstanceType(2_048, 8_192, 83_200),
        "t3.xlarge": InstanceType(4_096, 16_384, 166_400),
        "c5.large": InstanceType(2_048, 4_096, 85_000),
        "c5.xlarge": InstanceType(4_096, 8_192, 170_000),
        "m5.large": InstanceType(2_048, 8_192, 96_000),
        "m5.xlarge": InstanceType(4_096, 16_384, 192_000),
        "r5.large": InstanceType(2_048, 16_384, 126_000),
    }
)
"""By EC2's names."""


def spot_price(on_demand_micros: int) -> int:
    """What spot costs on the median of all pools."""
    return on_demand_micros * (100 - SPOT_SAVING_PERCENT) // 100
