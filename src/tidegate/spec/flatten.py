"""Settings of the core as the app file's paths and words: `tasks.min` is `1`, `bake` is `5m`."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from tidegate.core.model import (
    APP_FILE,
    Alarm,
    Build,
    Hook,
    Route,
    Secret,
    Shift,
    TrafficCheck,
    Waiver,
)
from tidegate.core.provider import Placement, Provider, StrategyItem
from tidegate.core.scaling import policy as scaling
from tidegate.core.traffic import NATIVE, PRESETS
from tidegate.core.waivers import last_day
from tidegate.spec.days import days_text
from tidegate.spec.describe import written
from tidegate.spec.units import size_text, time_text

_NAMES = {
    "cpu_units": "cpu",
    "memory_mib": "memory",
    "count": "tasks",
    "minimum": "min",
    "maximum": "max",
    "drain_timeout_ms": "drain",
    "shift": "strategy",
    "data_warn_ms": "data_age.warn",
    "data_unknown_ms": "data_age.fail",
    "target_capacity_percent": "target_capacity",
    "step_min": "minimum_scaling_step_size",
    "step_max": "maximum_scaling_step_size",
    "termination_protection": "managed_termination_protection",
    "price_micros": "price",
    "on_demand_micros": "on_demand_price",
    "disruption_budget_percent": "disruption_budget",
    "backoff_most_ms": "backoff_max",
    "share_percent": "share",
}
"""Where the file's word is not the core's without its unit."""

_PAIRS = frozenset({"environment", "args", "limits", "grace_ms"})
"""Fields that hold (name, value) pairs."""
_IN_DAYS = frozenset({"grace_ms", "data_warn_ms", "data_unknown_ms"})
"""Fields that the file writes in days."""


def flatten(name: str, value: object) -> dict[str, str]:
    """Every key at and below a field of the core's model, with its value as the file writes it.

    What is not set (None, an empty list) is left out.
    """
    return dict(_flatten(_NAMES.get(name, name.removesuffix("_ms")), name, value))


def _flatten(path: str, name: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case None | ():
            return
        case Build(image=str(image)):
            yield "image", image
        case Shift():
            yield path, _shift(value)
        case scaling.Scaling():
            yield from _scaling(path, value)
        case tuple():
            yield from _list(path, name, value)
        case _ if is_dataclass(value):
            for field in fields(value):
                inner_path = f"{path}.{_NAMES.get(field.name, field.name.removesuffix('_ms'))}"
                yield from _flatten(inner_path, field.name, getattr(value, field.name))
        case _:
            yield path, _plain(name, value)


def _list(path: str, name: str, items: tuple[Any, ...]) -> Iterator[tuple[str, str]]:
    """Items with a name have a path each, so that one that is added leaves the others alone."""
    if name in _PAIRS:
        yield from ((f"{path}.{key}", _plain(name, value)) for key, value in items)
    elif isinstance(items[0], Secret | Hook | Alarm | Provider):
        for item in items:
            yield from _named(path, item)
    elif isinstance(items[0], Waiver):
        yield from _waivers(path, items)
    elif isinstance(items[0], Route | TrafficCheck | StrategyItem | Placement):
        yield path, ", ".join(_in_words(item) for item in items)
    else:
        yield path, written(list(items))


def _named(path: str, item: Secret | Hook | Alarm | Provider) -> Iterator[tuple[str, str]]:
    match item:
        case Secret(name, source):
            yield f"{path}.{name}", source
        case Hook(stage, name):
            yield f"{path}.{stage}.{name}", _in_words(item)
        case Alarm(name) | Provider(name):
            for field in fields(item):
                if field.name != "name":
                    key = _NAMES.get(field.name, field.name.removesuffix("_ms"))
                    inner = f"{path}.{name}.{key}"
                    yield from _flatten(inner, field.name, getattr(item, field.name))


def _waivers(path: str, waivers: tuple[Waiver, ...]) -> Iterator[tuple[str, str]]:
    """One path for each id; those of other files are not the app file's."""
    told: dict[str, list[str]] = {}
    for waiver in waivers:
        if waiver.source == APP_FILE:
            where = "".join(f"in {part} " for part in (*waiver.packages, waiver.service) if part)
            until = f"until {last_day(waiver)} by {waiver.owner}: {waiver.reason}"
            told.setdefault(waiver.id, []).append(f"{where}{until}")
    yield from ((f"{path}.{id}", "; ".join(each)) for id, each in told.items())


def _in_words(item: Route | TrafficCheck | Hook | StrategyItem | Placement) -> str:
    match item:
        case StrategyItem(provider, base, weight):
            return f"{provider} base {base} weight {weight}"
        case Placement(kind, by):
            return f"{kind} by {by}"
        case Route(path, headers):
            return path + "".join(f" with {h.name}: {h.value}" for h in headers)
        case TrafficCheck(path, status, contains, timeout_ms, attempts):
            says = f" containing {contains!r}" if contains else ""
            return f"{path} {status}{says} in {time_text(timeout_ms)}, {attempts} tries"
        case Hook(_, _, command, url, _, timeout_ms):
            does = f"run {written(list(command))}" if command else f"call {url}" if url else "pause"
            return f"{does}, {time_text(timeout_ms)}"


def _shift(shift: Shift) -> str:
    if shift.name in PRESETS or shift.name in NATIVE or not shift.name.endswith(" steps"):
        return shift.name
    return ", ".join(f"{s.weight_bp / 100:g} % at {time_text(s.at_ms)}" for s in shift.steps)


def _plain(name: str, value: Any) -> str:
    if name in _IN_DAYS:
        return days_text(value)
    if name.endswith("_ms"):
        return time_text(value)
    if name.endswith("_micros"):
        return f"{value / 1_000_000:g}"
    if name == "memory_mib":
        return size_text(value)
    if isinstance(value, frozenset):
        return written(sorted(str(item) for item in value))
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def _scaling(path: str, value: scaling.Scaling) -> Iterator[tuple[str, str]]:
    """Each policy under its name; the recommended controller under `target`."""
    totals = value.totals
    if totals:
        for name, part in (
            ("target.requests", totals.requests),
            ("target.concurrency", totals.concurrency),
            ("target.cpu", totals.cpu_percent),
            ("target.memory", totals.memory_percent),
            ("target.p95", None if totals.p95_ms is None else time_text(totals.p95_ms)),
            ("panic", time_text(totals.panic_ms)),
            ("fallback", totals.fallback),
            ("scale_in_after", time_text(totals.scale_in_after_ms)),
        ):
            if part is not None:
                yield f"{path}.{name}", part if isinstance(part, str) else f"{part:g}"
    policies = [_tracking(policy) for policy in value.tracking]
    policies += [_stepping(policy) for policy in value.step]
    if policies:
        yield f"{path}.policies", "; ".join(policies)
    if value.scheduled:
        actions = (
            f"{one.name} {one.schedule} {one.minimum or ''}..{one.maximum or ''}"
            for one in value.scheduled
        )
        yield f"{path}.scheduled", "; ".join(actions)


def _tracking(policy: scaling.TargetTracking) -> str:
    out, back = policy.scale_out_cooldown_ms, policy.scale_in_cooldown_ms
    cooldowns = f"cooldowns {time_text(out)} out, {time_text(back)} in"
    never = ", never in" if policy.disable_scale_in else ""
    return f"{policy.name} {policy.metric} at {policy.target:g}, {cooldowns}{never}"


def _stepping(policy: scaling.StepScaling) -> str:
    steps = " ".join(_step(step) for step in policy.steps)
    least = f", at least {policy.minimum_magnitude}" if policy.minimum_magnitude else ""
    kind = f"{policy.aggregation} {policy.adjustment_type}"
    cooldown = f"cooldown {time_text(policy.cooldown_ms)}"
    return f"{policy.name} on {policy.alarm}, {kind} {steps}{least}, {cooldown}"


def _step(step: scaling.StepAdjustment) -> str:
    low = "" if step.lower is None else f"{step.lower:g}"
    high = "" if step.upper is None else f"{step.upper:g}"
    return f"{step.adjustment:+d} in {low}..{high}"
