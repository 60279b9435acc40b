"""A rehearsal as one page that needs nothing else: inline style and SVG, no scripts. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape

from tidegate.load.axes import Axis, linear, logarithmic, timeline
from tidegate.load.html import figure, section, table, whole
from tidegate.load.plot import Chart, Series
from tidegate.simulator.queueing import SATURATED
from tidegate.simulator.rehearse.compare import Difference
from tidegate.simulator.rehearse.outcome import Outcome, ServiceOutcome
from tidegate.simulator.rehearse.record import Minute
from tidegate.simulator.rehearse.text import COST_HEAD, HEAD, clock, cost_rows, row

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
    parts = [_summary(one, prefix) for prefix, one in named]
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
    """The charts of each service, those of A and B side by side."""
    names = dict.fromkeys(s.name for _, one in named for s in one.services)
    for name in names:
        rows = [
            _charts(one, service, prefix)
            for prefix, one in named
            for service in one.services
            if service.name == name
        ]
        yield from (chart for charts in zip(*rows, strict=True) for chart in charts)


def _summary(outcome: Outcome, prefix: str) -> str:
    rows = [HEAD, *map(row, outcome.services)]
    return section(f"{prefix}Services of {outcome.app}", table(rows), "wide")


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


def _charts(outcome: Outcome, service: ServiceOutcome, prefix: str) -> list[str]:
    minutes, title = service.minutes, f"{prefix}{service.name}"
    time = _Time(outcome, service)
    return [
        time.figure(f"{title}, requests per second", "requests per second", [
            Series("wanted", "c6", [(m.at_min + 0.5, m.wanted_rps) for m in minutes], width=5),
            Series("answered", "c2", [(m.at_min + 0.5, (m.requests - m.errors) / 60)
                                      for m in minutes]),
            Series("failed", "c4", [(m.at_min + 0.5, m.errors / 60) for m in minutes]),
        ]),
        _latency(f"{title}, latency", minutes, time),
        time.figure(f"{title}, tasks", "tasks", [
            Series("desired", "c6", [(m.at_min + 1, m.desired) for m in minutes], width=5),
            Series("running", "c3", [(m.at_min + 1, m.running) for m in minutes]),
            Series("serving", "c1", [(m.at_min + 1, m.tasks) for m in minutes]),
        ], counts=True),
        time.figure(f"{title}, utilisation", "% of what tasks can answer", [
            Series("saturated above", "c4", [(x, 100 * SATURATED) for x in (0.0, time.minutes)],
                   width=1),
            Series("busiest second of the minute", "c5",
                   [(m.at_min + 0.5, 100 * m.utilisation) for m in minutes]),
        ]),
    ]  # fmt: skip


class _Time:
    """The axis that the charts of a service share, and the marks on it. Points are in minutes."""

    def __init__(self, outcome: Outcome, service: ServiceOutcome) -> None:
        self.minutes = float(max(1, len(service.minutes)))
        self._axis, self._unit = timeline(60 * self.minutes)
        self._marks = [
            (one.at_s, MARKED[one.kind])
            for one in outcome.moments
            if one.kind in MARKED and one.service == service.name
        ]

    def figure(self, title: str, unit: str, series: Sequence[Series], counts: bool = False) -> str:
        """From 0 to what is highest, with room above it."""
        high = HEADROOM * max((y for one in series for _, y in one.points), default=1)
        return self.on(title, linear(high, whole=counts), unit, series)

    def on(self, title: str, y: Axis, unit: str, series: Sequence[Series]) -> str:
        """On an axis of its own."""
        drawn = [replace(s, points=[(60 * x, value) for x, value in s.points]) for s in series]
        chart = Chart(self._axis, y, drawn, self._unit, unit, marks=self._marks)
        return figure(title, chart)


def _latency(title: str, minutes: Sequence[Minute], time: _Time) -> str:
    """Saturated minutes have no latency to draw: the lines are broken there."""
    fair = [m for m in minutes if not m.saturated and m.p50_ms is not None]
    if not fair:
        words = "saturated all the time: no number to tell"
        if not any(m.saturated for m in minutes):
            words = "nothing was asked for"
        return section(title, f'<p class="bad">{words}</p>')
    series = [
        Series(name, colour, [(m.at_min + 0.5, getattr(m, field)) for m in part])
        for name, colour, field in (
            ("p99", "c3", "p99_ms"), ("p95", "c5", "p95_ms"), ("p50", "c1", "p50_ms"),
        )
        for part in _unbroken(fair)
    ]  # fmt: skip
    high = HEADROOM * max(m.p99_ms or 1 for m in fair)
    low = min(m.p50_ms or 1 for m in fair)
    return time.on(title, logarithmic(low, high), "ms", series)


def _unbroken(minutes: Sequence[Minute]) -> list[list[Minute]]:
    parts: list[list[Minute]] = []
    for minute in minutes:
        if parts and minute.at_min == parts[-1][-1].at_min + 1:
            parts[-1].append(minute)
        else:
            parts.append([minute])
    return parts
