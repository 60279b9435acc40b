"""A rehearsal as one page that needs nothing else: inline style and SVG, no scripts. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from tidegate.load.axes import Axis, linear, logarithmic, timeline
from tidegate.load.cards import figure, section, table, whole
from tidegate.load.plot import Chart, Series
from tidegate.simulator.queueing import SATURATED
from tidegate.simulator.rehearse.compare import Difference
from tidegate.simulator.rehearse.outcome import Outcome, ServiceOutcome
from tidegate.simulator.rehearse.record import Minute
from tidegate.simulator.rehearse.text import ANSWERS, COST_HEAD, HEAD, clock, cost_rows, row

MARKED = {
    "DeploymentStarted": "deployment", "RollbackStarted": "rollback",
    "DeploymentFinished": "end", "DesiredChanged": "scaled",
}  # fmt: skip
HEADROOM = 1.1
"""The highest point of a line leaves room above it for the words of the marks."""
MOST_MOMENTS = 60


def page(
    outcomes: Sequence[Outcome],
    compared: Sequence[Difference] = (),
    files: Sequence[str] = (),
) -> str:
    """The whole page: of the first outcome, or of two with what differs between them.

    Of two, A and B say which is meant: mostly they are two `files` of the same app.
    """
    first = outcomes[0]
    named = list(zip(("A: ", "B: ") if len(outcomes) > 1 else ("",), outcomes, strict=True))
    parts = [card for prefix, one in named for card in _summary(one, prefix)]
    if compared:
        parts.insert(0, section("B against A", _differences(compared), "wide"))
    parts += [_costs(one, prefix) for prefix, one in named if one.providers]
    parts += _drawn(named)
    parts += [_moments(one, prefix) for prefix, one in named if one.moments]
    lines = dict.fromkeys(line for one in outcomes for line in one.assumptions)
    assumed = "".join(f"<p>{escape(line)}</p>" for line in lines)
    parts.append(section("Assumed", assumed, "wide"))
    title = f"{first.app}: {first.scenario}"
    return whole(f"{title}, simulated", _head(first, title, files), parts)


def _head(first: Outcome, title: str, files: Sequence[str]) -> str:
    pairs = zip(("A", "B"), files, strict=False)
    lines = [first.says, *(f"{letter}: {file}" for letter, file in pairs)]
    length = f"{clock(first.length_s)} of simulated time"
    seed = f"the charts are of seed {first.seed}" if files else f"seed {first.seed}"
    words = "".join(f"<p>{escape(line)}</p>" for line in (*lines, f"{length}, {seed}"))
    return f"<h1>{escape(title)}</h1>{words}"


def _drawn(named: Sequence[tuple[str, Outcome]]) -> Iterator[str]:
    """The charts of each service, those of A and B side by side and on the same axes."""
    names = dict.fromkeys(s.name for _, one in named for s in one.services)
    for name in names:
        rows = [
            _plots(one, service, prefix)
            for prefix, one in named
            for service in one.services
            if service.name == name
        ]
        for plots in zip(*rows, strict=True):
            yield from (_draw(plot, _axis(plots)) for plot in plots)


def _summary(outcome: Outcome, prefix: str) -> Iterator[str]:
    rows = [HEAD, *map(row, outcome.services)]
    yield section(f"{prefix}Services of {outcome.app}", table([one[:ANSWERS] for one in rows]))
    title = f"{prefix}What {outcome.app} needed"
    yield section(title, table([(one[0], *one[ANSWERS:]) for one in rows]))


def _costs(outcome: Outcome, prefix: str) -> str:
    rows = [COST_HEAD, *cost_rows(outcome)]
    return section(f"{prefix}What the instances of {outcome.app} cost", table(rows), "wide")


def _differences(compared: Sequence[Difference]) -> str:
    rows: list[Sequence[str]] = [
        ("mean of all seeds", "A", "B", "B - A", "95 % sure it is between")
    ]
    for one in compared:
        between = f"{one.low:+,.3g} and {one.high:+,.3g}" if one.known else "needs 2 seeds"
        rows.append((one.name, f"{one.a:,.3f}", f"{one.b:,.3f}", f"{one.mean:+,.3f}", between))
    return table(rows)


def _moments(outcome: Outcome, prefix: str) -> str:
    found = outcome.moments
    rows = [("at", "what was recorded"), *((clock(m.at_s), m.text) for m in found[:MOST_MOMENTS])]
    if len(found) > MOST_MOMENTS:
        rows.append(("…", f"{len(found) - MOST_MOMENTS} more, all of them in --json"))
    return section(f"{prefix}Recorded of {outcome.app}", table(rows), "wide text")


@dataclass(frozen=True, slots=True)
class _Plot:
    """A chart to be: points are (minutes, value). `nothing` is said where there is no point."""

    title: str
    unit: str
    series: Sequence[Series]
    minutes: int
    marks: Sequence[tuple[float, str]]
    nothing: str = ""

    @property
    def values(self) -> list[float]:
        return [y for one in self.series for _, y in one.points]


def _axis(plots: Sequence[_Plot]) -> Axis:
    """One that holds them all, with room above for the words of the marks."""
    values = [value for plot in plots for value in plot.values] or [1.0]
    if plots[0].unit == "ms":
        return logarithmic(min(values), HEADROOM * max(values))
    return linear(HEADROOM * max(values), whole=plots[0].unit == "tasks")


def _draw(plot: _Plot, y: Axis) -> str:
    if not plot.values:
        return section(plot.title, f'<p class="bad">{plot.nothing}</p>')
    x, unit = timeline(60 * max(1, plot.minutes))
    drawn = [
        replace(one, points=[(60 * at, value) for at, value in one.points]) for one in plot.series
    ]
    title = f"{unit} since the start"
    return figure(plot.title, Chart(x, y, drawn, title, plot.unit, marks=plot.marks))


def _plots(outcome: Outcome, service: ServiceOutcome, prefix: str) -> list[_Plot]:
    minutes, title = service.minutes, f"{prefix}{service.name}"
    length = len(minutes)
    marks = _marks(outcome, service)
    return [
        _Plot(f"{title}, requests per second", "requests per second", [
            Series("wanted", "c6", [(m.at_min + 0.5, m.wanted_rps) for m in minutes], width=5),
            Series("answered", "c2", [(m.at_min + 0.5, (m.requests - m.errors) / 60)
                                      for m in minutes]),
            Series("failed", "c4", [(m.at_min + 0.5, m.errors / 60) for m in minutes]),
        ], length, marks),
        _Plot(f"{title}, latency", "ms", list(_latencies(minutes)), length, marks,
              _no_latency(minutes)),
        _Plot(f"{title}, tasks", "tasks", [
            Series("desired", "c6", [(m.at_min + 1, m.desired) for m in minutes], width=5),
            Series("running", "c3", [(m.at_min + 1, m.running) for m in minutes]),
            Series("serving", "c1", [(m.at_min + 1, m.tasks) for m in minutes]),
        ], length, marks),
        _Plot(f"{title}, utilisation", "% of what tasks can answer", [
            Series("saturated above", "c4", [(x, 100 * SATURATED) for x in (0.0, length)],
                   width=1),
            Series("busiest second of the minute", "c5",
                   [(m.at_min + 0.5, 100 * m.utilisation) for m in minutes]),
        ], length, marks),
    ]  # fmt: skip


def _marks(outcome: Outcome, service: ServiceOutcome) -> list[tuple[float, str]]:
    """The events of the service that changed something."""
    return [
        (one.at_s, MARKED[one.kind])
        for one in outcome.moments
        if one.kind in MARKED and one.service == service.name
    ]


def _latencies(minutes: Sequence[Minute]) -> Iterator[Series]:
    """Saturated minutes have no latency to draw: the lines are broken there."""
    fair = [m for m in minutes if not m.saturated and m.p50_ms is not None]
    for name, colour, field in (
        ("p99", "c3", "p99_ms"), ("p95", "c5", "p95_ms"), ("p50", "c1", "p50_ms"),
    ):  # fmt: skip
        for part in _unbroken(fair):
            yield Series(name, colour, [(m.at_min + 0.5, getattr(m, field)) for m in part])


def _no_latency(minutes: Sequence[Minute]) -> str:
    if any(m.saturated for m in minutes):
        return "saturated all the time: no number to tell"
    return "nothing was asked for"


def _unbroken(minutes: Sequence[Minute]) -> list[list[Minute]]:
    parts: list[list[Minute]] = []
    for minute in minutes:
        if parts and minute.at_min == parts[-1][-1].at_min + 1:
            parts[-1].append(minute)
        else:
            parts.append([minute])
    return parts
