"""The part of a swarm run's options that is about load: scaling policies, and rates that move."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from types import MappingProxyType

from tidegate.core.model import Alarm, AlarmScope, App, Comparison, MissingData, Service
from tidegate.core.scaling.calendar import DAY_MS, date_of
from tidegate.core.scaling.policy import (
    AdjustmentType,
    Metric,
    Scaling,
    ScheduledAction,
    StepAdjustment,
    StepScaling,
    TargetTracking,
    Totals,
)
from tidegate.load.profile import Segment
from tidegate.simulator.clock import EPOCH_MS

NEEDS = (0.85, 1.02, 2.5, 3.1)
"""How many tasks the final load asks for: also where only chance tells one from two."""
NEEDS_OF_AWS = (2.5,)
"""AWS's rules take a number as it is: near a whole one they flap by chance, and so do ours."""
_LOW = 0.4
"""A step policy's low alarm, as a share of its high one: far apart, so that both never hold."""


def with_scaling(app: App, rng: Random, rps: int) -> App:
    """Three runs in ten scale their services, each by one kind of policy, or by none of them."""
    if rng.random() >= 0.3:
        return app
    kinds = rng.choices(tuple(KINDS), (6, 1, 3, 2), k=len(app.services))
    scaled = [
        KINDS[kind](service, rng, rps / rng.choice(NEEDS if kind == "totals" else NEEDS_OF_AWS))
        for kind, service in zip(kinds, app.services, strict=True)
    ]
    if len(scaled) > 1 and rng.random() < 0.3:
        scaled[-1] = (app.services[-1], ())
    alarms = tuple(alarm for _, alarms in scaled for alarm in alarms)
    services = tuple(service for service, _ in scaled)
    return replace(app, services=services, alarms=(*app.alarms, *alarms))


Scaled = tuple[Service, tuple[Alarm, ...]]


def _totals(service: Service, rng: Random, each: float) -> Scaled:
    after_ms = rng.choice((10_000, 20_000, 30_000))
    policy = Totals(requests=each, fallback=rng.choice((0, 0, 3)), scale_in_after_ms=after_ms)
    return replace(service, scaling=Scaling(policy)), ()


def _tracking(service: Service, rng: Random, each: float) -> Scaled:
    """By AWS's minutes: out after three of them, in after fifteen."""
    policy = TargetTracking(
        "track",
        Metric.REQUESTS,
        60 * each,
        scale_out_cooldown_ms=rng.choice((0, 60_000)),
        scale_in_cooldown_ms=rng.choice((0, 60_000)),
        disable_scale_in=rng.random() < 0.3,
    )
    return replace(service, scaling=Scaling(tracking=(policy,))), ()


def _step(service: Service, rng: Random, each: float) -> Scaled:
    """Two alarms that lie apart, on a number that falls as tasks are added."""
    period_ms = rng.choice((5_000, 10_000))
    high = each * period_ms / 1_000
    gaps = rng.choice((MissingData.MISSING, MissingData.IGNORE))
    names = (f"{service.name}-high", f"{service.name}-low")
    alarms = tuple(
        Alarm(
            name, "RequestCountPerTarget", threshold, comparison, service=service.name,
            period_ms=period_ms, evaluation_periods=2, treat_missing_data=gaps,
            scope=AlarmScope.SERVICE, guards=False,
        )
        for name, threshold, comparison in (
            (names[0], high, Comparison.GREATER), (names[1], _LOW * high, Comparison.LESS),
        )
    )  # fmt: skip
    cooldown_ms = rng.choice((10_000, 30_000))
    out = (StepAdjustment(0, high / 2, 1), StepAdjustment(high / 2, None, 2))
    if rng.random() < 0.3:
        up = StepScaling("up", names[0], AdjustmentType.PERCENT, (StepAdjustment(0, None, 50),),
                         cooldown_ms, minimum_magnitude=1)  # fmt: skip
    else:
        up = StepScaling("up", names[0], AdjustmentType.CHANGE, out, cooldown_ms)
    down = StepScaling(
        "down", names[1], AdjustmentType.CHANGE, (StepAdjustment(None, 0, -1),), cooldown_ms
    )
    return replace(service, scaling=Scaling(step=(up, down))), alarms


def _scheduled(service: Service, rng: Random, each: float) -> Scaled:
    """Other bounds at one minute, the file's again later; perhaps beside the usual policy."""
    first = rng.randrange(1, 3)
    busy = ScheduledAction("busy", _at(first), 2, rng.choice((4, 6)))
    quiet = ScheduledAction("quiet", _at(first + rng.randrange(1, 3)), 1, 6)
    totals = Totals(requests=each, scale_in_after_ms=20_000)
    kept = totals if rng.random() < 0.5 else None
    return replace(service, scaling=Scaling(kept, scheduled=(busy, quiet))), ()


KINDS: Mapping[str, Callable[[Service, Random, float], Scaled]] = MappingProxyType(
    {"totals": _totals, "tracking": _tracking, "step": _step, "scheduled": _scheduled}
)
"""What scales a service, by name."""


def _at(minute: int) -> str:
    """The schedule that is due so many minutes after a simulation's beginning."""
    days, rest = divmod(EPOCH_MS + 60_000 * minute, DAY_MS)
    year, month, day = date_of(days)
    return f"at({year:04}-{month:02}-{day:02}T{rest // 3_600_000:02}:{rest // 60_000 % 60:02})"


def moving(rng: Random, app: App, rps: int, until_ms: int) -> tuple[Segment, ...]:
    """Rates that rise, fall and jump until then; after it the load is `rps` and stays so."""
    scaled = any(service.scaling.on for service in app.services)
    if rng.random() >= (0.8 if scaled else 0.1):
        return ()
    left_s, before, found = until_ms / 1_000, float(rps), []
    while left_s > 5:
        length_s = min(left_s, rng.choice((5.0, 15.0, 40.0)))
        after = rps * rng.choice((0.2, 0.5, 1.0, 1.0, 2.0, 3.0))
        found.append(Segment(before if rng.random() < 0.5 else after, after, length_s))
        left_s, before = left_s - length_s, after
    return tuple(found)
