"""What a stack costs a month while nothing happens, out of its template and a dated price table.

Only what runs all the time is priced: tasks on Fargate, NAT gateways, load balancers, public
addresses. What is not priced is named, never taken as free.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

_OLD_MONTHS = 6
_UNPRICED = (
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::EC2::VPCEndpoint",
    "AWS::KMS::Key",
)


@dataclass(frozen=True, slots=True)
class Cost:
    """USD a month. `unpriced` are kinds of resources in the template that have no price here."""

    usd_month: float
    unpriced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prices:
    """The table of one region. `region` is the one whose prices these are."""

    region: str
    as_of: str
    source: str
    hours: float
    table: Mapping[str, Any]

    def caveat(self, wanted: str, today: date) -> str:
        """What must be said beside every number."""
        year, month = (int(part) for part in self.as_of.split("-"))
        age = (today.year - year) * 12 + today.month - month
        told = f"list prices of {self.region} as of {self.as_of}, not a quote"
        if wanted != self.region:
            told += f"; {wanted} has no table here and may cost a third more"
        return told + (f"; the table is {age} months old" if age > _OLD_MONTHS else "")


def prices(region: str) -> Prices:
    """The table of that region, or of us-east-1."""
    read = json.loads(files("tidegate.aws.deploy").joinpath("prices.json").read_text())
    known = region if region in read["regions"] else "us-east-1"
    table = read["regions"][known]
    return Prices(known, table["as_of"], table["source"], read["hours_per_month"], table)


def monthly(template: Mapping[str, Any], tasks: int, table: Prices) -> Cost:
    """The cost of a template whose service, if it has one, runs `tasks` tasks."""
    resources = (template.get("Resources") or {}).values()
    kinds = [str(one["Type"]) for one in resources]
    hour = kinds.count("AWS::EC2::NatGateway") * table.table["nat_gateway_hour"]
    hour += kinds.count("AWS::EC2::EIP") * table.table["public_ipv4_hour"]
    for balancer in (r for r in resources if r["Type"] == _BALANCER):
        subnets = (balancer.get("Properties") or {}).get("Subnets") or ()
        addresses = len(subnets) if isinstance(subnets, list) else 0
        hour += table.table["load_balancer_hour"]
        hour += addresses * table.table["public_ipv4_hour"]
    hour += _tasks_hour(template, tasks, table)
    unpriced = tuple(sorted({kind for kind in kinds if kind in _UNPRICED}))
    return Cost(round(hour * table.hours, 2), unpriced)


_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"


def _tasks_hour(template: Mapping[str, Any], tasks: int, table: Prices) -> float:
    """Tasks on Fargate: the base on demand, the rest by weight; on instances they cost nothing."""
    resources = template.get("Resources") or {}
    service = next((r for r in resources.values() if r["Type"] == "AWS::ECS::Service"), None)
    task = next((r for r in resources.values() if r["Type"] == "AWS::ECS::TaskDefinition"), None)
    if service is None or task is None:
        return 0.0
    properties = task.get("Properties") or {}
    if "FARGATE" not in (properties.get("RequiresCompatibilities") or ()):
        return 0.0
    vcpu, gib = _number(properties.get("Cpu")) / 1_024, _number(properties.get("Memory")) / 1_024
    one = vcpu * table.table["fargate_vcpu_hour"] + gib * table.table["fargate_gib_hour"]
    strategy = (service.get("Properties") or {}).get("CapacityProviderStrategy") or ()
    spot = _spot_tasks(strategy, tasks)
    return float((tasks - spot * (1 - table.table["fargate_spot_share"])) * one)


def _spot_tasks(strategy: Any, tasks: int) -> float:
    base = sum(_number(item.get("Base")) for item in strategy)
    weights = {str(item.get("CapacityProvider")): _number(item.get("Weight")) for item in strategy}
    total = sum(weights.values())
    spot = sum(weight for name, weight in weights.items() if "SPOT" in name.upper())
    return max(0.0, tasks - base) * spot / total if total else 0.0


def _number(value: Any) -> float:
    """A number of a template; one that is only known in the account counts as 0."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def words(before: Cost, after: Cost, caveat: str) -> str:
    """The change as one line."""
    change = after.usd_month - before.usd_month
    told = f"about ${after.usd_month:,.0f} a month when idle ({change:+,.0f}); {caveat}"
    missing = ", ".join(kind.removeprefix("AWS::") for kind in after.unpriced)
    return f"{told}; not in it: {missing}" if missing else told
