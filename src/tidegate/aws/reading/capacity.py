"""Capacity in the account: providers, what runs on them, and what that costs.

A task on Fargate has a machine of its own, so each is shown as an instance with one task. Only what
runs now is counted, from its start: AWS keeps what was before in its bills. A price that is not in
our dated tables is said, and not taken as zero.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.cloudwatch import query, read
from tidegate.aws.deploy.price_list import prices
from tidegate.aws.deploy.prices import Figure, Prices
from tidegate.aws.names import PlatformOutput
from tidegate.aws.reading.service import Place, ms, tasks_of
from tidegate.core.cost import micros
from tidegate.core.instance import InstancePhase
from tidegate.core.model import App, Architecture, Launch
from tidegate.core.provider import ProviderKind
from tidegate.engine.views.capacity import CapacityView, CostView, InstanceView, ProviderView
from tidegate.spec.prices import AS_OF as INSTANCES_AS_OF
from tidegate.spec.prices import INSTANCE_TYPES, spot_price

_PHASES = {
    "PROVISIONING": InstancePhase.LAUNCHING,
    "PENDING": InstancePhase.LAUNCHING,
    "ACTIVATING": InstancePhase.LAUNCHING,
    "REGISTERING": InstancePhase.LAUNCHING,
    "RUNNING": InstancePhase.READY,
    "ACTIVE": InstancePhase.READY,
    "DRAINING": InstancePhase.DRAINING,
    "DEACTIVATING": InstancePhase.DRAINING,
}
_RECENT_MS = 600_000
_SHORT = ("unable to place", "capacity is unavailable")
"""How ECS begins to say that there is no room (ECS service event messages)."""


@dataclass(frozen=True, slots=True)
class Priced:
    """One machine with its prices per hour in micro-dollars; None when there is none here."""

    view: InstanceView
    type: str
    price: int | None
    on_demand: int | None


def capacity(account: Account, app: App, places: tuple[Place, ...], now: int) -> CapacityView:
    """All of it. Raises `AccountError` or `CloudFailed`."""
    if not places:
        return CapacityView(now, (), (), (), CostView(0, 0, 0), "")
    table = prices(account)
    platform = places[0].platform
    tasks = [task for place in places for task in tasks_of(account, place)]
    names = {
        platform[PlatformOutput.ON_DEMAND_PROVIDER]: ProviderKind.ON_DEMAND,
        platform[PlatformOutput.SPOT_PROVIDER]: ProviderKind.SPOT,
    }
    fargate = app.aws.fleet.launch is Launch.FARGATE
    made = (
        _fargate(app, tasks, table, now) if fargate else _ec2(account, places[0], tasks, names, now)
    )
    machines = list(made)
    bounds = _fargate_bounds(app) if fargate else _bounds(account, platform)
    pending = Counter(
        str(task.get("capacityProviderName"))
        for task in tasks
        if task.get("lastStatus") == "PROVISIONING"
    )
    providers = tuple(
        _provider(
            (name, kind, bounds.get(kind, (0, 0))),
            [one for one in machines if one.view.provider == name],
            pending[name],
            100 if fargate else _reservation(account, places[0].cluster, name, now),
        )
        for name, kind in names.items()
    )
    unknown = sorted({one.type for one in machines if one.price is None})
    note = f"what runs now, from its start; {table.caveat(_date(now))}"
    if not fargate:
        note = f"what runs now, from its start; list prices of us-east-1 as of {INSTANCES_AS_OF}"
    if unknown:
        note += f"; no price here for {', '.join(unknown)}"
    views = tuple(one.view for one in machines)
    waiting = tuple(_waiting(account, places, now))
    return CapacityView(now, providers, views, waiting, _cost(machines, now), note)


def _date(now: int) -> Any:
    return datetime.fromtimestamp(now / 1_000, UTC).date()


def _fargate(
    app: App, tasks: Iterable[Mapping[str, Any]], table: Prices, now: int
) -> Iterator[Priced]:
    arm = app.aws.architecture is Architecture.ARM64
    vcpu = table.table.get(Figure.ARM_VCPU if arm else Figure.VCPU)
    gib = table.table.get(Figure.ARM_GIB if arm else Figure.GIB)
    for task in tasks:
        cpu, memory = int(task.get("cpu") or 0), int(task.get("memory") or 0)
        provider = str(task.get("capacityProviderName") or task.get("launchType", ""))
        spot = "SPOT" in provider
        full = price = None
        if vcpu is not None and gib is not None:
            full = round((cpu * vcpu + memory * gib) / 1_024 * 1_000_000)
            price = round(full * table.spot_share) if spot else full
        since = ms(task.get("startedAt") or task.get("createdAt"))
        name = str(task["taskArn"]).rpartition("/")[2]
        view = InstanceView(
            name,
            provider,
            (ProviderKind.SPOT if spot else ProviderKind.ON_DEMAND).value,
            str(task.get("availabilityZone", "")),
            _phase(str(task.get("lastStatus"))),
            since,
            None,
            str(task.get("stoppedReason", "")),
            cpu,
            cpu,
            memory,
            memory,
            (name,),
            micros(max(0, now - since), price or 0),
        )
        yield Priced(view, "Fargate", price, full)


def _ec2(
    account: Account,
    place: Place,
    tasks: Sequence[Mapping[str, Any]],
    names: Mapping[str, ProviderKind],
    now: int,
) -> Iterator[Priced]:
    where = {"cluster": place.cluster}
    arns = list(account.each("ecs", "list_container_instances", "containerInstanceArns", **where))
    for start in range(0, len(arns), 100):
        ask = {**where, "containerInstances": arns[start : start + 100]}
        for one in account.ask("ecs", "describe_container_instances", **ask)["containerInstances"]:
            mine = [
                t for t in tasks if t.get("containerInstanceArn") == one["containerInstanceArn"]
            ]
            yield _instance(one, mine, names, now)


def _instance(
    one: Mapping[str, Any],
    tasks: Iterable[Mapping[str, Any]],
    names: Mapping[str, ProviderKind],
    now: int,
) -> Priced:
    facts = {str(a["name"]): str(a.get("value", "")) for a in one.get("attributes", ())}
    known = INSTANCE_TYPES.get(facts.get("ecs.instance-type", ""))
    provider = str(one.get("capacityProviderName", ""))
    kind = names.get(provider, ProviderKind.ON_DEMAND)
    full = known.price_micros if known else None
    price = spot_price(full) if full is not None and kind.spot else full
    has, left = _resources(one, "registeredResources"), _resources(one, "remainingResources")
    since = ms(one.get("registeredAt"))
    view = InstanceView(
        str(one["ec2InstanceId"]),
        provider,
        kind.value,
        facts.get("ecs.availability-zone", ""),
        _phase(str(one.get("status"))),
        since,
        None,
        "",
        has["CPU"] - left["CPU"],
        has["CPU"],
        has["MEMORY"] - left["MEMORY"],
        has["MEMORY"],
        tuple(str(task["taskArn"]).rpartition("/")[2] for task in tasks),
        micros(max(0, now - since), price or 0),
    )
    return Priced(view, facts.get("ecs.instance-type", "unknown"), price, full)


def _resources(one: Mapping[str, Any], key: str) -> Counter[str]:
    """CPU units and MiB."""
    return Counter({str(r["name"]): int(r.get("integerValue", 0)) for r in one.get(key, ())})


def _phase(status: str) -> str:
    return _PHASES.get(status, InstancePhase.TERMINATING).value


def _provider(
    named: tuple[str, ProviderKind, tuple[int, int]],
    machines: list[Priced],
    pending: int,
    reservation: int,
) -> ProviderView:
    name, kind, (least, most) = named
    views = [one.view for one in machines]
    phase = Counter(view.phase for view in views)
    return ProviderView(
        name,
        kind.value,
        least,
        most,
        phase[InstancePhase.LAUNCHING],
        phase[InstancePhase.READY],
        phase[InstancePhase.DRAINING],
        phase[InstancePhase.TERMINATING],
        sum(view.cpu_reserved for view in views),
        sum(view.cpu_units for view in views),
        sum(view.memory_reserved_mib for view in views),
        sum(view.memory_mib for view in views),
        pending,
        reservation,
        None,
        max((one.price or 0 for one in machines), default=0),
        sum(view.cost_micros for view in views),
    )


def _fargate_bounds(app: App) -> dict[ProviderKind, tuple[int, int]]:
    """Fargate has no bounds of its own: no more tasks than the file allows all services."""
    most = sum(service.count.maximum for service in app.services)
    return dict.fromkeys(ProviderKind, (0, most))


def _bounds(account: Account, platform: Mapping[str, str]) -> dict[ProviderKind, tuple[int, int]]:
    outputs = {
        ProviderKind.ON_DEMAND: PlatformOutput.ON_DEMAND_GROUP_NAME,
        ProviderKind.SPOT: PlatformOutput.SPOT_GROUP_NAME,
    }
    groups = {platform[o]: kind for kind, o in outputs.items() if o in platform}
    ask = {"AutoScalingGroupNames": list(groups)}
    found = account.ask("autoscaling", "describe_auto_scaling_groups", **ask)["AutoScalingGroups"]
    return {
        groups[one["AutoScalingGroupName"]]: (int(one["MinSize"]), int(one["MaxSize"]))
        for one in found
    }


def _reservation(account: Account, cluster: str, provider: str, now: int) -> int:
    """The newest `CapacityProviderReservation`, 0 when CloudWatch has none."""
    dimensions = [
        {"Name": "CapacityProviderName", "Value": provider},
        {"Name": "ClusterName", "Value": cluster},
    ]
    what = ("AWS/ECS/ManagedScaling", "CapacityProviderReservation", dimensions)
    series = read(account, [query("r", what, 60, "Average")], now - _RECENT_MS, now)
    points = series.get("r", {})
    return round(points[max(points)]) if points else 0


def _waiting(account: Account, places: Iterable[Place], now: int) -> Iterator[tuple[str, str]]:
    """Services whose newest event is that there is no room."""
    from tidegate.aws.reading.service_events import service_events

    for place in places:
        events = service_events(account, place)
        newest = events[-1] if events else None
        if newest and now - newest.at < _RECENT_MS and any(w in newest.text for w in _SHORT):
            yield place.service, newest.text


def _cost(machines: Iterable[Priced], now: int) -> CostView:
    known = [(one, one.price, one.on_demand or 0) for one in machines if one.price is not None]
    return CostView(
        sum(one.view.cost_micros for one, _, _ in known),
        sum(micros(max(0, now - one.view.since), full) for one, _, full in known),
        sum(price for _, price, _ in known),
    )
