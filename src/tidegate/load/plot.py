"""Line and bar charts as SVG text, drawn with the page's CSS classes. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 12, 42
LETTER = 7.5  # a letter's width at the size of ticks, at the most


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, its colour class (`c1` …), its points in the units of the axes.

    A wide line lies under others that may cover it.
    """

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    width: float = 1.8


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


@dataclass(frozen=True, slots=True)
class Chart:
    """What one chart shows. `stacked` draws bars one on another, `x` being their left edges.

    `marks` are (x, text) of vertical lines; `hints` (x, width, text) what the pointer shows.
    """

    x: Axis
    y: Axis
    series: Sequence[Series]
    x_title: str = ""
    y_title: str = ""
    stacked: bool = False
    marks: Sequence[tuple[float, str]] = ()
    hints: Sequence[tuple[float, float, str]] = field(default=())


def svg(chart: Chart, label: str) -> str:
    """The chart as an `svg` element."""
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">',
        *_grid(chart),
        *(_bars(chart) if chart.stacked else (_line(chart, s) for s in chart.series)),
        *_marks(chart),
        *_hints(chart),
        "</svg>",
    ]
    return "\n".join(parts)


def linear(high: float, low: float = 0.0) -> Axis:
    """A linear axis from `low` to a round value at or above `high`, with about five ticks."""
    span = max(high - low, 1e-9)
    step = 10 ** math.floor(math.log10(span / 5))
    step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= 6)
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


def _x(chart: Chart, value: float) -> float:
    return LEFT + chart.x.share(value) * (WIDTH - LEFT - RIGHT)


def _y(chart: Chart, value: float) -> float:
    return HEIGHT - BOTTOM - chart.y.share(value) * (HEIGHT - TOP - BOTTOM)


def _grid(chart: Chart) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for value, text in chart.y.ticks:
        y = _y(chart, value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">')
        parts[-1] += f"{escape(text)}</text>"
    for value, text in chart.x.ticks:
        x = _x(chart, value)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
        )
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">')
        parts[-1] += f"{escape(text)}</text>"
    middle = (LEFT + right) / 2
    parts.append(f'<text class="title" x="{middle:.0f}" y="{HEIGHT - 4}" text-anchor="middle">')
    parts[-1] += f"{escape(chart.x_title)}</text>"
    parts.append(
        f'<text class="title" transform="translate(14 {(TOP + bottom) / 2:.0f}) rotate(-90)"'
    )
    parts[-1] += f' text-anchor="middle">{escape(chart.y_title)}</text>'
    return parts


def _line(chart: Chart, series: Series) -> str:
    points = " ".join(f"{_x(chart, x):.1f},{_y(chart, y):.1f}" for x, y in series.points)
    if len(series.points) == 1:
        x, y = points.split(",")
        return f'<circle class="dot {series.colour}" cx="{x}" cy="{y}" r="3"/>'
    style = f'class="line {series.colour}" stroke-width="{series.width}"'
    return f'<polyline {style} points="{points}"/>'


def _bars(chart: Chart) -> list[str]:
    floor: dict[float, float] = {}
    parts = []
    for series in chart.series:
        for x, value in series.points:
            below = floor.get(x, 0.0)
            floor[x] = below + value
            left, right = _x(chart, x), _x(chart, x + 1)
            top, bottom = _y(chart, below + value), _y(chart, below)
            parts.append(
                f'<rect class="bar {series.colour}" x="{left:.1f}" y="{top:.1f}" '
                f'width="{max(1.0, right - left - 1):.1f}" height="{bottom - top:.1f}"/>'
            )
    return parts


def _marks(chart: Chart) -> list[str]:
    """A line for each, and its text where that covers no other's."""
    parts = []
    free_from = 0.0
    for value, text in sorted(chart.marks):
        x = _x(chart, value)
        line = f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        width = LETTER * len(text) + 8
        left = x + 4 if x + width < WIDTH else x - width
        if left >= free_from:
            free_from = left + width
            line += f'<text class="tick" x="{left:.1f}" y="{TOP + 10}">{escape(text)}</text>'
        parts.append(line)
    return parts


def _hints(chart: Chart) -> list[str]:
    return [
        f'<rect class="hint" x="{_x(chart, x):.1f}" y="{TOP}" '
        f'width="{_x(chart, x + width) - _x(chart, x):.1f}" height="{HEIGHT - TOP - BOTTOM}">'
        f"<title>{escape(text)}</title></rect>"
        for x, width, text in chart.hints
    ]


def _short(value: float) -> str:
    if value >= 1000 and value % 100 == 0:
        return f"{value / 1000:g}k"
    return f"{value:g}"
