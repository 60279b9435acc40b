"""What a stack costs a month while nothing happens, out of its template and the region's prices.

Only what runs all the time is priced: tasks on Fargate, NAT gateways, load balancers, public
addresses. What has no price here is named, never taken as free.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.aws.deploy.prices import HOURS_PER_MONTH, Figure, Prices

_UNPRICED = ("AWS::AutoScaling::AutoScalingGroup", "AWS::KMS::Key")
_ENDPOINT = "AWS::EC2::VPCEndpoint"
_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_NAT, _ADDRESS = "AWS::EC2::NatGateway", "AWS::EC2::EIP"
_SERVICE, _TASK = "AWS::ECS::Service", "AWS::ECS::TaskDefinition"


@dataclass(frozen=True, slots=True)
class Cost:
    """USD a month. `unpriced` are kinds of resources in the template that have no price here."""

    usd_month: float
    unpriced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Item:
    """So many units of a figure, because of resources of that kind."""

    kind: str
    figure: Figure
    units: float


def monthly(template: Mapping[str, Any], tasks: int, prices: Prices) -> Cost:
    """The cost of a template whose service, if it has one, runs `tasks` tasks."""
    resources = list((template.get("Resources") or {}).values())
    kinds = [str(one["Type"]) for one in resources]
    unpriced = {str(one["Type"]) for one in resources if _has_no_price_here(one)}
    hour = 0.0
    for item in _items(template, kinds, tasks, prices.spot_share):
        price = prices.table.get(item.figure)
        if price is not None:
            hour += item.units * price
        elif item.units:
            unpriced.add(item.kind)
    return Cost(round(hour * HOURS_PER_MONTH, 2), tuple(sorted(unpriced)))


def _has_no_price_here(one: Mapping[str, Any]) -> bool:
    """Also an endpoint in a network; a gateway's, which is CloudFormation's default, is free."""
    if one["Type"] == _ENDPOINT:
        kind = (one.get("Properties") or {}).get("VpcEndpointType", "Gateway")
        return bool(kind != "Gateway")
    return one["Type"] in _UNPRICED


def _items(
    template: Mapping[str, Any], kinds: list[str], tasks: int, spot_share: float
) -> Iterator[_Item]:
    yield _Item(_NAT, Figure.NAT, kinds.count(_NAT))
    yield _Item(_ADDRESS, Figure.ADDRESS, kinds.count(_ADDRESS))
    resources = (template.get("Resources") or {}).values()
    for balancer in (one for one in resources if one["Type"] == _BALANCER):
        subnets = (balancer.get("Properties") or {}).get("Subnets") or ()
        yield _Item(_BALANCER, Figure.BALANCER, 1)
        yield _Item(_BALANCER, Figure.ADDRESS, len(subnets) if isinstance(subnets, list) else 0)
    yield from _tasks(list(resources), tasks, spot_share)


def _tasks(resources: list[Any], tasks: int, spot_share: float) -> Iterator[_Item]:
    """Tasks on Fargate: the base on demand, the rest by weight; on instances they cost nothing."""
    service = next((one for one in resources if one["Type"] == _SERVICE), None)
    task = next((one for one in resources if one["Type"] == _TASK), None)
    if service is None or task is None:
        return
    properties = task.get("Properties") or {}
    if "FARGATE" not in (properties.get("RequiresCompatibilities") or ()):
        return
    arm = (properties.get("RuntimePlatform") or {}).get("CpuArchitecture") == "ARM64"
    strategy = (service.get("Properties") or {}).get("CapacityProviderStrategy") or ()
    full = tasks - _spot_tasks(strategy, tasks) * (1 - spot_share)
    vcpu, gib = (_number(properties.get(name)) / 1_024 for name in ("Cpu", "Memory"))
    yield _Item(_TASK, Figure.ARM_VCPU if arm else Figure.VCPU, full * vcpu)
    yield _Item(_TASK, Figure.ARM_GIB if arm else Figure.GIB, full * gib)


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


def words(before: Cost, after: Cost, caveat: str, known: bool = True) -> str:
    """The change as one line; without a single known price there is no number in it."""
    change = after.usd_month - before.usd_month
    told = caveat
    if known:
        told = f"about ${after.usd_month:,.0f} a month when idle ({change:+,.0f}); {caveat}"
    missing = ", ".join(kind.removeprefix("AWS::") for kind in after.unpriced)
    return f"{told}; not in it: {missing}" if missing and known else told
