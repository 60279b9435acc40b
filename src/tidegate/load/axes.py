"""The axes of a chart: from where to where, by a logarithm or not, and what is written. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_UNITS = ((_DAY_S, "days", 4), (_HOUR_S, "hours", 3), (_MINUTE_S, "minutes", 3), (1, "seconds", 1))
"""Seconds of a unit of time, its name, and from how many of it on a time is told in it."""
_STEPS = {
    "seconds": (1, 2, 5, 10, 20, 30, 60),
    "minutes": (1, 2, 5, 10, 15, 30, 60),
    "hours": (1, 2, 3, 4, 6, 12, 24),
}
_MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`, by a logarithm or not; `ticks` are (value, text)."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    log: bool = False

    def share(self, value: float) -> float:
        """Where on the axis a value lies, 0 to 1."""
        f: Callable[[float], float] = math.log10 if self.log else float
        value = min(self.high, max(self.low, value))
        return (f(value) - f(self.low)) / ((f(self.high) - f(self.low)) or 1.0)


def linear(high: float, low: float = 0.0, whole: bool = False) -> Axis:
    """A linear axis from `low` to a round value at or above `high`, with about five ticks.

    `whole` is for counts: there is no tick at half a task.
    """
    span = max(high - low, 1e-9)
    step = 10.0 ** math.floor(math.log10(span / 5))
    step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= 6)
    step = max(1.0, step) if whole else step
    top = low + step * math.ceil(span / step - 1e-9)
    count = round((top - low) / step)
    return Axis(low, top, [(low + step * i, _short(low + step * i)) for i in range(count + 1)])


def logarithmic(low: float, high: float) -> Axis:
    """An axis from the power of ten at or below `low` to a round value at or above `high`."""
    first = math.floor(math.log10(max(low, 1e-3)))
    last = math.ceil(math.log10(max(high, 10 ** (first + 1))) - 1e-9)
    small = last - first <= 2
    steps = (1, 2, 5) if small else (1,)
    values = [m * 10.0**p for p in range(first, last) for m in steps] + [10.0**last]
    top = next(value for value in values if value >= high * 0.999) if small else values[-1]
    top = max(top, values[1])
    kept = [value for value in values if value <= top]
    return Axis(kept[0], top, [(value, _short(value)) for value in kept], log=True)


def timeline(length_s: float) -> tuple[Axis, str]:
    """An axis in seconds that ends with the time, its ticks in the unit whose name comes with it.

    That is the largest unit of which the time has a few.
    """
    unit_s, name, _ = next(u for u in _UNITS if length_s >= u[0] * u[2] or u[0] == 1)
    units = length_s / unit_s
    steps = _STEPS.get(name) or tuple(m * 10**p for p in range(4) for m in (1, 2, 5))
    step = next((s for s in steps if units / s <= _MOST_TICKS), steps[-1])
    ticks = [(n * step * unit_s, f"{n * step}") for n in range(int(units / step + 1e-9) + 1)]
    return Axis(0.0, length_s, ticks), name


def _short(value: float) -> str:
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit and value % (unit / 10) == 0:
            return f"{value / unit:g}{name}"
    return f"{value:g}"
