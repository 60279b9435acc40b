"""A report as one page: tables, and charts over time and by percentile. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from statistics import mean

from tidegate.load.axes import Axis, linear, logarithmic, timeline
from tidegate.load.cards import figure, section, table, whole
from tidegate.load.histogram import Histogram
from tidegate.load.plot import Chart, Point, Series
from tidegate.load.report import PERCENTS, Report, Second
from tidegate.load.text import act_rows, failed_share, in_ms, percent_name, sender_words

NINES = (0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 0.99999)
STEPS = 120
MAX_BARS = 600
"""More seconds than that share a point of a chart."""
FAILURES = ("c4", "c3", "c5", "c1", "c6", "c2")
"""The colours of failures, the most frequent kind first; those after the fifth share one."""
BEYOND = 10
"""So many requests must lie beyond a percentile that is drawn."""
NOTHING = '<p class="dim">nothing was answered</p>'


def page(report: Report) -> str:
    """The whole page."""
    charts = [_rates(report), _latency(report), _percentiles(report), _failures(report)]
    tables = [section("Requests", _numbers(report)), section("Milliseconds", _times(report))]
    if any(act.name or act.tags for act in report.acts):
        tables.append(section("Acts", table(act_rows(report)), "wide"))
    return whole(title_of(report), _head(report), [*tables, *charts])


def title_of(report: Report) -> str:
    """What a browser's tab says of it."""
    return f"{report.title}: {report.profile} of {_began(report)}"


def _began(report: Report) -> str:
    return datetime.fromtimestamp(report.started_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _head(report: Report) -> str:
    targets = ", ".join(f"<code>{escape(target)}</code>" for target in report.targets[:8])
    more = f" and {len(report.targets) - 8} more" if len(report.targets) > 8 else ""
    verdict = '<p class="good">✓ sound: the sender kept to its times</p>'
    if not report.sound:
        rows = (escape(limit) for limit in report.limits)
        verdict = "".join(
            f'<p class="bad">✗ not sound, the sender was the limit: {row}</p>' for row in rows
        )
    length = f"{report.length_us / 1e6:.1f} s from {_began(report)}"
    profile = f"<code>{escape(report.profile)}</code>"
    return (
        f"<h1>{escape(report.title)}</h1><p>{profile} · {length}</p><p>{targets}{more}</p>{verdict}"
    )


def _numbers(report: Report) -> str:
    counts = report.counts
    kinds = ", ".join(f"{kind} {n:,}" for kind, n in counts.failures.items())
    statuses = ", ".join(f"{code} × {n:,}" for code, n in report.statuses.items()) or "none"
    rows = [
        ("", "requests", "per second"),
        ("intended", f"{counts.requests:,}", f"{report.intended_rps:,.1f}"),
        ("sent in time", f"{report.sent_in_time:,}", f"{report.sent_rps:,.1f}"),
        ("answered", f"{report.answered:,}", f"{report.answered_rps:,.1f}"),
        ("failed", f"{counts.failed:,}", f"{100 * failed_share(counts):.3f} %"),
    ]
    lines = [f"replies {statuses}"] + ([f"failures {kinds}"] if kinds else [])
    lines.append(f"{report.opened:,} connections opened, {report.resent:,} requests sent again")
    if report.sender.cpu_us and counts.requests:
        lines.append(f"sender: {sender_words(report)}")
    return table(rows) + "".join(f'<p class="dim">{escape(line)}</p>' for line in lines)


def _times(report: Report) -> str:
    columns = map(percent_name, PERCENTS), in_ms(report.latency), in_ms(report.scheduling)
    return table([("", "latency", "sent late by"), *zip(*columns, strict=True)])


def rows_of(report: Report) -> list[Sequence[Second]]:
    """The seconds of a run, in as many rows as a chart has room for."""
    seconds, wide = report.seconds, _wide(report)
    return [seconds[at : at + wide] for at in range(0, len(seconds), wide)]


def _wide(report: Report) -> int:
    return max(1, -(-len(report.seconds) // MAX_BARS))


def middle(row: Sequence[Second]) -> float:
    """When a row of seconds is halfway through."""
    return row[0].at_s + len(row) / 2


def _rates(report: Report) -> str:
    rows = rows_of(report)
    during = [r for r in rows if r[0].at_s * 1_000_000 < report.length_us]  # then only replies come
    series = [
        Series(name, colour, [(middle(r), mean(getattr(s, field) for s in r)) for r in of], width)
        for name, colour, field, of, width in (
            ("intended", "c6", "due", during, 9),
            ("sent", "c3", "sent", during, 4.5),
            ("answered", "c2", "answered", rows, 1.8),
        )
    ]
    high = max((y for one in series for _, y in one.points), default=1)
    y = linear(high, whole=True)
    return figure("Rate", over_time(report, y, "requests per second", series))


def _latency(report: Report) -> str:
    rows = [[s for s in row if s.max_us] for row in rows_of(report)]
    measured = [row for row in rows if row]
    if not measured:
        return section("Latency over time", NOTHING)
    series = [
        Series(name, colour, [(middle(r), of(getattr(s, field) for s in r) / 1000)
                              for r in measured])
        for name, colour, field, of in (
            ("max", "c4", "max_us", max),
            ("p99", "c3", "p99_us", mean),
            ("p95", "c5", "p95_us", mean),
            ("p50", "c1", "p50_us", mean),
        )
    ]  # fmt: skip
    low = min(y for _, y in series[-1].points)
    high = max(y for _, y in series[0].points)
    return figure("Latency over time", over_time(report, logarithmic(low, high), "ms", series))


def _failures(report: Report) -> str:
    kinds = sorted(report.counts.failures, key=lambda kind: -report.counts.failures[kind])
    if not kinds:
        return section("Failures", '<p class="good">✓ none</p>')
    rows = rows_of(report)
    named: dict[str, tuple[str, ...]] = {kind: (kind,) for kind in kinds}
    if len(kinds) > len(FAILURES):
        named = {kind: (kind,) for kind in kinds[: len(FAILURES) - 1]}
        named["all others"] = tuple(kinds[len(named) :])
    series = [
        Series(name, colour, _bars(rows, of))
        for colour, (name, of) in zip(FAILURES, named.items(), strict=False)
    ]
    high = max(sum(sum(s.failures.values()) for s in row) / len(row) for row in rows)
    wide = _wide(report)
    y = linear(high, whole=wide == 1)
    chart = over_time(report, y, "requests per second", series)
    return figure("Failures", replace(chart, bar=wide))


def _bars(rows: Sequence[Sequence[Second]], kinds: Sequence[str]) -> list[Point]:
    """The failures of the kinds per second, a point for each row of seconds that has any."""
    sums = ((row, sum(s.failures.get(kind, 0) for s in row for kind in kinds)) for row in rows)
    return [(row[0].at_s, n / len(row)) for row, n in sums if n]


def over_time(
    report: Report, y: Axis, unit: str, series: Sequence[Series], own: bool = True
) -> Chart:
    """A chart over the seconds of the run; its `own` has the acts' beginnings and hints."""
    short, wide = own and len(report.seconds) <= MAX_BARS, _wide(report)
    x, of = timeline(max(1, len(report.seconds)))
    return Chart(
        x=x,
        y=y,
        series=series,
        x_title=f"{of} since the start" + (f"; means of {wide} s" if wide > 1 else ""),
        y_title=unit,
        marks=[(act.at_us / 1e6, act.name) for act in report.acts if own and act.name],
        hints=[(s.at_s, 1, _hint(s)) for s in report.seconds] if short else [],
    )


def _hint(s: Second) -> str:
    failures = "".join(f"\n{kind} {n}" for kind, n in s.failures.items())
    times = f"p50 {s.p50_us / 1000:g}, p95 {s.p95_us / 1000:g}, p99 {s.p99_us / 1000:g}, "
    rates = f"intended {s.due}, sent {s.sent}, answered {s.answered}"
    return f"second {s.at_s}\n{rates}\n{times}max {s.max_us / 1000:g} ms{failures}"


def _percentiles(report: Report) -> str:
    name = "latency from the intended send time, of answered and timed-out requests"
    return percentiles([(name, "c1", report.latency)])


def percentiles(named: Sequence[tuple[str, str, Histogram]]) -> str:
    """HdrHistogram's plot of each (name, colour): the nines evenly apart, as far as `BEYOND`
    requests lie beyond.
    """
    title, fewest = "Latency by percentile", min(latency.count for _, _, latency in named)
    if fewest < 4 * BEYOND:
        words = f"needs {4 * BEYOND} requests with a latency, and there are {fewest}"
        return section(title, f'<p class="dim">{words}</p>')
    series = [Series(name, colour, _curve(latency)) for name, colour, latency in named]
    most = max(one.points[-1][0] for one in series)
    ticks = [
        (1 / (1 - nines), f"{100 * nines:g} %") for nines in NINES if most * (1 - nines) > 0.99
    ]
    y = logarithmic(
        min(one.points[0][1] for one in series), max(one.points[-1][1] for one in series)
    )
    return figure(title, Chart(Axis(2, most, ticks, log=True), y, series, "percentile", "ms"))


def _curve(latency: Histogram) -> list[Point]:
    most = min(1e6, latency.count / BEYOND)
    rise = [2 * (most / 2) ** (step / STEPS) for step in range(STEPS + 1)]  # 1 of so many is beyond
    values = latency.percentiles_us(100 - 100 / one_of for one_of in rise)
    return [(one_of, value / 1000) for one_of, value in zip(rise, values, strict=True)]
