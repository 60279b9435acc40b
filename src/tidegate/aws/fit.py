"""What AWS takes of what the app file says: rounded up to its units, or refused in words.

AWS counts in minutes and in Fargate's sizes where one machine counts in seconds and MiB. Rounding
is always to the careful side: a slower shift, more memory. What has no counterpart is a problem,
never silently left out. Pure.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from tidegate.core.model import App, DeploymentPolicy, Fleet, Launch, Route, Service, Shift
from tidegate.core.policy import ALL_BP
from tidegate.core.provider import StrategyItem
from tidegate.core.traffic import PRESETS

FARGATE: dict[int, tuple[int, int, int]] = {
    256: (512, 2_048, 512),
    512: (1_024, 4_096, 1_024),
    1_024: (2_048, 8_192, 1_024),
    2_048: (4_096, 16_384, 1_024),
    4_096: (8_192, 30_720, 1_024),
    8_192: (16_384, 61_440, 4_096),
    16_384: (32_768, 122_880, 8_192),
}
"""CPU units: least, most and step of memory (MiB). ECS developer guide, "Task CPU and memory"."""


class Strategy(StrEnum):
    """ECS's deployment strategies that shift traffic (API `DeploymentStrategy`)."""

    BLUE_GREEN = "BLUE_GREEN"
    LINEAR = "LINEAR"
    CANARY = "CANARY"


@dataclass(frozen=True, slots=True)
class Timetable:
    """A traffic shift as AWS words it: so much (basis points) each so many minutes."""

    strategy: Strategy
    percent_bp: int = ALL_BP
    minutes: int = 0

    @property
    def length_min(self) -> int:
        """From the first shift to the last."""
        steps = -(-ALL_BP // self.percent_bp) if self.strategy is Strategy.LINEAR else 2
        return 0 if self.strategy is Strategy.BLUE_GREEN else (steps - 1) * self.minutes

    @property
    def preset(self) -> str | None:
        """CodeDeploy's name for it, or None when it has none."""
        known = {timetable(shift): name for name, shift in PRESETS.items()}
        return known.get(self)


def minutes(ms: int) -> int:
    """Whole minutes, rounded up; nothing stays nothing."""
    return -(-ms // 60_000)


def seconds(ms: int, least: int, most: int) -> int:
    """Whole seconds, rounded up, within bounds."""
    return min(most, max(least, -(-ms // 1_000)))


def timetable(shift: Shift) -> Timetable | None:
    """The shift in AWS's words, or None when it is neither linear nor a canary."""
    steps = shift.steps
    if len(steps) == 1:
        return Timetable(Strategy.BLUE_GREEN)
    first, hold = steps[0].weight_bp, steps[1].at_ms
    held = max(1, minutes(hold))
    if len(steps) == 2 and first * 2 != ALL_BP:
        return Timetable(Strategy.CANARY, first, held)
    even = all(
        step.at_ms == number * hold and step.weight_bp == min(ALL_BP, (number + 1) * first)
        for number, step in enumerate(steps)
    )
    return Timetable(Strategy.LINEAR, first, held) if even else None


def policy_of(app: App, service: Service) -> DeploymentPolicy:
    """The service's deployment policy on AWS: what `aws` says comes first."""
    policy = service.deployment
    policy = policy if app.aws.shift is None else replace(policy, shift=app.aws.shift)
    return policy if app.aws.bake_ms is None else replace(policy, bake_ms=app.aws.bake_ms)


def size(app: App, service: Service) -> tuple[int, int] | None:
    """CPU units and MiB of a task: on Fargate the smallest size that is enough, or None."""
    if app.aws.fleet.launch is Launch.EC2:
        return service.cpu_units, service.memory_mib
    for cpu, (least, most, step) in FARGATE.items():
        memory = max(least, -(-service.memory_mib // step) * step)
        if cpu >= service.cpu_units and memory <= most:
            return cpu, memory
    return None


def strategy_of(app: App, service: Service) -> tuple[StrategyItem, ...]:
    """The service's capacity provider strategy of one machine, where it counts on AWS too."""
    if app.capacity is None or app.aws.fleet.for_all:
        return ()
    first = StrategyItem(app.capacity.providers[0].name)
    return service.capacity_provider_strategy or app.capacity.default_strategy or (first,)


def is_spot(app: App, item: StrategyItem) -> bool:
    """Whether the item's provider is spot."""
    provider = app.capacity.provider(item.capacity_provider) if app.capacity else None
    return provider is not None and provider.spot


def fleet_of(app: App, service: Service) -> Fleet:
    """What a service runs on: as `aws.capacity` says, else by the kinds of its providers.

    On AWS there are two providers. Those of one machine count as the one of their kind.
    """
    items = strategy_of(app, service)
    if not items:
        return app.aws.fleet
    spot = [item for item in items if is_spot(app, item)]
    own = [item for item in items if not is_spot(app, item)]
    return replace(
        app.aws.fleet,
        base=sum(item.base for item in own),
        on_demand_weight=sum(item.weight for item in own),
        spot_weight=sum(item.weight for item in spot),
    )


@dataclass(frozen=True, slots=True)
class Health:
    """A target group's health check: seconds and counts within ALB's bounds."""

    interval_s: int
    timeout_s: int
    healthy: int
    unhealthy: int


def health(service: Service) -> Health:
    """The service's health check as ALB takes it: 5 to 300 s, the timeout below the interval."""
    check = service.health
    interval = seconds(check.interval_ms, 5, 300)
    timeout = min(seconds(check.timeout_ms, 2, 120), interval - 1)
    return Health(
        interval, timeout, max(2, check.healthy_threshold), max(2, check.unhealthy_threshold)
    )


def conditions(service: Service) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]] | None:
    """Path patterns and headers of the one listener rule of a service; None when one is too few.

    A rule has at most five values (ALB quotas), and ECS is given one rule for each listener.
    """
    routes = service.routes
    headers = {tuple((h.name, h.value) for h in route.headers) for route in routes}
    paths = tuple(pattern for route in routes for pattern in patterns(route))
    same = next(iter(headers)) if len(headers) == 1 else None
    return None if same is None or len(paths) + len(same) > 5 else (paths, same)


def patterns(route: Route) -> tuple[str, ...]:
    """The path and everything below it. ALB's `*` and `?` are wild, so they are no plain path."""
    return ("/*",) if route.path == "/" else (route.path, f"{route.path}/*")
