"""Timetables of a traffic shift, by CodeDeploy's and Amazon ECS's names, and when a step is due.

Sources: CodeDeploy user guide, "Deployment configurations on an Amazon ECS compute platform"
(the five presets; an increment is shifted at the *start* of its interval, so the first is at 0);
ECS developer guide, "Amazon ECS linear deployments" and "canary deployments" (the native ones).
An increment that does not divide all traffic ends with a smaller last step: min(all, ...).
"""

from collections.abc import Mapping
from types import MappingProxyType

from tidegate.core.model import ALL_BP, Shift, ShiftStep

_MINUTE_MS = 60_000


def _check(percent_bp: int, interval_ms: int) -> None:
    if not 1 <= percent_bp <= ALL_BP:
        raise ValueError(f"a step must be 1 to {ALL_BP} basis points, not {percent_bp}")
    if interval_ms < 0:
        raise ValueError(f"an interval cannot be negative: {interval_ms} ms")


def _percent(basis_points: int) -> str:
    return f"{basis_points / 100:g} %"


def _time(ms: int) -> str:
    for unit_ms, unit in ((_MINUTE_MS, "min"), (1_000, "s")):
        if ms >= unit_ms and ms % unit_ms == 0:
            return f"{ms // unit_ms} {unit}"
    return f"{ms} ms"


def all_at_once(name: str = "all at once") -> Shift:
    """All traffic in one step at 0."""
    return Shift(name, (ShiftStep(0, ALL_BP),))


def linear(percent_bp: int, every_ms: int, name: str = "") -> Shift:
    """`percent_bp` more each `every_ms`, the first at 0, the last no more than all traffic.

    ECS-native limits, for a file that is to run there too: 300 to 10,000 bp in steps of 10 bp,
    0 to 1,440 minutes. Here anything from 1 bp and 0 ms goes; beyond that `ValueError`.
    """
    _check(percent_bp, every_ms)
    count = -(-ALL_BP // percent_bp)
    steps = (ShiftStep(n * every_ms, min(ALL_BP, (n + 1) * percent_bp)) for n in range(count))
    return Shift(name or f"linear {_percent(percent_bp)} every {_time(every_ms)}", tuple(steps))


def canary(percent_bp: int, hold_ms: int, name: str = "") -> Shift:
    """`percent_bp` at 0 and the rest after `hold_ms`; one step when `percent_bp` is all.

    ECS-native limits: 10 to 10,000 bp in steps of 10 bp, 0 to 1,440 minutes. Here anything from
    1 bp and 0 ms goes; beyond that `ValueError`.
    """
    _check(percent_bp, hold_ms)
    name = name or f"canary {_percent(percent_bp)} for {_time(hold_ms)}"
    if percent_bp == ALL_BP:
        return all_at_once(name)
    return Shift(name, (ShiftStep(0, percent_bp), ShiftStep(hold_ms, ALL_BP)))


PRESETS: Mapping[str, Shift] = MappingProxyType(
    {
        shift.name: shift
        for shift in (
            linear(1_000, 1 * _MINUTE_MS, "ECSLinear10PercentEvery1Minutes"),
            linear(1_000, 3 * _MINUTE_MS, "ECSLinear10PercentEvery3Minutes"),
            canary(1_000, 5 * _MINUTE_MS, "ECSCanary10Percent5Minutes"),
            canary(1_000, 15 * _MINUTE_MS, "ECSCanary10Percent15Minutes"),
            all_at_once("ECSAllAtOnce"),
        )
    }
)
"""CodeDeploy's predefined configurations for ECS, by their exact names."""

NATIVE: Mapping[str, Shift] = MappingProxyType(
    {
        "LINEAR": linear(1_000, 6 * _MINUTE_MS, "LINEAR"),
        "CANARY": canary(500, 10 * _MINUTE_MS, "CANARY"),
        "BLUE_GREEN": all_at_once("BLUE_GREEN"),
    }
)
"""ECS-native deployment strategies with ECS's defaults. No hold follows the last step."""


def hold_ms(shift: Shift, step: int) -> int | None:
    """How long the step of that index is held, in ms; None for the last, which has no next.

    Raises `IndexError` for a step that the timetable does not have.
    """
    if not 0 <= step < len(shift.steps):
        raise IndexError(f"{shift.name} has no step {step}")
    if step + 1 == len(shift.steps):
        return None
    return shift.steps[step + 1].at_ms - shift.steps[step].at_ms


def next_due_ms(shift: Shift, step: int, step_since_ms: int) -> int | None:
    """When the step after `step` is due, if the balancer holds `step` since `step_since_ms`.

    Held time counts from when the weight is *observed*, so a slow balancer only ever lengthens a
    shift. None when `step` is the last.
    """
    hold = hold_ms(shift, step)
    return None if hold is None else step_since_ms + hold


def step_due(shift: Shift, step: int, step_since_ms: int, now: int) -> bool:
    """Whether the step after `step` is due at `now`; never after the last."""
    due = next_due_ms(shift, step, step_since_ms)
    return due is not None and now >= due


def duration_ms(shift: Shift) -> int:
    """From the first step to the last: what the shift takes at least."""
    return shift.steps[-1].at_ms
