"""What AWS asks for in one region: by its price list today, else by a dated table, else not known.

A figure of another region is never taken in place of one that is missing: prices differ by half.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.resources import files
from typing import Any

HOURS_PER_MONTH = 730
_OLD_MONTHS = 6


class Figure(StrEnum):
    """Prices in USD an hour, by their names in the table."""

    VCPU = "fargate_vcpu_hour"
    GIB = "fargate_gib_hour"
    ARM_VCPU = "fargate_arm_vcpu_hour"
    ARM_GIB = "fargate_arm_gib_hour"
    NAT = "nat_gateway_hour"
    BALANCER = "load_balancer_hour"
    ADDRESS = "public_ipv4_hour"


@dataclass(frozen=True, slots=True)
class Prices:
    """The figures of one region that are known, each in USD an hour.

    `as_of` is the month of the oldest one, `YYYY-MM`, or `today` when AWS's price list said them;
    empty when none is known. `spot_share` is what Fargate Spot costs of on-demand.
    """

    region: str
    as_of: str
    table: Mapping[Figure, float]
    spot_share: float

    def caveat(self, today: date) -> str:
        """What must be said beside every number."""
        if self.as_of == "today":
            return f"AWS's list prices of {self.region} today, not a quote"
        if not self.as_of:
            return (
                f"no prices of {self.region} are known here: allow pricing:GetProducts, "
                "and AWS's price list is asked"
            )
        year, month = (int(part) for part in self.as_of.split("-"))
        age = (today.year - year) * 12 + today.month - month
        told = f"list prices of {self.region} as of {self.as_of}, not a quote"
        return told + (f"; the table is {age} months old" if age > _OLD_MONTHS else "")


def of_table(region: str) -> Prices:
    """What the dated table knows of the region."""
    kept = _kept()
    rows: dict[str, dict[str, Any]] = dict(kept["regions"].get(region, {}))
    as_of = min((str(row["as_of"]) for row in rows.values()), default="")
    rows |= kept["everywhere"] if rows else {}
    table = {Figure(name): float(row["usd"]) for name, row in rows.items()}
    return Prices(region, as_of, table, float(kept["spot_share"]["usd"]))


def _kept() -> dict[str, Any]:
    text = files("tidegate.aws.deploy").joinpath("prices.json").read_text(encoding="utf-8")
    kept: dict[str, Any] = json.loads(text)
    return kept
