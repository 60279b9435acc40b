"""A rehearsal as one page that needs nothing else: inline style and SVG, no scripts. Pure."""

from collections.abc import Iterator, Sequence
from html import escape

from tidegate.load.html import PAGE, STYLE, figure, section, table
from tidegate.load.plot import Chart, Series, linear, logarithmic
from tidegate.simulator.queueing import SATURATED
from tidegate.simulator.rehearse.compare import Difference
from tidegate.simulator.rehearse.outcome import Outcome, ServiceOutcome
from tidegate.simulator.rehearse.record import Minute
from tidegate.simulator.rehearse.text import COST_HEAD, HEAD, clock, cost_rows, row

MARKED = {
    "DeploymentStarted": "deployment", "RollbackStarted": "rollback",
    "DeploymentFinished": "end", "DesiredChanged": "scaled",
}  # fmt: skip
MOST_MARKS = 6
HEADROOM = 1.1
"""The highest point of a line leaves room above it for the words of the marks."""


def page(outcomes: Sequence[Outcome], compared: Sequence[Difference] = ()) -> str:
    """The whole page: of the first outcome, or of two with what differs between them.

    Of two, A and B say which is meant: mostly they are two files of the same app.
    """
    first = outcomes[0]
    named = list(zip(("A: ", "B: ") if len(outcomes) > 1 else ("",), outcomes, strict=True))
    parts = [_summary(one, prefix) for prefix, one in named]
    if compared:
        parts.insert(0, section("B against A", _differences(compared), "wide"))
    parts += [_costs(one, prefix) for prefix, one in named if one.providers]
    for prefix, one in named:
        for service in one.services:
            parts += _charts(one, service, prefix)
    parts += [_moments(one, prefix) for prefix, one in named if one.moments]
    assumed = "".join(f"<p>{escape(line)}</p>" for line in first.assumptions)
    parts.append(section("Assumed", assumed, "wide"))
    title = f"{first.app}: {first.scenario}"
    head = f"<h1>{escape(title)}</h1><p>{escape(first.says)}</p>"
    head += f"<p>{clock(first.length_s)} of simulated time, seed {first.seed}</p>"
    body = f'{head}<div class="grid2">{"".join(parts)}</div>'
    return PAGE.format(title=escape(title), style=STYLE, body=body)


def _summary(outcome: Outcome, prefix: str) -> str:
    rows = [HEAD, *map(row, outcome.services)]
    return section(f"{prefix}Services of {outcome.app}", table(rows), "wide")


def _costs(outcome: Outcome, prefix: str) -> str:
    rows = [COST_HEAD, *cost_rows(outcome)]
    return section(f"{prefix}What the instances of {outcome.app} cost", table(rows), "wide")


def _differences(compared: Sequence[Difference]) -> str:
    rows: list[Sequence[str]] = [("", "A", "B", "B - A", "95 % sure it is between")]
    for one in compared:
        between = f"{one.low:+,.3g} and {one.high:+,.3g}" if one.known else "needs 2 seeds"
        rows.append((one.name, f"{one.a:,.3f}", f"{one.b:,.3f}", f"{one.mean:+,.3f}", between))
    return table(rows)


def _moments(outcome: Outcome, prefix: str) -> str:
    rows = [("at", "what was recorded"), *((clock(m.at_s), m.text) for m in outcome.moments[:60])]
    return section(f"{prefix}Recorded of {outcome.app}", table(rows), "wide text")


def _charts(outcome: Outcome, service: ServiceOutcome, prefix: str) -> Iterator[str]:
    minutes = service.minutes
    marks = _marks(outcome, service)
    yield _figure(f"{prefix}{service.name}, requests per second", "requests per second", marks, [
        Series("wanted", "c6", [(m.at_min + 0.5, m.wanted_rps) for m in minutes], width=5),
        Series("answered", "c2", [(m.at_min + 0.5, (m.requests - m.errors) / 60)
                                  for m in minutes]),
        Series("failed", "c4", [(m.at_min + 0.5, m.errors / 60) for m in minutes]),
    ])  # fmt: skip
    yield _latency(f"{prefix}{service.name}, latency", minutes, marks)
    yield _figure(f"{prefix}{service.name}, tasks", "tasks", marks, [
        Series("desired", "c6", [(m.at_min + 1, m.desired) for m in minutes], width=5),
        Series("running", "c3", [(m.at_min + 1, m.running) for m in minutes]),
        Series("serving", "c1", [(m.at_min + 1, m.tasks) for m in minutes]),
    ])  # fmt: skip
    ends = (0.0, len(minutes))
    yield _figure(f"{prefix}{service.name}, utilisation", "% of what tasks can answer", marks, [
        Series("saturated above", "c4", [(x, 100 * SATURATED) for x in ends], width=1),
        Series("busiest second of the minute", "c5",
               [(m.at_min + 0.5, 100 * m.utilisation) for m in minutes]),
    ])  # fmt: skip


def _latency(title: str, minutes: Sequence[Minute], marks: Sequence[tuple[float, str]]) -> str:
    """Saturated minutes have no latency to draw: the lines are broken there."""
    fair = [m for m in minutes if not m.saturated and m.p50_ms is not None]
    if not fair:
        return section(title, '<p class="bad">saturated all the time: no number to tell</p>')
    series = [
        Series(name, colour, [(m.at_min + 0.5, getattr(m, field)) for m in part])
        for name, colour, field in (
            ("p99", "c3", "p99_ms"), ("p95", "c5", "p95_ms"), ("p50", "c1", "p50_ms"),
        )
        for part in _unbroken(fair)
    ]  # fmt: skip
    high = HEADROOM * max(m.p99_ms or 1 for m in fair)
    low = min(m.p50_ms or 1 for m in fair)
    x = linear(max(1, len(minutes)))
    chart = Chart(x, logarithmic(low, high), series, "minutes", "ms", marks=marks)
    return figure(title, chart)


def _unbroken(minutes: Sequence[Minute]) -> list[list[Minute]]:
    parts: list[list[Minute]] = []
    for minute in minutes:
        if parts and minute.at_min == parts[-1][-1].at_min + 1:
            parts[-1].append(minute)
        else:
            parts.append([minute])
    return parts


def _figure(
    title: str, unit: str, marks: Sequence[tuple[float, str]], series: Sequence[Series]
) -> str:
    high = HEADROOM * max((y for one in series for _, y in one.points), default=1)
    length = max((x for one in series for x, _ in one.points), default=1)
    return figure(title, Chart(linear(length), linear(high), series, "minutes", unit, marks=marks))


def _marks(outcome: Outcome, service: ServiceOutcome) -> list[tuple[float, str]]:
    """The first few events of the service that changed something."""
    found = [
        (one.at_s / 60, MARKED[one.kind])
        for one in outcome.moments
        if one.kind in MARKED and service.name in one.text
    ]
    return found[:MOST_MARKS]
