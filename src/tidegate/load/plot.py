"""Line and bar charts as SVG text, drawn with the page's CSS classes. Pure.

A chart is as wide as the page gives it and always `HEIGHT` high: places across are percentages,
and only the lines are stretched (without their strokes), so words keep their size on a phone. What
would cover other words there has the class `fine`, which the page leaves out of narrow charts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

from tidegate.load.axes import Axis

HEIGHT = 206
"""Pixels, without the words around, for which the page's style leaves room."""
COLUMNS = 1_000
"""How finely lines are drawn across; more points than two a column are thinned out."""
NARROW, WIDE = 210, 430
"""Pixels that a chart has across on a small phone, and at least where `fine` words are shown."""
LETTER = 7.5  # a letter's width at the size of ticks, at the most
LONGEST = 24
"""Letters of a mark; a longer one is cut off."""
GAP = 8.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, its colour class (`c1` …), its points in the units of the axes.

    A wide line lies under others that may cover it.
    """

    name: str
    colour: str
    points: Sequence[Point]
    width: float = 1.8


@dataclass(frozen=True, slots=True)
class Chart:
    """What one chart shows. `bar` is the width of bars that are stacked; None draws lines.

    The x of a bar is its left edge. `marks` are (x, text) of vertical lines; `hints` (x, width,
    text) what the pointer shows.
    """

    x: Axis
    y: Axis
    series: Sequence[Series]
    x_title: str = ""
    y_title: str = ""
    bar: float | None = None
    marks: Sequence[tuple[float, str]] = ()
    hints: Sequence[tuple[float, float, str]] = field(default=())


def svg(chart: Chart, label: str) -> str:
    """The chart as an `svg` element."""
    parts = [
        f'<svg class="plot" role="img" aria-label="{escape(label)}">',
        *_grid(chart),
        *(_bars(chart, chart.bar) if chart.bar else _lines(chart)),
        *_marks(chart),
        *_hints(chart),
        "</svg>",
    ]
    return "\n".join(parts)


def _x(chart: Chart, value: float) -> float:
    return 100 * chart.x.share(value)


def _y(chart: Chart, value: float) -> float:
    return HEIGHT * (1 - chart.y.share(value))


def _grid(chart: Chart) -> Iterator[str]:
    for value, text in chart.y.ticks:
        y = _y(chart, value)
        yield f'<line class="grid" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(f'class="tick" dx="-8" y="{y + 4:.1f}" text-anchor="end"', text)
    fits = {width: _Free(width) for width in (NARROW, WIDE)}
    for value, text in chart.x.ticks:
        x, half = _x(chart, value), LETTER * len(text) / 2
        yield f'<line class="grid" x1="{x:.2f}%" x2="{x:.2f}%" y1="{HEIGHT}" y2="{HEIGHT + 4}"/>'
        kind = _kind(fits, [(w, x * w / 100 - half, 2 * half) for w in fits])
        if kind:
            where = f'class="{kind}" x="{x:.2f}%" y="{HEIGHT + 18}" text-anchor="middle"'
            yield _text(where, text)
    yield _text(f'class="title" x="50%" y="{HEIGHT + 38}" text-anchor="middle"', chart.x_title)
    turned = f'transform="translate(-50 {HEIGHT / 2:.0f}) rotate(-90)" text-anchor="middle"'
    yield _text(f'class="title" {turned}', chart.y_title)


def _text(how: str, text: str) -> str:
    return f"<text {how}>{escape(text)}</text>"


class _Free:
    """Where on a line of words there is room yet, from the left."""

    def __init__(self, width: float) -> None:
        self.width, self._from = width, float("-inf")

    def take(self, left: float, length: float) -> bool:
        """Whether there was room for a word."""
        if left < self._from:
            return False
        self._from = left + length + GAP
        return True


def _kind(fits: dict[int, _Free], places: list[tuple[int, float, float]]) -> str:
    """The classes of a word: for charts of every width, for wide ones alone, or "" for none.

    `places` are (width of the chart, left, length) in pixels.
    """
    narrow, wide = (fits[width].take(left, length) for width, left, length in places)
    return "tick" if narrow and wide else "tick fine" if wide else ""


def _lines(chart: Chart) -> Iterator[str]:
    """Points that stand alone are dots, which nothing stretches."""
    view = f'viewBox="0 0 {COLUMNS} {HEIGHT}" width="100%" height="{HEIGHT}"'
    yield f'<svg {view} preserveAspectRatio="none" overflow="visible">'
    for series in chart.series:
        if len(series.points) > 1:
            drawn = [(_x(chart, x) * COLUMNS / 100, _y(chart, y)) for x, y in series.points]
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in thinned(drawn))
            style = f'class="line {series.colour}" stroke-width="{series.width}"'
            yield f'<polyline {style} points="{points}"/>'
    yield "</svg>"
    for series in chart.series:
        if len(series.points) == 1:
            (at, value), radius = series.points[0], 2 + series.width / 2
            where = f'cx="{_x(chart, at):.2f}%" cy="{_y(chart, value):.1f}" r="{radius:.1f}"'
            yield f'<circle class="dot {series.colour}" {where}/>'


def thinned(points: Sequence[Point]) -> Sequence[Point]:
    """The first, lowest, highest and last point of each column: the same picture in few points.

    Points are in columns across, from left to right (M4: Jugel et al., VLDB 2014).
    """
    if len(points) <= 2 * COLUMNS:
        return points
    kept: list[Point] = []
    for _, column in groupby(points, key=lambda point: int(point[0])):
        row = list(column)
        heights = [y for _, y in row]
        places = {0, heights.index(min(heights)), heights.index(max(heights)), len(row) - 1}
        kept += [row[place] for place in sorted(places)]
    return kept


def _bars(chart: Chart, width: float) -> Iterator[str]:
    floor: dict[float, float] = {}
    for series in chart.series:
        for x, value in series.points:
            below = floor.get(x, 0.0)
            floor[x] = below + value
            left, right = _x(chart, x), _x(chart, x + width)
            top, bottom = _y(chart, below + value), _y(chart, below)
            yield (
                f'<rect class="bar {series.colour}" x="{left:.2f}%" y="{top:.1f}" '
                f'width="{right - left:.2f}%" height="{bottom - top:.1f}"/>'
            )


def _marks(chart: Chart) -> Iterator[str]:
    """A line for each, and its text where that covers no other's."""
    fits = {width: _Free(width) for width in (NARROW, WIDE)}
    for value, whole in sorted(chart.marks):
        text = whole if len(whole) <= LONGEST else whole[: LONGEST - 1] + "…"
        x, length = _x(chart, value), LETTER * len(text)
        yield f'<line class="mark" x1="{x:.2f}%" x2="{x:.2f}%" y2="{HEIGHT}"/>'
        turned = x > 50 and x * NARROW / 100 + length > NARROW
        side = 'dx="-4" text-anchor="end"' if turned else 'dx="4"'
        kind = _kind(fits, [(w, x * w / 100 + (-4 - length if turned else 4), length)
                            for w in fits])  # fmt: skip
        if kind:
            yield _text(f'class="{kind} over" x="{x:.2f}%" y="12" {side}', text)


def _hints(chart: Chart) -> Iterator[str]:
    for x, width, text in chart.hints:
        left, right = _x(chart, x), _x(chart, x + width)
        size = f'width="{right - left:.2f}%" height="{HEIGHT}"'
        yield f'<rect class="hint" x="{left:.2f}%" {size}><title>{escape(text)}</title></rect>'
