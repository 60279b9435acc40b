"""Two reports side by side, and B against A: as numbers, as text, and as a page. Pure."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from statistics import mean

from tidegate.load.axes import linear, logarithmic
from tidegate.load.cards import figure, section, table, whole
from tidegate.load.html import NOTHING, middle, over_time, percentiles, rows_of
from tidegate.load.plot import Point, Series
from tidegate.load.report import PERCENTS, Report
from tidegate.load.text import aligned, failed_share, percent_name

HEAD = ("", "A", "B", "B against A")
COLOURS = (("A", "c1"), ("B", "c3"))

Reports = tuple[tuple[str, Report], tuple[str, Report]]
"""A and B, each with the name of its file."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of both; None where nothing was measured.

    `change_percent` is B against A, None as well when A is 0 and B is not.
    """

    name: str
    a: float | None
    b: float | None
    change_percent: float | None


def numbers(reports: Reports) -> list[Number]:
    """Rates, failures and percentiles of both."""
    a, b = (list(_values(report)) for _, report in reports)
    return [Number(name, x, y, _change(x, y)) for (name, x), (_, y) in zip(a, b, strict=True)]


def _values(report: Report) -> Iterator[tuple[str, float | None]]:
    yield "intended/s", report.intended_rps
    yield "answered/s", report.answered_rps
    yield "failed %", 100 * failed_share(report.counts)
    for percent, us in zip(PERCENTS, report.latency.percentiles_us(PERCENTS), strict=True):
        yield f"{percent_name(percent)} ms", us / 1000 if report.latency.buckets else None


def _change(a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return None
    if a == b:
        return 0.0
    return 100 * (b - a) / a if a else None


def rows(reports: Reports) -> list[tuple[str, ...]]:
    """The numbers under `HEAD`."""
    return [(n.name, _shown(n.a), _shown(n.b), _words(n)) for n in numbers(reports)]


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _words(one: Number) -> str:
    if one.a is None or one.b is None:
        return "–"
    if one.change_percent is None:
        return "was 0"
    return f"{one.change_percent:+,.1f} %" if one.change_percent else "same"


def _heads(reports: Reports) -> list[str]:
    return [
        f"{letter}  {file}: {report.title}, {report.profile}"
        for (letter, _), (file, report) in zip(COLOURS, reports, strict=True)
    ]


def _limits(reports: Reports) -> list[str]:
    return [
        f"✗ {letter} is not sound: {limit}"
        for (letter, _), (_, report) in zip(COLOURS, reports, strict=True)
        for limit in report.limits
    ]


def compare_text(reports: Reports) -> str:
    """Both side by side, and B against A."""
    return "\n".join([*_heads(reports), "", aligned([HEAD, *rows(reports)]), *_limits(reports)])


def compare_json(reports: Reports) -> str:
    """The numbers as JSON; the whole reports are in their files."""
    heads = {
        letter.lower(): {
            "file": file, "title": report.title, "profile": report.profile, "limits": report.limits,
        }
        for (letter, _), (file, report) in zip(COLOURS, reports, strict=True)
    }  # fmt: skip
    return json.dumps(heads | {"numbers": [asdict(one) for one in numbers(reports)]}, indent=2)


def compare_page(reports: Reports) -> str:
    """One page with both in each chart."""
    drawn = [
        (letter, colour, report)
        for (letter, colour), (_, report) in zip(COLOURS, reports, strict=True)
    ]
    head = "<h1>Two loads compared</h1>" + "".join(
        f"<p>{escape(line)}</p>" for line in _heads(reports)
    )
    head += "".join(f'<p class="bad">{escape(line)}</p>' for line in _limits(reports))
    cards = [
        section("B against A", table([HEAD, *rows(reports)])),
        percentiles([(letter, colour, report.latency) for letter, colour, report in drawn]),
        _over_time("Answered", "requests per second", reports, [
            Series(letter, colour, [(middle(row), mean(s.answered for s in row))
                                    for row in rows_of(report)])
            for letter, colour, report in drawn
        ]),
        _over_time("p99 over time", "ms", reports, [
            Series(letter, colour, list(_p99(report))) for letter, colour, report in drawn
        ]),
    ]  # fmt: skip
    files = " and ".join(file for file, _ in reports)
    return whole(f"{files}: two loads compared", head, cards)


def _p99(report: Report) -> Iterator[Point]:
    for row in rows_of(report):
        measured = [s for s in row if s.max_us]
        if measured:
            yield middle(row), mean(s.p99_us for s in measured) / 1000


def _over_time(title: str, unit: str, reports: Reports, series: list[Series]) -> str:
    """Both over the longer one's time. Rates have an axis from 0, times a logarithmic one."""
    values = [y for one in series for _, y in one.points]
    if not values:
        return section(title, NOTHING)
    longer = max((report for _, report in reports), key=lambda report: len(report.seconds))
    rates = unit != "ms"
    y = linear(max(values), whole=True) if rates else logarithmic(min(values), max(values))
    return figure(title, over_time(longer, y, unit, series, own=False))
